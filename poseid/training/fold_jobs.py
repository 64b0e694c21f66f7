"""Folds side by side: the jobs of a multirun of the same command, through whatever launcher ``sweep=`` names."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from poseid.errors import InputError
from poseid.training.arguments import FOLD, NO_HYDRA_FILES, fold_directory
from poseid.training.override_text import WITHOUT_SWEEP_SUMMARY, quoted

LAUNCHERS = ("joblib", "slurm", "submitit_local", "ray")
"""Choices of ``sweep`` that say where jobs run, and not what is searched."""
OF_THE_WHOLE = ("resume", "fold", "evaluate_test")
log = logging.getLogger(__name__)


def check_launcher(overrides: Sequence[str]) -> None:
    """Refuses choices of ``sweep`` that search, in a cross-validation that is no multirun.

    Raises:
        InputError: it names the choice.
    """
    for choices in (item.removeprefix("sweep=") for item in overrides if item.startswith("sweep=")):
        for choice in choices.strip("[]'\"").split(","):
            if choice.strip() not in LAUNCHERS:
                raise InputError(f"sweep: {choice.strip()} searches settings; add -m, or take {', '.join(LAUNCHERS)}")


def launcher(hydra: Any, overrides: Sequence[str], run_dir: Path, evaluate_test: bool) -> Callable[[list[int]], None]:
    """What trains folds side by side, in directories of the run.

    Args:
        hydra: Hydra's configuration of this job.
        overrides: what the run was begun with.
        run_dir: of the whole.
        evaluate_test: whether the folds evaluate their test people.
    """
    (conf,) = [Path(source.path) for source in hydra.runtime.config_sources if source.provider == "main"]
    task = [item for item in overrides if item.lstrip("+").partition("=")[0] not in OF_THE_WHOLE]
    given = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
    assert isinstance(given, list)
    of_launcher = [str(item) for item in given if str(item).lstrip("+").startswith("hydra.launcher")]

    def launch(folds: list[int]) -> None:
        begun = any((fold_directory(run_dir, fold) / "checkpoints").is_dir() for fold in folds)
        command = [
            *(sys.executable, str(conf.parent / "train.py"), "-m", *task, *of_launcher),
            f"fold={','.join(map(str, folds))}",
            f"evaluate_test={str(evaluate_test).lower()}",
            f"hydra.sweep.dir={quoted(str(run_dir))}",
            f"hydra.sweep.subdir={FOLD}${{fold}}",
            *(["resume=${hydra:runtime.output_dir}"] if begun else []),
            *(WITHOUT_SWEEP_SUMMARY, NO_HYDRA_FILES),
        ]
        log.info("%d folds side by side", len(folds))
        status = subprocess.run(command, check=False).returncode
        if status != 0:
            log.warning("the folds side by side ended with status %d: what is left is trained here", status)

    return launch
