"""What every enhancer and baseline is and returns, and what all of them do with lengths."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from poseid.errors import InputError
from poseid.features.rows import MIN_NORM

SIDES = ("probe", "both")


class EnhancerOutput(NamedTuple):
    """One batch of enhanced vectors and what the enhancer saw in them.

    Attributes:
        features: (N, D) enhanced vectors, of the lengths of the input unless ``norm`` says otherwise.
        identity: (N, K) identity embedding; K is D for ``residual`` and 256 for ``pose_transformer``.
        pose_code: (N, 128) pose code, from the vector alone.
        pose: (N, 3) predicted ``[yaw, pitch, roll]`` in degrees, from the vector alone.
        weight: (N,) weight of each row where the rows of a template are pooled, above 0.
    """

    features: Tensor
    identity: Tensor
    pose_code: Tensor
    pose: Tensor
    weight: Tensor


class Model(nn.Module):
    """The interface of enhancers, baselines and opened ONNX files: (N, D) rows and poses to :class:`EnhancerOutput`.

    Attributes:
        dim: D, the number of numbers in the vectors that it takes.
        sides: "probe" or "both": which sides of a comparison it is meant for.
    """

    summary: ClassVar[str] = ""
    """How it takes the head pose out, in a few words: for the card of a model."""
    dim: int
    sides: str

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        """(N, D) raw vectors and (N, 3) degrees, rows of NaN unknown, or None."""
        raise NotImplementedError

    def comparison_vectors(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features, unless a model compares in a space of its own."""
        return features

    def returns_input(self) -> bool:
        """Whether rows are returned bit for bit, without a rounding."""
        return False


def checked_sides(sides: str) -> str:
    """The sides, or an `InputError` that names the two there are."""
    if sides not in SIDES:
        raise InputError(f"sides: {sides!r} is not one of {', '.join(SIDES)}")
    return sides


def unit_and_length(x: Tensor) -> tuple[Tensor, Tensor]:
    """x / |x| (the zero vector stays zero) and |x| with shape (…, 1), in float32 at least."""
    x = x if x.dtype == torch.float64 else x.float()
    length: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / length.clamp_min(MIN_NORM), length


def unit(x: Tensor) -> Tensor:
    """x / |x| along the last axis, in float32 at least; the zero vector stays zero.

    >>> unit(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return unit_and_length(x)[0]


def with_length(direction: Tensor, length: Tensor, norm: str, weight: Tensor) -> Tensor:
    """unit(direction) for ``norm="unit"``, times (N, 1) ``length`` for "keep" and times (N,) ``weight`` for "weight".

    The length of a face vector carries its quality, so it is preserved by default. With "weight" the sum of enhanced
    rows is their weighted mean, up to a factor: a system that sums vectors pools by the weights without knowing them.

    >>> with_length(torch.tensor([[0.0, 2.0]]), torch.tensor([[5.0]]), "keep", torch.tensor([3.0]))
    tensor([[0., 5.]])
    """
    out = unit(direction)
    if norm == "keep":
        out = out * length
    return out * weight[:, None] if norm == "weight" else out


def output_of(enhanced: Tensor, weight: Tensor | None = None) -> EnhancerOutput:
    """The output of a model without codes: the identity embedding is unit(enhanced), the pose is unknown, and every row
    weighs 1 unless (N,) weights are given.

    >>> out = output_of(torch.tensor([[0.0, 5.0]]))
    >>> out.identity, out.pose_code.shape, out.pose
    (tensor([[0., 1.]]), torch.Size([1, 0]), tensor([[nan, nan, nan]]))
    """
    rows = enhanced.shape[0]  # not len(): an export would store it as a constant
    return EnhancerOutput(
        enhanced,
        unit(enhanced),
        enhanced.new_empty((rows, 0)),
        enhanced.new_full((rows, 3), torch.nan),
        enhanced.new_ones(rows) if weight is None else weight,
    )
