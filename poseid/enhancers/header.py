"""The header that every file of poseid carries, and what it tells of a model without running it. No torch here.

It is JSON among a file's metadata, in safetensors as in ONNX.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
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
        quantiles, direction = fingerprint["length_quantiles"], fingerprint["mean_direction"]
        numbers = [fingerprint["mean_length"], *quantiles, *direction]
        return len(quantiles) == 7 and len(direction) == fingerprint["dim"] and all(map(math.isfinite, numbers))
    except (KeyError, TypeError):
        return False


@dataclass(frozen=True)
class ModelInfo:
    """What a model says about itself; None where its header does not say.

    Attributes:
        model: name, such as "residual" or "ridge".
        dim: D, the number of numbers in a vector; None takes any ("raw").
        norm: "keep" returns vectors of the input's lengths, "unit" unit vectors.
        sides: "probe": enhance probes only and leave references as they are; "both": enhance both.
        fingerprint: statistics of the recogniser's vectors in training: ``dim``, ``rows``, ``mean_direction``,
            ``mean_length``, ``length_quantiles``; see :func:`poseid.features.fingerprint.fingerprint`.
        training_people: how many people it was trained on.
        validation_people: how many more chose among epochs and constants (a closed form is fitted on them as well).
        verdict: of its report: "helps", "no effect shown" or "harms".
        report: key figures of its report with intervals; see :func:`poseid.reports.key_figures.key_figures`.
        versions: of what made it.
    """

    model: str
    dim: int | None
    norm: str
    sides: str
    fingerprint: dict[str, Any] | None = field(repr=False)
    training_people: int | None
    validation_people: int | None
    verdict: str | None
    report: dict[str, Any] | None
    versions: dict[str, str] | None

    def check_dim(self, dim: int, file: str) -> None:
        """Refuses vectors of another D than the model's."""
        if self.dim not in (None, dim):
            raise InputError(
                f"{file}: vectors have {dim} numbers, the model {self.model} takes {self.dim}: give vectors of the "
                f"recogniser that it was trained on, or a model trained on these (python train.py data.dim={dim} …)"
            )


def info_of(header: dict[str, Any], dim: int | None) -> ModelInfo:
    """The header of a model in short.

    Args:
        header: as :func:`poseid.enhancers.saving.read_info` returns it.
        dim: D, None for any.

    >>> info_of({"model": {"name": "raw"}, "sides": "probe"}, None).training_people is None
    True
    """
    people = header.get("people") or {}
    report = header.get("report")
    return ModelInfo(
        model=str(header["model"]["name"]),
        dim=dim,
        norm=str(header["model"].get("norm", "keep")),
        sides=str(header.get("sides", "probe")),
        fingerprint=header.get("fingerprint"),
        training_people=len(people["train"]) if "train" in people else None,
        validation_people=len(people["validation"]) if "validation" in people else None,
        verdict=report.get("verdict") if report else None,
        report=report,
        versions=header.get("versions"),
    )
