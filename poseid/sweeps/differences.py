"""Paired differences between settings: the same seeds and the same people on both sides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from poseid.reports.format import effect
from poseid.sweeps.estimates import Estimate
from poseid.sweeps.measures import Measure
from poseid.sweeps.overrides import NOT_GIVEN, value_order
from poseid.sweeps.repeats import Repeat, Setting, over_repeats

NO_PAIR, ONE_PAIR = "no repeat in common", "one pair: may be chance"
SAME, NOT_SHOWN = "no difference", "difference not shown"


@dataclass(frozen=True)
class Change:
    """What changing one key does, all else alike: the second value's figure minus the first one's.

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
    found = {}
    for repeat, job in setting.jobs.items():
        other = against.jobs.get(repeat)
        a, b = job.figures[measure.key], None if other is None else other.figures[measure.key]
        if a is not None and b is not None:
            found[repeat] = a - b
    return found


def words(difference: Estimate | None, lower_is_better: bool) -> tuple[str, str]:
    """What a difference says, and its class: good, bad, or neither.

    >>> words(Estimate(0.1, [-0.1, 0.3], 3), True)
    ('difference not shown', 'mid')
    """
    if difference is None:
        return NO_PAIR, "mid"
    if difference.ci95 is None:
        return ONE_PAIR, "mid"
    if difference.ci95 == [0.0, 0.0]:
        return SAME, "mid"
    text, kind = effect(difference.ci95, lower_is_better)
    return (NOT_SHOWN, "mid") if kind == "mid" else (text, kind)


def single_changes(settings: Sequence[Setting], keys: Sequence[str], measure: Measure) -> list[Change]:
    """Every pair of settings that differ in one key alone, each key's average over all such pairs first.

    The average takes, repeat by repeat, the mean over the other keys' combinations, so that its interval is over
    repeats: the combinations of one repeat share its seed and its people.
    """
    changes = []
    for key in keys:
        groups: dict[tuple[str, ...], dict[str, Setting]] = {}
        for setting in settings:
            rest = tuple(setting.values.get(other, NOT_GIVEN) for other in keys if other != key)
            groups.setdefault(rest, {})[setting.values.get(key, NOT_GIVEN)] = setting
        values = sorted({value for group in groups.values() for value in group}, key=value_order)
        for before, after in itertools.combinations(values, 2):
            both = [group for group in groups.values() if before in group and after in group]
            found = [(group[after], _differences(group[after], group[before], measure)) for group in both]
            found = [(setting, differences) for setting, differences in found if differences]
            if not found:
                continue
            contexts, difference = _average([each for _, each in found])
            changes.append(Change(key, before, after, None, contexts, difference))
            for setting, differences in found:
                alike = {other: value for other, value in setting.values.items() if other != key}
                changes.append(Change(key, before, after, alike, 1, over_repeats(differences)))
    return changes


def _average(contexts: Sequence[dict[Repeat, float]]) -> tuple[int, Estimate]:
    """Over repeats, of the mean over contexts; and over how many: those with fewer repeats than others are left out."""
    most = max(len(each) for each in contexts)
    complete = [each for each in contexts if len(each) == most]
    # where contexts were repeated with different seeds, none is common: then every seed has its own contexts
    repeats = set.intersection(*(set(each) for each in complete)) or {repeat for each in complete for repeat in each}
    means = {repeat: fmean(each[repeat] for each in complete if repeat in each) for repeat in sorted(repeats, key=str)}
    return len(complete), over_repeats(means)
