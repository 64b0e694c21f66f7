"""Settings of a sweep with their repeats: means with intervals, paired differences, the settings that none beats.

Jobs that differ only in their seed, or in how people are split, are repeats of one setting.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from poseid.reports.format import effect
from poseid.sweeps.jobs import NOT_GIVEN, REPEATS, Job, as_number, setting_text
from poseid.training.objective import Measure

LEVEL = 0.95
NO_PAIR, ONE_PAIR = "no repeat in common", "one pair: may be chance"
Repeat = tuple[str | None, str | None]
"""Seed and split of people, as given."""


@dataclass(frozen=True)
class Estimate:
    """A mean of n values; the 95 % interval is None where one value says nothing about chance."""

    mean: float
    ci95: list[float] | None
    n: int


def t_interval(values: Sequence[float]) -> Estimate:
    """The mean and Student's interval, mean ± t₀.₉₇₅(n − 1) · s / √n with s the standard deviation over n − 1.

    >>> t_interval([1.0, 2.0, 3.0]).mean, t_interval([1.0]).ci95
    (2.0, None)
    """
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    if len(data) < 2:
        return Estimate(mean, None, len(data))
    # equal values are equal, whatever their mean was rounded to
    spread = float(data.std(ddof=1)) if data.min() < data.max() else 0.0
    half = t_quantile(len(data) - 1) * spread / math.sqrt(len(data))
    return Estimate(mean, [mean - half, mean + half], len(data))


@cache
def t_quantile(freedom: int) -> float:
    """The t that Student's |T| stays below with probability 0.95.

    With t = √ν tan θ the density is proportional to cos^(ν − 1) θ: halving finds the angle θ.

    >>> round(t_quantile(2), 3), round(t_quantile(30), 3)
    (4.303, 2.042)
    """
    nodes, weights = np.polynomial.legendre.leggauss(200)

    def mass_below(angle: float) -> float:
        return float(weights @ np.cos(angle * (nodes + 1) / 2) ** (freedom - 1)) * angle

    low, high = 0.0, math.pi / 2
    wanted = LEVEL * mass_below(high)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mass_below(middle) < wanted else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


@dataclass(frozen=True, eq=False)
class Setting:
    """One combination of the varied keys.

    Args:
        values: of the varied keys that make settings.
        jobs: its finished jobs, by the values of the keys that make repeats; of equal jobs the first.
    """

    values: dict[str, str]
    jobs: dict[Repeat, Job]

    @property
    def name(self) -> str:
        return setting_text(self.values)

    def value(self, key: str) -> str:
        return self.values.get(key, NOT_GIVEN)

    def estimate(self, key: str) -> Estimate | None:
        """Mean and interval of a metric over the repeats; None where it is null in one of them.

        Leaving a null out would make the mean too good: it stands where there was too little to measure.
        """
        values = {repeat: value for repeat, job in self.jobs.items() if (value := job.metrics[key]) is not None}
        return over_repeats(values) if len(values) == len(self.jobs) else None

    @property
    def repeats(self) -> int:
        """How many repeats an interval of it rests on; see :func:`over_repeats`."""
        return over_repeats(dict.fromkeys(self.jobs, 0.0)).n


def over_repeats(values: Mapping[Repeat, float]) -> Estimate:
    """Mean and interval of a metric over repeats.

    Seeds on the same people share those people: where people were split anew, a split counts once, by the mean of its
    seeds.
    """
    by_split: dict[str | None, list[float]] = {}
    for (_, split), value in values.items():
        by_split.setdefault(split, []).append(value)
    return t_interval([fmean(each) for each in by_split.values()] if len(by_split) > 1 else [*values.values()])


def settings_of(jobs: Sequence[Job], keys: Sequence[str], order: Measure) -> list[Setting]:
    """Merges finished jobs into settings, the best mean first, those without one last."""
    seed, split = REPEATS
    merged: dict[tuple[str | None, ...], Setting] = {}
    for job in jobs:
        given = job.given
        at = tuple(given.get(key) for key in keys)
        setting = merged.setdefault(at, Setting({key: given[key] for key in keys if key in given}, {}))
        setting.jobs.setdefault((given.get(seed), given.get(split)), job)
    estimates = {setting: setting.estimate(order.key) for setting in merged.values()}
    return sorted(estimates, key=lambda setting: cost(found.mean if (found := estimates[setting]) else None, order))


def cost(value: float | None, measure: Measure) -> float:
    """A metric turned so that lower is better; infinite where it is null."""
    return math.inf if value is None else value if measure.lower_is_better else -value


@dataclass(frozen=True)
class Change:
    """What changing one key does, all else alike: the second value's metric minus the first one's.

    Args:
        key, before, after: the change.
        alike: values of the other varied keys; None for the average over all that both values were tried with.
        contexts: how many combinations of the other keys it is averaged over.
        difference: over the repeats.
    """

    key: str
    before: str
    after: str
    alike: dict[str, str] | None
    contexts: int
    difference: Estimate


def paired(setting: Setting, against: Setting, measure: Measure) -> Estimate | None:
    """Mean and interval of ``setting`` − ``against`` over the repeats that both have; None where there is none."""
    differences = _differences(setting, against, measure)
    return over_repeats(differences) if differences else None


def _differences(setting: Setting, against: Setting, measure: Measure) -> dict[Repeat, float]:
    metrics = [{repeat: job.metrics[measure.key] for repeat, job in each.jobs.items()} for each in (setting, against)]
    pairs = {repeat: (value, metrics[1].get(repeat)) for repeat, value in metrics[0].items()}
    return {repeat: a - b for repeat, (a, b) in pairs.items() if a is not None and b is not None}


def difference_in_words(difference: Estimate | None, lower_is_better: bool) -> tuple[str, str]:
    """What a difference says, and its class: good, bad, or neither.

    >>> difference_in_words(Estimate(0.1, [-0.1, 0.3], 3), True)
    ('difference not shown', 'mid')
    """
    if difference is None:
        return NO_PAIR, "mid"
    if difference.ci95 is None:
        return ONE_PAIR, "mid"
    if difference.ci95 == [0.0, 0.0]:
        return "no difference", "mid"
    text, kind = effect(difference.ci95, lower_is_better)
    return ("difference not shown" if kind == "mid" else text), kind


def single_changes(settings: Sequence[Setting], keys: Sequence[str], measure: Measure) -> list[Change]:
    """Every pair of settings that differ in one key alone, each key's average over all such pairs first.

    The average takes, repeat by repeat, the mean over the other keys' combinations, so that its interval is over
    repeats: the combinations of one repeat share its seed and its people.
    """
    changes = []
    for key in keys:
        groups: dict[tuple[str, ...], dict[str, Setting]] = {}
        for setting in settings:
            rest = tuple(setting.value(other) for other in keys if other != key)
            groups.setdefault(rest, {})[setting.value(key)] = setting
        for before, after in itertools.combinations(values_of(settings, key), 2):
            both = [group for group in groups.values() if before in group and after in group]
            found = [(group[after], _differences(group[after], group[before], measure)) for group in both]
            found = [(setting, differences) for setting, differences in found if differences]
            if not found:
                continue
            changes.append(Change(key, before, after, None, *_average([each for _, each in found])))
            for setting, differences in found:
                alike = {other: value for other, value in setting.values.items() if other != key}
                changes.append(Change(key, before, after, alike, 1, over_repeats(differences)))
    return changes


def values_of(settings: Iterable[Setting], key: str) -> list[str]:
    """The values that a key was tried with: numbers by size, then words."""

    def order(value: str) -> tuple[bool, float, str]:
        number = as_number(value)
        return (number is None, number or 0.0, value)

    return sorted({setting.value(key) for setting in settings}, key=order)


def _average(contexts: Sequence[dict[Repeat, float]]) -> tuple[int, Estimate]:
    """Over repeats, of the mean over contexts; and over how many: those with fewer repeats than others are left out."""
    most = max(len(each) for each in contexts)
    complete = [each for each in contexts if len(each) == most]
    # where contexts were repeated with different seeds, none is common: then every seed has its own contexts
    repeats = set.intersection(*map(set, complete)) or set.union(*map(set, complete))
    means = {repeat: fmean(each[repeat] for each in complete if repeat in each) for repeat in sorted(repeats, key=str)}
    return len(complete), over_repeats(means)


def on_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other point beats: no worse in any column and better in one. Equal points stand together.

    Args:
        costs: (n, k), lower is better.

    >>> on_front(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]])).tolist()
    [True, True, False]
    """
    no_worse = np.all(costs[None] <= costs[:, None], axis=2)
    better = np.any(costs[None] < costs[:, None], axis=2)
    unbeaten: NDArray[np.bool_] = ~np.any(no_worse & better, axis=1)
    return unbeaten
