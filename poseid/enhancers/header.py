"""The header that every file of poseid carries: JSON among a file's metadata, in safetensors as in ONNX."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from poseid.errors import InputError

FORMAT = "poseid-enhancer-1"


def to_metadata(info: dict[str, Any]) -> dict[str, str]:
    """The header as a file's metadata: text by text."""
    return {"format": FORMAT, "poseid": json.dumps(info, ensure_ascii=False, sort_keys=True)}


def from_metadata(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The header in a file's metadata, checked.

    Raises:
        InputError: it is not one of ours, or names no model.
    """
    if metadata.get("format") != FORMAT:
        raise InputError(f"{path}: not an enhancer of poseid (its header does not say {FORMAT})")
    try:
        info: dict[str, Any] = json.loads(metadata["poseid"])
        info["model"]["name"]
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path}: the header names no model; the file is damaged") from None
    return info
