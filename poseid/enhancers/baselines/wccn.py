"""WCCN after ridge: directions in which photos of one person differ count for less, on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseid.enhancers.baselines.baseline import Baseline, FitData, FitOptions
from poseid.enhancers.baselines.ridge import Ridge, penalty_for
from poseid.enhancers.closed_form import scaled_power, within_person_spectrum
from poseid.enhancers.model import unit
from poseid.enhancers.training_rows import training_rows
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

POWER = -0.25
SHRINKAGE = 1.0  # of the covariance, in mean eigenvalues


class Wccn(Baseline):
    """features = |x| · unit((W + εI)^−¼ r), r the unit row that :class:`Ridge` gives, W within-class covariance.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006) has power −½; −¼ is
    milder. ε is the mean eigenvalue of W. It changes the space that is compared in, so references are enhanced
    too.

    Args:
        dim: D.
        sides: "both"; "probe" is refused.
    """

    summary = "a ridge regression, then within-class covariance normalisation of both sides"
    options = ("lambda", "sides")
    whitening: Tensor

    def __init__(self, dim: int = 512, sides: str = "both") -> None:
        super().__init__(dim, sides)
        if sides != "both":
            raise InputError("sides: wccn changes the space of comparison and needs sides=both")
        self.ridge = Ridge(dim, sides)
        self.register_buffer("whitening", torch.eye(dim))

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        return unit(self.ridge.direction(features, pose)) @ self.whitening

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """As :meth:`Ridge.fit`, then W of the rows that the ridge gives."""
        found = penalty_for(data, options)
        self.fit_people(data.train_and_validation, found["lambda"])
        return found

    @torch.no_grad()
    def fit_people(self, people: FeatureSet, penalty: float) -> None:
        """W is the covariance of r around the mean of the person's rows, over all rows, front and video.

        Raises:
            InputError: as :meth:`Ridge.fit_people`, or no two rows of a person differ.
        """
        self.ridge.fit_people(people, penalty)
        rows = training_rows(people)
        poses = np.concatenate([people.front.poses, people.video.poses]).astype(np.float32)
        x = unit(self.ridge.direction(rows.features, torch.from_numpy(poses))).double()
        spectrum = within_person_spectrum(x, rows.person, SHRINKAGE)
        if spectrum is None:
            raise InputError(f"{people.name}: wccn needs people with several rows that differ")
        values, vectors = spectrum
        self.whitening.copy_((vectors * scaled_power(values, torch.tensor(POWER))) @ vectors.T)
