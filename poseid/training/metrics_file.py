"""metrics.csv: one row an epoch, written atomically each time, continued by a resumed run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import lightning as L

from poseid.atomic import write_text
from poseid.training.metric_names import ALL


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
