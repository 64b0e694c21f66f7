"""From a model's name and options to a network. To add an enhancer: write its file, add it here and to conf/model/."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from poseid.enhancers.pose_transformer import PoseTransformer
from poseid.enhancers.residual import ResidualEnhancer
from poseid.errors import InputError

Enhancer = ResidualEnhancer | PoseTransformer

CLASSES: dict[str, type[Enhancer]] = {"residual": ResidualEnhancer, "pose_transformer": PoseTransformer}


def build(name: str, options: dict[str, Any]) -> Enhancer:
    """A fresh network, drawn from torch's global generator.

    Args:
        name: one of ``CLASSES``; nothing else is ever instantiated, whatever a file says.
        options: arguments of its constructor.

    Raises:
        InputError: unknown name or option.
    """
    if name not in CLASSES:
        raise InputError(f"model.name: {name!r} is not one of {', '.join(CLASSES)}")
    known = inspect.signature(CLASSES[name]).parameters
    for key in options:
        if key not in known:
            raise InputError(f"model.{key}: model {name} has no such option; it has {', '.join(known)}")
    return CLASSES[name](**options)


def parameter_count(module: torch.nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
