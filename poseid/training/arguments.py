"""The command line on its way to Hydra: what is refused before it, and resuming an earlier run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import yaml

from poseid.errors import InputError
from poseid.training.override_text import (
    NO_HYDRA_FILES,
    check_overrides,
    key_of,
    quote_value,
    quoted,
    unquoted,
)

FINISHED = "finished.json"
"""What a run writes last, and removes when it is resumed."""
FAILED = "failed.json"
"""What a job of a multirun leaves when it fails."""
DATA_RECORD = "data.json"
"""What a run keeps of the data and the people that it was begun on."""
FOLD = "fold_"
"""How the directories of folds begin; their number follows."""
SWEEP_PLUGINS = {
    **dict.fromkeys(("optuna", "optuna_pareto", "weights", "enhancer", "schedule"), ("hydra-optuna-sweeper", "sweep")),
    "joblib": ("hydra-joblib-launcher", "sweep"),
    **dict.fromkeys(("slurm", "submitit_local"), ("hydra-submitit-launcher", "slurm")),
    "ray": ("hydra-ray-launcher", "ray"),
}
"""The package behind each choice of the group ``sweep``, and the extra that brings it."""
LAUNCHERS = tuple(choice for choice, (plugin, _) in SWEEP_PLUGINS.items() if plugin.endswith("launcher"))
"""Choices of ``sweep`` that say where jobs run, and not what is searched."""

MAY_MOVE = ("data.dir", "data.train_people", "data.validation_people", "data.test_people")
"""Paths that may be others on resuming: what they hold is compared with what the run was begun with."""
ONE_PROCESS = (
    "trainer.devices and trainer.num_nodes: jobs of a multirun train in one process each: leave them or -m out"
)


class AlreadyFinished(Exception):
    """A run that is to be resumed has nothing left to do; the message says so."""

    def __init__(self, run_dir: Path) -> None:
        report = run_dir / "report" / "report.html"
        super().__init__(f"{run_dir} is finished: see {report}; to train on, add max_epochs=N")


def hydra_arguments(arguments: list[str]) -> list[str]:
    """The arguments as Hydra takes them; see :mod:`poseid.training.override_text` and :func:`resume_arguments`.

    Raises:
        InputError: what is to be resumed is no run; or a choice of ``sweep`` needs an extra that is missing;
            or runs cannot be written where they are to be; or a multirun of several processes a job.
    """
    multirun = bool({"-m", "--multirun"} & set(arguments))
    check_overrides(arguments, multirun)
    arguments = [quote_value(argument, multirun) for argument in arguments]
    if multirun and asked_processes(arguments) > 1:
        raise InputError(ONE_PROCESS)
    check_directories(arguments)
    check_extras(sweep_choices(arguments))
    return resume_arguments(arguments)


def asked_processes(arguments: list[str]) -> int:
    """``trainer.devices`` × ``trainer.num_nodes`` as the arguments give them; the last one counts, as for Hydra.

    >>> asked_processes(["trainer.devices=4", "+trainer.devices=2", "trainer.num_nodes=3"]), asked_processes([])
    (6, 1)
    """
    asked = {key_of(item): item.partition("=")[2] for item in arguments}
    values = [asked.get(key, "1") for key in ("trainer.devices", "trainer.num_nodes")]
    return math.prod(int(value) for value in values if value.isdecimal())


def sweep_choices(arguments: Sequence[str]) -> list[str]:
    """The choices of the group ``sweep``.

    >>> sweep_choices(["sweep=[joblib, weights]", "lr=1"])
    ['joblib', 'weights']
    """
    chosen = [item.partition("=")[2] for item in arguments if key_of(item) == "sweep"]
    return [choice.strip() for choices in chosen for choice in choices.strip("[]'\"").split(",")]


def check_launchers(choices: Sequence[str]) -> None:
    """Refuses choices of ``sweep`` that search, in a cross-validation that is no multirun.

    Raises:
        InputError: it names the choice.
    """
    for choice in choices:
        if choice not in LAUNCHERS:
            raise InputError(f"sweep: {choice} searches settings; add -m, or take {', '.join(LAUNCHERS)}")


def check_extras(choices: Sequence[str]) -> None:
    """Refuses choices of ``sweep`` whose Hydra plugin is not installed, with the extra that brings it."""
    for choice in choices:
        plugin, extra = SWEEP_PLUGINS.get(choice, (None, None))
        if plugin is None:
            continue
        try:
            distribution(plugin)
        except PackageNotFoundError:
            raise InputError(f'sweep={choice}: needs pip install "poseid[{extra}]"') from None


def resume_arguments(arguments: list[str]) -> list[str]:
    """Turns ``resume=RUN_DIR`` into the overrides that the run was begun with, in that directory.

    Arguments beside ``resume=`` come last, so they win. Others pass through untouched.

    Raises:
        InputError: the directory is no run directory, or an argument cannot be changed on resuming.
        AlreadyFinished: its run is finished, and no more epochs are asked for.
    """
    given = [argument for argument in arguments if argument.startswith("resume=")]
    if not given or given[-1] in ("resume=", "resume=null"):
        return arguments
    if NO_HYDRA_FILES in arguments:  # turned already: Lightning starts its other processes with the same line
        return arguments
    if {"-m", "--multirun"} & set(arguments):
        raise InputError("resume: is for one run; leave -m out")
    run_dir = Path(unquoted(given[-1].removeprefix("resume=")))
    overrides = _saved_overrides(run_dir)
    others = [argument for argument in arguments if not argument.startswith("resume=")]
    _check_changes(run_dir, others)
    saved = run_dir / ".hydra" / "hydra.yaml"
    try:
        mode = _read_yaml(saved)["hydra"]["mode"]
    except (KeyError, TypeError):
        raise InputError(f"resume: {saved}: does not say hydra.mode; the file is damaged: begin a new run") from None
    if mode == "MULTIRUN":
        # A job of a sweep leaves the test people alone, also when it is resumed by itself.
        overrides.insert(0, "evaluate_test=false")
    directory = quoted(str(run_dir))
    # The run keeps its own .hydra: a resume that fails must leave it as it was.
    return [*overrides, *others, f"resume={directory}", f"hydra.run.dir={directory}", NO_HYDRA_FILES]


def _saved_overrides(run_dir: Path) -> list[str]:
    """What a run was begun with."""
    path = run_dir / ".hydra" / "overrides.yaml"
    if not path.is_file():
        whole = run_dir.absolute().parent
        if run_dir.absolute().name.startswith(FOLD) and (whole / ".hydra" / "overrides.yaml").is_file():
            raise InputError(f"resume: {run_dir} is a fold of a cross-validation: give resume={whole}")
        raise InputError(f"resume: {run_dir} is no run directory (it has no .hydra/overrides.yaml)")
    overrides = _read_yaml(path)
    if not isinstance(overrides, list) or not all(isinstance(item, str) for item in overrides):
        raise InputError(f"resume: {path}: is no list of key=value; the file is damaged: begin a new run")
    for item in overrides:
        # A run of ours saves keys of its own configuration alone; Hydra's could name any class to be made.
        if not re.match(r"[+~]{0,2}(?!hydra)[a-z_][\w./]*(=|$)", item) or "_target_" in item:
            raise InputError(f"resume: {path}: {item!r} is no key of a run: remove the line")
    return [item for item in overrides if not item.startswith("resume=")]


def _check_changes(run_dir: Path, others: list[str]) -> None:
    """Refuses arguments beside ``resume=`` that would change the people, or that come after the run has finished."""
    keys = {argument: key_of(argument) for argument in others if argument != "evaluate_test=false"}
    for argument, key in keys.items():
        moved = key in MAY_MOVE and (run_dir / DATA_RECORD).is_file()
        if key.split(".")[0] in ("data", "cv", "fold") and not moved:
            raise InputError(
                f"resume: {argument} would change who is trained on and who is tested; leave it out, or begin a new run"
            )
        harmless = ("max_epochs", "logger", "trainer", "threads", *MAY_MOVE)
        if fold_directory(run_dir, 0).is_dir() and not key.startswith(("-", *harmless)):
            raise InputError(f"resume: {argument} would train the folds that are left in another way than the others")
    to_hydra = any(argument.startswith("-") for argument in keys)
    if not (run_dir / FINISHED).is_file() or "max_epochs" in keys.values() or to_hydra:
        return
    if not keys:
        raise AlreadyFinished(run_dir)
    raise InputError(
        f"resume: {run_dir} is finished, and {next(iter(keys))} would not change what it is: add max_epochs=N to train "
        "on, begin a new run, or evaluate it with poseid evaluate"
    )


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        raise InputError(f"resume: {path}: is missing or damaged: begin a new run") from None


def check_directories(arguments: list[str]) -> None:
    """Refuses a directory for runs that cannot be made, before Hydra tries to.

    Raises:
        InputError: it names the key.
    """
    for argument in arguments:
        key, value = key_of(argument), argument.partition("=")[2]
        if key not in ("hydra.run.dir", "hydra.sweep.dir") or not value:
            continue
        path = Path(unquoted(value))
        if key == "hydra.sweep.dir" and "?" in str(path):
            raise InputError(f"{key}: {path}: the address of a study cannot hold '?': choose another directory")
        there = next((parent for parent in (path, *path.parents) if os.path.lexists(parent)), Path())
        if not there.is_dir() or not os.access(there, os.W_OK):
            raise InputError(f"{key}: {path} cannot be made ({there} takes no files): choose another directory")


def fold_directory(run_dir: Path, fold: int) -> Path:
    """Where a fold of a cross-validation is trained."""
    return run_dir / f"{FOLD}{fold}"


def holds_a_run(run_dir: Path) -> str:
    return f"{run_dir}: holds a run already; resume it with resume={run_dir}, or take another directory"
