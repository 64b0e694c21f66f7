"""One of the processes of test_many_processes.py: one step on made-up people; leaves gradients and metrics.

python ddp_worker.py WORLD BATCH_SIZE OUT
"""

import sys
from pathlib import Path
from typing import Any

import lightning as L
import torch

from poseid.training.data import FeatureDataModule
from poseid.training.module import EnhancerModule
from poseid.training.terms import TERMS
from poseid.verification.metrics import EqualErrorRate, FNMRAtFMR, MeanImprovement

STEPS = 3


class Keep(L.Callback):
    """Keeps the gradients of the first step, as they are after the processes have averaged them."""

    def __init__(self) -> None:
        self.gradients: dict[str, torch.Tensor] = {}
        self.verification: dict[str, float] = {}

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if not self.gradients:
            self.gradients = {n: p.grad.clone() for n, p in pl_module.named_parameters() if p.grad is not None}

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        generator = torch.Generator().manual_seed(0)
        same = torch.arange(9000) % 3 == 0
        scores = torch.randn(9000, generator=generator) + same
        mine = slice(trainer.global_rank, None, trainer.world_size)
        eer, fnmr, improvement = EqualErrorRate(), FNMRAtFMR(0.01), MeanImprovement()
        for metric in (eer, fnmr):
            metric.update(scores[mine], same[mine])
        improvement.update(scores[mine], scores[mine].square())
        values = {"eer": eer, "fnmr": fnmr, "improvement": improvement}
        self.verification = {name: float(metric.compute()) for name, metric in values.items()}


def work(world: int, batch_size: int) -> dict[str, Any]:
    torch.set_num_threads(1)
    data = FeatureDataModule(
        **{"source": "synthetic", "dir": None, "dim": 16, "target": "pair", "fractions": [0.6, 0.3, 0.1]},
        **{"split_seed": 0, "folds": None, "train_people": None, "validation_people": None, "test_people": None},
        **{"train_limit": None, "min_yaw": 0, "max_yaw": 90, "missing_pose": "keep", "synthetic_people": 16},
        **{"synthetic_seed": 0, "batch_size": batch_size, "seed": 0, "swap": True},
    )
    data.load()
    # More poses are missing among the rows of one process than of the other.
    data.train_rows.pose[::3] = torch.nan
    module = EnhancerModule(
        model={"name": "residual", "dim": 16, "pose_dim": 4, "rank": 4, "init": "random", "similarity_dim": 8},
        weights=dict.fromkeys(TERMS, 1.0),
        **{"temperature": 0.1, "margin": 0.0, "hardest": 3, "swap": True, "schedule": {"name": "constant"}},
        **{"lr": 1e-3, "lr_identity_scale": 1.0, "weight_decay": 0.0, "warmup_epochs": 0.0},
        **{"pose_dropout": 0.3, "seed": 0},
    )
    keep = Keep()
    trainer = L.Trainer(
        accelerator="cpu",
        devices=world,
        strategy="ddp_find_unused_parameters_true" if world > 1 else "auto",
        use_distributed_sampler=False,
        max_epochs=1,
        limit_train_batches=STEPS,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[keep],
        default_root_dir=Path(sys.argv[3]).parent,
    )
    trainer.fit(module, datamodule=data)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {"gradients": keep.gradients, "metrics": metrics, "verification": keep.verification}


if __name__ == "__main__":
    result = work(int(sys.argv[1]), int(sys.argv[2]))
    torch.save(result, sys.argv[3])
