"""Lightning callbacks of a run beside those that select weights: metrics.csv, the diagnosis, the progress bar."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import WandbLogger

from poseid.atomic import write_text
from poseid.reports.figures import diagnosis_sheet
from poseid.training.metric_names import ALL, DIAGNOSIS, validation_metrics

TREND = 3  # diagnoses that make a trend
SLACK = 0.005  # a change smaller than this in all is no trend
HARMFUL_RATIO = 1.05  # false matches at raw's threshold, as multiples of raw's, that are worth a word

log = logging.getLogger(__name__)


class MetricsFile(L.Callback):
    """Writes the metrics of every epoch to a CSV file: column ``epoch``, then the names of ``metric_names.ALL``.

    A resumed run drops rows from its first epoch on, so that no epoch is there twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[dict[str, str]] = []

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        self.rows = []
        if trainer.current_epoch > 0 and self.path.is_file():
            with self.path.open(encoding="utf-8", newline="") as opened:
                self.rows = [row for row in csv.DictReader(opened) if int(row["epoch"]) < trainer.current_epoch]

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        metrics = trainer.callback_metrics
        row = {"epoch": str(trainer.current_epoch)}
        row |= {name: repr(float(metrics[name])) for name in ALL if name in metrics}
        self.rows.append(row)
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, ["epoch", *ALL], restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, table.getvalue())


def harmful_trend(similarity: Sequence[float | None], fmr_ratio: Sequence[float | None]) -> str | None:
    """What goes the wrong way over the last ``TREND`` diagnoses, in words, or None.

    Args:
        similarity: mean similarity of enhanced genuine pairs, a diagnosis each; should not fall.
        fmr_ratio: false matches at the raw system's threshold over raw's; should not rise above 1.

    >>> harmful_trend([0.42, 0.40, 0.37], [1.0, 1.0, 1.0])
    'similarity of genuine pairs falls: 0.420, 0.400, 0.370'
    """
    words = []
    falling = [value for value in similarity[-TREND:] if value is not None]
    if len(falling) == TREND and falling == sorted(falling, reverse=True) and falling[0] - falling[-1] > SLACK:
        words.append("similarity of genuine pairs falls: " + ", ".join(f"{value:.3f}" for value in falling))
    rising = [value for value in fmr_ratio[-TREND:] if value is not None]
    if len(rising) == TREND and rising == sorted(rising) and rising[-1] > max(HARMFUL_RATIO, rising[0] + SLACK):
        steps = ", ".join(f"{value:.2f}x" for value in rising)
        words.append(f"false matches at the raw system's threshold rise: {steps}")
    return "; ".join(words) or None


class Diagnosis(L.Callback):
    """Evaluates the validation people before the first epoch and every ``every_n_epochs`` after.

    The scalars are logged by the module at every validation; here the four-panel figure goes to the logger, and a
    harmful trend is said in one line instead of being left to the eye.

    Args:
        every_n_epochs: epochs between two diagnoses; at least 1.
    """

    def __init__(self, every_n_epochs: int) -> None:
        self.every_n_epochs = every_n_epochs
        self.similarity: list[float | None] = []
        self.fmr_ratio: list[float | None] = []

    def state_dict(self) -> dict[str, Any]:
        return {"similarity": list(self.similarity), "fmr_ratio": list(self.fmr_ratio)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.similarity = list(state_dict["similarity"])
        self.fmr_ratio = list(state_dict["fmr_ratio"])

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch == 0:
            self._diagnose(trainer, pl_module, 0)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        done = trainer.current_epoch + 1
        if done % self.every_n_epochs == 0:
            self._diagnose(trainer, pl_module, done)

    def _diagnose(self, trainer: L.Trainer, module: L.LightningModule, epochs: int) -> None:
        if not trainer.is_global_zero:
            return
        found = module.evaluate()  # type: ignore[operator]
        metrics = validation_metrics(found.block)
        self.similarity.append(metrics["val/similarity/enhanced"])
        self.fmr_ratio.append(metrics["val/fmr_ratio"])
        warning = harmful_trend(self.similarity, self.fmr_ratio)
        if warning:
            log.warning("after %d epochs, on validation people: %s", epochs, warning)
        if isinstance(trainer.logger, WandbLogger):
            # as pixels, so that W&B needs no plotting back end of its own
            picture = diagnosis_sheet(found).pixels()
            trainer.logger.log_image(DIAGNOSIS, [picture], caption=[f"after {epochs} epochs"])


class Progress(RichProgressBar):
    """The progress bar without Lightning's version number, which is an identifier of W&B here."""

    def get_metrics(
        self, trainer: L.Trainer, pl_module: L.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        shown = super().get_metrics(trainer, pl_module)
        shown.pop("v_num", None)
        return shown
