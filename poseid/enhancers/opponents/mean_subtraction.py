"""Mean subtraction: what all heads turned alike have in common is taken out."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from poseid.enhancers.gate import Gate
from poseid.enhancers.opponents.rows import fitting_rows
from poseid.enhancers.opponents.shaped import checked_sides, profile_probability, shaped
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.enhancers.pose import known_yaw
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

EDGES = (15.0, 45.0)  # degrees of |yaw|, the bins closed towards the frontal head


class MeanSubtraction(nn.Module):
    """features = |x| · unit(x̂ − (m_bin − m_frontal)), with m the mean unit row of a yaw bin.

    Bins [−90,−45) [−45,−15) [−15,15] (15,45] (45,90] degrees; what lies beyond belongs to the outer bins. In a
    row of unknown pose, p · (m_profile − m_frontal) is taken out, with p = "is a profile" by `Gate`.

    Args:
        dim: D.
        sides: "probe" or "both".
    """

    shift: Tensor
    unknown_shift: Tensor

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)
        self.gate = Gate(dim).requires_grad_(False)
        self.register_buffer("shift", torch.zeros(2 * len(EDGES) + 1, dim))
        self.register_buffer("unknown_shift", torch.zeros(dim))

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        x = unit(features)
        shift = profile_probability(self.gate, features) * self.unknown_shift
        if pose is not None:
            known, yaw = known_yaw(pose)
            size = torch.bucketize(yaw[:, 0].abs(), yaw.new_tensor(EDGES))
            bins = len(EDGES) + torch.where(yaw[:, 0] < 0, -size, size)
            shift = torch.where(known, self.shift[bins], shift)
        return shaped(x - shift, features)


def fit_mean_subtraction(people: FeatureSet, sides: str = "probe") -> MeanSubtraction:
    """The means of the rows of these people; a bin without rows shifts nothing.

    Raises:
        InputError: no row of known pose within 15 degrees, or as `fitting_rows`.
    """
    rows = fitting_rows(people)
    known = np.isfinite(rows.yaw)
    size = np.searchsorted(EDGES, np.abs(rows.yaw), side="left")
    bins = np.where(known, len(EDGES) + np.where(rows.yaw < 0, -size, size), -1)
    middle = bins == len(EDGES)
    if not middle.any():
        raise InputError(f"{people.name}: mean_subtraction needs rows with a known |yaw| up to {EDGES[0]:g} degrees")
    frontal = rows.unit[middle].mean(axis=0)
    out = MeanSubtraction(people.dim, sides)
    rows.fit(out.gate)
    for n in range(2 * len(EDGES) + 1):
        if n != len(EDGES) and (here := bins == n).any():
            out.shift[n].copy_(torch.from_numpy(rows.unit[here].mean(axis=0) - frontal))
    both = rows.unit[rows.profile].mean(axis=0) - rows.unit[rows.frontal].mean(axis=0)
    out.unknown_shift.copy_(torch.from_numpy(both))
    return out.eval()
