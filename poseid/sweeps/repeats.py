"""Jobs that differ only in their seed, or in how people are split, are repeats of one setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from poseid.sweeps.estimates import Estimate, t_interval
from poseid.sweeps.jobs import Job
from poseid.sweeps.measures import Measure
from poseid.sweeps.overrides import REPEATS, setting_text, varied_keys

Repeat = tuple[str | None, ...]


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
        figures = [job.figures[key] for job in self.jobs.values()]
        known = [figure for figure in figures if figure is not None]
        return t_interval(known) if known and len(known) == len(figures) else None


def setting_keys(jobs: Sequence[Job]) -> tuple[str, ...]:
    """The varied keys that make settings."""
    return tuple(key for key in varied_keys([job.given for job in jobs]) if key not in REPEATS)


def settings_of(jobs: Sequence[Job], keys: Sequence[str], order: Measure) -> list[Setting]:
    """Merges finished jobs into settings, the best mean first, those without one last."""
    merged: dict[tuple[str | None, ...], Setting] = {}
    for job in jobs:
        given = job.given
        at = tuple(given.get(key) for key in keys)
        setting = merged.setdefault(at, Setting({key: given[key] for key in keys if key in given}, {}))
        setting.jobs.setdefault(tuple(given.get(key) for key in REPEATS), job)

    def rank(setting: Setting) -> tuple[bool, float]:
        estimate = setting.estimate(order.key)
        return (estimate is None, 0.0 if estimate is None else estimate.mean * (1 if order.lower_is_better else -1))

    return sorted(merged.values(), key=rank)
