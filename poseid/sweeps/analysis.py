"""All there is to say about a multirun directory: read once, then shown as page, table and file."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from poseid.errors import InputError
from poseid.sweeps.commands import Advice, to_evaluate, to_finish, to_repeat, to_reproduce
from poseid.sweeps.jobs import REPEATS, Job, Metrics, constant_values, job_directories, read_job, read_yaml, varied_keys
from poseid.sweeps.plan import Plan, read_plan
from poseid.sweeps.settings import Setting, cost, on_front, paired, settings_of, single_changes
from poseid.training.objective import BY_KEY, Measure, block_key, parse_objective
from poseid.verification.metrics import metrics_in
from poseid.verification.operating_points import POINTS, strictest

# The first of them that most jobs have: with few people the stricter operating points are null.
_FNMR = (block_key("fnmr_at_fmr_1e-2"), block_key("eer"))
OPERATING_POINTS = {fmr: (block_key(f"fnmr_at_raw_threshold_{fmr}"), block_key(f"fmr_ratio_{fmr}")) for fmr in POINTS}
"""FNMR and FMR ratio at the raw vectors' threshold for each FMR, which stays as it is."""


class Sweep:
    """All there is to say about a sweep.

    Args:
        directory: as the user gave it.
        plan: what its last call was to do.
        objectives: the first one orders everything.
        jobs: the finished ones by objective, then the others by number.
    """

    def __init__(self, directory: Path, plan: Plan, objectives: tuple[Measure, ...], jobs: Sequence[Job]) -> None:
        first = objectives[0]
        self.directory, self.objectives, self.jobs = directory, objectives, jobs
        self.finished = [job for job in jobs if job.state == "finished"]
        self.unfinished = [job for job in jobs if job.state != "finished"]
        given = [job.given for job in jobs if job.overrides]
        self.varied, self.constant = varied_keys(given), constant_values(given)
        # the varied keys that make settings; merged over the others, the best mean of the first objective first
        self.keys = tuple(key for key in self.varied if key not in REPEATS)
        self.settings = settings_of(self.finished, self.keys, first)
        self.means = {setting: found.mean for setting in self.settings if (found := setting.estimate(first.key))}
        self.best = next(iter(self.means), None)
        self.best_job = next((job for job in jobs if self.best and job in self.best.jobs.values()), None)
        self.against_best = {other: paired(other, self.best, first) for other in self.settings[1:] if self.best}
        self.changes = single_changes(self.settings, self.keys, first)
        metrics = [job.metrics for job in self.finished]
        self.front_measures = _front_measures(objectives, metrics)
        # beside the objectives: FNMR at its own threshold, the axes of the front, the improvement
        fnmr = max(_FNMR, key=lambda key: _count_known((key,), metrics))
        keys = (fnmr, *(measure.key for measure in self.front_measures), "improvement.mean")
        self.page_columns = _with_known(objectives, keys, metrics)
        registered = [metric.block_key() for metric in metrics_in("sweep")]
        self.csv_columns = _with_known(self.page_columns, registered, metrics)
        self.front_points = {setting: point for setting in self.settings if (point := self._front_point(setting))}
        self.front = self._front()
        self.finish = to_finish(directory, plan, jobs)
        self.next_steps = self._next_steps()

    def _front_point(self, setting: Setting) -> tuple[float, float] | None:
        """Mean FMR ratio and FNMR over its repeats, at one fixed threshold."""
        y, x = (setting.estimate(measure.key) for measure in self.front_measures)
        return None if x is None or y is None else (x.mean, y.mean)

    def _front(self) -> list[Setting]:
        """The settings that no other beats in both, the lowest FNMR first."""
        points = self.front_points
        unbeaten = on_front(np.array([*points.values()]).reshape(-1, 2))
        return sorted(itertools.compress(points, unbeaten), key=lambda setting: points[setting][::-1])

    def _next_steps(self) -> list[Advice]:
        """More repeats, where there are too few; the best job again; its one evaluation on the test people."""
        if self.best_job is None:
            return []
        what = f"The best job of the best setting again (job {self.best_job.name}):"
        again = Advice(what, (to_reproduce(self.best_job),))
        repeat = to_repeat(self.directory, list(self.means)) if len(set(self.means.values())) > 1 else None
        return [*([repeat] if repeat else []), again, to_evaluate(self.best_job)]


def read_sweep(directory: Path) -> Sweep:
    """Reads a multirun directory, finished or not.

    Raises:
        InputError: it is none; or its objective cannot be read.
    """
    plan = read_plan(directory)
    paths = job_directories(directory)
    objectives = _objectives(plan, paths)
    jobs = _with_missing([read_job(path, objectives) for path in paths], plan)
    first = objectives[0]

    def rank(job: Job) -> tuple[bool, float, int, str]:
        number = int(job.name) if job.name.isdecimal() else 10**9
        return (job.state != "finished", cost(job.metrics.get(first.key), first), number, job.name)

    return Sweep(directory, plan, objectives, sorted(jobs, key=rank))


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
    by_name = {job.name: n for n, job in enumerate(jobs)}
    there = {frozenset(job.given.items()) for job in jobs}
    for number, overrides in enumerate(plan.combinations):
        job = Job(str(number), None, overrides, "missing", "never began")
        if frozenset(job.given.items()) in there:
            continue
        n = by_name.get(job.name)
        if n is None:
            jobs.append(job)
        elif jobs[n].overrides:
            # another call left a job of this number: the one that is missing has none
            jobs.append(replace(job, name="-"))
        else:
            jobs[n] = replace(jobs[n], overrides=overrides)
    return jobs


def _front_measures(objectives: Sequence[Measure], jobs: Sequence[Metrics]) -> tuple[Measure, Measure]:
    """FNMR and the FMR ratio at one fixed threshold.

    That of the first objective that names such a metric; else the strictest at which most jobs have both.
    """
    named = (pair for measure in objectives for pair in OPERATING_POINTS.values() if measure.key in pair)
    known = {fmr: _count_known(pair, jobs) for fmr, pair in OPERATING_POINTS.items()}
    fmr = strictest({fmr: count if count == max(known.values()) else None for fmr, count in known.items()})
    first, second = next(named, None) or OPERATING_POINTS[str(fmr)]
    return _measure(first, objectives), _measure(second, objectives)


def _count_known(keys: Sequence[str], jobs: Sequence[Metrics]) -> int:
    return sum(all(job[key] is not None for key in keys) for job in jobs)


def _measure(key: str, objectives: Sequence[Measure]) -> Measure:
    """The objective of this key, or the key with the direction that is its own."""
    found = (measure for measure in objectives if measure.key == key)
    return next(found, None) or Measure(key, not BY_KEY[key].higher_is_better)


def _with_known(measures: Sequence[Measure], keys: Sequence[str], jobs: Sequence[Metrics]) -> tuple[Measure, ...]:
    """Adds those of the keys that are not there and that any job has."""
    there = {measure.key for measure in measures}
    more = [key for key in keys if key not in there and any(job[key] is not None for job in jobs)]
    return (*measures, *(_measure(key, ()) for key in more))
