"""WCCN after ridge: directions in which photos of one person differ count for less, on both sides."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from poseid.enhancers.opponents.ridge import Ridge, fit_ridge
from poseid.enhancers.opponents.rows import fitting_rows
from poseid.enhancers.opponents.shaped import shaped
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

POWER = 0.25


class Wccn(nn.Module):
    """features = |x| · unit((W + εI)^−¼ r), r the unit row that :class:`Ridge` gives, W within-class covariance.

    Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, Interspeech 2006) has power ½; ¼ is
    milder. ε is the mean eigenvalue of W. It changes the space that is compared in, so references are enhanced
    too.

    Args:
        dim: D.
        sides: "both"; "probe" is refused.
    """

    whitening: Tensor

    def __init__(self, dim: int = 512, sides: str = "both") -> None:
        super().__init__()
        if sides != "both":
            raise InputError("sides: wccn changes the space of comparison and needs sides=both")
        self.dim = dim
        self.sides = sides
        self.ridge = Ridge(dim, sides)
        self.register_buffer("whitening", torch.eye(dim))

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        return shaped(unit(self.ridge.direction(features, pose)) @ self.whitening, features)


def fit_wccn(people: FeatureSet, strength: float) -> Wccn:
    """W is the mean of (r − r̄)(r − r̄)ᵀ over all rows, front and video, r̄ the mean of the person's rows.

    Args:
        people: who it is fitted on.
        strength: λ of the ridge before it.

    Raises:
        InputError: as `fit_ridge`.
    """
    out = Wccn(people.dim)
    out.ridge = fit_ridge(people, strength, "both")
    parts = []
    for side in (people.front, people.video):
        x = torch.from_numpy(np.asarray(side.features, dtype=np.float32))
        pose = torch.from_numpy(np.asarray(side.poses, dtype=np.float32))
        parts.append(unit(out.ridge.direction(x, pose)).double().numpy())
    rows, person = np.concatenate(parts), fitting_rows(people).person
    mean = np.zeros((int(person.max()) + 1, rows.shape[1]))
    np.add.at(mean, person, rows)
    mean /= np.bincount(person)[:, None]
    apart = rows - mean[person]
    values, vectors = np.linalg.eigh(apart.T @ apart / len(apart))
    values = np.maximum(values, 0.0)
    if not values.any():
        raise InputError(f"{people.name}: wccn needs people with several rows that differ")
    whitening = (vectors * (values + values.mean()) ** -POWER) @ vectors.T
    # of a size that keeps a typical row about as long as it was; cosines do not depend on it
    out.whitening.copy_(torch.from_numpy(whitening * values.mean() ** POWER))
    return out.eval()
