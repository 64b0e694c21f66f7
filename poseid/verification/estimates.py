"""Figures with their confidence intervals, by resampling people.

Comparisons that share a person are not independent, so people are drawn with replacement, not comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseid.verification.rates import MINIMUM_FALSE_MATCHES

LEVEL = 0.95
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

    A resample of few people may hold no comparison of a kind; five in a hundred are tolerated.

    >>> [round(bound, 9) for bound in interval(np.arange(101.0))]
    [2.5, 97.5]
    """
    usable = values[~np.isnan(values)]
    if not usable.size or usable.size < _DEFINED * values.size:
        return None
    tail = (1 - LEVEL) / 2
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(usable, [tail, 1 - tail])
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    return [float(low), float(high)]


class Estimate:
    """A figure, or an array of figures, and its values in every resample; NaN where it is not defined.

    Attributes:
        value: (…) a number is stored as an array without dimensions.
        resampled: (…, resamples); without resamples there is no interval.
        reason: why the value is not defined, where that is known.

    >>> one, other = Estimate(0.5, np.array([0.25, 0.75])), Estimate(0.25, np.array([0.25, 0.25]))
    >>> (one - other).number, (one - other).resampled.tolist()
    (0.25, [0.0, 0.5])
    """

    def __init__(self, value: ArrayLike, resampled: ArrayLike | None = None, reason: str = "") -> None:
        self.value: NDArray[np.float64] = np.asarray(value, dtype=np.float64)
        none = np.empty((*self.value.shape, 0))
        self.resampled = none if resampled is None else np.asarray(resampled, dtype=np.float64)
        self.reason = reason

    def __getitem__(self, n: int) -> Estimate:
        """Number n of an array of figures."""
        return Estimate(self.value[n], self.resampled[n])

    def because(self, reason: str) -> Estimate:
        """The same, with why it is not defined, should it not be."""
        return Estimate(self.value, self.resampled, reason)

    def __sub__(self, other: Estimate) -> Estimate:
        """The paired difference."""
        return Estimate(self.value - other.value, self.resampled - other.resampled, self.reason or other.reason)

    def over(self, other: Estimate) -> Estimate:
        """The paired ratio of rates, not defined where the other one is 0.

        In a resample 0 over 0 is no change. Something over 0 must count as a rise, or harm would hide behind an
        interval without bounds: the other rate then counts as a thirtieth of its full-sample value, that is one false
        match at most, since fewer than 30 are not quoted.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            least = (other.value / MINIMUM_FALSE_MATCHES)[..., None]
            neither = (self.resampled == 0) & (other.resampled == 0)
            again = np.where(neither, 1.0, self.resampled / np.maximum(other.resampled, least))
            ratio = np.where(other.value > 0, self.value / other.value, np.nan)
            return Estimate(ratio, again, self.reason or other.reason)

    @property
    def number(self) -> float | None:
        """The figure, or None where it is not defined."""
        return float(self.value) if math.isfinite(self.value) else None

    @property
    def ci95(self) -> list[float] | None:
        """Its 95 % confidence interval; None without resamples, or where the figure is not defined."""
        return interval(self.resampled) if self.resampled.size and self.number is not None else None

    def to_dict(self) -> dict[str, Any]:
        """{value, ci95}, None where not defined, then with the ``reason`` where it is known."""
        why = {"reason": self.reason} if self.reason and self.number is None else {}
        return {"value": self.number, "ci95": self.ci95} | why


def average(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over splits, of values and of resamples; not defined where it is not in one of them.

    >>> average([Estimate(1.0, np.array([0.0, 2.0])), Estimate(2.0, np.array([1.0, 1.0]))]).resampled.tolist()
    [0.5, 1.5]
    """
    value = np.mean([one.value for one in estimates], axis=0)
    return Estimate(value, np.mean([one.resampled for one in estimates], axis=0))


def reason_of_folds(reasons: Sequence[str], comparisons: Sequence[int]) -> str:
    """Why an average is not defined: the reason of the fold of fewest comparisons among those that have one.

    Args:
        reasons: of each fold; "" where it has the figure.
        comparisons: how many each fold has.

    >>> reason_of_folds(["", "too few"], [9, 2]), reason_of_folds(["there are 9", "there are 2"], [9, 2])
    ('too few in one fold', 'there are 2')
    """
    known = [(n, why) for n, why in zip(comparisons, reasons, strict=True) if why]
    _, why = min(known, key=lambda one: one[0], default=(0, ""))
    return f"{why} in one fold" if 0 < len(known) < len(reasons) else why


def mean_estimate(
    values: NDArray[np.floating], person: NDArray[np.integer], weights: NDArray[np.integer] | None
) -> Estimate:
    """The mean of values of people, in a resample that of values that weigh as often as their person is drawn.

    values   (n,), person (n,) whose they are
    weights  (resamples, people) from `resample_people`, or None for no interval

    A resample is NaN where nobody of them was drawn, everything where there are no values.
    """
    if not values.size:
        return Estimate(np.nan, None if weights is None else np.full(len(weights), np.nan))
    if weights is None:
        return Estimate(values.mean())
    people = weights.shape[1]
    sums = np.bincount(person, weights=values, minlength=people)
    counts = np.bincount(person, minlength=people)
    drawn = weights.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Estimate(values.mean(), (drawn @ sums) / (drawn @ counts))
