"""Raw: the vector as it came."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from poseid.enhancers.baselines.baseline import Baseline, FitData, FitOptions
from poseid.enhancers.model import EnhancerOutput, output_of


class Raw(Baseline):
    """features = x, bit for bit; the pose plays no part, and nothing is fitted."""

    summary = "nothing: vectors come out as they went in"
    options = ()

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        return {}

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        return output_of(features)
