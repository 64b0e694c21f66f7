"""A saved model as a function of arrays, run by torch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from poseid.enhancers.api import Run
from poseid.enhancers.info import ModelInfo, info_of
from poseid.enhancers.models import dim_of, open_model


def torch_run(text: str) -> tuple[Run, ModelInfo]:
    """Opens a MODEL as :func:`poseid.enhancers.models.open_model` does.

    Returns:
        What enhances a block of rows, and what the model says about itself.
    """
    saved = open_model(text)
    enhancer = saved.enhancer

    @torch.inference_mode()
    def run(features: NDArray[np.float32], poses: NDArray[np.float32] | None) -> NDArray[np.float32]:
        pose = None if poses is None else torch.from_numpy(poses)
        enhanced: NDArray[np.float32] = enhancer(torch.from_numpy(features), pose).features.numpy()
        return enhanced

    return run, info_of(saved.info, dim_of(enhancer))
