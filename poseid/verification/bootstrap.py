"""Confidence intervals by resampling people.

Comparisons that share a person are not independent, so people are drawn with replacement, not comparisons. With
w_i copies of person i a genuine comparison weighs w_i and an impostor comparison w_i · w_j, i ≠ j: copies of one
person are never impostors. Scores are sorted once; a resample only weighs them anew, from the highest impostor
score down to where the rates are decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostors import Impostors
from poseid.verification.operating import Figures
from poseid.verification.rates import allowed_false_matches, crossing, crossing_places
from poseid.verification.running_sums import RunningSums
from poseid.verification.scores import Compared, weigh_comparisons

MOST_IMPOSTORS = 1 << 20
"""A resample weighs at most about so many impostor comparisons of a set; of the lowest, a random share stands in."""
MOST_GENUINE = 1 << 18
"""The same for genuine comparisons."""

# so many at a time stay in the processor's cache
_CHUNK = 1 << 15
_LEVEL = 0.95
_DEFINED = 0.95


def resample_people(people: int, resamples: int, seed: int) -> NDArray[np.int16]:
    """(resamples, people) how often each person is drawn: `people` draws with replacement, a row a resample.

    >>> resample_people(5, 3, seed=0).sum(axis=1).tolist()
    [5, 5, 5]
    """
    rng = np.random.default_rng(seed)
    out = np.zeros((resamples, people), dtype=np.int16)
    for row in out:
        row += np.bincount(rng.integers(0, people, size=people), minlength=people).astype(np.int16)
    return out


def interval(values: NDArray[np.floating]) -> list[float] | None:
    """The central 95 % of resampled values, [low, high]; None where too many resamples have no value.

    A resample of few people may hold no comparison of a kind; five in a hundred are put up with.

    >>> [round(bound, 9) for bound in interval(np.arange(101.0))]
    [2.5, 97.5]
    """
    usable = values[~np.isnan(values)]
    if not usable.size or usable.size < _DEFINED * values.size:
        return None
    tail = (1 - _LEVEL) / 2
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(usable, [tail, 1 - tail])
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    return [float(low), float(high)]


def mean_resamples(
    values: NDArray[np.floating], person: NDArray[np.integer], weights: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The mean of values that weigh w_person each, in every resample; NaN where nobody of them was drawn."""
    people = weights.shape[1]
    sums = np.bincount(person, weights=values, minlength=people)
    counts = np.bincount(person, minlength=people)
    drawn = weights.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (drawn @ sums) / (drawn @ counts)


@dataclass(frozen=True)
class Resampled:
    """Rates in every resample: (resamples,) and (FMRs, resamples)."""

    eer: NDArray[np.float64]
    fnmr_at_fmr: NDArray[np.float64]
    fixed_fmr: NDArray[np.float64]
    """At the thresholds that were given."""
    fixed_fnmr: NDArray[np.float64]

    def columns(self) -> tuple[NDArray[np.float64], ...]:
        return self.eer, self.fnmr_at_fmr, self.fixed_fmr, self.fixed_fnmr


@dataclass(frozen=True)
class _Ranked:
    """One form of a set (raw or enhanced), ready to be weighed."""

    genuine: NDArray[np.floating]
    genuine_person: NDArray[np.intp]
    falling: NDArray[np.floating]
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    copies: NDArray[np.float64] | None
    """How many comparisons each impostor score stands for; None: one each."""
    whole: bool
    """Nothing lies below the lowest impostor score."""


