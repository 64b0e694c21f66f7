"""Jobs that differ only in their seed, or in how people are split, are repeats of one setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from poseid.sweeps.estimates import Estimate, t_interval
from poseid.sweeps.jobs import Job
from poseid.sweeps.measures import Measure
from poseid.sweeps.overrides import REPEATS, setting_text, varied_keys

Repeat = tuple[str | None, str | None]
"""Seed and split of people, as given."""


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

    def estimate(self, key: str) -> Estimate | None:
        """Mean and interval of a figure over the repeats; None where it is null in one of them.

        Leaving a null out would flatter: it stands where there was too little to measure.
        """
        figures = {repeat: job.figures[key] for repeat, job in self.jobs.items()}
        known = {repeat: figure for repeat, figure in figures.items() if figure is not None}
        return over_repeats(known) if known and len(known) == len(figures) else None

    @property
    def repeats(self) -> int:
        """How many repeats an interval of it rests on; see :func:`over_repeats`."""
        return len(_independent(dict.fromkeys(self.jobs, 0.0)))


def over_repeats(figures: Mapping[Repeat, float]) -> Estimate:
    """Mean and interval of a figure over repeats.

    Seeds on the same people share those people: where people were split anew, a split counts once, by the mean of its
    seeds.
    """
    return t_interval(_independent(figures))


def _independent(figures: Mapping[Repeat, float]) -> list[float]:
    by_split: dict[str | None, list[float]] = {}
    for (_, split), figure in figures.items():
        by_split.setdefault(split, []).append(figure)
    return [fmean(each) for each in by_split.values()] if len(by_split) > 1 else list(figures.values())


def setting_keys(jobs: Sequence[Job]) -> tuple[str, ...]:
    """The varied keys that make settings."""
    return tuple(key for key in varied_keys([job.given for job in jobs]) if key not in REPEATS)


def settings_of(jobs: Sequence[Job], keys: Sequence[str], order: Measure) -> list[Setting]:
    """Merges finished jobs into settings, the best mean first, those without one last."""
    seed, split = REPEATS
    merged: dict[tuple[str | None, ...], Setting] = {}
    for job in jobs:
        given = job.given
        at = tuple(given.get(key) for key in keys)
        setting = merged.setdefault(at, Setting({key: given[key] for key in keys if key in given}, {}))
        setting.jobs.setdefault((given.get(seed), given.get(split)), job)

    def rank(setting: Setting) -> tuple[bool, float]:
        estimate = setting.estimate(order.key)
        return (estimate is None, 0.0 if estimate is None else estimate.mean * (1 if order.lower_is_better else -1))

    return sorted(merged.values(), key=rank)
