"""What launchers tell the processes that they start, and a short training for them."""

import os

LINE = (
    "trainer.accelerator=cpu trainer.devices=2 data.synthetic_people=24 data.dim=64 batch_size=32 max_epochs=2 "
    "resamples=100 threads=1 trainer.progress_bar=false logger=csv"
)


def torchrun(world: int, rank: int, machines: int = 1) -> dict[str, str]:
    """What torchrun tells a process."""
    machine, local = divmod(rank, world // machines)
    return {
        **{"TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "LOCAL_RANK": str(local), "GROUP_RANK": str(machine)},
        **{"WORLD_SIZE": str(world), "LOCAL_WORLD_SIZE": str(world // machines)},
    }


def srun(world: int, rank: int, machines: int = 1) -> dict[str, str]:
    """What Slurm's srun tells a process."""
    machine, local = divmod(rank, world // machines)
    return {
        **{"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NODELIST": "127.0.0.1", "SLURM_NODEID": str(machine)},
        **{"SLURM_NTASKS": str(world), "SLURM_NTASKS_PER_NODE": str(world // machines)},
        **{"SLURM_NNODES": str(machines), "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(local)},
    }


def outside() -> dict[str, str]:
    """This process's environment without what a launcher may have told it."""
    told = {*torchrun(1, 0), *srun(1, 0), "NODE_RANK"}
    return {name: value for name, value in os.environ.items() if name not in told}
