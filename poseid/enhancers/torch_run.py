"""A saved model as a function of arrays, run by torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from poseid.enhancers.apply import returns_input
from poseid.enhancers.folded import for_use
from poseid.enhancers.models import dim_of, open_model
from poseid.enhancers.run import Float32, Run


def torch_run(text: str) -> tuple[Run | None, dict[str, Any], int]:
    """Opens a MODEL as :func:`poseid.enhancers.models.open_model` does.

    Returns:
        What enhances a block of rows, or None where rows go through as they are; the header; and D.
    """
    saved = open_model(text)
    return None if returns_input(saved.enhancer) else run_of(saved.enhancer), saved.info, dim_of(saved.enhancer)


def run_of(enhancer: nn.Module) -> Run:
    """What enhances a block of rows; folded, so that it differs from the enhancer itself by rounding."""
    module = for_use(enhancer)

    @torch.inference_mode()
    def run(features: Float32, poses: Float32 | None) -> Float32:
        pose = None if poses is None else torch.from_numpy(poses)
        enhanced: Float32 = module(torch.from_numpy(features), pose).numpy()
        return enhanced

    return run
