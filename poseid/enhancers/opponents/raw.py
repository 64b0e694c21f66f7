"""Raw: the vector as it came."""

from __future__ import annotations

from torch import Tensor, nn

from poseid.enhancers.opponents.shaped import checked_sides
from poseid.enhancers.output import EnhancerOutput, unit


class Raw(nn.Module):
    """features = x, bit for bit; the pose plays no part.

    Args:
        dim: D.
        sides: "probe" or "both", which is the same here.
    """

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        n = features.shape[0]  # not len(): an export would keep it as the number of rows
        return EnhancerOutput(
            features, unit(features), features.new_empty((n, 0)), features.new_full((n, 3), float("nan"))
        )
