"""What every enhancer returns, and the two functions that all of them share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

SHORTEST = 1e-12  # length below which a row counts as zero


class EnhancerOutput(NamedTuple):
    """One batch of enhanced vectors and what the enhancer saw in them.

    Attributes:
        features: (N, D) enhanced vectors, of the lengths of the input unless ``norm="unit"``.
        identity: (N, K) identity embedding; K is D for ``residual`` and 256 for ``pose_transformer``.
        pose_code: (N, 128) pose code, from the vector alone.
        pose: (N, 3) predicted ``[yaw, pitch, roll]`` in degrees, from the vector alone.
    """

    features: Tensor
    identity: Tensor
    pose_code: Tensor
    pose: Tensor


def unit(x: Tensor) -> Tensor:
    """x / |x| along the last axis, in float32 at least; the zero vector stays zero.

    >>> unit(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    x = x if x.dtype == torch.float64 else x.float()
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / length.clamp_min(SHORTEST)


def with_length(direction: Tensor, features: Tensor, norm: str) -> Tensor:
    """|features| · unit(direction) for ``norm="keep"``, unit(direction) for ``norm="unit"``.

    The length of a face vector carries its quality, so it is handed on untouched by default.

    >>> with_length(torch.tensor([[0.0, 2.0]]), torch.tensor([[3.0, 4.0]]), "keep")
    tensor([[0., 5.]])
    """
    out = unit(direction)
    if norm == "keep":
        out = out * torch.linalg.vector_norm(features.to(out.dtype), dim=-1, keepdim=True)
    return out
