"""Mean subtraction: removes what all heads of one pose have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from poseid.enhancers.baselines.baseline import FitData, FitOptions, GatedBaseline, known_yaw, rows_to_fit
from poseid.enhancers.model import unit_and_length
from poseid.errors import InputError

EDGES = (15.0, 45.0)  # degrees of |yaw|, the bins closed towards the frontal head
MIDDLE = len(EDGES)  # the frontal bin


class MeanSubtraction(GatedBaseline):
    """features = |x| · unit(x̂ − (m_bin − m_frontal)), with m the mean unit row of a yaw bin.

    Bins [−90,−45) [−45,−15) [−15,15] (15,45] (45,90] degrees; what lies beyond belongs to the outer bins. From a
    row of unknown pose, p · (m_profile − m_frontal) is subtracted, with p = "is a profile" by `Gate`.
    """

    summary = "the mean of the head's yaw bin taken out"
    shift: Tensor
    unknown_shift: Tensor

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        self.register_buffer("shift", torch.zeros(2 * MIDDLE + 1, dim))
        self.register_buffer("unknown_shift", torch.zeros(dim))

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        x, length = unit_and_length(features)
        shift = self.gate.probability(x, length) * self.unknown_shift
        if pose is not None:
            known, yaw = known_yaw(pose)
            shift = torch.where(known, self.shift[yaw_bins(yaw[:, 0])], shift)
        return x - shift

    @torch.no_grad()
    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """The means of the rows of training and validation people; a bin without rows shifts nothing.

        Raises:
            InputError: no row of known pose within 15 degrees, or as `rows_to_fit`.
        """
        people = data.train_and_validation
        rows = rows_to_fit(people)
        self.fit_gate(rows)
        x, _ = rows.units()
        yaw = torch.from_numpy(np.concatenate([people.front.poses[:, 0], people.video.poses[:, 0]]))
        bins = torch.where(yaw.isfinite(), yaw_bins(yaw), -1)
        if not (bins == MIDDLE).any():
            raise InputError(
                f"{people.name}: mean_subtraction needs rows with a known |yaw| up to {EDGES[0]:g} degrees"
            )
        frontal = x[bins == MIDDLE].mean(dim=0)
        for n in range(2 * MIDDLE + 1):
            if n != MIDDLE and (bins == n).any():
                self.shift[n] = x[bins == n].mean(dim=0) - frontal
        self.unknown_shift.copy_(x[rows.profile].mean(dim=0) - x[rows.frontal].mean(dim=0))
        return {}


def yaw_bins(yaw: Tensor) -> Tensor:
    """(N,) degrees to (N,) bins 0 … 4.

    >>> yaw_bins(torch.tensor([-46.0, -45.0, 15.0, 45.0, 46.0]))
    tensor([0, 1, 2, 3, 4])
    """
    size = torch.bucketize(yaw.abs(), yaw.new_tensor(EDGES))
    return MIDDLE + torch.where(yaw < 0, -size, size)
