"""What the figures draw beside the summary: genuine comparisons one by one, and bands of DET curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.bootstrap import resample_rates
from poseid.verification.estimates import Estimate, interval, resample_people
from poseid.verification.operating_points import Rates
from poseid.verification.result import Evaluation

MOST_PAIRS = 50_000
"""A figure shows no more genuine comparisons; of more, an even share is drawn with a fixed seed."""
MOST_RESAMPLES = 200
"""A band in a figure is drawn by no more resamples of people."""
HIGHEST_FMR = 0.5


@dataclass(frozen=True)
class GenuinePairs:
    """Genuine comparisons of the set `all`, one entry each."""

    raw: NDArray[np.float64]
    """(n,) cosine of the rows as they came."""
    enhanced: NDArray[np.float64]
    """(n,) cosine of the reference's reference form and the probe's probe form."""
    yaw: NDArray[np.floating]
    """(n,) degrees, of the probe; NaN where unknown."""
    person: NDArray[np.intp]
    """(n,) the person, as a number from 0 to people − 1."""
    people: int
    total: int
    """How many there are; more than n where a share is drawn."""

    @property
    def gain(self) -> NDArray[np.float64]:
        """(n,) improvement, enhanced less raw; higher is better."""
        return self.enhanced - self.raw


def genuine_pairs(evaluation: Evaluation, most: int = MOST_PAIRS) -> GenuinePairs:
    """Every front row against every video row of the same person, or an even share of `most` of them."""
    genuine, total = evaluation.genuine, evaluation.genuine.raw.size
    order = np.lexsort((genuine.right, genuine.left, genuine.person))
    if total > most:
        # one of each range of equal length
        inside = np.random.default_rng(0).random(most)
        order = order[np.unique(np.minimum((np.arange(most) + inside) * (total / most), total - 1).astype(np.int64))]
    raw, enhanced = (scores[order].astype(np.float64) for scores in (genuine.raw, genuine.enhanced))
    person = genuine.person[order].astype(np.intp)
    return GenuinePairs(raw, enhanced, evaluation.yaw[order], person, evaluation.people, total)


@dataclass(frozen=True)
class DetBands:
    """95 % bands of FNMR at each of some FMRs; NaN where too few resamples have a value."""

    fmr: NDArray[np.float64]
    """(k,)"""
    raw: NDArray[np.float64]
    """(k, 2) lower and upper bound."""
    enhanced: NDArray[np.float64]


def det_bands(evaluation: Evaluation) -> DetBands | None:
    """Bands of the DET curves of the headline set up to FMR 0.5, by at most `MOST_RESAMPLES` resamples of people.

    None without resamples, and where the set has too many comparisons: its figures have intervals of their own.
    """
    headline, compared = evaluation.headline_set, evaluation.headline_scores
    if headline is None or compared is None:
        return None
    chosen = headline.det["fmr"] <= HIGHEST_FMR
    fmrs = headline.det["fmr"][chosen]
    if not fmrs.size:
        return None
    unasked = np.full(fmrs.size, np.nan)
    points = [
        Rates(rates.eer, np.nan, unasked, Estimate(headline.det[form][chosen]), Estimate(unasked), Estimate(unasked))
        for form, rates in (("raw", headline.raw), ("enhanced", headline.enhanced))
    ]
    again = resample_rates(
        compared,
        resample_people(evaluation.people, min(evaluation.resamples, MOST_RESAMPLES), evaluation.seed),
        fmrs=tuple(fmrs.tolist()),
        thresholds=unasked,
        points=(points[0], points[1]),
    )
    bands = [
        np.array([interval(column) or [np.nan, np.nan] for column in rates.fnmr_at_fmr.resampled]) for rates in again
    ]
    return DetBands(fmrs, bands[0], bands[1])
