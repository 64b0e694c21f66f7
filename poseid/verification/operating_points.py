"""Operating points of a scored set: its error rates at each FMR, and the FMR that a figure is given at.

The rates are those that `rates` defines, without going through all scores again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.estimates import Estimate
from poseid.verification.impostors import Impostors
from poseid.verification.rates import (
    allowed_false_matches,
    crossing,
    crossing_indices,
    d_prime,
    impostors_needed,
    just_above,
)

POINTS = ("1e-3", "1e-2")
"""FMRs that a set is judged at, the preferred one first."""


def strictest(figures: Mapping[str, object]) -> str | None:
    """FMR 1e-3, or 1e-2 where its figure is null for want of impostors; None where both are.

    figures  by FMR, such as `fnmr_at_fmr` of an evaluation

    >>> strictest({"1e-2": 0.3, "1e-3": None}), strictest({})
    ('1e-2', None)
    """
    return next((fmr for fmr in POINTS if figures.get(fmr) is not None), None)


@dataclass(frozen=True)
class Rates:
    """Error rates of one form (raw or enhanced) of a set; (F,) is one an FMR, NaN where a rate is not defined."""

    eer: Estimate
    d_prime: float
    thresholds: NDArray[np.float64]
    """(F,) the lowest threshold that keeps each FMR; NaN where there are too few impostor comparisons."""
    fnmr_at_fmr: Estimate
    """(F,) at the form's own thresholds, found anew in every resample."""
    fmr_at_raw_threshold: Estimate
    """(F,) at given thresholds, which stay the same in every resample: those of the raw form."""
    fnmr_at_raw_threshold: Estimate
    """(F,)"""


def threshold_of(impostors: Impostors, fmr: float) -> float:
    """The lowest threshold whose FMR is at most `fmr` (see `rates.threshold_at_fmr`)."""
    return just_above(impostors.highest(allowed_false_matches(fmr, impostors.total)))


def error_rates(
    genuine: NDArray[np.floating],
    impostors: Impostors,
    fmrs: tuple[float, ...],
    thresholds: NDArray[np.float64] | None = None,
) -> Rates:
    """The rates of a set, without resamples; `thresholds` are those of the fixed rates, else the set's own."""
    ascending, total = np.sort(genuine), impostors.total
    own = np.array([threshold_of(impostors, f) if total >= impostors_needed(f) else np.nan for f in fmrs])
    fixed = own if thresholds is None else thresholds
    wide = genuine.astype(np.float64)
    indices = crossing_indices(impostors.aligned(ascending), impostors.negated)
    eer = crossing(float, lambda n: float(impostors.before(np.array([n]))[0]), indices, ascending.size, total)
    return Rates(
        eer=Estimate(eer),
        d_prime=d_prime(float(wide.mean()), float(wide.var()), impostors.mean, impostors.variance),
        thresholds=own,
        fnmr_at_fmr=Estimate(_fnmr(ascending, own)),
        fmr_at_raw_threshold=Estimate(
            [np.nan if np.isnan(t) else impostors.at_or_above(t) / total for t in fixed.tolist()]
        ),
        fnmr_at_raw_threshold=Estimate(_fnmr(ascending, fixed)),
    )


def _fnmr(ascending: NDArray[np.floating], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) FNMR at thresholds."""
    return np.where(np.isnan(thresholds), np.nan, np.searchsorted(ascending, thresholds, side="left") / ascending.size)


def det_curve(genuine: NDArray[np.floating], impostors: Impostors, fmrs: NDArray[np.float64]) -> NDArray[np.float64]:
    """FNMR at each of many FMRs (no rule of 30: a curve is seen, not quoted)."""
    ascending = np.sort(genuine)
    ranks = np.minimum((fmrs * impostors.total).astype(np.int64), impostors.total - 1)
    lowest = -impostors.negated[impostors.entries_at(ranks)]
    return np.searchsorted(ascending, lowest, side="right") / ascending.size
