"""Pooled probes in `poseid compare`: each model's poolings, averaged over splits, and their paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from poseid.verification.cross_validation import combined_templates
from poseid.verification.estimates import Estimate
from poseid.verification.result import Evaluation
from poseid.verification.template_result import POOLINGS, TemplateResult, over_splits

_RAW = ("raw_mean", "raw_length", "raw_length_squared")


def compare_templates(models: Mapping[str, Sequence[Evaluation]], against: str | None) -> list[dict[str, Any]]:
    """``frames`` of ``compare.json``: [{k, by, sets: {profile, any}}], k null by template; empty if nothing is pooled.

    Args:
        models: the splits of each model, in one order; their ``frames`` are compared.
        against: the model whose weighted rows the others' are compared with, beside raw; None for none.

    Each set has the figures of ``raw`` by pooling, and by model those of its rows pooled by ``mean`` and ``weighted``,
    with the paired differences of weighted rows: ``against_raw`` by pooling, ``against_mean`` of its own rows,
    ``against``. Figures are means over the splits; a number of frames that one split cannot have is left out. Without
    rates ``raw`` is null, with the reason in ``null_reasons``.
    """
    found = {name: over_splits([one.frames for one in splits]) for name, splits in models.items()}
    entries: dict[int | None, dict[str, Any]] = {}
    for k, view in next(iter(found.values())):
        results = {name: combined_templates(of_model[k, view]) for name, of_model in found.items()}
        by = next(iter(results.values())).by
        entry = entries.setdefault(k, {"k": k, "by": by, "sets": {}})
        entry["sets"][view] = _compared(results, against)
    return list(entries.values())


def _compared(results: Mapping[str, TemplateResult], against: str | None) -> dict[str, Any]:
    first = next(iter(results.values()))
    block: dict[str, Any] = {
        "templates": first.templates,
        "people": first.people,
        "mean_frames": first.mean_frames,
        "length_carries_nothing": first.one_length,
        "raw": None,
        "models": {},
    }
    if not all(one.rates for one in results.values()):
        return block | {"null_reasons": dict(first.null_reasons)}
    figures = {name: {pooling: one.figures(pooling) for pooling in POOLINGS} for name, one in results.items()}
    raw = next(iter(figures.values()))
    block["raw"] = {pooling.removeprefix("raw_"): _numbers(raw[pooling]) for pooling in _RAW}
    for name, mine in figures.items():
        weighted = mine["enhanced_weighted"]
        block["models"][name] = {
            "mean": _numbers(mine["enhanced_mean"]),
            "weighted": _numbers(weighted),
            "against_raw": {p.removeprefix("raw_"): _differences(weighted, mine[p]) for p in _RAW},
            "against_mean": _differences(weighted, mine["enhanced_mean"]),
            "against": against and _differences(weighted, figures[against]["enhanced_weighted"]),
        }
    return block


def _numbers(figures: Mapping[str, Estimate]) -> dict[str, Any]:
    """{value, ci95} of each figure."""
    return {name: one.to_dict() for name, one in figures.items()}


def _differences(one: Mapping[str, Estimate], other: Mapping[str, Estimate]) -> dict[str, Any]:
    """Paired differences of what both have."""
    return {name: (figure - other[name]).to_dict() for name, figure in one.items() if name in other}
