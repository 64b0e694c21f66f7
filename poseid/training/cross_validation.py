"""A cross-validation: a training for each fold, then one on everybody, which ships and which the folds have judged."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from poseid.errors import InputError
from poseid.training.arguments import FINISHED, FOLD, fold_directory, holds_a_run
from poseid.training.data_record import check_same_data
from poseid.training.folds import read_folds
from poseid.training.override_text import NO_HYDRA_FILES, WITHOUT_SWEEP_SUMMARY, key_of, quoted
from poseid.training.run import make_data, run_training
from poseid.training.run_directory import RunContext

ENOUGH_TESTED = 40  # people of a fold; see docs/reading-the-report.md
log = logging.getLogger(__name__)


def run_cross_validation(
    config: dict[str, Any], context: RunContext, side_by_side: Sequence[str] | None = None
) -> dict[str, Any] | None:
    """Trains the folds that are not finished, then the model of everybody; returns the contents of ``summary.json``.

    A fold that was stopped goes on from its last checkpoint.

    Args:
        config: resolved and checked, with ``cv`` and without ``fold``.
        context: of the whole; its directory receives a directory for each fold.
        side_by_side: the command (Python, ``train.py`` and arguments) as a multirun, whose jobs train these folds in
            other processes; or None: one after the other in this one. What it leaves unfinished is trained here, which
            also says what is wrong with it.

    Raises:
        InputError, Diverged, KeyboardInterrupt: as :func:`run_training`.
    """
    if not config["resume"] and fold_directory(context.run_dir, 0).is_dir():
        raise InputError(holds_a_run(context.run_dir))
    # What is wrong with the data or with the folds is said before anything is written.
    data = make_data({**config, "fold": None})
    data.load()
    check_same_data(data, context.run_dir, bool(config["resume"]))
    people = len(data.feature_set.people())
    tested = people // config["cv"]
    if tested < ENOUGH_TESTED:
        fewer = max(2, people // ENOUGH_TESTED)
        log.warning(
            "cv: each fold tests about %d people; thresholds found on fewer than %d are rough%s",
            *(tested, ENOUGH_TESTED, f": cv={fewer} is better here" if fewer < config["cv"] else ""),
        )
    directories = [fold_directory(context.run_dir, fold) for fold in range(config["cv"])]
    left = [fold for fold, directory in enumerate(directories) if not is_finished(directory, config["max_epochs"])]
    if left:
        # Of a training on everybody that ended before these folds did: its number of epochs was another.
        # The empty directory stays: it says that a run is here.
        shutil.rmtree(context.run_dir / "checkpoints", ignore_errors=True)
        (context.run_dir / "checkpoints").mkdir(parents=True)
    if side_by_side is not None and len(left) > 1:
        train_side_by_side(left, context, side_by_side)
    for fold, directory in enumerate(directories):
        if is_finished(directory, config["max_epochs"]):
            log.info("fold %d of %d is finished: %s", fold, len(directories), directory)
            continue
        log.info("fold %d of %d: %s", fold, len(directories), directory)
        resume = str(directory) if (directory / "checkpoints").is_dir() else None
        one = replace(context, run_dir=directory, name=f"{context.name} fold {fold}", data_checked=True)
        run_training({**config, "fold": fold, "resume": resume}, one)
    log.info("the model of everybody, which ships: %s", context.run_dir)
    resume = str(context.run_dir) if (context.run_dir / "checkpoints" / "last.ckpt").is_file() else None
    whole = replace(context, folds=read_folds(directories), data_checked=True)
    return run_training({**config, "resume": resume}, whole)


def train_side_by_side(folds: Sequence[int], context: RunContext, command: Sequence[str]) -> None:
    """Trains folds as the jobs of a multirun, through whatever launcher ``sweep=`` names, in directories of the run."""
    any_begun = any((fold_directory(context.run_dir, fold) / "checkpoints").is_dir() for fold in folds)
    of_a_fold = [
        f"fold={','.join(map(str, folds))}",
        f"evaluate_test={str(context.evaluate_test).lower()}",
        f"hydra.sweep.dir={quoted(str(context.run_dir))}",
        f"hydra.sweep.subdir={FOLD}${{fold}}",
        *(["resume=${hydra:runtime.output_dir}"] if any_begun else []),
        *(WITHOUT_SWEEP_SUMMARY, NO_HYDRA_FILES),
    ]
    given = [item for item in command if key_of(item) not in ("resume", "fold", "evaluate_test")]
    log.info("%d folds side by side", len(folds))
    status = subprocess.run([*given, *of_a_fold], check=False).returncode
    if status != 0:
        log.warning("the folds side by side ended with status %d: what is left is trained here", status)
    for directory in (fold_directory(context.run_dir, fold) for fold in folds):
        # Of a refused job: its log alone, which would pass for a fold that can be resumed.
        if directory.is_dir() and not any((directory / "checkpoints").glob("*")):
            shutil.rmtree(directory)


def is_finished(directory: Path, epochs: int) -> bool:
    """Whether a fold is finished, for so many epochs at least."""
    try:
        return bool(json.loads((directory / FINISHED).read_text(encoding="utf-8"))["max_epochs"] >= epochs)
    except (OSError, ValueError, KeyError, TypeError):
        return False
