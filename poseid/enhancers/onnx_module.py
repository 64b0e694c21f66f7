"""An exported model in the shape of an enhancer, so that ``poseid evaluate`` can judge the very file that ships."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from poseid.enhancers.opponents.shaped import checked_sides
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.enhancers.run import Run


class OnnxModule(nn.Module):
    """features = what onnxruntime gives; the identity embedding is their direction, there is no pose code and no pose.

    Args:
        run: of :func:`poseid.enhancers.onnx_run.onnx_run`.
        dim: D.
        sides: "probe" or "both".
    """

    def __init__(self, run: Run, dim: int, sides: str) -> None:
        super().__init__()
        self.run = run
        self.dim = dim
        self.sides = checked_sides(sides)

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        enhanced = torch.from_numpy(self.run(features.numpy(), None if pose is None else pose.numpy()))
        rows = features.shape[0]
        return EnhancerOutput(
            enhanced, unit(enhanced), features.new_empty((rows, 0)), features.new_full((rows, 3), torch.nan)
        )
