"""The Weights & Biases run of a training: begun explicitly, continued on resume, and always finished."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger

from poseid.errors import first_line
from poseid.training.metric_names import ALL, BY_YAW, DIAGNOSIS, best_of, headline_set, shipped_metrics
from poseid.training.run_directory import RunContext

ID_FILE = "wandb_run_id.txt"
RATES = ("genuine", "impostor", "raw", "enhanced", "difference", "fixed_threshold")
log = logging.getLogger(__name__)


class Run(WandbLogger):
    """Lightning's logger for a W&B run, where a W&B that is gone ends no training: one line in the log says so."""

    def __init__(self, experiment: Any) -> None:
        super().__init__(experiment=experiment)
        self.lost = False

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self.lost:
            return
        try:
            super().log_metrics(metrics, step)
        except Exception as error:
            self.lost = True
            log.warning(
                "W&B is gone (%s): nothing more goes to W&B; metrics.csv is written all the same", first_line(error)
            )


def start_logger(config: dict[str, Any], context: RunContext) -> Run | None:
    """Begins (or resumes) the W&B run of a run directory.

    Args:
        config: the whole resolved configuration, logged as it is; its group ``logger`` has the options.
        context: its directory has the run's files, and the run's id for a resumed run; its group is the W&B group,
            unless the configuration names one.

    Returns:
        The logger; None without W&B, or where it cannot start (one line in the log says why): training goes on.
    """
    options = config["logger"]
    if options["name"] != "wandb":
        return None
    import wandb

    if options["mode"] == "disabled":
        log.warning("W&B is disabled: nothing goes to W&B; metrics.csv is written all the same")
    id_file = context.run_dir / ID_FILE
    context.run_dir.mkdir(parents=True, exist_ok=True)  # of a fold it is not there yet
    run_id = id_file.read_text(encoding="utf-8").strip() if id_file.is_file() else secrets.token_hex(4)
    try:
        run = wandb.init(
            project=options["project"],
            entity=options["entity"],
            group=options["group"] or context.group,
            name=context.name,
            id=run_id,
            resume="allow",
            dir=str(context.run_dir),
            mode=options["mode"],
            config=config,
            tags=[*context.tags, *options["tags"]],
            settings=wandb.Settings(silent=True, console="off"),
        )
        id_file.write_text(run_id + "\n", encoding="utf-8")
        run.define_metric("epoch")
        for metric in ALL:
            run.define_metric(metric, step_metric="epoch", summary=best_of(metric))
    except Exception as error:
        log.warning(
            "W&B could not start (%s): nothing goes to W&B; metrics.csv is written all the same", first_line(error)
        )
        _forget()
        return None
    return Run(run)


def finish_wandb(logger: Run | None, failed: bool) -> None:
    """Ends the run. Without it the next job of a multirun would be merged into this one, silently."""
    if logger is None:
        return
    try:
        logger.experiment.finish(exit_code=1 if failed else 0)
    except Exception as error:
        # W&B's own process was ended, by a signal to the whole group for example.
        log.warning("W&B could not finish its run (%s): metrics.csv is complete all the same", first_line(error))
        _forget()


def _forget() -> None:
    """Ends what is left of a connection: W&B would try it once more at exit, and the next job would use it."""
    import wandb

    with contextlib.suppress(Exception):
        wandb.teardown(exit_code=1)


def log_report(logger: Run, run_dir: Path, summary: dict[str, Any]) -> None:
    """Puts what ships into the run: figures, the diagnosis picture, a table by yaw, and the enhancer as an artifact.

    The files in ``run_dir`` stand by now, so what W&B cannot take is one line in the log, not a failed run.
    """
    if logger.lost:
        return
    try:
        _log_report(logger.experiment, run_dir, summary)
    except Exception as error:
        log.warning("W&B did not take all of the report (%s): it stands in %s", first_line(error), run_dir / "report")


def _log_report(run: Any, run_dir: Path, summary: dict[str, Any]) -> None:
    import wandb

    blocks = {part: summary[part] for part in ("validation", "test", "cross_validation") if summary.get(part)}
    for part, block in blocks.items():
        run.summary[part] = {key: block[key] for key in ("improvement", "similarity", "rank1", "verdict", "reason")}
        headline = headline_set(block)
        run.summary[f"{part}/headline"] = headline and {key: headline[key] for key in RATES}
    run.summary.update(shipped_metrics(summary["validation"]))
    picture = wandb.Image(str(run_dir / "report" / "diagnosis.png"), caption=f"what ships, on {[*blocks][-1]} people")
    run.log({DIAGNOSIS: [picture]})
    artifact = wandb.Artifact("enhancer", type="model")
    # Read from where it stands: a copy would go to the home directory, which may be read-only.
    artifact.add_file(str(run_dir / "enhancer.safetensors"), policy="immutable")
    run.log_artifact(artifact)
    bins = [(part, entry) for part, block in blocks.items() for entry in block["improvement"]["by_yaw"]]
    by_yaw = wandb.Table(
        columns=["people", "yaw from", "yaw to", "n", "mean improvement", "ci low", "ci high"],
        data=[
            [part, entry["from"], entry["to"], entry["n"], entry["mean"], *(entry["ci95"] or (None, None))]
            for part, entry in bins
        ],
    )
    # Last: W&B keeps a table in the home directory until it is sent.
    run.log({BY_YAW: by_yaw})
