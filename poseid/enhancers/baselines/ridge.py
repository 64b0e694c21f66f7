"""Ridge: a linear correction of profile rows towards the person's frontal mean; no metric and nothing trained."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from poseid.enhancers.baselines.baseline import FitData, FitOptions, GatedBaseline, rows_to_fit
from poseid.enhancers.closed_form import ridge_regression
from poseid.enhancers.model import unit, unit_and_length
from poseid.enhancers.training_rows import TrainingRows
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Ridge(GatedBaseline):
    """features = |x| · unit(x̂ + g · ((I + A)(x̂ − μ) − x̂)), with g the gate of the enhancers.

    A profile row becomes x̂ − μ + A(x̂ − μ): the mean μ of all profiles is subtracted and not replaced by the mean
    of the frontal rows, since what all people have in common raises impostor scores. A frontal row stays.
    """

    summary = "a gated ridge regression to the person's frontal mean"
    options = ("lambda", "sides")
    matrix: Tensor
    centre: Tensor

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        self.register_buffer("matrix", torch.eye(dim))
        self.register_buffer("centre", torch.zeros(dim))

    def corrected(self, x: Tensor) -> Tensor:
        """(N, D) unit rows to (N, D), every row taken for a profile: (I + A)(x̂ − μ)."""
        return (x - self.centre) @ self.matrix.T

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        x, length = unit_and_length(features)
        corrected: Tensor = x + self.gate(x, length, pose) * (self.corrected(x) - x)
        return corrected

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """Fitted on training and validation people; a penalty that is not given is chosen by fits on the former."""
        found = penalty_for(data, options)
        self.fit_people(data.train_and_validation, found["lambda"])
        return found

    def fit_people(self, people: FeatureSet, penalty: float) -> None:
        """A = argmin Σ |(c − x̂) − mean − A(x̂ − μ)|² + penalty · |A|² over the profile rows of these people.

        c is the unit mean of the person's frontal unit rows, of both files; the penalty (option ``lambda``) is in
        absolute units, beside a sum (not a mean) over rows.

        Raises:
            InputError: the penalty is not a positive number, or as `rows_to_fit`.
        """
        if not (math.isfinite(penalty) and penalty > 0):
            raise InputError(f"lambda: {penalty} is not a positive number")
        rows = rows_to_fit(people)
        self.fit_gate(rows)
        self.solve(rows, penalty)

    @torch.no_grad()
    def solve(self, rows: TrainingRows, penalty: float) -> None:
        """Sets A and μ; the gate stays as it is."""
        x, _ = rows.units()
        chosen = rows.profile & rows.has_frontal()
        target = unit(rows.frontal_means(x))[rows.person[chosen]]
        x = x[chosen]
        centre, missing = x.mean(dim=0), target - x
        x, missing = x - centre, missing - missing.mean(dim=0)
        gram = x.T @ x
        # Below 1e-12 of the trace, rounding could leave a matrix without a Cholesky factor.
        penalties = torch.full_like(centre, max(penalty, 1e-12 * float(gram.trace())))
        correction = ridge_regression(gram, x.T @ missing, penalties)
        self.matrix.copy_(torch.eye(len(centre), dtype=x.dtype) + correction.T)
        self.centre.copy_(centre)


def penalty_for(data: FitData, options: FitOptions) -> dict[str, Any]:
    """The penalty as given, or the one of `PENALTIES` whose ridge of training people is best on validation people.

    Of equally good ones the largest: it changes least.
    """
    if options.penalty is not None:
        return {"lambda": options.penalty, "chosen_on_validation": False}
    rows = rows_to_fit(data.train)
    ridge = Ridge(data.train.dim).eval()
    ridge.fit_gate(rows)
    scores = {}
    for penalty in PENALTIES:
        ridge.solve(rows, penalty)
        scores[penalty] = data.score(ridge)
    best = max(penalty for penalty in PENALTIES if scores[penalty] == min(scores.values()))
    tried = {f"{penalty:g}": score for penalty, score in scores.items()}
    return {"lambda": best, "chosen_on_validation": True, "tried": tried}
