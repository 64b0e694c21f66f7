"""One training run from a checked configuration to the files it leaves."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.trainer.states import TrainerStatus

from poseid.atomic import write_text
from poseid.enhancers.registry import parameter_count
from poseid.errors import InputError
from poseid.features.synthetic import NOTICE
from poseid.features.tables.poses import looks_like_radians
from poseid.training.arguments import FINISHED, holds_a_run
from poseid.training.checkpoints import (
    check_resumable,
    find_checkpoint,
    initialise_from,
    load_state,
    refuse_seen_people,
)
from poseid.training.config import DataConfig
from poseid.training.data import FeatureDataModule
from poseid.training.data_record import check_same_data
from poseid.training.health import DIVERGED, Diverged
from poseid.training.losses import TERMS
from poseid.training.module import EnhancerModule
from poseid.training.report import finish_run
from poseid.training.run_directory import RunContext
from poseid.training.selection import BestCheckpoint
from poseid.training.trainer import make_trainer
from poseid.training.training_page import write_training_page
from poseid.training.wandb_run import finish_wandb, log_report, start_logger

log = logging.getLogger(__name__)


def run_training(config: dict[str, Any], context: RunContext) -> dict[str, Any] | None:
    """Trains, selects the best epoch, evaluates and writes.

    Args:
        config: resolved and checked by :func:`poseid.training.config.check_config`.
        context: where, and as what.

    Returns:
        The contents of ``summary.json``; None where there is none: with ``trainer.fast_dev_run``, which writes nothing,
        and in all but the first of several processes.

    Raises:
        InputError: data, a checkpoint or the machine does not fit the configuration.
        Diverged: a loss or a weight is no number.
        KeyboardInterrupt: Ctrl-C; everything up to the last complete epoch is on disk.
    """
    # Set anew each time: in a multirun the job before may have asked for another number.
    torch.set_num_threads(config["threads"] or os.cpu_count() or 1)
    data = make_data(config)
    data.load()
    module = make_module(config)
    checkpoints = context.run_dir / "checkpoints"
    if not config["resume"] and checkpoints.is_dir() and any(checkpoints.iterdir()):  # of a job of a multirun
        raise InputError(holds_a_run(context.run_dir))
    checkpoint = find_checkpoint(config, context.run_dir)
    if checkpoint is None or not config["resume"]:  # what a resumed run began with may be gone by now
        for key in ("init_from", "ckpt_path"):
            if config[key]:
                refuse_seen_people(key, Path(config[key]), data.split)
        if config["init_from"]:
            initialise_from(module, Path(config["init_from"]))
    if checkpoint is not None:
        check_resumable(module, checkpoint)
    announce(config, data, module)
    selection = BestCheckpoint(checkpoints / "best.ckpt", None if context.folds is None else context.folds.epochs)
    trainer = make_trainer(config, context.run_dir, module.first_final_epoch(), selection)
    if config["trainer"]["fast_dev_run"]:
        fit(trainer, module, data, None)
        log.info(
            "fast_dev_run: training and validation ran to their end on a few batches; no model was written. To train, "
            "leave trainer.fast_dev_run out"
        )
        return None
    # The first of several processes alone writes files.
    first, logger, summary = trainer.is_global_zero, None, None
    if first:
        if not context.data_checked:
            check_same_data(data, context.run_dir, bool(config["resume"]))
        if (context.run_dir / FINISHED).is_file():
            log.warning("resume: the report and the enhancer of this finished run are replaced; export it anew after")
        logger = start_logger(config, context)
        (context.run_dir / FINISHED).unlink(missing_ok=True)
    trainer.loggers = [] if logger is None else [logger]
    try:
        fit(trainer, module, data, checkpoint)
        if first:
            load_state(module, selection.path)
            summary = finish_run(config, context, data, module, selection.epochs)
            if logger is not None:
                log_report(logger, context.run_dir, summary)
    except Diverged as error:
        if first:
            error.write(context.run_dir / DIVERGED)
            raise
    finally:
        finish_wandb(logger, failed=summary is None)
        if first:
            # Of a run that failed or was stopped too: the curves may say why.
            write_training_page(context.run_dir, None if summary is None else summary["guard"])
    if first:
        write_text(context.run_dir / FINISHED, json.dumps({"max_epochs": config["max_epochs"]}) + "\n")
    return summary


def make_data(config: dict[str, Any]) -> FeatureDataModule:
    options = DataConfig.model_validate(config["data"])
    same_batches = config["trainer"]["overfit_batches"] != 0
    seed, swap = config["seed"], config["loss"]["swap"]
    return FeatureDataModule(
        options, config["batch_size"], seed, swap, cv=config["cv"], fold=config["fold"], same_batches=same_batches
    )


def make_module(config: dict[str, Any]) -> EnhancerModule:
    return EnhancerModule(
        model=config["model"],
        weights={name: config[f"lambda_{name}"] for name in TERMS},
        **config["loss"],
        schedule=config["schedule"],
        lr=config["lr"],
        lr_identity_scale=config["lr_identity_scale"],
        weight_decay=config["weight_decay"],
        warmup_epochs=config["warmup_epochs"],
        network_after=config["network_after"],
        pose_dropout=config["data"]["pose_dropout"],
        seed=config["seed"],
    )


def fit(trainer: L.Trainer, module: EnhancerModule, data: FeatureDataModule, checkpoint: Path | None) -> None:
    """Trains; turns Lightning's way of ending on Ctrl-C (``sys.exit(1)``) into ``KeyboardInterrupt``."""
    try:
        trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SystemExit:
        raise KeyboardInterrupt from None
    if trainer.state.status == TrainerStatus.INTERRUPTED:
        raise KeyboardInterrupt


def announce(config: dict[str, Any], data: FeatureDataModule, module: EnhancerModule) -> None:
    if config["data"]["source"] == "synthetic":
        log.info(NOTICE)
    split = data.split
    log.info("%s", data.feature_set.summary())
    if data.fold_name is not None:
        log.info("tested on: %s", data.fold_name)
    poses = np.concatenate([data.feature_set.front.poses, data.feature_set.video.poses])
    if looks_like_radians(poses):
        log.warning("all angles are within 3.15, so they look like radians; degrees are needed: see poseid doctor")
    log.info(
        "people: %d train, %d validation, %d test; %d training probes",
        len(split.train),
        len(split.validation),
        len(split.test),
        len(data.train_rows),
    )
    log.info(
        "model %s: %s parameters (and %s in the decoder of the reconstruction term, which does not ship)",
        config["model"]["name"],
        f"{parameter_count(module.enhancer):,}",
        f"{parameter_count(module.decoder):,}",
    )
    processes = config["trainer"]["devices"] * config["trainer"]["num_nodes"]
    if processes > 1:
        log.info("%d processes with %d probes each: %d a step", processes, data.batch_size, processes * data.batch_size)
    weights = ", ".join(f"{name} {value:g}" for name, value in module.weights.items())
    log.info("loss weights: %s; schedule %s", weights, module.schedule.name)
    if config["logger"]["name"] == "none":
        log.warning("logger=none: no metrics are written; only the report at the end is written")
