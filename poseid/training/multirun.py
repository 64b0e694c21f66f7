"""What belongs to a sweep as a whole: its directory, and the jobs that failed, did not end, or came out best."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from poseid.atomic import write_text
from poseid.errors import InputError
from poseid.shell_line import shell_line
from poseid.training.config import directions
from poseid.training.objective import check_objective, look_up
from poseid.training.study import prepare_study

FAILED = "failed.json"
MULTIRUN = "multirun.yaml"
JOB_NUMBER = "${hydra.job.num}"
log = logging.getLogger(__name__)
# A later call in a sweep's directory numbers its jobs on from those that are there.
OmegaConf.register_new_resolver("poseid.add", lambda first, number: int(first) + int(number), replace=True)


@dataclass(frozen=True)
class Job:
    """A finished job of a sweep.

    Args:
        directory: its run directory.
        overrides: what it was begun with.
        values: of each objective, on validation people.
    """

    directory: Path
    overrides: list[str]
    values: tuple[float, ...]


def write_failure(run_dir: Path, error: BaseException, overrides: list[str]) -> None:
    """Leaves ``failed.json`` with the error's type, its message and the overrides of the job."""
    record = {"error": type(error).__name__, "message": str(error), "overrides": overrides}
    (run_dir / FAILED).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def job_dirs(sweep_dir: Path, first: int = 0) -> list[Path]:
    """The jobs' directories from number ``first`` on, in the order of their numbers."""
    numbered = {int(path.name): path for path in sweep_dir.glob("*") if path.name.isdecimal() and path.is_dir()}
    return [numbered[number] for number in sorted(numbered) if number >= first]


def failed_jobs(sweep_dir: Path, first: int = 0) -> list[str]:
    """One line for each job that failed or was stopped: its number, overrides and why."""
    lines = []
    for job in job_dirs(sweep_dir, first):
        if (job / FAILED).is_file():
            record = json.loads((job / FAILED).read_text(encoding="utf-8"))
            lines.append(f"job {job.name} ({' '.join(record['overrides'])}): {record['message']}")
        elif not (job / "report" / "summary.json").is_file():
            lines.append(f"job {job.name} ({' '.join(read_overrides(job))}): was stopped before its report")
    return lines


def read_overrides(job: Path) -> list[str]:
    """The overrides that a job was begun with; none where it was stopped before they were written."""
    file = job / ".hydra" / "overrides.yaml"
    return [str(item) for item in OmegaConf.load(file)] if file.is_file() else []


def finished_jobs(sweep_dir: Path, objective: list[str]) -> list[Job]:
    """The jobs with a value for every objective (``"minimize KEY"`` or ``"maximize KEY"``)."""
    jobs = []
    for directory in job_dirs(sweep_dir):
        file = directory / "report" / "summary.json"
        if not file.is_file() or (directory / FAILED).is_file():
            continue
        block = json.loads(file.read_text(encoding="utf-8"))["validation"]
        found = [look_up(block, entry.split()[1]) for entry in objective]
        values = tuple(value for value in found if value is not None)
        if len(values) == len(objective):
            jobs.append(Job(directory, read_overrides(directory), values))
    return jobs


def best_jobs(jobs: list[Job], objective: list[str]) -> list[Job]:
    """The jobs that no other job beats: no worse in any objective, better in one. Of equal ones, the first.

    >>> one, two = Job(Path("0"), [], (0.2, 1.0)), Job(Path("1"), [], (0.1, 1.5))
    >>> worse = Job(Path("2"), [], (0.2, 1.5))
    >>> best_jobs([one, two, worse], ["minimize a", "minimize b"]) == [one, two]
    True
    """
    first: dict[tuple[float, ...], Job] = {}
    for job in jobs:
        first.setdefault(job.values, job)
    signs = np.array([1.0 if direction == "minimize" else -1.0 for direction in directions(objective)])
    costs = np.array(list(first)).reshape(-1, len(signs)) * signs
    no_worse = (costs[None] <= costs[:, None]).all(axis=2)
    better = (costs[None] < costs[:, None]).any(axis=2)
    beaten = (no_worse & better).any(axis=1)
    return [job for job, is_beaten in zip(first.values(), beaten, strict=True) if not is_beaten]


