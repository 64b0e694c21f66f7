"""What all baselines share: their call, their options, and what they are fitted on."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from poseid.enhancers.gate import Gate, fit_gate
from poseid.enhancers.model import EnhancerOutput, Model, checked_sides, output_of, unit, unit_and_length
from poseid.enhancers.training_rows import TrainingRows, training_rows
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

FEWEST_ROWS = 2  # profile rows that a fit needs
BATCH, MAX_EPOCHS, PATIENCE, LEARNING_RATE = 128, 20, 5, 1e-3  # of the baselines that are networks


@dataclass(frozen=True)
class FitOptions:
    """How a baseline is fitted.

    Attributes:
        penalty: of ridge and wccn, the option "lambda"; None: chosen on validation people.
        sides: "probe" or "both"; None: the default of the baseline.
        seed: of initial weights, order and draws.
    """

    penalty: float | None = None
    sides: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class FitData:
    """The people outside the test that a baseline is fitted on.

    Attributes:
        train: training people.
        train_and_validation: both together.
        score: of a model on the validation people; lower is better.
    """

    train: FeatureSet
    train_and_validation: FeatureSet
    score: Callable[[Model], float]


class Baseline(Model):
    """features = |x| · unit(direction(x, pose)); no pose code and no predicted pose.

    To add one: a module with a subclass that has ``direction`` and ``fit``, and a line in
    :mod:`poseid.enhancers.registry`.

    Args:
        dim: D.
        sides: "probe" or "both".

    Raises:
        InputError: other sides.
    """

    options: ClassVar[tuple[str, ...]] = ("sides",)
    """What ``fit`` lets a user choose: of "lambda", "sides" and "seed"."""

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        """(N, D) the direction of the enhanced rows, of any length."""
        raise NotImplementedError

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """Fits in place.

        Returns:
            What was given and what was chosen, for the header of the file.

        Raises:
            InputError: too few rows of a kind, or an option out of range.
        """
        raise NotImplementedError

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        _, length = unit_and_length(features)
        return output_of(unit(self.direction(features, pose)) * length)


class GatedBaseline(Baseline):
    """A baseline with the gate of the enhancers, which is fitted on vectors and not trained."""

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        self.gate = Gate(dim).requires_grad_(False)

    def fit_gate(self, rows: TrainingRows) -> None:
        """Fits the gate on rows of both kinds."""
        fit = fit_gate(rows.features, rows.frontal, rows.profile)
        assert fit is not None
        self.gate.store(fit)


def rows_to_fit(people: FeatureSet) -> TrainingRows:
    """Front and video rows of some people.

    Raises:
        InputError: fewer than two profile rows of people who also have a frontal row.
    """
    rows = training_rows(people)
    usable = int((rows.profile & rows.has_frontal()).sum())
    if usable < FEWEST_ROWS:
        raise InputError(
            f"{people.name}: {usable} profile rows (|yaw| > 45, or source profile/…) of training people who also "
            f"have a frontal row: a baseline needs at least {FEWEST_ROWS} to be fitted"
        )
    return rows


def known_yaw(pose: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows have a pose, (N, 1) bool, and their yaw in degrees, (N, 1), 0 where unknown."""
    known = torch.isfinite(pose).all(dim=-1, keepdim=True)
    return known, torch.where(known, pose[:, :1], torch.zeros_like(pose[:, :1]))


def train_early_stopped(
    module: Model,
    loss: Callable[[Tensor, torch.Generator], Tensor],
    rows: int,
    score: Callable[[Model], float],
    seed: int,
) -> int:
    """Adam on shuffled batches; the weights of the best epoch are restored.

    Args:
        module: what is trained, in place; left in evaluation mode.
        loss: of a batch of row numbers; draws, if any, come from the generator.
        rows: how many rows there are.
        score: taken after every epoch; training ends after 5 epochs without a better one, at most 20.
        seed: of the order and of the draws.

    Returns:
        The selected epoch, from 1.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], lr=LEARNING_RATE)
    best, best_epoch, state = float("inf"), 0, copy.deepcopy(module.state_dict())
    for epoch in range(1, MAX_EPOCHS + 1):
        module.train()
        for batch in torch.split(torch.randperm(rows, generator=generator), BATCH):
            if len(batch) < 2 and rows > 1:
                continue  # batch normalisation has no variance of one row
            optimizer.zero_grad()
            torch.autograd.backward(loss(batch, generator))
            optimizer.step()
        module.eval()
        current = score(module)
        if current < best:
            best, best_epoch, state = current, epoch, copy.deepcopy(module.state_dict())
        elif epoch - best_epoch >= PATIENCE:
            break
    module.load_state_dict(state)
    return best_epoch
