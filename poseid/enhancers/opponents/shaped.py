"""What all opponents return, how they use the gate, and the check of the sides they are told to enhance."""

from __future__ import annotations

import torch
from torch import Tensor

from poseid.enhancers.gate import Gate
from poseid.enhancers.output import EnhancerOutput, unit, with_length
from poseid.errors import InputError

SIDES = ("probe", "both")


def checked_sides(sides: str) -> str:
    """The sides, or an `InputError` that names the two there are."""
    if sides not in SIDES:
        raise InputError(f"sides: {sides!r} is not one of {', '.join(SIDES)}")
    return sides


def gate_of(gate: Gate, features: Tensor, pose: Tensor | None) -> Tensor:
    """(N, 1) the gate's share of the correction for raw rows."""
    share: Tensor = gate(unit(features), _length(features), pose)
    return share


def profile_probability(gate: Gate, features: Tensor) -> Tensor:
    """(N, 1) how likely raw rows are profiles, by the vector alone."""
    probability: Tensor = gate.probability(unit(features), _length(features))
    return probability


def _length(features: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(features.float(), dim=-1, keepdim=True)
    return length


def shaped(direction: Tensor, features: Tensor) -> EnhancerOutput:
    """|features| · unit(direction); the identity embedding is unit(direction), there is no pose code and no pose.

    >>> out = shaped(torch.tensor([[0.0, 2.0]]), torch.tensor([[3.0, 4.0]]))
    >>> out.features, out.identity, out.pose_code.shape, out.pose
    (tensor([[0., 5.]]), tensor([[0., 1.]]), torch.Size([1, 0]), tensor([[nan, nan, nan]]))
    """
    n = features.shape[0]  # not len(): an export would keep it as the number of rows
    return EnhancerOutput(
        with_length(direction, features, "keep"),
        unit(direction),
        direction.new_empty((n, 0)),
        direction.new_full((n, 3), torch.nan),
    )
