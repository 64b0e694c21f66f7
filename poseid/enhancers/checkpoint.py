"""Reading a checkpoint of a run without executing anything in it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from poseid.errors import InputError


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint of ours holds: ``state_dict`` and ``hyper_parameters`` at least.

    Raises:
        InputError: no such file, no checkpoint of ours, or one that holds more than tensors and plain values.
    """
    try:
        with warnings.catch_warnings():
            # Torch's remarks on strange files; what is wrong is said below, in one line.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
        content["state_dict"], content["hyper_parameters"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception:
        raise InputError(f"{path}: not a checkpoint of poseid, or damaged") from None
    return dict(content)
