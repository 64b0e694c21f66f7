"""Confidence bands of DET curves, by the bootstrap over people of `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.bootstrap import interval, resample_people, resample_rates
from poseid.verification.operating import Figures, det_curve
from poseid.verification.scores import compare
from poseid.verification.sets import set_parts
from poseid.verification.sides import Side, unit_side

MOST_COMPARISONS = 1 << 21
"""A set of more comparisons gets no band: its figures have intervals of their own, and a band would take minutes."""

MOST_RESAMPLES = 200

_HIGHEST_FMR = 0.5


@dataclass(frozen=True)
class DetBands:
    """95 % bands of FNMR at each of some FMRs; NaN where too few resamples have a value."""

    fmr: NDArray[np.float64]
    """(k,)"""
    raw: NDArray[np.float64]
    """(k, 2) lower and upper bound."""
    enhanced: NDArray[np.float64]


def det_bands(
    name: str, front: Side, video: Side, fmrs: NDArray[np.float64], resamples: int, seed: int = 0
) -> DetBands | None:
    """Bands of the DET curves of a set; None where they are not asked for or would take too long.

    name       the set, one of `all` and `frontal_profile`
    fmrs       rising; those above 0.5 are left out
    resamples  of people; at most `MOST_RESAMPLES` are made
    """
    fmrs = fmrs[fmrs <= _HIGHEST_FMR]
    if not resamples or not fmrs.size or not 0 < _comparisons(name, front, video) <= MOST_COMPARISONS:
        return None
    people, code = np.unique(np.concatenate([front.person, video.person]), return_inverse=True)
    f = unit_side(front, code[: len(front.person)].astype(np.int64), np.float32, "front")
    v = unit_side(video, code[len(front.person) :].astype(np.int64), np.float32, "video")
    compared = compare(set_parts(name, f, v), len(people), deepest_fmr=float(fmrs[-1]), with_people=True)
    if not compared.genuine.raw.size or not compared.raw.total:
        return None
    unasked = np.full(fmrs.size, np.nan)
    points = tuple(
        Figures(float(fmrs[-1]), np.nan, det_curve(scores, impostors, fmrs), unasked, unasked, unasked)
        for scores, impostors in (
            (compared.genuine.raw, compared.raw),
            (compared.genuine.enhanced, compared.enhanced),
        )
    )
    again = resample_rates(
        compared,
        resample_people(len(people), min(resamples, MOST_RESAMPLES), seed),
        fmrs=tuple(float(f) for f in fmrs),
        thresholds=unasked,
        points=(points[0], points[1]),
    )
    raw, enhanced = (np.array([interval(column) or [np.nan, np.nan] for column in form.fnmr_at_fmr]) for form in again)
    return DetBands(fmrs, raw, enhanced)


def _comparisons(name: str, front: Side, video: Side) -> int:
    if name == "all":
        return len(front.person) * len(video.person)
    frontal = int(np.sum(front.kind == FRONTAL) + np.sum(video.kind == FRONTAL))
    return frontal * int(np.sum(front.kind == PROFILE) + np.sum(video.kind == PROFILE))
