"""Which of several processes of one training this is, as torchrun, Slurm and Lightning say it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from poseid.training.arguments import NO_HYDRA_FILES, quoted

RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def first_process() -> bool:
    """Whether this is the only process of a training, or the first of several."""
    return all(os.environ.get(key, "0") == "0" for key in RANKS)


@contextmanager
def of_this_process(arguments: list[str]) -> Iterator[list[str]]:
    """The arguments as this process of a training takes them.

    torchrun and srun start every process with the same line, and each would name a directory by the second it came to.
    The first one's holds the run; any other has a place of its own until it ends.
    """
    several = any(re.fullmatch(r"\+*trainer\.devices=0*([2-9]|[1-9]\d+)", item) for item in arguments)
    if first_process() or not several or any(item.startswith("hydra.run.dir=") for item in arguments):
        yield arguments
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        yield [*arguments, NO_HYDRA_FILES, f"hydra.run.dir={quoted(place)}"]
