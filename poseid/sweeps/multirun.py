"""Hydra's callback around a multirun: its directory and its search before, what came of its jobs after."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from poseid.atomic import write_text
from poseid.errors import InputError
from poseid.sweeps.commands import to_evaluate
from poseid.sweeps.jobs import MULTIRUN, Job, constant_values, job_directories, read_job
from poseid.sweeps.settings import cost, on_front
from poseid.training.objective import Measure, check_objective, parse_objective

JOB_NUMBER = "${hydra.job.num}"
EVERY_WEIGHT = "lambda_*"
log = logging.getLogger(__name__)
# A later call in a sweep's directory numbers its jobs on from those that are there.
OmegaConf.register_new_resolver("poseid.add", lambda first, number: int(first) + int(number), replace=True)


class Multirun(Callback):
    """Hydra callback: prepares the directory of a sweep, and says at its end which jobs failed and which is best.

    Jobs may have run in other processes and on other machines, so it reads what they left. Status 1 where a job failed.
    """

    def __init__(self) -> None:
        self.first = 0

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            self.first = prepare(config)
        except (InputError, OSError) as error:  # Hydra would make a warning of it, and go on
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2 if isinstance(error, InputError) else 1)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        sweep_dir = Path(config.hydra.sweep.dir)
        objectives = parse_objective(config.objective)
        jobs = [read_job(directory, objectives) for directory in job_directories(sweep_dir)]
        print(best_text(sweep_dir, jobs, objectives), flush=True)
        lines = failed_jobs(jobs, self.first)
        for line in lines:
            log.error("failed: %s", line)
        if lines:
            log.error("%d job(s) of %s failed; the others are complete", len(lines), sweep_dir)
            sys.exit(1)


def prepare(config: DictConfig) -> int:
    """Makes the directory of a sweep and its study ready; returns the number of the first job.

    In a directory with jobs the numbers go on: a second call adds to the first one's jobs.

    Raises:
        InputError: the objective is none, or does not fit the study that is there.
    """
    sweep, sweeper = config.hydra.sweep, config.hydra.sweeper
    sweep_dir = Path(sweep.dir)
    objective = check_objective(config.objective)
    if EVERY_WEIGHT in (sweeper.get("params") or ()):
        sweeper.params = search_space(sweeper.params, config)
    task = list(config.hydra.overrides.task)
    directions = ["minimize" if entry.lower_is_better else "maximize" for entry in objective]
    trials = prepare_study(sweeper, task, directions, sweep_dir)
    # Launchers compose every job anew from these overrides, in whatever process it runs.
    overrides = config.hydra.overrides.hydra
    # Keys that all jobs have the same value of name no job.
    parsed = OverridesParser.create().parse_overrides(task)
    fixed = [override.key_or_group for override in parsed if not override.is_sweep_override()]
    overrides.append(f"hydra.job.config.override_dirname.exclude_keys=[{','.join(fixed)}]")
    numbers = [int(path.name) for path in job_directories(sweep_dir) if path.name.isdecimal()]
    # A trial that was killed before it had a directory keeps its number: a trial is found by the number of its job.
    first = max([trials, *(number + 1 for number in numbers)])
    as_written: Any = OmegaConf.to_container(sweep)
    if first and as_written["subdir"] == JOB_NUMBER:
        overrides.append(f"hydra.sweep.subdir='${{poseid.add:{first},{JOB_NUMBER}}}'")
    # Hydra's own sweeper writes this too, the others do not: what is left of a killed sweep is read from it.
    write_text(sweep_dir / MULTIRUN, OmegaConf.to_yaml(config))
    return first


def search_space(params: DictConfig, config: DictConfig) -> dict[str, Any]:
    """The searched keys and their values, with ``lambda_*`` replaced by every weight that has no values of its own."""
    space: dict[str, Any] = {}
    for key, values in params.items():
        weights = [str(name) for name in config if str(name).startswith("lambda_") and name not in params]
        space |= dict.fromkeys(weights if key == EVERY_WEIGHT else [str(key)], values)
    return space


def prepare_study(sweeper: DictConfig, overrides: list[str], wanted: list[str], sweep_dir: Path) -> int:
    """Prepares the sweeper's configuration and, where there is one, the study that it continues.

    A trial that was running when an earlier call was killed counts as failed, and the search's seed moves on by the
    trials that are there: it would draw the same ones again. One call at a time may work on a study.

    Args:
        sweeper: ``hydra.sweeper``, changed in place; nothing is to be done for a plain grid.
        overrides: of the call, which with ``sweeper.params`` say what is searched.
        wanted: directions, ``minimize`` or ``maximize`` for each objective.
        sweep_dir: made where it is not there, since the study's file comes before the first job.

    Returns:
        How many trials the study has, whatever became of them.

    Raises:
        InputError: trials at once below 1; the study has other directions or searches other values.
    """
    sweep_dir.mkdir(parents=True, exist_ok=True)
    if "study_name" not in sweeper:
        return 0
    sweeper.direction = wanted
    if sweeper.n_jobs < 1:
        raise InputError(f"hydra.sweeper.n_jobs: expected at least 1 trial at once, got {sweeper.n_jobs}")
    if sweeper.storage is None or sweeper.study_name is None:
        return 0
    import optuna
    from hydra_plugins.hydra_optuna_sweeper._impl import create_params_from_overrides
    from optuna.distributions import check_distribution_compatibility

    if sweeper.study_name not in [study.study_name for study in optuna.get_all_study_summaries(sweeper.storage)]:
        return 0
    study = optuna.load_study(study_name=sweeper.study_name, storage=sweeper.storage)
    if [direction.name.lower() for direction in study.directions] != wanted:
        raise InputError(
            f"objective: the study in {sweep_dir} was begun with other directions; "
            "keep its objective, or give another hydra.sweep.dir"
        )
    trials = study.get_trials(deepcopy=False)
    searched = [f"{key}={value}" for key, value in (sweeper.params or {}).items()]
    space, _ = create_params_from_overrides([*searched, *overrides])
    for trial in trials:  # Optuna cannot search a key over other values than earlier trials did
        for key in space.keys() & trial.distributions.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], space[key])
            except ValueError:
                raise InputError(
                    f"{key}: the study in this directory searches other values of it; "
                    "keep them, or give another hydra.sweep.dir"
                ) from None
    for trial in trials:
        if trial.state == optuna.trial.TrialState.RUNNING:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    if sweeper.sampler.get("seed") is not None:
        sweeper.sampler.seed += len(trials)
    return len(trials)


def failed_jobs(jobs: Sequence[Job], first: int = 0) -> list[str]:
    """One line for each job from number ``first`` on that failed or was stopped: its number, overrides and why."""
    lines = []
    for job in jobs:
        if job.state != "finished" and job.name.isdecimal() and int(job.name) >= first:
            reason = "was stopped before its report" if job.state == "unfinished" else job.reason
            lines.append(f"job {job.name} ({' '.join(job.overrides)}): {reason}")
    return lines


def best_text(sweep_dir: Path, jobs: Sequence[Job], objectives: Sequence[Measure]) -> str:
    """The best job of a sweep, or the front of several objectives: metrics, directories, and the one evaluation on
    the test people that is left to do. Of jobs with equal metrics, the first."""
    keys = [measure.key for measure in objectives]
    finished = [job for job in jobs if all(job.metrics.get(key) is not None for key in keys)]
    if not finished:
        return f"no finished job has a value for {' and '.join(keys)}"
    costs = np.array([[cost(job.metrics[measure.key], measure) for measure in objectives] for job in finished])
    best: dict[tuple[float | None, ...], list[Job]] = {}
    for job in itertools.compress(finished, on_front(costs)):
        best.setdefault(tuple(job.metrics[key] for key in keys), []).append(job)
    heading = "best" if len(keys) == 1 else f"{len(best)} that no other job beats, by {' and '.join(keys)},"
    lines = [f"{heading} of {len(finished)} finished jobs of {sweep_dir}, on validation people:"]
    common = constant_values([job.given for job in finished])
    for metrics, (job, *same) in best.items():
        named = ", ".join(f"{key} = {value:.6g}" for key, value in zip(keys, metrics, strict=True))
        own = " ".join(f"{key}={value}" for key, value in job.given.items() if key not in common)
        lines.append(f"  job {job.name}: {named}" + (f" ({own})" if own else ""))
        if same:
            lines.append(f"    {len(same)} more with the same values")
        lines.append(f"    directory: {job.directory}")
        lines += [f"    evaluate once on its test people: {line}" for line in to_evaluate(job).lines]
    return "\n".join(lines)
