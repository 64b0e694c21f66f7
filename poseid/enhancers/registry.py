"""The registry of models. To add one: write its module and add a line here (an enhancer also to conf/model/)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from poseid.enhancers.baselines.baseline import Baseline
from poseid.enhancers.baselines.dream import Dream
from poseid.enhancers.baselines.mean_subtraction import MeanSubtraction
from poseid.enhancers.baselines.neural_aggregation import NeuralAggregation
from poseid.enhancers.baselines.raw import Raw
from poseid.enhancers.baselines.ridge import Ridge
from poseid.enhancers.baselines.srt import Srt
from poseid.enhancers.baselines.wccn import Wccn
from poseid.enhancers.enhancer import Enhancer
from poseid.enhancers.model import Model
from poseid.enhancers.pose_transformer import PoseTransformer
from poseid.enhancers.residual import ResidualEnhancer
from poseid.errors import InputError

ENHANCERS: dict[str, type[Enhancer]] = {"residual": ResidualEnhancer, "pose_transformer": PoseTransformer}

BASELINES: dict[str, type[Baseline]] = {
    "raw": Raw,
    "mean_subtraction": MeanSubtraction,
    "ridge": Ridge,
    "wccn": Wccn,
    "dream": Dream,
    "srt": Srt,
    "nan": NeuralAggregation,
}


def build(name: str, options: dict[str, Any]) -> Enhancer:
    """A new enhancer of ``ENHANCERS`` to train, drawn from torch's global generator.

    Raises:
        InputError: unknown name or option.
    """
    _check(name, options, ENHANCERS)
    return ENHANCERS[name](**options)


def build_saved(name: str, options: dict[str, Any]) -> Model:
    """The model that a header names, to load weights into; nothing else is ever made, whatever a file says.

    Raises:
        InputError: unknown name or option.
    """
    models: dict[str, type[Model]] = {**ENHANCERS, **BASELINES}
    _check(name, options, models)
    # Weights follow: what is drawn here must not disturb the caller's random numbers.
    with torch.random.fork_rng(devices=[]):
        return models[name](**options)


def _check(name: str, options: dict[str, Any], classes: Mapping[str, type[Model]]) -> None:
    if name not in classes:
        raise InputError(f"model.name: {name!r} is not one of {', '.join(classes)}")
    known = inspect.signature(classes[name]).parameters
    for key in options:
        if key not in known:
            raise InputError(f"model.{key}: model {name} has no such option; it has {', '.join(known)}")


def parameter_count(module: nn.Module) -> int:
    """Number of trainable numbers in a module."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
