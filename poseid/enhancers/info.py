"""What is known about a model without running it: read from the header that every file of poseid carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelInfo:
    """What a model says about itself; None where its header does not say.

    Attributes:
        model: name, such as "residual" or "ridge".
        dim: D, the number of numbers in a vector; None takes any ("raw").
        norm: "keep" returns vectors of the input's lengths, "unit" unit vectors.
        sides: "probe": enhance probes only and leave references as they are; "both": enhance both.
        fingerprint: what the recogniser's vectors looked like in training: ``dim``, ``rows``, ``mean_direction``,
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


def kept_note(strength: float) -> str | None:
    """What a report says where not all of the correction ships; None where all of it does.

    Args:
        strength: share of the correction in what ships, in [0, 1].

    >>> kept_note(1.0) is None
    True
    """
    if strength == 0:
        return (
            "What ships leaves every vector's direction as it was (strength 0): every part of the correction did harm "
            "to people left out of the fit (false matches or refused pairs at the raw threshold, or frontal "
            "similarity). More test people cannot change that; more training people can."
        )
    if strength < 1:
        return f"{strength:g} of the correction ships (strength): more of it did harm to people left out of the fit."
    return None


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
