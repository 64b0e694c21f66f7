"""Ridge: a closed-form linear correction of profile rows towards the person's frontal centroid."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from poseid.enhancers.gate import Gate
from poseid.enhancers.opponents.rows import FittingRows, fitting_rows
from poseid.enhancers.opponents.shaped import checked_sides, gate_of, shaped
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

LAMBDAS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Ridge(nn.Module):
    """features = |x| · unit(x̂ + g · ((I + A)(x̂ − μ) − x̂)), with g the gate of the enhancers.

    A profile row becomes x̂ − μ + A(x̂ − μ): the mean μ of all profiles is taken out and not replaced by the mean
    of the frontal rows, since what all people have in common raises impostor scores. A frontal row stays.

    Args:
        dim: D.
        sides: "probe" or "both".
    """

    matrix: Tensor
    centre: Tensor

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)
        self.gate = Gate(dim).requires_grad_(False)
        self.register_buffer("matrix", torch.eye(dim))
        self.register_buffer("centre", torch.zeros(dim))

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def corrected(self, x: Tensor) -> Tensor:
        """(N, D) unit rows to (N, D), every row taken for a profile: (I + A)(x̂ − μ)."""
        return (x - self.centre) @ self.matrix.T

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        """(N, D) the direction of the enhanced rows, of any length."""
        x = unit(features)
        return x + gate_of(self.gate, features, pose) * (self.corrected(x) - x)

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        return shaped(self.direction(features, pose), features)


def fit_ridge(people: FeatureSet, strength: float, sides: str = "probe") -> Ridge:
    """A = argmin Σ |(c − x̂) − mean − A(x̂ − μ)|² + λ|A|² over the profile rows of these people.

    c is the unit mean of the person's frontal unit rows, of both files; λ is in absolute units, beside a sum (not
    a mean) over rows.

    Args:
        people: who it is fitted on.
        strength: λ, above 0.
        sides: of :class:`Ridge`.

    Raises:
        InputError: λ is not a positive number, or as `fitting_rows`.
    """
    if not (np.isfinite(strength) and strength > 0):
        raise InputError(f"lambda: {strength} is not a positive number")
    rows = fitting_rows(people)
    out = Ridge(people.dim, sides)
    rows.fit(out.gate)
    solve_ridge(out, rows, strength)
    return out.eval()


def solve_ridge(ridge: Ridge, rows: FittingRows, strength: float) -> None:
    """Sets A and μ of a ridge; its gate stays as it is."""
    chosen = rows.profile & rows.anchored
    x = rows.unit[chosen]
    missing = rows.centroid[rows.person[chosen]] - x
    centre = x.mean(axis=0)
    x = x - centre
    gram = x.T @ x
    gram[np.diag_indices_from(gram)] += strength
    correction = np.linalg.solve(gram, x.T @ (missing - missing.mean(axis=0)))
    ridge.matrix.copy_(torch.from_numpy(np.eye(len(centre)) + correction.T))
    ridge.centre.copy_(torch.from_numpy(centre))
