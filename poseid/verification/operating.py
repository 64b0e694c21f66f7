"""Error rates of a scored set of comparisons, as `rates` defines them, without going through all scores again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostors import Impostors
from poseid.verification.rates import (
    allowed_false_matches,
    crossing,
    crossing_places,
    d_prime_of,
    impostors_needed,
    just_above,
)


@dataclass(frozen=True)
class Figures:
    """Rates of one form (raw or enhanced) of a set; NaN where a rate is not defined."""

    eer: float
    d_prime: float
    fnmr_at_fmr: NDArray[np.float64]
    """One for each FMR asked for; NaN where there are too few impostor comparisons."""
    thresholds: NDArray[np.float64]
    """The lowest threshold that keeps each FMR."""
    fixed_fmr: NDArray[np.float64]
    """FMR and FNMR at the thresholds that were given."""
    fixed_fnmr: NDArray[np.float64]


def threshold_of(impostors: Impostors, fmr: float) -> float:
    """The lowest threshold whose FMR is at most `fmr` (see `rates.threshold_at_fmr`)."""
    return just_above(impostors.highest(allowed_false_matches(fmr, impostors.total)))


def figures(
    genuine: NDArray[np.floating],
    impostors: Impostors,
    fmrs: tuple[float, ...],
    given: NDArray[np.float64] | None = None,
) -> Figures:
    """The rates of a set; FMR and FNMR are looked up at the thresholds `given`, else at its own."""
    rising = np.sort(genuine)
    places = crossing_places(impostors.aligned(rising), impostors.falling)
    enough = [impostors.total >= impostors_needed(f) for f in fmrs]
    own = np.array([threshold_of(impostors, f) if ok else np.nan for f, ok in zip(fmrs, enough, strict=True)])
    at = own if given is None else given
    wide = genuine.astype(np.float64)
    return Figures(
        eer=crossing(
            float,
            lambda entries: float(impostors.before(np.array([entries]))[0]),
            places,
            float(rising.size),
            float(impostors.total),
        ),
        d_prime=d_prime_of(float(wide.mean()), float(wide.var()), impostors.mean, impostors.variance),
        fnmr_at_fmr=np.array([_refused(rising, t) for t in own]),
        thresholds=own,
        fixed_fmr=np.array([np.nan if np.isnan(t) else impostors.at_or_above(t) / impostors.total for t in at]),
        fixed_fnmr=np.array([_refused(rising, t) for t in at]),
    )


def _refused(rising: NDArray[np.floating], threshold: float) -> float:
    if np.isnan(threshold):
        return float("nan")
    return float(np.searchsorted(rising, threshold, side="left") / rising.size)


def det_curve(genuine: NDArray[np.floating], impostors: Impostors, fmrs: NDArray[np.float64]) -> NDArray[np.float64]:
    """FNMR at each of many FMRs (no rule of 30: a curve is looked at, not quoted)."""
    rising = np.sort(genuine)
    ranks = np.minimum((fmrs * impostors.total).astype(np.int64), impostors.total - 1)
    lowest = impostors.falling[impostors.entries_at(ranks)]
    refused = np.searchsorted(rising, -lowest, side="right")
    return refused / rising.size
