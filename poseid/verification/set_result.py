"""The result of one set of comparisons, raw against enhanced."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.verification.bootstrap import resample_rates
from poseid.verification.impostors import Impostors
from poseid.verification.operating_points import POINTS, Rates, det_curve, error_rates, strictest
from poseid.verification.rates import FMRS, LABELS, why_null
from poseid.verification.scores import Compared

_CURVE = np.logspace(-6, 0, 61)[:-1]
_EDGES = np.linspace(-1.0, 1.0, 81)


@dataclass(frozen=True)
class SetResult:
    """Error rates of a set; the FMRs are those of `FMRS`, in their order."""

    genuine: int
    """Number of comparisons."""
    impostor: int
    raw: Rates
    enhanced: Rates
    det: Mapping[str, NDArray[np.float64]]
    """`fmr`, and FNMR there of `raw` and `enhanced`."""
    histogram: Mapping[str, Any]
    """`edges`, and of `raw` and `enhanced` the share of `genuine` and `impostor` scores between two edges."""

    def operating_point(self) -> tuple[str, float | None]:
        """The FMR that the set is judged at and its raw threshold: 1e-3, else 1e-2; None with too few impostors."""
        thresholds = zip(LABELS, self.raw.thresholds.tolist(), strict=True)
        known = {label: threshold for label, threshold in thresholds if not math.isnan(threshold)}
        label = strictest(known) or POINTS[-1]
        return label, known.get(label)

    def to_dict(self) -> dict[str, Any]:
        """The SET of ``summary.json``."""
        return {
            "genuine": self.genuine,
            "impostor": self.impostor,
            "raw": rates_of(self.raw),
            "enhanced": rates_of(self.enhanced),
            "difference": differences(self.raw, self.enhanced),
            "fixed_threshold": fixed_threshold(self.raw, self.enhanced),
            "det": self.det,
            "histogram": self.histogram,
        }


def fixed_threshold(raw: Rates, enhanced: Rates) -> dict[str, Any]:
    """By FMR: the raw threshold, the rates of both forms there, and how they change."""
    change = enhanced.fnmr_at_raw_threshold - raw.fnmr_at_raw_threshold
    points = {}
    for n, label in enumerate(LABELS):
        ratio = enhanced.fmr_at_raw_threshold[n].over(raw.fmr_at_raw_threshold[n])
        points[label] = {"threshold": raw.thresholds[n]} | {
            form: {"fmr": rates.fmr_at_raw_threshold[n].number, "fnmr": rates.fnmr_at_raw_threshold[n].number}
            for form, rates in (("raw", raw), ("enhanced", enhanced))
        }
        points[label] |= {"fmr_ratio": ratio.number, "fmr_ratio_ci95": ratio.ci95}
        points[label] |= {"fnmr_difference": change[n].number, "fnmr_difference_ci95": change[n].ci95}
    return points


def rates_of(rates: Rates) -> dict[str, Any]:
    fnmr = {label: rates.fnmr_at_fmr[n] for n, label in enumerate(LABELS)}
    return {
        "eer": rates.eer.number,
        "eer_ci95": rates.eer.ci95,
        "fnmr_at_fmr": {label: one.number for label, one in fnmr.items()},
        "fnmr_at_fmr_ci95": {label: one.ci95 for label, one in fnmr.items()},
        "d_prime": rates.d_prime,
    }


def differences(raw: Rates, enhanced: Rates) -> dict[str, Any]:
    """The paired differences of EER and of FNMR at each FMR."""
    eer, fnmr = enhanced.eer - raw.eer, enhanced.fnmr_at_fmr - raw.fnmr_at_fmr
    return {
        "eer": {"mean": eer.number, "ci95": eer.ci95},
        "fnmr_at_fmr": {label: {"mean": fnmr[n].number, "ci95": fnmr[n].ci95} for n, label in enumerate(LABELS)},
    }


def set_result(
    compared: Compared, weights: NDArray[np.integer] | None, path: str, reasons: MutableMapping[str, str]
) -> SetResult | None:
    """The result of scored comparisons, or None where they are one-sided or empty.

    weights  resampled people, or None for no intervals
    path     of the set in the report; `reasons` gets, by path, why something is null
    """
    genuine, total = compared.genuine, compared.raw.total
    if why_not := why_null(genuine.raw.size, total):
        reasons[path] = why_not
        return None
    raw = error_rates(genuine.raw, compared.raw, FMRS)
    enhanced = error_rates(genuine.enhanced, compared.enhanced, FMRS, raw.thresholds)
    for f, label in zip(FMRS, LABELS, strict=True):
        if too_few := why_null(genuine.raw.size, total, f):
            reasons[f"{path}.{label}"] = too_few
    if weights is not None:
        points = (raw, enhanced)
        raw, enhanced = resample_rates(compared, weights, fmrs=FMRS, thresholds=raw.thresholds, points=points)
        if raw.eer.ci95 is None:
            reasons[f"{path}.ci95"] = "too few people: too many resamples hold no comparison of a kind"
    for n, label in enumerate(LABELS):
        if raw.fmr_at_raw_threshold.value[n] == 0:
            reasons[f"{path}.fixed_threshold.{label}.fmr_ratio"] = (
                "no raw impostor score reaches the threshold: the highest scores are tied"
            )
    fmrs = _CURVE[total * _CURVE >= 1]
    forms = (("raw", genuine.raw, compared.raw), ("enhanced", genuine.enhanced, compared.enhanced))
    det = {"fmr": fmrs} | {form: det_curve(scores, impostors, fmrs) for form, scores, impostors in forms}
    histogram = {"edges": _EDGES} | {form: _histogram(scores, impostors) for form, scores, impostors in forms}
    return SetResult(int(genuine.raw.size), int(total), raw, enhanced, det, histogram)


def _histogram(genuine: NDArray[np.floating], impostors: Impostors) -> dict[str, NDArray[np.float64]]:
    """Share of the scores in each of the bins between the edges."""
    inner = _EDGES[1:-1]
    below = np.searchsorted(np.sort(genuine), inner) / genuine.size
    above = impostors.before(np.searchsorted(impostors.negated, -inner, side="right")) / impostors.total
    return {
        "genuine": np.diff(np.concatenate([[0.0], below, [1.0]])),
        "impostor": -np.diff(np.concatenate([[1.0], above, [0.0]])),
    }
