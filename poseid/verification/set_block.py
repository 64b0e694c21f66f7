"""The SET of a report: one set of comparisons, raw against enhanced."""

from __future__ import annotations

import math
from collections.abc import MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.verification.bootstrap import Resampled, interval, resample_rates
from poseid.verification.impostors import Impostors
from poseid.verification.operating import Figures, det_curve, figures
from poseid.verification.rates import FMRS, MINIMUM_FALSE_MATCHES, fmr_label, why_null
from poseid.verification.scores import Compared

LABELS: tuple[str, ...] = tuple(fmr_label(f) for f in FMRS)

_CURVE = np.logspace(-6, 0, 61)[:-1]
_EDGES = np.linspace(-1.0, 1.0, 81)

Block = dict[str, Any]


def number(value: float | np.floating | None) -> float | None:
    """A plain float, or None for what is not a finite number (JSON has no NaN).

    >>> number(np.float64(0.5)), number(float("nan"))
    (0.5, None)
    """
    return None if value is None or not math.isfinite(value) else float(value)


def set_block(
    compared: Compared, weights: NDArray[np.integer] | None, path: str, reasons: MutableMapping[str, str]
) -> Block | None:
    """The SET of scored comparisons, or None where it is one-sided or empty.

    weights  resampled people, or None for no intervals
    path     where the SET stands in the report; `reasons` gets, by path, why something is null
    """
    genuine = compared.genuine
    missing = why_null(genuine.raw.size, compared.raw.total)
    if missing:
        reasons[path] = missing
        return None
    raw = figures(genuine.raw, compared.raw, FMRS)
    enhanced = figures(genuine.enhanced, compared.enhanced, FMRS, raw.thresholds)
    for f, label in zip(FMRS, LABELS, strict=True):
        too_few = why_null(genuine.raw.size, compared.raw.total, f)
        if too_few:
            reasons[f"{path}.{label}"] = too_few
    again: tuple[Resampled, Resampled] | None = None
    if weights is not None:
        points = (raw, enhanced)
        again = resample_rates(compared, weights, fmrs=FMRS, thresholds=raw.thresholds, points=points)
        if interval(again[0].eer) is None:
            reasons[f"{path}.ci95"] = "too few people: too many resamples hold no comparison of a kind"
    fmrs = _CURVE[compared.raw.total * _CURVE >= 1]
    return {
        "genuine": int(genuine.raw.size),
        "impostor": int(compared.raw.total),
        "raw": _rates(raw, again[0] if again else None),
        "enhanced": _rates(enhanced, again[1] if again else None),
        "difference": _difference(raw, enhanced, again),
        "fixed_threshold": {
            label: _fixed(n, raw, enhanced, again, f"{path}.fixed_threshold.{label}", reasons)
            for n, label in enumerate(LABELS)
        },
        "det": {
            "fmr": fmrs.tolist(),
            "raw": det_curve(genuine.raw, compared.raw, fmrs).tolist(),
            "enhanced": det_curve(genuine.enhanced, compared.enhanced, fmrs).tolist(),
        },
        "histogram": {
            "edges": _EDGES.tolist(),
            "raw": _histogram(genuine.raw, compared.raw),
            "enhanced": _histogram(genuine.enhanced, compared.enhanced),
        },
    }


def _rates(point: Figures, again: Resampled | None) -> Block:
    ci = [None] * len(LABELS) if again is None else [interval(column) for column in again.fnmr_at_fmr]
    known = [not math.isnan(value) for value in point.fnmr_at_fmr]
    return {
        "eer": number(point.eer),
        "eer_ci95": None if again is None else interval(again.eer),
        "fnmr_at_fmr": {label: number(value) for label, value in zip(LABELS, point.fnmr_at_fmr, strict=True)},
        "fnmr_at_fmr_ci95": {label: value if ok else None for label, value, ok in zip(LABELS, ci, known, strict=True)},
        "d_prime": number(point.d_prime),
    }


def _difference(raw: Figures, enhanced: Figures, again: tuple[Resampled, Resampled] | None) -> Block:
    """Enhanced less raw; intervals are those of the paired differences of each resample."""

    def change(mean: float, resampled: NDArray[np.float64] | None) -> Block:
        known = math.isfinite(mean)
        return {
            "mean": number(mean),
            "ci95": interval(resampled) if known and resampled is not None else None,
        }

    fnmr = {}
    for n, label in enumerate(LABELS):
        fnmr[label] = change(
            enhanced.fnmr_at_fmr[n] - raw.fnmr_at_fmr[n],
            None if again is None else again[1].fnmr_at_fmr[n] - again[0].fnmr_at_fmr[n],
        )
    eer = change(enhanced.eer - raw.eer, None if again is None else again[1].eer - again[0].eer)
    return {"eer": eer, "fnmr_at_fmr": fnmr}


def _fixed(
    n: int,
    raw: Figures,
    enhanced: Figures,
    again: tuple[Resampled, Resampled] | None,
    path: str,
    reasons: MutableMapping[str, str],
) -> Block:
    """Both forms at the raw threshold of an FMR, which stays the same in every resample."""
    known = not math.isnan(raw.thresholds[n])
    ratio, ratio_ci, difference_ci = math.nan, None, None
    if known and raw.fixed_fmr[n] > 0:
        ratio = enhanced.fixed_fmr[n] / raw.fixed_fmr[n]
    elif known:
        reasons[f"{path}.fmr_ratio"] = "no raw impostor score reaches the threshold: the highest scores are tied"
    if again is not None and known:
        before, after = again[0].fixed_fmr[n], again[1].fixed_fmr[n]
        if math.isfinite(ratio):
            # None before and none after is no change. None before and some after must count as a rise, or harm
            # would hide behind an interval without bounds: raw then counts as a thirtieth of its full-sample rate,
            # that is one false match at most, since fewer than 30 are not quoted.
            least = raw.fixed_fmr[n] / MINIMUM_FALSE_MATCHES
            ratio_ci = interval(np.where((before == 0) & (after == 0), 1.0, after / np.maximum(before, least)))
        difference_ci = interval(again[1].fixed_fnmr[n] - again[0].fixed_fnmr[n])
    return {
        "threshold": number(raw.thresholds[n]),
        "raw": {"fmr": number(raw.fixed_fmr[n]), "fnmr": number(raw.fixed_fnmr[n])},
        "enhanced": {"fmr": number(enhanced.fixed_fmr[n]), "fnmr": number(enhanced.fixed_fnmr[n])},
        "fmr_ratio": number(ratio),
        "fmr_ratio_ci95": ratio_ci,
        "fnmr_difference": number(enhanced.fixed_fnmr[n] - raw.fixed_fnmr[n]),
        "fnmr_difference_ci95": difference_ci,
    }


def _histogram(genuine: NDArray[np.floating], impostors: Impostors) -> Block:
    """Share of the scores in each of the bins between the edges."""
    rising = np.sort(genuine)
    inner = _EDGES[1:-1]
    below = np.concatenate([[0], np.searchsorted(rising, inner), [rising.size]]) / rising.size
    spots = np.searchsorted(impostors.falling, -inner, side="right")
    above = np.concatenate([[impostors.total], impostors.before(spots), [0]]) / impostors.total
    return {"genuine": np.diff(below).tolist(), "impostor": (-np.diff(above)).tolist()}