def _rank(genuine: NDArray[np.floating], person: NDArray[np.integer], impostors: Impostors, depth: float) -> _Ranked:
    """Sort the genuine scores and take the impostor scores down to a depth (in comparisons)."""
    order = np.argsort(genuine)
    count = min(impostors.total, int(depth))
    falling, left, right = impostors.falling, impostors.left, impostors.right
    copies: NDArray[np.float64] | None = None
    whole = count == impostors.total
    if count <= min(MOST_IMPOSTORS, impostors.exact):
        falling, left, right = falling[:count], left[:count], right[:count]
    else:
        top = min(MOST_IMPOSTORS // 2, impostors.exact)
        middle = np.arange(top, impostors.exact)
        some = middle
        if middle.size > MOST_IMPOSTORS // 4:
            # evenly by rank, so that every stretch of scores keeps its share
            some = middle[np.linspace(0, middle.size - 1, MOST_IMPOSTORS // 4).astype(np.intp)]
        pieces = [(falling[:top], left[:top], right[:top], np.ones(top))]
        weight = np.full(some.size, middle.size / max(some.size, 1))
        pieces.append((falling[some], left[some], right[some], weight))
        if impostors.body is not None:
            score, one, other = impostors.body
            weight = np.full(score.size, (impostors.total - impostors.exact) / max(score.size, 1))
            pieces.append((-score, one, other, weight))
        falling, left, right, copies = (np.concatenate(column) for column in zip(*pieces, strict=True))
        whole = True
    return _Ranked(
        genuine[order],
        person[order].astype(np.intp),
        falling,
        left.astype(np.intp),
        right.astype(np.intp),
        copies,
        whole,
    )


def _weigh(
    ranked: _Ranked,
    weights: NDArray[np.integer],
    totals: tuple[NDArray[np.float64], NDArray[np.float64]],
    fmrs: tuple[float, ...],
    thresholds: NDArray[np.float64],
) -> tuple[Resampled, NDArray[np.bool_]]:
    """Rates in every resample, and which resamples the impostor scores at hand decided."""
    resamples = len(weights)
    kept, genuine = ranked.falling.size, ranked.genuine
    at_or_above, above, below = crossing_places(genuine, ranked.falling)
    # genuine scores below the lowest impostor score at hand cannot be placed, unless that is all there is
    first = 0 if ranked.whole else int(np.searchsorted(genuine, -ranked.falling[-1], side="right"))
    places = (at_or_above[first:], above[first:], below[first:])
    fixed = [
        None
        if np.isnan(t)
        else (int(np.searchsorted(ranked.falling, -t, side="right")), int(np.searchsorted(genuine, t)))
        for t in thresholds
    ]
    out = Resampled(
        np.full(resamples, np.nan),
        np.full((len(fmrs), resamples), np.nan),
        np.full((len(fmrs), resamples), np.nan),
        np.full((len(fmrs), resamples), np.nan),
    )
    decided = np.ones(resamples, dtype=bool)
    # impostor weights are whole numbers, so fmr · weight is taken without float error
    allowed = [[allowed_false_matches(f, round(float(total))) for total in totals[1]] for f in fmrs]
    other = np.empty(min(kept, _CHUNK))
    impostor, refused = RunningSums(kept), RunningSums(genuine.size)
    for r in range(resamples):
        genuine_total, impostor_total = totals[0][r], totals[1][r]
        if genuine_total <= 0 or impostor_total <= 0:
            continue
        drawn = weights[r].astype(np.float64)
        for start in range(0, kept, _CHUNK):
            end = min(start + _CHUNK, kept)
            a, b = impostor.weights[start:end], other[: end - start]
            np.take(drawn, ranked.left[start:end], out=a, mode="clip")
            np.take(drawn, ranked.right[start:end], out=b, mode="clip")
            a *= b
            if ranked.copies is not None:
                a *= ranked.copies[start:end]
        impostor.add_up()
        np.take(drawn, ranked.genuine_person, out=refused.weights, mode="clip")
        refused.add_up()
        reached, share = impostor.total, refused.total
        if share <= 0:
            continue
        rate = crossing(refused.first, impostor.first, places, share, impostor_total, first)
        if rate < 0:
            decided[r] = False
        else:
            out.eer[r] = rate
        for n in range(len(fmrs)):
            k = allowed[n][r]
            if k < reached:
                below_it = np.searchsorted(genuine, -ranked.falling[impostor.reach(k)], side="right")
                out.fnmr_at_fmr[n, r] = refused.first(int(below_it)) / share
            elif not ranked.whole:
                decided[r] = False
            spot = fixed[n]
            if spot is not None:
                out.fixed_fmr[n, r] = impostor.first(spot[0]) / impostor_total
                out.fixed_fnmr[n, r] = refused.first(spot[1]) / share
    return out, decided


def resample_rates(
    compared: Compared,
    weights: NDArray[np.integer],
    *,
    fmrs: tuple[float, ...],
    thresholds: NDArray[np.float64],
    points: tuple[Figures, Figures],
) -> tuple[Resampled, Resampled]:
    """Rates of the raw and of the enhanced scores in every resample of people.

    compared    the set, scored with the people of each comparison
    weights     (resamples, people) from `resample_people`
    fmrs        FMRs at which FNMR is asked for, each at its own threshold found anew in every resample
    thresholds  one an FMR, the same in every resample and for both forms; NaN leaves its rates NaN
    points      rates of the full sample, raw and enhanced

    Where comparisons had to be thinned out (see `MOST_IMPOSTORS`), the resampled rates are moved by what thinning
    alone changed, so that they stay around the rates of the full sample.
    """
    genuine = compared.genuine
    totals = weigh_comparisons(compared.parts, weights.astype(np.float64))
    thin: NDArray[np.intp] | None = None
    if genuine.raw.size > MOST_GENUINE:
        thin = np.sort(np.random.default_rng(0).choice(genuine.raw.size, MOST_GENUINE, replace=False))
    out = []
    for scores, impostors, point in (
        (genuine.raw, compared.raw, points[0]),
        (genuine.enhanced, compared.enhanced, points[1]),
    ):
        person = genuine.person
        if thin is not None:
            scores, person = scores[thin], person[thin]
        # resampled people move the thresholds, hence a third deeper; resamples that need more get it below
        depth = 1.3 * max(point.eer, *fmrs) * impostors.total + 1000
        depth = max([depth, *(1.0 + impostors.at_or_above(t) for t in thresholds if not np.isnan(t))])
        ranked = _rank(scores, person, impostors, depth)
        found, decided = _weigh(ranked, weights, totals, fmrs, thresholds)
        while not decided.all():
            depth = 2 * depth
            ranked = _rank(scores, person, impostors, depth)
            again = np.flatnonzero(~decided)
            theirs = (totals[0][again], totals[1][again])
            more, decided[again] = _weigh(ranked, weights[again], theirs, fmrs, thresholds)
            for old, new in zip(found.columns(), more.columns(), strict=True):
                old[..., again] = new
        if thin is not None or ranked.copies is not None:
            ones = np.ones((1, weights.shape[1]), dtype=np.int16)
            once = _weigh(ranked, ones, weigh_comparisons(compared.parts, ones.astype(np.float64)), fmrs, thresholds)[0]
            whole = (point.eer, point.fnmr_at_fmr, point.fixed_fmr, point.fixed_fnmr)
            for column, thinned, value in zip(found.columns(), once.columns(), whole, strict=True):
                column += np.asarray(value)[..., None] - thinned
                np.clip(column, 0.0, 1.0, out=column)
        out.append(found)
    return out[0], out[1]
