"""The directory of a single run: taken for it before Hydra writes there, so that no other run is written over."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from poseid.errors import InputError, first_line
from poseid.training.arguments import holds_a_run


class RunDirectory(Callback):
    """Hydra callback of a single run. At its start the directory is known with every ``${now:…}`` resolved."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        if config.hydra.output_subdir is None:  # a resumed run, or another process of a run: it has its directory
            return
        try:
            chosen = any(item.lstrip("+").startswith("hydra.run.dir=") for item in config.hydra.overrides.hydra)
            config.hydra.run.dir = str(claim(Path(config.hydra.run.dir), chosen))
        except (InputError, OSError) as error:  # Hydra would make a warning of it, and go on
            print(f"error: {first_line(error)}", file=sys.stderr)
            sys.exit(2 if isinstance(error, InputError) else 1)


def claim(run_dir: Path, chosen: bool) -> Path:
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
        try:
            (path / "checkpoints").mkdir(parents=True)
        except FileExistsError:
            if chosen:
                raise InputError(holds_a_run(path)) from None
        else:
            return path
    raise AssertionError("count() ends")
