"""poseid: take the head pose out of face vectors, and prove on people never seen that it helped.

>>> import numpy as np
>>> enhancer = load("raw")  # or a run directory, a .safetensors, a .ckpt or an .onnx
>>> enhancer.enhance(np.array([3.0, 4.0]), poses=[45.0, 0.0, 0.0])
array([3., 4.])
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from poseid.enhancers.api import LoadedEnhancer

__version__ = "0.1.0"


def load(model: str | Path) -> LoadedEnhancer:
    """Opens an enhancer, ready to be called.

    Args:
        model: a run or baseline directory, a ``.safetensors``, a ``.ckpt``, an ``.onnx`` (which needs onnxruntime but
            no torch), or ``"raw"``, which hands vectors through as they are.

    Returns:
        A :class:`poseid.enhancers.api.LoadedEnhancer`: call its ``enhance(features, poses=None)``.

    Raises:
        poseid.errors.InputError: there is no such model, the file is damaged, or not one of poseid.
    """
    # numpy and torch are imported when a model is opened, not with the package
    from poseid.enhancers.api import open_enhancer

    return open_enhancer(model)
