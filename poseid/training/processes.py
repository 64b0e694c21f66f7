"""Which of several processes of one training this is, as torchrun, Slurm or Lightning say it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from poseid.errors import InputError
from poseid.training.arguments import asked_processes
from poseid.training.override_text import NO_HYDRA_FILES, NO_LOG, key_of, quoted

_BY_HAND = ("bash", "interactive")
"""Names of Slurm jobs in which somebody types: Lightning takes no notice of Slurm there."""


def by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def by_slurm() -> bool:
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in _BY_HAND and not by_torchrun()


def first_process(processes: int) -> bool:
    """Whether this is the only process of a training, or the first of several; as Lightning will see it.

    Args:
        processes: how many train together, on all machines.
    """
    if by_torchrun():
        return os.environ.get("RANK", "0") == "0"
    return processes == 1 or os.environ.get("SLURM_PROCID" if by_slurm() else "LOCAL_RANK", "0") == "0"


def check_processes(devices: int, machines: int, accelerator: str) -> None:
    """Refuses a number of processes that this machine has no cores for, or other than was started from outside.

    Args:
        devices: processes on each machine.
        machines: how many.

    Raises:
        InputError: torchrun or srun started more or fewer, or on more or fewer machines; or nobody started those of
            several machines; or there are too few cores.
    """
    cores = os.cpu_count() or 1
    if accelerator == "cpu" and devices > cores:
        raise InputError(f"trainer.devices: is {devices}, but this machine has {cores} cores: take no more than those")
    processes = devices * machines
    where = "one machine" if machines == 1 else f"each of {machines} machines (trainer.num_nodes)"
    if by_torchrun():
        here, all_in_all = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), int(os.environ.get("WORLD_SIZE", "1"))
        if (here, all_in_all) != (devices, processes):
            raise InputError(
                f"trainer.devices: is {devices} on {where}, but torchrun started {here} of {all_in_all} processes "
                f"here: add trainer.devices={here} trainer.num_nodes={max(1, all_in_all // here)}"
            )
    elif by_slurm():
        tasks = (os.environ.get("SLURM_NTASKS"), os.environ.get("SLURM_NTASKS_PER_NODE"))
        if processes > 1 and tasks != (str(processes), str(devices)):
            raise InputError(
                f"trainer.devices: is {devices}, so Slurm must start {devices} tasks on {where}: "
                f"srun --nodes={machines} --ntasks-per-node={devices} …"
            )
    elif machines > 1:
        raise InputError(
            f"trainer.num_nodes: is {machines}, so torchrun or Slurm must start the training, on each machine: "
            f"torchrun --nnodes={machines} --nproc_per_node={devices} … or srun --nodes={machines} …"
        )


@contextmanager
def process_arguments(arguments: list[str]) -> Iterator[list[str]]:
    """The arguments as this process of a training takes them.

    The first one's directory holds the run. torchrun and srun start every process with the same line, and each would
    name a directory by the second it came to: any other has a place of its own until it ends.
    """
    if first_process(asked_processes(arguments)):
        yield arguments
    elif "hydra.run.dir" in map(key_of, arguments):
        yield [*arguments, NO_HYDRA_FILES, NO_LOG]
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
            yield [*arguments, NO_HYDRA_FILES, NO_LOG, f"hydra.run.dir={quoted(place)}"]
