"""The header that every file of poseid carries: JSON among a file's metadata, in safetensors as in ONNX."""

from __future__ import annotations

import json
import math
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
    except (KeyError, TypeError, ValueError, RecursionError):
        raise InputError(f"{path}: the header names no model; the file is damaged") from None
    if not _people_are_sound(info.get("people")):
        raise InputError(f"{path}: the people in the header are no lists of hashes; the file is damaged")
    if not _fingerprint_is_sound(info.get("fingerprint")):
        raise InputError(f"{path}: the fingerprint in the header holds no numbers; the file is damaged")
    return info


def _people_are_sound(people: Any) -> bool:
    if people is None:
        return True
    return isinstance(people, dict) and all(
        isinstance(value, str) if key == "salt" else isinstance(value, list) for key, value in people.items()
    )


def _fingerprint_is_sound(fingerprint: Any) -> bool:
    if fingerprint is None:
        return True
    try:
        numbers = [
            fingerprint["mean_length"],
            *fingerprint["length_quantiles"],
            *fingerprint["mean_direction"],
        ]
        quantiles, dimensions = len(fingerprint["length_quantiles"]), len(fingerprint["mean_direction"])
        return quantiles == 7 and dimensions == fingerprint["dim"] and all(math.isfinite(one) for one in numbers)
    except (KeyError, TypeError):
        return False
