"""The jobs of a multirun directory, each in whatever state it was left, and their overrides as keys and values."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from poseid.errors import InputError, first_line
from poseid.training.arguments import FAILED
from poseid.training.objective import Measure, look_up
from poseid.verification.metrics import METRICS
from poseid.verification.result import FORMS

MULTIRUN = "multirun.yaml"
"""What a multirun writes of its call into its directory."""
REPEATS = ("seed", "data.split_seed")
"""Keys that make a repeat of a setting, not another setting."""

NOT_GIVEN = "(not given)"
Metrics = dict[str, float | None]
"""By dotted key in an evaluation block; None where one is null."""
State = Literal["finished", "failed", "unfinished", "damaged", "missing"]


@dataclass(frozen=True)
class Job:
    """A job of a sweep.

    Args:
        name: its number, which is the name of its directory.
        directory: where it ran; None for one that never began.
        overrides: what it was begun with.
        state: finished, failed (it says why itself), unfinished (it runs, or was killed), damaged or missing.
        reason: why it is not finished, in words.
        metrics: of the validation people, by key; empty unless it is finished.
        verdict: of its report, on the validation people.
    """

    name: str
    directory: Path | None
    overrides: tuple[str, ...]
    state: State
    reason: str = ""
    metrics: Metrics = field(default_factory=dict)
    verdict: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """Its overrides as keys and values; whether it evaluates the test people makes no other setting of it."""
        parts = (override.partition("=") for override in self.overrides)
        return {key: value for key, _, value in parts if key != "evaluate_test"}


def job_directories(directory: Path) -> list[Path]:
    """The directories of the jobs: numbered ones, and others that Hydra wrote a configuration to."""
    found = [path for path in directory.iterdir() if path.is_dir()]
    jobs = [path for path in found if path.name.isdecimal() or (path / ".hydra").is_dir()]
    return sorted(jobs, key=lambda path: (len(path.name), path.name))


def read_job(directory: Path, objectives: Sequence[Measure]) -> Job:
    """Reads what a job left; whatever is wrong with it is its state and reason, never an exception."""
    job = Job(directory.name, directory, (), "damaged")
    summary = directory / "report" / "summary.json"
    try:
        job = replace(job, overrides=read_overrides(directory))
        if (directory / FAILED).is_file():
            message = _read_json(directory / FAILED).get("message")
            return replace(job, state="failed", reason=str(message or f"{FAILED} says no reason"))
        if not summary.is_file():
            return replace(job, state="unfinished", reason=_how_far(directory))
        block = _read_json(summary).get("validation")
        if not isinstance(block, dict):
            raise InputError("summary.json has no validation block")
        metrics = _read_metrics(block, objectives)
    except InputError as error:
        return replace(job, reason=str(error))
    verdict = block.get("verdict")
    return replace(job, state="finished", metrics=metrics, verdict=None if verdict is None else str(verdict))


def read_overrides(directory: Path) -> tuple[str, ...]:
    """What a job was begun with; nothing where it was stopped before that was written.

    Raises:
        InputError: the file is damaged.
    """
    path = directory / ".hydra" / "overrides.yaml"
    if not path.is_file():
        return ()
    content = read_yaml(path)
    if not isinstance(content, list):
        raise InputError("overrides.yaml is damaged: it is no list")
    return tuple(map(str, content))


def read_yaml(path: Path) -> Any:
    """A YAML file as plain values; nothing in it is resolved or executed.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (OSError, ValueError, YAMLError, OmegaConfBaseException, RecursionError) as error:
        raise InputError(f"{path.name} is damaged: {first_line(error)}") from None


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is damaged: {first_line(error)}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name} is damaged: it is no table of names and values")
    return content


def _read_metrics(block: dict[str, Any], objectives: Sequence[Measure]) -> Metrics:
    """The objectives, which must be there, and all registered metrics of a validation block; None where one is null."""
    metrics = {measure.key: _read_metric(block, measure.key) for measure in objectives}
    for key in dict.fromkeys(metric.block_key(form) for form in reversed(FORMS) for metric in METRICS):
        try:
            metrics.setdefault(key, _read_metric(block, key))
        except InputError:
            metrics[key] = None
    return metrics


def _read_metric(block: dict[str, Any], key: str) -> float | None:
    try:
        value = look_up(block, key)
    except (KeyError, TypeError):
        raise InputError(f"its validation block has no {key}") from None
    if value is not None and not math.isfinite(value):
        raise InputError(f"{key} is {value}")
    return value


def _how_far(directory: Path) -> str:
    """What is known of a job without a report."""
    try:
        with (directory / "metrics.csv").open(encoding="utf-8", newline="") as opened:
            epochs = sum(1 for _ in csv.DictReader(opened))
        minutes = (time.time() - (directory / "metrics.csv").stat().st_mtime) / 60
    except (OSError, ValueError, csv.Error):
        return "still running, or killed before its first epoch ended"
    ago = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
    return f"still running, or killed: {epochs} epoch{'s' if epochs != 1 else ''} done, the last one {ago} ago"


def as_number(value: str) -> float | None:
    """The finite number that a value is, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def varied_keys(jobs: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The keys that are not the same in all jobs, in the order in which they were given.

    >>> varied_keys([{"loss": "after", "seed": "0", "lr": "1"}, {"loss": "after", "seed": "1", "lr": "1"}])
    ('seed',)
    """
    keys = dict.fromkeys(key for job in jobs for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in jobs}) > 1)


def constant_values(jobs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What all jobs have in common."""
    varied = varied_keys(jobs)
    return {key: value for key, value in jobs[0].items() if key not in varied} if jobs else {}


def setting_text(values: Mapping[str, str]) -> str:
    """
    >>> setting_text({"loss": "after", "lambda_id": "3"})
    'loss=after lambda_id=3'
    """
    return " ".join(f"{key}={value}" for key, value in values.items()) or "the one setting"
