"""Which weights ship, and how much of the correction: the best epoch, early stopping, the guard, the final fit.

1. ``best.ckpt`` is the epoch with the lowest ``val/selection``, the weighted loss on validation people; the state
   before the first epoch takes part as any epoch does.
2. If the verdict of its evaluation on validation people is *harms*, ``strength`` is lowered until it is not.
3. The closed form is solved once more, on training and validation people, with φ and the network as they are.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping

from poseid.enhancers.enhancer import Enhancer
from poseid.evaluation import Evaluation, evaluate_enhancer
from poseid.features.rows import FeatureSet
from poseid.training.metric_names import validation_metrics

SHARES = (0.75, 0.5, 0.25, 0.0)  # of the trained strength, tried in turn by the guard

log = logging.getLogger(__name__)


class BestCheckpoint(L.Callback):
    """Writes ``best.ckpt`` before the first epoch, and again whenever ``val/selection`` is lower than ever.

    Args:
        path: the checkpoint file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.score = float("inf")
        self.epochs = 0
        self.initial: dict[str, float] = {}
        """The figures before the first epoch, by their names in metrics.csv, for the curves to begin with."""

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "epochs": self.epochs, "initial": dict(self.initial)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # A checkpoint of another directory brings its score but not its file.
        if self.path.is_file():
            self.score, self.epochs = state_dict["score"], state_dict["epochs"]
            self.initial = dict(state_dict.get("initial", {}))

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        if not self.path.is_file() or trainer.current_epoch == 0:
            score = selection_now(trainer, pl_module)
            block = pl_module.evaluate().block
            self.initial = {key: value for key, value in validation_metrics(block).items() if value is not None}
            self.initial |= {f"phi/{name}": value for name, value in pl_module.enhancer.phi_values().items()}
            self.initial["val/selection"] = score
            log.info("best.ckpt is chosen by the weighted loss on validation people: %.4f before training", score)
            self._offer(trainer, score, trainer.current_epoch)
        else:
            log.info("going on after %d epochs", trainer.current_epoch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._offer(trainer, float(trainer.callback_metrics["val/selection"]), trainer.current_epoch + 1)

    def _offer(self, trainer: L.Trainer, score: float, epochs: int) -> None:
        if score < self.score:
            self.score, self.epochs = score, epochs
            trainer.save_checkpoint(self.path, weights_only=False)


@torch.no_grad()
def selection_now(trainer: L.Trainer, module: Any) -> float:
    """``val/selection`` with the weights as they are, outside a validation of Lightning's."""
    module.eval()
    module.store_fit()
    batches = trainer.datamodule.val_dataloader()  # type: ignore[attr-defined]
    with trainer.precision_plugin.forward_context():
        sums = [module.validation_sums(trainer.strategy.batch_to_device(batch)) for batch in batches]
    module.train()
    return float(module.selection(torch.stack(sums).sum(dim=0)))


class PatienceAfterRamp(EarlyStopping):
    """Early stopping that counts only from the epoch at which the final loss weights are in force."""

    def __init__(self, first_epoch: int, patience: int) -> None:
        super().__init__(monitor="val/selection", mode="min", patience=patience, check_on_train_epoch_end=True)
        self.first_epoch = first_epoch

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        # A run that had stopped early and is resumed has nothing left to train.
        if self.wait_count >= self.patience:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.current_epoch >= self.first_epoch:
            super().on_train_epoch_end(trainer, pl_module)


def guard(enhancer: Enhancer, validation: FeatureSet) -> tuple[Evaluation, float]:
    """Lowers ``enhancer.strength`` until its verdict on validation people is not *harms*, down to 0, the raw vector.

    Models without a path from input to output (``skip=false``) have no raw vector to fall back to: they stay as they
    are.

    Returns:
        The evaluation of what is left, and the share of the trained strength in it.
    """
    evaluation = evaluate_enhancer(enhancer, validation)
    if not enhancer.skip:
        return evaluation, 1.0
    trained, share = enhancer.strength.item(), 1.0
    for lower in SHARES:
        if evaluation.block["verdict"] != "harms":
            break
        log.warning("%g of the trained correction harms validation people: trying less", share)
        share = lower
        with torch.no_grad():
            enhancer.strength.fill_(share * trained)
        evaluation = evaluate_enhancer(enhancer, validation)
    return evaluation, share
