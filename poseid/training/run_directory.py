"""The directory of a single run: reserved before Hydra writes there, and emptied again of a run that did not begin."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from poseid.errors import InputError, first_line
from poseid.training.arguments import DATA_RECORD, FINISHED, fold_directory, holds_a_run
from poseid.training.override_text import key_of

if TYPE_CHECKING:
    from poseid.training.folds import Folds

HYDRA_FILES = tuple(f".hydra/{name}.yaml" for name in ("config", "hydra", "overrides"))
OF_A_RUN = ("enhancer.safetensors", FINISHED, ".hydra")
"""Any of these says that a run is there, also where its checkpoints were removed to save space."""
_new: dict[Path, list[Path]] = {}
"""By run directory, what was not there before: files, then directories from the innermost on. Hydra gives the job that
follows no other way to know."""


@dataclass(frozen=True)
class RunContext:
    """Where and as what a run happens.

    Args:
        run_dir: directory that receives everything.
        name: of the W&B run.
        group: of the W&B run: the sweep or the cross-validation that it belongs to, or None.
        tags: groups in use, such as ``loss=after``.
        evaluate_test: whether the test people are evaluated.
        folds: of a cross-validation, where this is the training on everybody that follows them.
        data_checked: whether the cross-validation has compared the data with its record already.
    """

    run_dir: Path
    name: str
    group: str | None
    tags: list[str]
    evaluate_test: bool
    folds: Folds | None = None
    data_checked: bool = False


class RunDirectory(Callback):
    """Hydra callback of a single run. At its start the directory is known with every ``${now:…}`` resolved."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        _new.clear()
        if config.hydra.output_subdir is None:  # a resumed run, or another process of a run: it has its directory
            return
        try:
            chosen = any(key_of(item) == "hydra.run.dir" for item in config.hydra.overrides.hydra)
            config.hydra.run.dir = str(reserve(Path(config.hydra.run.dir), chosen))
        except (InputError, OSError) as error:  # Hydra would make a warning of it, and go on
            print(f"error: {first_line(error)}", file=sys.stderr)
            sys.exit(2 if isinstance(error, InputError) else 1)


def reserve(run_dir: Path, chosen: bool) -> Path:
    """Makes ``checkpoints`` in a directory, which no second run can do; returns the directory.

    Args:
        run_dir: where the run is to be.
        chosen: whether the user named it. If not, a second run of the same second takes ``DIRECTORY-2``.

    Raises:
        InputError: a run, or a feature folder, is there already.
    """
    if (run_dir / "front_feature.npy").exists():
        raise InputError(f"{run_dir}: is a feature folder: choose another hydra.run.dir")
    for number in count(1):
        path = run_dir if number == 1 else run_dir.with_name(f"{run_dir.name}-{number}")
        written = [path / name for name in (*HYDRA_FILES, "train.log", "multirun.yaml", DATA_RECORD)]
        directories = (path / ".hydra", path / "checkpoints", path, *path.parents)
        absent = [item for item in (*written, *directories) if not item.exists()]
        try:
            if any((path / name).exists() for name in OF_A_RUN):
                raise FileExistsError
            (path / "checkpoints").mkdir(parents=True)
        except FileExistsError:
            if chosen:
                raise InputError(holds_a_run(path)) from None
        else:
            _new[path.resolve()] = absent
            return path
    raise AssertionError("count() ends")


def release(run_dir: Path) -> None:
    """Takes away what a run that was refused or tried has made; what was there before stays, and so does all of a run
    that has a checkpoint or a fold to resume."""
    if fold_directory(run_dir, 0).is_dir() or any((run_dir / "checkpoints").glob("*")):
        return
    new = _new.pop(run_dir.resolve(), [])
    files = {path.resolve() for path in new}
    for handler in logging.root.handlers[:]:
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).resolve() in files:
            logging.root.removeHandler(handler)
            handler.close()  # an open file cannot be removed on every system
    for path in new:
        with suppress(OSError):  # another run is there, such as one of the same day
            path.rmdir() if path.is_dir() else path.unlink()
