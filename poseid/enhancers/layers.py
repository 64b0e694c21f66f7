"""Layers that both enhancers share: the head pose as an input and as a prediction, and the identity enhancer."""

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


class IdentityEnhancer(nn.Module):
    """Suppresses pose contamination in an identity embedding.

    cleaned = id − suppression · gate(code) · contamination(code),  out = id + residual · (cleaned − id)

    with gate a sigmoid and contamination a linear function of the pose code, both of width K.

    Args:
        identity_dim: K, width of the identity embedding.
        code_dim: width of the pose code.
        suppression: share of the contamination that is removed, in [0, 1] (0.3; conservative 0.2).
        residual: how far the output moves from the input to the cleaned embedding, in [0, 1] (0.5;
            conservative 0.7).
    """

    def __init__(self, identity_dim: int, code_dim: int, suppression: float, residual: float) -> None:
        super().__init__()
        self.suppression = suppression
        self.residual = residual
        self.gate = nn.Linear(code_dim, identity_dim)
        self.contamination = nn.Linear(code_dim, identity_dim)

    def forward(self, identity: Tensor, code: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(code))
        # out = id − residual · suppression · gate · contamination, in one pass
        return torch.addcmul(identity, gate, self.contamination(code), value=-self.residual * self.suppression)
