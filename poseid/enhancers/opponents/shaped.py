"""What all opponents return, and the check of the sides they are told to enhance."""

from __future__ import annotations

import torch
from torch import Tensor

from poseid.enhancers.output import EnhancerOutput, unit, with_length
from poseid.errors import InputError

SIDES = ("probe", "both")


def checked_sides(sides: str) -> str:
    """The sides, or an `InputError` that names the two there are."""
    if sides not in SIDES:
        raise InputError(f"sides: {sides!r} is not one of {', '.join(SIDES)}")
    return sides


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
