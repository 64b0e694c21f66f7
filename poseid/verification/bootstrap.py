"""Confidence intervals of error rates, by resampling people.

With w_i copies of person i a genuine comparison weighs w_i and an impostor comparison w_i · w_j, i ≠ j: copies of one
person are never impostors. Scores are sorted once; a resample only weighs them anew, from the highest impostor score
down to where the rates are decided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseid.verification.estimates import Estimate
from poseid.verification.impostors import Impostors
from poseid.verification.operating_points import Rates
from poseid.verification.rates import allowed_false_matches, crossing, crossing_indices
from poseid.verification.scores import Compared, weigh_comparisons

MOST_IMPOSTORS = 1 << 20
"""A resample weighs at most about so many impostor comparisons of a set; a random share represents the lowest."""
MOST_GENUINE = 1 << 18
"""The same for genuine comparisons."""

# so many at a time stay in the processor's cache
_CHUNK = 1 << 15
# a sum over all of many weights is far slower than block by block; of few, looking up each sum then costs nothing
_BLOCK, _FEW = 512, 1 << 13


class RunningSums:
    """Sums over the start of an array of weights ≥ 0 that is refilled for every resample.

    Attributes:
        weights: (size,) to be filled; then call :meth:`add_up`.

    >>> sums = RunningSums(3)
    >>> sums.weights[:] = [2.0, 0.0, 1.0]
    >>> sums.add_up()
    >>> [sums.sum_of_first(n) for n in range(4)], sums.most_within(2.0), sums.most_within(2.5)
    ([0.0, 2.0, 2.0, 3.0], 2, 2)
    """

    def __init__(self, size: int) -> None:
        self._block = 1 if size <= _FEW else _BLOCK
        blocks = -(-size // self._block)
        self._padded: NDArray[np.float64] = np.zeros(blocks * self._block)
        self.weights = self._padded[:size]
        self._before = np.zeros(blocks + 1)

    def add_up(self) -> None:
        """Updates the sums to the weights as they now are."""
        sums = self._padded if self._block == 1 else self._padded.reshape(-1, self._block).sum(axis=1)
        np.cumsum(sums, out=self._before[1:])

    @property
    def total(self) -> float:
        return float(self._before[-1])

    def sum_of_first(self, n: int) -> float:
        """The sum of the first n weights."""
        if self._block == 1:
            return float(self._before[n])
        block = n // self._block
        return float(self._before[block] + self._padded[block * self._block : n].sum())

    def most_within(self, sum_: float) -> int:
        """The most weights from the first on whose sum is at most this; it must be below the sum of all."""
        block = int(np.searchsorted(self._before, sum_, side="right")) - 1
        if self._block == 1:
            return block
        within = self._before[block] + np.cumsum(self._padded[block * self._block : (block + 1) * self._block])
        return block * self._block + int(np.searchsorted(within, sum_, side="right"))


@dataclass(frozen=True)
class _Ranked:
    """One form of a set (raw or enhanced), ready to be weighed."""

    genuine: NDArray[np.floating]
    """Ascending, with the person of each."""
    genuine_person: NDArray[np.intp]
    negated: NDArray[np.floating]
    """Impostor scores, negated, the highest first; with the two people of each."""
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    copies: NDArray[np.float64] | None
    """How many comparisons each impostor score represents; None: one each."""
    complete: bool
    """No comparison lies below the lowest impostor score."""


def _rank(genuine: NDArray[np.floating], person: NDArray[np.integer], impostors: Impostors, depth: float) -> _Ranked:
    """Sort the genuine scores and take the impostor scores down to a depth (in comparisons)."""
    order = np.argsort(genuine)
    count, exact = min(impostors.total, int(depth)), impostors.exact
    complete, copies = count == impostors.total, None
    negated, people = impostors.negated[:exact], [impostors.left, impostors.right]
    if count <= min(MOST_IMPOSTORS, exact):
        negated, people = negated[:count], [column[:count] for column in people]
    else:
        top = min(MOST_IMPOSTORS // 2, exact)
        middle = np.arange(top, exact)
        if middle.size > MOST_IMPOSTORS // 4:
            # evenly by rank, so that every range of scores keeps its share
            middle = middle[np.linspace(0, middle.size - 1, MOST_IMPOSTORS // 4).astype(np.intp)]
        copies = np.concatenate([np.ones(top), np.full(middle.size, (exact - top) / max(middle.size, 1))])
        negated = np.concatenate([negated[:top], negated[middle]])
        people = [np.concatenate([column[:top], column[middle]]) for column in people]
        if impostors.sample is not None:
            scores, left, right = impostors.sample
            share = np.full(scores.size, (impostors.total - exact) / max(scores.size, 1))
            copies = np.concatenate([copies, share])
            negated = np.concatenate([negated, -scores])
            people = [np.concatenate(pair) for pair in zip(people, (left, right), strict=True)]
        complete = True
    left, right = (column.astype(np.intp) for column in people)
    return _Ranked(genuine[order], person[order].astype(np.intp), negated, left, right, copies, complete)


def _weigh(
    ranked: _Ranked,
    weights: NDArray[np.integer],
    totals: tuple[NDArray[np.float64], NDArray[np.float64]],
    fmrs: tuple[float, ...],
    thresholds: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Rates in every resample, and which resamples the impostor scores at hand decide.

    Returns (1 + 3F, resamples): EER, FNMR at each FMR, FMR at each threshold, FNMR at each threshold.
    """
    count, genuine = ranked.negated.size, ranked.genuine
    at_or_above, above, below = crossing_indices(genuine, ranked.negated)
    # genuine scores below the lowest impostor score at hand cannot be placed, unless that is all there is
    first = 0 if ranked.complete else int(np.searchsorted(genuine, -ranked.negated[-1], side="right"))
    indices = (at_or_above[first:], above[first:], below[first:])
    fixed = [
        (n, int(np.searchsorted(ranked.negated, -t, side="right")), int(np.searchsorted(genuine, t)))
        for n, t in enumerate(thresholds)
        if not np.isnan(t)
    ]
    size = len(fmrs)
    out = np.full((1 + 3 * size, len(weights)), np.nan)
    decided = np.ones(len(weights), dtype=bool)
    # impostor weights are integers, so fmr · weight is taken without float error
    allowed = [[allowed_false_matches(f, round(float(total))) for total in totals[1]] for f in fmrs]
    buffer = np.empty(min(count, _CHUNK))
    impostor, rejected = RunningSums(count), RunningSums(genuine.size)
    for r, drawn in enumerate(weights.astype(np.float64)):
        if totals[0][r] <= 0 or totals[1][r] <= 0:
            continue
        for start in range(0, count, _CHUNK):
            end = min(start + _CHUNK, count)
            a, b = impostor.weights[start:end], buffer[: end - start]
            np.take(drawn, ranked.left[start:end], out=a, mode="clip")
            np.take(drawn, ranked.right[start:end], out=b, mode="clip")
            a *= b
            if ranked.copies is not None:
                a *= ranked.copies[start:end]
        impostor.add_up()
        np.take(drawn, ranked.genuine_person, out=rejected.weights, mode="clip")
        rejected.add_up()
        total = rejected.total
        if total <= 0:
            continue
        eer = crossing(rejected.sum_of_first, impostor.sum_of_first, indices, total, totals[1][r], first)
        decided[r] = eer >= 0
        out[0, r] = eer if eer >= 0 else np.nan
        for n in range(size):
            if allowed[n][r] < impostor.total:
                threshold = -ranked.negated[impostor.most_within(allowed[n][r])]
                out[1 + n, r] = rejected.sum_of_first(int(np.searchsorted(genuine, threshold, side="right"))) / total
            elif not ranked.complete:
                decided[r] = False
        for n, accepted_count, rejected_count in fixed:
            out[1 + size + n, r] = impostor.sum_of_first(accepted_count) / totals[1][r]
            out[1 + 2 * size + n, r] = rejected.sum_of_first(rejected_count) / total
    return out, decided


