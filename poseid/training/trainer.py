"""Lightning's trainer as a run needs it: checkpoints, early stopping, progress, precision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint

from poseid.errors import InputError, first_line
from poseid.training.callbacks import Diagnosis, MetricsFile, Progress
from poseid.training.checkpoints import AtomicCheckpointIO
from poseid.training.selection import BestCheckpoint, PatienceAfterRamp


def precision_name(precision: str, accelerator: str) -> str:
    """Lightning's name for ``precision``; ``mixed`` is bf16 where the machine has it, else 16."""
    on_gpu = accelerator in ("auto", "gpu") and torch.cuda.is_available()
    if precision == "mixed":
        precision = "bf16" if not on_gpu or torch.cuda.is_bf16_supported() else "16"
    if precision == "16" and not on_gpu:
        raise InputError("precision: 16 needs a GPU; use precision=bf16 or precision=32 here")
    return {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}[precision]


def make_trainer(config: dict[str, Any], run_dir: Path, end_of_ramp: int, selection: BestCheckpoint) -> L.Trainer:
    """Lightning's trainer for a run; best.ckpt is chosen by val/selection, last.ckpt is the last complete epoch.

    With ``fast_dev_run`` it writes nothing.

    Args:
        config: resolved and checked.
        run_dir: receives ``checkpoints/`` and ``metrics.csv``.
        end_of_ramp: first epoch that early stopping counts.
        selection: writes ``best.ckpt``; where it ends the training by itself, nothing else does.
    """
    options, stopping = config["trainer"], config["callbacks"]
    last = ModelCheckpoint(
        dirpath=run_dir / "checkpoints",
        filename="last",
        every_n_epochs=1,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
    )
    callbacks: list[L.Callback] = [] if options["fast_dev_run"] else [selection, last]
    if callbacks and config["logger"]["name"] != "none":
        callbacks.append(MetricsFile(run_dir / "metrics.csv"))
    if callbacks and stopping["diagnosis"]["every_n_epochs"]:
        callbacks.append(Diagnosis(stopping["diagnosis"]["every_n_epochs"]))
    if callbacks and stopping["early_stopping"] and selection.fixed_epochs is None:
        callbacks.append(PatienceAfterRamp(end_of_ramp, stopping["patience"]))
    if options["progress_bar"]:
        callbacks.append(Progress(leave=False))
    # A term with weight 0 leaves its layers without a gradient, which plain DDP takes for a fault.
    several = options["devices"] * options["num_nodes"] > 1
    plugins: list[Any] = [AtomicCheckpointIO()]
    if not several:  # each task of a Slurm job may train by itself
        plugins.append(LightningEnvironment())
    try:
        return L.Trainer(
            accelerator=options["accelerator"],
            devices=options["devices"],
            num_nodes=options["num_nodes"],
            strategy="ddp_find_unused_parameters_true" if several else "auto",
            precision=precision_name(str(config["precision"]), options["accelerator"]),  # type: ignore[arg-type]
            max_epochs=config["max_epochs"],
            gradient_clip_val=options["gradient_clip_val"],
            # Lightning's own overfit_batches would put another sampler in the place of ours; see train_dataloader.
            limit_train_batches=options["overfit_batches"] or options["limit_train_batches"],
            accumulate_grad_batches=options["accumulate_grad_batches"],
            max_steps=options["max_steps"],
            max_time=options["max_time"],
            fast_dev_run=options["fast_dev_run"],
            enable_checkpointing=not options["fast_dev_run"],
            deterministic=options["deterministic"],
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            enable_progress_bar=options["progress_bar"],
            enable_model_summary=False,
            logger=False,
            callbacks=callbacks,
            plugins=plugins,
            log_every_n_steps=1,
            default_root_dir=run_dir,
        )
    except (MisconfigurationException, ValueError, RuntimeError) as error:  # of a machine that has no such devices
        raise InputError(f"trainer: {first_line(error)}") from None
