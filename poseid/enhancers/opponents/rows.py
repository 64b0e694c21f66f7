"""The rows of some people in the form that opponents are fitted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from poseid.enhancers.gate import Gate, fit_gate
from poseid.errors import InputError
from poseid.features.rows import FRONTAL, PROFILE, FeatureSet


@dataclass(frozen=True, eq=False)
class FittingRows:
    """All rows, front and video, of P people.

    Attributes:
        unit: (n, D) unit rows.
        log_length: (n,) natural logarithm of the lengths that the rows came with.
        yaw: (n,) degrees, NaN unknown.
        frontal, profile: (n,) bool, by `Rows.kinds`.
        person: (n,) number of the person, 0 … P − 1.
        centroid: (P, D) unit mean of the person's frontal unit rows; zeros where there is none.
        anchored: (n,) bool, True where the person has a frontal row.
    """

    unit: NDArray[np.float64]
    log_length: NDArray[np.float64]
    yaw: NDArray[np.float64]
    frontal: NDArray[np.bool_]
    profile: NDArray[np.bool_]
    person: NDArray[np.int64]
    centroid: NDArray[np.float64]
    anchored: NDArray[np.bool_]

    def fit(self, gate: Gate) -> None:
        """Fits a gate on these rows."""
        features = torch.from_numpy(self.unit * np.exp(self.log_length)[:, None])
        fit = fit_gate(features, torch.from_numpy(self.frontal), torch.from_numpy(self.profile))
        if fit is not None:
            gate.store(fit)


def fitting_rows(*parts: FeatureSet) -> FittingRows:
    """The rows of one or several groups of people, front rows and video rows of each.

    Raises:
        InputError: fewer than two profile rows of people who also have a frontal row, or no frontal row.
    """
    rows = [side for part in parts for side in (part.front, part.video)]
    x = np.concatenate([np.asarray(side.features, dtype=np.float64) for side in rows])
    length = np.linalg.norm(x, axis=1)
    unit = x / length[:, None]
    kinds = np.concatenate([side.kinds() for side in rows])
    yaw = np.concatenate([side.poses[:, 0] for side in rows]).astype(np.float64)
    _, person = np.unique(np.concatenate([side.people for side in rows]), return_inverse=True)
    frontal, profile = kinds == FRONTAL, kinds == PROFILE
    centroid = np.zeros((int(person.max()) + 1, x.shape[1]))
    np.add.at(centroid, person[frontal], unit[frontal])
    size = np.linalg.norm(centroid, axis=1, keepdims=True)
    centroid /= np.where(size > 0, size, 1.0)
    anchored = (size[:, 0] > 0)[person]
    usable = int((profile & anchored).sum())
    if usable < 2:
        raise InputError(
            f"{parts[0].name}: {usable} profile rows (|yaw| > 45, or source profile/…) of training people who also "
            "have a frontal row: an opponent needs at least 2 to be fitted"
        )
    return FittingRows(unit, np.log(length), yaw, frontal, profile, person.astype(np.int64), centroid, anchored)
