"""best.ckpt: the epoch, or the start, with the lowest val/selection."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L

from poseid.training.metric_names import selection, validation_metrics

MARGIN = 0.03

log = logging.getLogger(__name__)


class KeepBest(L.Callback):
    """Writes ``best.ckpt`` before the first epoch, and again whenever ``val/selection`` is lower than ever.

    The start takes part: where training makes people never seen worse, what it started from is kept. An epoch must
    beat the start by ``MARGIN`` of its score, because the start, a closed form, can be fitted on the validation people
    as well once it is chosen, which lowers its errors by about as much; and because the lowest of several epochs is
    a little lower by luck alone.

    Args:
        path: the checkpoint file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.score = float("inf")
        self.epochs = 0
        self.start: dict[str, float] = {}
        """The figures before the first epoch, by their names in metrics.csv, for the curves to begin with."""

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "epochs": self.epochs, "start": dict(self.start)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # A checkpoint of another directory brings its score but not its file.
        if self.path.is_file():
            self.score, self.epochs = state_dict["score"], state_dict["epochs"]
            self.start = dict(state_dict.get("start", {}))

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not self.path.is_file() or trainer.current_epoch == 0:
            block = pl_module.look().block  # type: ignore[operator]
            score, name = selection(block)
            self.start = {key: value for key, value in validation_metrics(block).items() if value is not None}
            self.start["val/selection"] = score
            log.info("best.ckpt is chosen by %s on validation people: %.4f before training", name, score)
            self._offer(trainer, score, trainer.current_epoch)
        else:
            log.info("going on after %d epochs", trainer.current_epoch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._offer(trainer, float(trainer.callback_metrics["val/selection"]), trainer.current_epoch + 1)

    def _offer(self, trainer: L.Trainer, score: float, epochs: int) -> None:
        needed = self.score * (1 - MARGIN) if self.epochs == 0 else self.score
        if score < needed:
            self.score, self.epochs = score, epochs
            trainer.save_checkpoint(self.path, weights_only=False)
