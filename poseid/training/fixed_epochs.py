"""Training for a number of epochs that others have chosen, in place of the best epoch by validation people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L

from poseid.training.selection import BestCheckpoint


class FixedEpochs(BestCheckpoint):
    """``best.ckpt`` is the state after ``wanted`` epochs; the training ends there, whatever ``val/selection`` says.

    The schedules and the learning rates stay those of ``max_epochs``, as in the trainings that chose the number.

    Args:
        path: the checkpoint file.
        wanted: finished epochs; 0 is the state before training.
    """

    def __init__(self, path: Path, wanted: int) -> None:
        super().__init__(path)
        self.wanted = wanted

    @property
    def state_key(self) -> str:
        return BestCheckpoint.__name__  # whoever reads a checkpoint need not know which of the two wrote it

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.score, self.epochs, self.initial = (state_dict[name] for name in ("score", "epochs", "initial"))

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch == 0:
            super().on_train_start(trainer, pl_module)
        if trainer.current_epoch >= self.wanted:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        super().on_train_epoch_end(trainer, pl_module)
        if trainer.current_epoch + 1 >= self.wanted:
            trainer.should_stop = True

    def _offer(self, trainer: L.Trainer, score: float, epochs: int) -> None:
        if epochs == self.wanted:
            self.score, self.epochs = score, epochs
            trainer.save_checkpoint(self.path, weights_only=False)