def best_text(sweep_dir: Path, objective: list[str]) -> str:
    """The best job of a sweep, or the front of several objectives: figures, directories, and the one look at its
    test people that is left to do."""
    jobs = finished_jobs(sweep_dir, objective)
    keys = [entry.split()[1] for entry in objective]
    if not jobs:
        return f"no finished job has a value for {' and '.join(keys)}"
    front = best_jobs(jobs, objective)
    heading = "best" if len(keys) == 1 else f"{len(front)} that no other job beats, by {' and '.join(keys)},"
    lines = [f"{heading} of {len(jobs)} finished jobs of {sweep_dir}, on validation people:"]
    common = set.intersection(*(set(job.overrides) for job in jobs))
    for job in front:
        figures = ", ".join(f"{key} = {value:.6g}" for key, value in zip(keys, job.values, strict=True))
        own = " ".join(override for override in job.overrides if override not in common)
        equal = sum(other.values == job.values for other in jobs) - 1
        lines.append(f"  job {job.directory.name}: {figures}" + (f" ({own})" if own else ""))
        if equal:
            lines.append(f"    {equal} more with the same figures")
        lines.append(f"    directory: {job.directory}")
        lines.append(f"    look once at its test people: {evaluate_command(job)}")
    return "\n".join(lines)


def evaluate_command(job: Job) -> str:
    """The command that looks at a job's test people, or what stands in its way."""
    config: Any = OmegaConf.load(job.directory / ".hydra" / "config.yaml")
    data = config["data"]
    if data["source"] == "synthetic":
        return "not for made-up people"
    arguments = ["poseid", "evaluate", str(job.directory), "--data", str(data["dir"])]
    arguments += ["--out", str(job.directory / "test")]
    return shell_line(arguments)


class Multirun(Callback):
    """Hydra callback: readies the directory of a sweep, and says at its end which jobs failed and which is best.

    Jobs may have run in other processes and on other machines, so it reads what they left. Status 1 where a job failed.
    """

    def __init__(self) -> None:
        self.first = 0

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            self.first = ready(config)
        except (InputError, OSError) as error:  # Hydra would make a warning of it, and go on
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2 if isinstance(error, InputError) else 1)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        sweep_dir = Path(config.hydra.sweep.dir)
        print(best_text(sweep_dir, list(config.objective)), flush=True)
        lines = failed_jobs(sweep_dir, self.first)
        for line in lines:
            log.error("failed: %s", line)
        if lines:
            log.error("%d job(s) of %s failed; the others are complete", len(lines), sweep_dir)
            sys.exit(1)


def ready(config: DictConfig) -> int:
    """Makes the directory of a sweep and its study ready; returns the number of the first job.

    In a directory with jobs the numbers go on: a second call adds to the first one's jobs.

    Raises:
        InputError: the objective is none, or does not fit the study that is there.
    """
    sweep = config.hydra.sweep
    sweep_dir = Path(sweep.dir)
    wanted = directions(config.objective)
    check_objective(list(config.objective))
    trials = prepare_study(config.hydra.sweeper, list(config.hydra.overrides.task), wanted, sweep_dir)
    # Launchers compose every job anew from these overrides, in whatever process it runs.
    overrides = config.hydra.overrides.hydra
    overrides.append(f"hydra.job.config.override_dirname.exclude_keys=[{','.join(fixed_keys(config))}]")
    before = job_dirs(sweep_dir)
    # A trial that was killed before it had a directory keeps its number: a trial is found by the number of its job.
    first = max(int(before[-1].name) + 1 if before else 0, trials)
    as_written: Any = OmegaConf.to_container(sweep)
    if first and as_written["subdir"] == JOB_NUMBER:
        overrides.append(f"hydra.sweep.subdir='${{poseid.add:{first},{JOB_NUMBER}}}'")
    # Hydra's own sweeper writes this too, the others do not: what is left of a killed sweep is read from it.
    write_text(sweep_dir / MULTIRUN, OmegaConf.to_yaml(config))
    return first


def fixed_keys(config: DictConfig) -> list[str]:
    """The keys that a multirun gives all its jobs the same value of: they name no job."""
    parsed = OverridesParser.create().parse_overrides(list(config.hydra.overrides.task))
    return [override.key_or_group for override in parsed if not override.is_sweep_override()]
