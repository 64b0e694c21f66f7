"""Which of several processes of one training this is, as torchrun, Slurm or Lightning say it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from poseid.errors import InputError
from poseid.training.arguments import NO_HYDRA_FILES, asked_devices
from poseid.training.override_text import quoted

NO_LOG = "hydra/job_logging=disabled"
_BY_HAND = ("bash", "interactive")
"""Names of Slurm jobs in which somebody types: Lightning takes no notice of Slurm there."""


def by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def by_slurm() -> bool:
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in _BY_HAND and not by_torchrun()


def first_process(devices: int) -> bool:
    """Whether this is the only process of a training, or the first of several; as Lightning will see it.

    Args:
        devices: how many processes train together.
    """
    if by_torchrun():
        return os.environ.get("RANK", "0") == "0"
    return devices == 1 or os.environ.get("SLURM_PROCID" if by_slurm() else "LOCAL_RANK", "0") == "0"


def check_processes(devices: int, accelerator: str) -> None:
    """Refuses a number of processes that this machine has no cores for, or other than was started from outside.

    Raises:
        InputError: torchrun or srun started more or fewer, or on more than one machine; or there are too few cores.
    """
    cores = os.cpu_count() or 1
    if accelerator == "cpu" and devices > cores:
        raise InputError(f"trainer.devices: is {devices}, but this machine has {cores} cores: take no more than those")
    started = os.environ.get("WORLD_SIZE", "1")
    if by_torchrun() and started != str(devices):
        raise InputError(
            f"trainer.devices: is {devices}, but torchrun started {started} processes: add trainer.devices={started}"
        )
    tasks = (os.environ.get("SLURM_NTASKS"), os.environ.get("SLURM_NTASKS_PER_NODE"))
    if by_slurm() and devices > 1 and tasks != (str(devices), str(devices)):
        raise InputError(
            f"trainer.devices: is {devices}, so Slurm must start {devices} tasks on one machine: "
            f"srun --nodes=1 --ntasks-per-node={devices} …"
        )


@contextmanager
def of_this_process(arguments: list[str]) -> Iterator[list[str]]:
    """The arguments as this process of a training takes them.

    The first one's directory holds the run. torchrun and srun start every process with the same line, and each would
    name a directory by the second it came to: any other has a place of its own until it ends.
    """
    if first_process(asked_devices(arguments)):
        yield arguments
    elif any(item.startswith("hydra.run.dir=") for item in arguments):
        yield [*arguments, NO_HYDRA_FILES, NO_LOG]
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            yield [*arguments, NO_HYDRA_FILES, NO_LOG, f"hydra.run.dir={quoted(place)}"]
