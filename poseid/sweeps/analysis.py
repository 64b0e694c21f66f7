"""All there is to say about a multirun directory: read once, then shown as page, table and file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poseid.errors import InputError
from poseid.sweeps.commands import Advice, to_finish, to_repeat
from poseid.sweeps.importance import Importance, importance
from poseid.sweeps.jobs import Job, constant_values, job_directories, read_job, read_yaml, varied_keys
from poseid.sweeps.measures import all_measures, front_measures, main_measures
from poseid.sweeps.plan import Plan, read_plan
from poseid.sweeps.settings import (
    Change,
    Estimate,
    Setting,
    on_front,
    paired,
    setting_keys,
    settings_of,
    single_changes,
)
from poseid.training.objective import Measure, parse_objective


@dataclass(frozen=True)
class Sweep:
    """All there is to say about a sweep.

    Args:
        directory: as the user gave it.
        jobs: the finished ones by objective, then the others by number.
        constant: overrides that all jobs share.
        varied: keys that differ between jobs; ``keys`` are those of them that make settings.
        settings: finished jobs merged over repeats, the best mean of the first objective first.
        means: of the first objective, of the settings that have one, in the same order.
        best, best_job: the first of them, and the best of its jobs; None where no setting has a figure.
        asked: the objectives; the first one orders everything.
        main, measures: columns of the page and of the file, the objectives first.
        front_measures: FNMR and the FMR ratio, both at one untouched threshold.
        front: the settings that no other beats in both.
        against_best: of each setting, its paired difference from the best one.
        changes: of one key at a time.
        weights: importance of the keys, or why there is none.
        finish: what it takes to finish the sweep.
        repeat: more seeds, where there are too few.
    """

    directory: Path
    plan: Plan
    jobs: tuple[Job, ...]
    constant: dict[str, str]
    varied: tuple[str, ...]
    keys: tuple[str, ...]
    settings: tuple[Setting, ...]
    means: dict[Setting, float]
    best: Setting | None
    best_job: Job | None
    asked: tuple[Measure, ...]
    main: tuple[Measure, ...]
    measures: tuple[Measure, ...]
    front_measures: tuple[Measure, Measure]
    front: tuple[Setting, ...]
    against_best: dict[Setting, Estimate | None]
    changes: tuple[Change, ...]
    weights: Importance | str
    finish: tuple[Advice, ...]
    repeat: Advice | None

    @property
    def finished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs if job.state == "finished")

    @property
    def unfinished(self) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs if job.state != "finished")


def read_sweep(directory: Path) -> Sweep:
    """Reads a multirun directory, finished or not.

    Raises:
        InputError: it is none; or its objective cannot be read.
    """
    plan = read_plan(directory)
    paths = job_directories(directory)
    asked = _objectives(plan, paths)
    found = _with_missing([read_job(path, asked) for path in paths], plan)
    jobs = _sorted(found, asked[0])
    finished = [job for job in jobs if job.state == "finished"]
    known = [job.given for job in jobs if job.overrides]
    keys = setting_keys([job for job in jobs if job.overrides])
    settings = settings_of(finished, keys, asked[0])
    figures = [job.figures for job in finished]
    axes = front_measures(asked, figures)
    means = {setting: estimate.mean for setting in settings if (estimate := setting.estimate(asked[0].key))}
    best = settings[0] if means else None
    best_job = next((job for job in jobs if best is not None and job in best.jobs.values()), None)
    return Sweep(
        directory=directory,
        plan=plan,
        jobs=tuple(jobs),
        constant=constant_values(known),
        varied=varied_keys(known),
        keys=keys,
        settings=tuple(settings),
        means=means,
        best=best,
        best_job=best_job,
        asked=asked,
        main=main_measures(asked, figures),
        measures=all_measures(asked, figures),
        front_measures=axes,
        front=_front(settings, axes),
        against_best={} if best is None else {other: paired(other, best, asked[0]) for other in settings[1:]},
        changes=tuple(single_changes(settings, keys, asked[0])),
        weights=importance(list(means), keys, list(means.values())),
        finish=tuple(to_finish(directory, plan, jobs)),
        repeat=to_repeat(directory, list(means)) if len(set(means.values())) > 1 else None,
    )


def _objectives(plan: Plan, paths: Sequence[Path]) -> tuple[Measure, ...]:
    if plan.objective is not None:
        return parse_objective(plan.objective)
    for path in paths:
        try:
            content: Any = read_yaml(path / ".hydra" / "config.yaml")
            return parse_objective(content["objective"])
        except (InputError, KeyError, TypeError):
            continue
    raise InputError("objective: neither multirun.yaml nor a job's .hydra/config.yaml can be read: nothing to sort by")


def _with_missing(jobs: list[Job], plan: Plan) -> list[Job]:
    """Adds the jobs of a grid that left nothing, and the overrides of those stopped before they wrote theirs."""
    names = {job.name for job in jobs}
    there = {frozenset(job.given.items()) for job in jobs}
    for number, overrides in enumerate(plan.combinations):
        job = Job(str(number), None, overrides, "missing", "never began")
        if frozenset(job.given.items()) in there:
            continue
        same = next((n for n, other in enumerate(jobs) if other.name == job.name and not other.overrides), None)
        if same is not None:
            jobs[same] = Job(job.name, jobs[same].directory, overrides, jobs[same].state, jobs[same].reason)
        elif job.name in names:
            # another call left a job of this number: the one that is missing has none
            jobs.append(Job("-", None, overrides, "missing", "never began"))
        else:
            jobs.append(job)
    return jobs


def _sorted(jobs: list[Job], order: Measure) -> list[Job]:
    """Finished jobs by their objective, a null one after them, then the others by number."""

    def rank(job: Job) -> tuple[int, float, int, str]:
        value = job.figures.get(order.key)
        number = int(job.name) if job.name.isdecimal() else 10**9
        if value is None:
            return (1 if job.state == "finished" else 2, 0.0, number, job.name)
        return (0, value if order.lower_is_better else -value, number, job.name)

    return sorted(jobs, key=rank)


def _front(settings: Sequence[Setting], measures: tuple[Measure, Measure]) -> tuple[Setting, ...]:
    first, second = measures
    points = [(setting, setting.estimate(first.key), setting.estimate(second.key)) for setting in settings]
    both = [(setting, a.mean, b.mean) for setting, a, b in points if a is not None and b is not None]
    if not both:
        return ()
    standing = on_front(np.array([[a, b] for _, a, b in both]))
    on_it = sorted((point for point, keep in zip(both, standing, strict=True) if keep), key=lambda point: point[1:])
    return tuple(setting for setting, _, _ in on_it)