def resample_rates(
    compared: Compared,
    weights: NDArray[np.integer],
    *,
    fmrs: tuple[float, ...],
    thresholds: NDArray[np.float64],
    points: tuple[Rates, Rates],
) -> tuple[Rates, Rates]:
    """`points` with the rates of the raw and of the enhanced scores in every resample of people.

    compared    the set, scored with the people of each comparison
    weights     (resamples, people) from `resample_people`
    fmrs        FMRs at which FNMR is asked for, each at its own threshold found anew in every resample
    thresholds  one an FMR, the same in every resample and for both forms; NaN leaves its rates NaN
    points      rates of the full sample, raw and enhanced

    Where comparisons had to be thinned out (see `MOST_IMPOSTORS`), the resampled rates are moved by what thinning
    alone changed, so that they stay around the rates of the full sample.
    """
    genuine = compared.genuine
    totals = weigh_comparisons(compared.blocks, weights.astype(np.float64))
    chosen: NDArray[np.intp] | slice = slice(None)
    if genuine.raw.size > MOST_GENUINE:
        chosen = np.sort(np.random.default_rng(0).choice(genuine.raw.size, MOST_GENUINE, replace=False))
    person = genuine.person[chosen]
    out = []
    for all_scores, impostors, point in (
        (genuine.raw, compared.raw, points[0]),
        (genuine.enhanced, compared.enhanced, points[1]),
    ):
        scores = all_scores[chosen]
        # resampled people move the thresholds, hence a third deeper; resamples that need more get it below
        depth = 1.3 * max(float(point.eer.value), *fmrs) * impostors.total + 1000
        depth = max([depth, *(1.0 + impostors.at_or_above(t) for t in thresholds if not np.isnan(t))])
        ranked = _rank(scores, person, impostors, depth)
        found, decided = _weigh(ranked, weights, totals, fmrs, thresholds)
        while not decided.all():
            depth = 2 * depth
            ranked = _rank(scores, person, impostors, depth)
            again = np.flatnonzero(~decided)
            theirs = (totals[0][again], totals[1][again])
            found[:, again], decided[again] = _weigh(ranked, weights[again], theirs, fmrs, thresholds)
        rates = (point.fnmr_at_fmr, point.fmr_at_raw_threshold, point.fnmr_at_raw_threshold)
        if scores.size < all_scores.size or ranked.copies is not None:
            ones = np.ones((1, weights.shape[1]), dtype=np.int16)
            thinned = _weigh(
                ranked, ones, weigh_comparisons(compared.blocks, ones.astype(np.float64)), fmrs, thresholds
            )[0]
            found += np.concatenate([[point.eer.value], *(rate.value for rate in rates)])[:, None] - thinned
            np.clip(found, 0.0, 1.0, out=found)
        fnmr, fixed_fmr, fixed_fnmr = (
            Estimate(rate.value, resampled) for rate, resampled in zip(rates, np.split(found[1:], 3), strict=True)
        )
        out.append(
            replace(
                point,
                eer=Estimate(point.eer.value, found[0]),
                fnmr_at_fmr=fnmr,
                fmr_at_raw_threshold=fixed_fmr,
                fnmr_at_raw_threshold=fixed_fnmr,
            )
        )
    return out[0], out[1]
