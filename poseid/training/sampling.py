"""Which rows a training step sees: balanced over people, and a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import Sampler


def generator_for(seed: int, *key: int) -> torch.Generator:
    """A generator keyed by (seed, key…): Lightning's checkpoints hold no random state, so none is needed.

    >>> bool(torch.equal(torch.rand(2, generator=generator_for(1, 2)), torch.rand(2, generator=generator_for(1, 2))))
    True
    """
    mixed = seed & 0xFFFFFFFF
    for part in key:
        # The multiplier and the increment of Knuth's MMIX generator spread neighbouring keys.
        mixed = ((mixed ^ (part + 1)) * 6364136223846793005 + 1442695040888963407) % 2**63
    return torch.Generator().manual_seed(mixed)


def draw_epoch(rows: Tensor, fronts: Tensor, seed: int, epoch: int) -> Tensor:
    """One epoch of draws: as many as there are rows, with every person drawn equally often (within one).

    People come in a fresh random order again and again; each time, one of the person's rows, another row of
    the same person as its partner (the row itself where there is no other), and one of the person's front rows.

    Args:
        rows: (P,) number of video rows of each person, stored one person after another.
        fronts: (P,) number of front rows of each person, stored likewise.

    Returns:
        (3, Σ rows) indices: row, partner, front row.
    """
    generator = generator_for(seed, epoch)
    total, people = int(rows.sum()), len(rows)
    rounds = -(-total // people)
    person = torch.rand(rounds, people, generator=generator).argsort(dim=1).reshape(-1)[:total]
    u = torch.rand(3, total, generator=generator, dtype=torch.float64)
    first_row, first_front = rows.cumsum(0) - rows, fronts.cumsum(0) - fronts
    count = rows[person]
    local = (u[0] * count).long()
    step = 1 + (u[1] * (count - 1)).long()
    partner = (local + step) % count
    front = (u[2] * fronts[person]).long()
    return torch.stack([first_row[person] + local, first_row[person] + partner, first_front[person] + front])


class BalancedBatches(Sampler[Tensor]):
    """Yields (3, B) index tensors; Lightning tells it the epoch through ``set_epoch``.

    Under DDP each rank takes its own slice of the same global draw, so that world × B rows make one step.
    """

    def __init__(self, rows: Tensor, fronts: Tensor, batch_size: int, seed: int) -> None:
        self.rows = rows
        self.fronts = fronts
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def _ranks(self) -> tuple[int, int]:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def __len__(self) -> int:
        total = int(self.rows.sum())
        return max(1, total // (self.batch_size * self._ranks()[1]))

    def __iter__(self) -> Iterator[Tensor]:
        rank, world = self._ranks()
        draws = draw_epoch(self.rows, self.fronts, self.seed, self.epoch)
        for step in range(len(self)):
            start = step * self.batch_size * world
            block = draws[:, start : start + self.batch_size * world]
            yield block[:, rank::world]
