"""From a model's name and options to a network. To add an enhancer: write its file, add it here and to conf/model/."""

from __future__ import annotations

import inspect
from typing import Any

import torch

from poseid.enhancers.enhancer import Enhancer
from poseid.enhancers.opponents.dream import Dream
from poseid.enhancers.opponents.mean_subtraction import MeanSubtraction
from poseid.enhancers.opponents.raw import Raw
from poseid.enhancers.opponents.ridge import Ridge
from poseid.enhancers.opponents.srt import Srt
from poseid.enhancers.opponents.wccn import Wccn
from poseid.enhancers.pose_transformer import PoseTransformer
from poseid.enhancers.residual import ResidualEnhancer
from poseid.errors import InputError

CLASSES: dict[str, type[Enhancer]] = {"residual": ResidualEnhancer, "pose_transformer": PoseTransformer}

OPPONENTS: dict[str, type[torch.nn.Module]] = {
    "raw": Raw,
    "mean_subtraction": MeanSubtraction,
    "ridge": Ridge,
    "wccn": Wccn,
    "dream": Dream,
    "srt": Srt,
}


def build(name: str, options: dict[str, Any]) -> Enhancer:
    """A fresh network that can be trained, drawn from torch's global generator.

    Args:
        name: one of ``CLASSES``; nothing else is ever instantiated.
        options: arguments of its constructor.

    Raises:
        InputError: unknown name or option.
    """
    if name not in CLASSES:
        raise InputError(f"model.name: {name!r} is not one of {', '.join(CLASSES)}")
    _check_options(name, CLASSES[name], options)
    return CLASSES[name](**options)


def build_saved(name: str, options: dict[str, Any]) -> torch.nn.Module:
    """The module that a header names, to load weights into: an enhancer or an opponent.

    Args:
        name: one of ``CLASSES`` or ``OPPONENTS``; nothing else is ever instantiated, whatever a file says.
        options: arguments of its constructor.

    Raises:
        InputError: unknown name or option.
    """
    if name in CLASSES:
        # Weights follow: what is drawn here must not disturb the caller's random numbers.
        with torch.random.fork_rng(devices=[]):
            return build(name, options)
    if name not in OPPONENTS:
        raise InputError(f"model.name: {name!r} is not one of {', '.join([*CLASSES, *OPPONENTS])}")
    _check_options(name, OPPONENTS[name], options)
    return OPPONENTS[name](**options)


def _check_options(name: str, model: type[torch.nn.Module], options: dict[str, Any]) -> None:
    known = inspect.signature(model).parameters
    for key in options:
        if key not in known:
            raise InputError(f"model.{key}: model {name} has no such option; it has {', '.join(known)}")


def parameter_count(module: torch.nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
