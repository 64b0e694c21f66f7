"""The file that ships: safetensors with the weights, and everything about them in the header. No pickle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import nn

from poseid.atomic import write_bytes
from poseid.enhancers.build import build_saved
from poseid.enhancers.header import from_metadata, to_metadata
from poseid.errors import InputError, first_line


@dataclass(frozen=True)
class SavedEnhancer:
    """An enhancer as loaded, and its header.

    Attributes:
        enhancer: in evaluation mode, on the CPU.
        info: the header: ``model`` (name and options), ``sides``, ``versions``, ``fingerprint``, ``people``, …
    """

    enhancer: nn.Module
    info: dict[str, Any]


def save_enhancer(enhancer: nn.Module, info: dict[str, Any], path: Path) -> None:
    """Writes an enhancer; the file appears whole.

    Args:
        enhancer: the network.
        info: JSON values; ``info["model"]`` = {"name": …, options of its constructor}.
        path: the file.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in enhancer.state_dict().items()}
    # not save_file, which makes files that nobody but their owner may read: a service is often another user
    write_bytes(path, save(tensors, metadata=to_metadata(info)))


def read_info(path: Path) -> dict[str, Any]:
    """The header of a saved enhancer, checked.

    Raises:
        InputError: the file is missing, no safetensors file, or not one of ours.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
    except Exception as error:
        raise InputError(f"{path}: not a readable safetensors file ({first_line(error)})") from None
    return from_metadata(path, metadata)


def load_enhancer(path: Path) -> SavedEnhancer:
    """Reads an enhancer. Only the classes that ``build_saved`` lists are ever made, whatever the header says.

    Raises:
        InputError: as :func:`read_info`, or the weights do not fit the model named in the header.
    """
    info = read_info(path)
    return SavedEnhancer(restored(path, info["model"], lambda: load_file(path)), info)


def restored(path: Path, model: dict[str, Any], state: Callable[[], dict[str, torch.Tensor]]) -> nn.Module:
    """The model that a file names, with the file's weights, in evaluation mode.

    Args:
        path: the file, for messages.
        model: "name" and the options of its constructor.
        state: gives the weights.

    Raises:
        InputError: unknown model or option, weights that do not fit it, or that are not finite.
    """
    options = dict(model)
    name = options.pop("name")
    try:
        enhancer = build_saved(name, options)
        enhancer.load_state_dict(state())
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path}: weights do not fit the model {name} ({first_line(error)})") from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in enhancer.state_dict().values()):
        raise InputError(f"{path}: weights hold NaN or infinity; the file is damaged")
    return enhancer.eval()
