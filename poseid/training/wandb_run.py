"""The Weights & Biases run of a training: begun explicitly, continued on resume, and always finished."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from poseid.training.metric_names import ALL, HIGHER_IS_BETTER

ID_FILE = "wandb_run_id.txt"
log = logging.getLogger(__name__)


def start_wandb(
    options: dict[str, Any],
    config: dict[str, Any],
    run_dir: Path,
    name: str,
    group: str | None,
    tags: list[str],
) -> WandbLogger | None:
    """Begins (or goes on with) the W&B run of a run directory.

    Args:
        options: the ``logger`` group: mode, project, entity, group, tags.
        config: the whole resolved configuration, logged as it is.
        run_dir: where the run's files go; the run's id is kept there for a resumed run.
        name: of the run; in a multirun its overrides.
        group: the sweep that a job belongs to, unless ``options`` names one.
        tags: the groups in use.

    Returns:
        The logger, or None where W&B cannot start (one line in the log says why); training goes on.
    """
    import wandb

    id_file = run_dir / ID_FILE
    run_id = id_file.read_text(encoding="utf-8").strip() if id_file.is_file() else secrets.token_hex(4)
    try:
        run = wandb.init(
            project=options["project"],
            entity=options["entity"],
            group=options["group"] or group,
            name=name,
            id=run_id,
            resume="allow",
            dir=str(run_dir),
            mode=options["mode"],
            config=config,
            tags=[*tags, *options["tags"]],
            settings=wandb.Settings(silent=True, console="off"),
        )
        id_file.write_text(run_id + "\n", encoding="utf-8")
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        log.warning("W&B could not start (%s): nothing goes to W&B; metrics.csv is written all the same", reason)
        return None
    run.define_metric("epoch")
    for metric in ALL:
        if metric.startswith("weight/") or metric in ("lr", "val/similarity/raw"):
            summary = "last"
        else:
            summary = "max" if metric in HIGHER_IS_BETTER or metric == "val/rank1" else "min"
        run.define_metric(metric, step_metric="epoch", summary=summary)
    return WandbLogger(experiment=run)


def finish_wandb(logger: WandbLogger | None, failed: bool) -> None:
    """Ends the run. Without it the next job of a multirun would be merged into this one, silently."""
    if logger is not None:
        logger.experiment.finish(exit_code=1 if failed else 0)


def log_report(logger: WandbLogger, run_dir: Path, summary: dict[str, Any]) -> None:
    """Puts the figures of ``summary.json`` into the run's summary, and the enhancer beside it as an artifact."""
    import wandb

    run = logger.experiment
    for part in ("validation", "test"):
        block = summary[part]
        if block is not None:
            run.summary[part] = {key: block[key] for key in ("improvement", "similarity", "rank1", "verdict", "reason")}
            run.summary[f"{part}/headline"] = block["sets"].get(block["headline"])
    artifact = wandb.Artifact("enhancer", type="model")
    artifact.add_file(str(run_dir / "enhancer.safetensors"))
    run.log_artifact(artifact)
