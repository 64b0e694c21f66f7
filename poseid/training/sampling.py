"""Which rows a training step sees: balanced over people, and a pure function of (seed, epoch)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Sampler


def generator_for(seed: int, *key: int) -> torch.Generator:
    """A generator keyed by (seed, key…): Lightning's checkpoints hold no random state, so none is needed.

    >>> bool(torch.equal(torch.rand(2, generator=generator_for(1, 2)), torch.rand(2, generator=generator_for(1, 2))))
    True
    """
    mixed = seed & 0xFFFFFFFF
    for number in key:
        # The multiplier and the increment of Knuth's MMIX generator spread neighbouring keys.
        mixed = ((mixed ^ (number + 1)) * 6364136223846793005 + 1442695040888963407) % 2**63
    return torch.Generator().manual_seed(mixed)


REFERENCES = 2  # of the same person, that come with each probe for the detection term
FRONTAL_SHARE = 0.2  # of the draws: frontal probes are hardly corrected, and only show the gate what to leave alone
FRAMES = 8  # most rows of a set that the template term pools
SET_EVERY = 4  # one draw in so many comes with a set
FRAMES_KEY = 0x667261  # keeps the draws of the sets apart from those of the rows
MIN_DIVISION_STEPS = 2  # an epoch has at least so many steps for each division, however few the rows


class Counts(NamedTuple):
    """(P,) how many rows of each kind a person has; of each kind they are stored one person after another."""

    probes: Tensor
    """Video rows."""
    front: Tensor
    """Front rows."""
    references: Tensor
    """The raw references of the detection term: front rows and frontal video rows."""
    not_frontal: Tensor
    """Of ``probes``, those that are not frontal; they are stored first."""


class Groups(NamedTuple):
    """The rows that may be pooled with each other: those of one template, or of one person without templates."""

    of_row: Tensor
    """(n,) the group of each row."""
    order: Tensor | None
    """(n,) rows, group after group, profile rows first; None: they lie in that order."""
    size: Tensor
    """(G,) rows of each group."""
    profile: Tensor
    """(G,) profile rows of each group."""


def draw_frames(row: Tensor, groups: Groups, generator: torch.Generator) -> Tensor:
    """Draws a set of 2 … ``FRAMES`` rows from the group of each row, every other set of profile rows.

    Args:
        row: (T,) rows whose groups are drawn from.

    Returns:
        (FRAMES, T) rows, −1 where the set is smaller; the rows of a set differ, so that one of a small group may be
        smaller than drawn.
    """
    group = groups.of_row[row]
    u = torch.rand(FRAMES + 1, len(row), generator=generator, dtype=torch.float64)
    mixed = (torch.arange(len(row)) % 2 == 0) | (groups.profile[group] < 2)
    local = (u[:FRAMES] * torch.where(mixed, groups.size[group], groups.profile[group])).long()
    index = (groups.size.cumsum(0) - groups.size)[group] + local
    rows = index if groups.order is None else groups.order[index]
    number = torch.arange(FRAMES)
    chosen = number[:, None] < 2 + (u[FRAMES] * (FRAMES - 1)).long()
    earlier = (number[:, None] > number)[:, :, None]
    return rows.masked_fill(~chosen | ((rows[:, None] == rows[None]) & earlier).any(dim=1), -1)


def draw(people: Tensor, counts: Counts, total: int, generator: torch.Generator) -> Tensor:
    """Draws in which each of the people comes equally often (within one).

    They come in a fresh random order again and again; each time, one of the person's rows (a frontal one in
    ``FRONTAL_SHARE`` of the draws, where there are both kinds), another row of the same person as its partner (the row
    itself where there is no other), one of the front rows and ``REFERENCES`` references.

    Args:
        people: (Q,) numbers of the people to draw from.
        counts: of all people.
        total: number of draws.

    Returns:
        (3 + REFERENCES, total) indices: row, partner, front row, references.
    """
    passes = -(-total // len(people))
    person = people[torch.rand(passes, len(people), generator=generator).argsort(dim=1).reshape(-1)[:total]]
    u = torch.rand(4 + REFERENCES, total, generator=generator, dtype=torch.float64)
    first_row, first_front, first_reference, _ = (count.cumsum(0) - count for count in counts)
    count, not_frontal = counts.probes[person], counts.not_frontal[person]
    of_frontal = (not_frontal == 0) | ((not_frontal < count) & (u[3] < FRONTAL_SHARE))
    local = torch.where(of_frontal, not_frontal + u[0] * (count - not_frontal), u[0] * not_frontal).long()
    step = 1 + (u[1] * (count - 1)).long()
    partner = (local + step) % count
    front = (u[2] * counts.front[person]).long()
    references = first_reference[person] + (u[4:] * counts.references[person]).long()
    own = torch.stack([first_row[person] + local, first_row[person] + partner, first_front[person] + front])
    return torch.cat([own, references])


class BalancedBatches(Sampler[Tensor]):
    """Yields (3 + REFERENCES + FRAMES, B) index tensors, each of one division of the people; these take turns.

    The first 3 + REFERENCES rows are a draw, see :func:`draw`; the others are the set of :func:`draw_frames` in the
    first B / 4 columns, and −1 in the others.

    Lightning tells it the epoch through ``set_epoch``. Under DDP each rank takes its own slice of the same global draw,
    so that world × B rows make one step. An epoch has as many draws as there are rows, and at least two steps for each
    division.

    Args:
        counts: of each person.
        groups: of the rows.
        division: (P,) 0 … K − 1.
        batch_size: B.
        seed: of the draws.
        same: whether every epoch has the batches of the first.
    """

    def __init__(
        self,
        counts: Counts,
        groups: Groups,
        division: Tensor,
        batch_size: int,
        seed: int,
        same: bool = False,
    ) -> None:
        self.counts = counts
        self.groups = groups
        of_division = [(division == number).nonzero()[:, 0] for number in range(int(division.max()) + 1)]
        self.people = [people for people in of_division if len(people)]
        self.batch_size = batch_size
        self.seed = seed
        self.same = same
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = 0 if self.same else epoch

    def _ranks(self) -> tuple[int, int]:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def __len__(self) -> int:
        total = int(self.counts.probes.sum())
        return max(MIN_DIVISION_STEPS * len(self.people), total // (self.batch_size * self._ranks()[1]))

    def __iter__(self) -> Iterator[Tensor]:
        rank, world = self._ranks()
        size = self.batch_size * world
        division_steps = -(-len(self) // len(self.people))
        drawn = [
            draw(people, self.counts, division_steps * size, generator_for(self.seed, self.epoch, number))
            for number, people in enumerate(self.people)
        ]
        for step in range(len(self)):
            start = step // len(self.people) * size
            block = drawn[step % len(self.people)][:, start : start + size]
            sets = max(1, self.batch_size // SET_EVERY) * world  # as many on each rank
            frames = torch.full((FRAMES, size), -1)
            generator = generator_for(self.seed, self.epoch, step, FRAMES_KEY)
            frames[:, :sets] = draw_frames(block[0, :sets], self.groups, generator)
            yield torch.cat([block, frames])[:, rank::world]
