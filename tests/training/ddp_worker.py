"""One of the processes of test_many_processes.py: a few steps on made-up people; leaves gradients and metrics.

python ddp_worker.py WORLD BATCH_SIZE OUT
"""

import sys
from pathlib import Path
from typing import Any

import lightning as L
import torch

from poseid.training.fitting import fit_on
from tests.training import small

STEPS = 3


class Keep(L.Callback):
    """Keeps the gradients of the first step, as they are after the processes have averaged them."""

    def __init__(self) -> None:
        self.gradients: dict[str, torch.Tensor] = {}

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        if not self.gradients:
            self.gradients = {n: p.grad.clone() for n, p in pl_module.named_parameters() if p.grad is not None}


MODELS = {"random": {**small.MODEL, "init": "random", "similarity_dim": 8}, "ridge": small.RIDGE}


def work(world: int, batch_size: int, model: dict[str, Any]) -> dict[str, Any]:
    torch.set_num_threads(1)
    data = small.loaded_data(target="pair", synthetic_people=16, synthetic_seed=0, batch_size=batch_size, swap=True)
    # More poses are missing among the rows of one process than of the other.
    data.train_rows.pose[::3] = torch.nan
    module = small.module(model=model, hardest=3, swap=True, pose_dropout=0.3)
    with torch.no_grad():  # the last layers at zero would leave those before them without a gradient
        for path in (module.enhancer.linear_path, module.enhancer.low_rank_path):
            path.weight.add_(0.1 * torch.randn(path.weight.shape, generator=torch.Generator().manual_seed(1)))
    fit_on(module.enhancer, data.train_set)
    keep = Keep()
    trainer = small.trainer(
        devices=world,
        strategy="ddp_find_unused_parameters_true" if world > 1 else "auto",
        max_epochs=1,
        limit_train_batches=STEPS,
        callbacks=[keep],
        default_root_dir=Path(sys.argv[3]).parent,
    )
    trainer.fit(module, datamodule=data)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    phi = list(module.enhancer.phi_values().values())
    return {"gradients": keep.gradients, "metrics": metrics, "phi": phi}


if __name__ == "__main__":
    result = {name: work(int(sys.argv[1]), int(sys.argv[2]), model) for name, model in MODELS.items()}
    torch.save(result, sys.argv[3])
