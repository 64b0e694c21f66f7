"""Head pose inside the enhancers: smooth pose inputs, the prediction of the pose, and filling in what is not known."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

POSE_INPUTS = 8


def fill_pose(given: Tensor | None, predicted: Tensor) -> Tensor:
    """The given pose where it is known, the predicted one elsewhere.

    Args:
        given: (N, 3) degrees, a row with any NaN meaning "unknown", or None when nothing is known.
        predicted: (N, 3) degrees; used as a constant, so that only the pose loss trains it.

    Returns:
        (N, 3) degrees without NaN.

    >>> fill_pose(torch.tensor([[1.0, float("nan"), 0.0]]), torch.tensor([[7.0, 8.0, 9.0]]))
    tensor([[7., 8., 9.]])
    """
    predicted = predicted.detach()
    if given is None:
        return predicted
    known = torch.isfinite(given).all(dim=-1, keepdim=True)
    return torch.where(known, given.to(predicted.dtype), predicted)


def known_yaw(pose: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows have a pose, (N, 1) bool, and their yaw in degrees, (N, 1), 0 where unknown."""
    known = torch.isfinite(pose).all(dim=-1, keepdim=True)
    return known, torch.where(known, pose[:, :1], torch.zeros_like(pose[:, :1]))


def pose_inputs(pose: Tensor) -> Tensor:
    """Smooth, bounded functions of a pose in degrees, as inputs of a network: (N, 3) to (N, 8).

    sin and 1 − cos of yaw, sin of 2·yaw and |sin yaw|, sin and 1 − cos of pitch, and the same of roll;
    all are 0 for a frontal head.

    >>> pose_inputs(torch.zeros(1, 3)).abs().sum().item()
    0.0
    """
    radians = pose.clamp(-180.0, 180.0) * (math.pi / 180.0)
    pairs = torch.stack([radians.sin(), 1 - radians.cos()], dim=-1).flatten(-2)
    yaw = radians[..., :1]
    return torch.cat([pairs[..., :2], (2 * yaw).sin(), pairs[..., :1].abs(), pairs[..., 2:]], dim=-1)


class PoseHead(nn.Module):
    """Predicts the head pose in degrees from the pose code alone: (N, code_dim) to (N, 3)."""

    def __init__(self, code_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(code_dim, 64), nn.GELU(), nn.Linear(64, 3))

    def forward(self, code: Tensor) -> Tensor:
        # The network works in radians; degrees everywhere outside.
        degrees: Tensor = self.layers(code) * (180.0 / math.pi)
        return degrees
