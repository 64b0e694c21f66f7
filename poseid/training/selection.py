"""Which weights ship, and how much of the correction: the best epoch, early stopping, the guard, the final fit.

1. ``best.ckpt`` is the epoch with the lowest ``val/selection``, the weighted loss on validation people; the state
   before the first epoch takes part as any epoch does.
2. The guard: if that harms people outside the fit, ``bias`` is shifted and ``strength`` lowered until it does not.
3. The closed form is solved once more, on training and validation people, with the network and φ (phi) as they are.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping

from poseid.enhancers.enhancer import Enhancer, Fit
from poseid.evaluation import embedding_set, evaluate_enhancer
from poseid.features.rows import FeatureSet
from poseid.training.data import FeatureDataModule
from poseid.training.fitting import Episodes
from poseid.training.metric_names import validation_metrics
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.rates import LABELS
from poseid.verification.result import Evaluation
from poseid.verification.verdict import HARMS, LEAST_HARM

STRENGTH_FACTORS = (1.0, 0.75, 0.5, 0.25)  # of the trained strength, tried in turn by the guard
# Of the bias, tried in turn with each share: raising it lowers FNMR at the raw threshold, lowering it lowers FMR. The
# wide ones come first, since they leave a margin where they pass.
BIAS_SHIFTS = (0.0, 0.01, 0.02, 0.03, 0.005, 0.0025, -0.0025, -0.005)
FEW_PEOPLE, VERY_FEW_PEOPLE = 500, 200  # training and validation people

log = logging.getLogger(__name__)


class BestCheckpoint(L.Callback):
    """Writes ``best.ckpt`` before the first epoch, and again whenever ``val/selection`` is lower than ever.

    Args:
        path: the checkpoint file.
        fixed_epochs: the state after so many finished epochs is written instead, whatever ``val/selection`` says, and
            the training ends there; 0 is the state before training. The schedules and the learning rates stay those of
            ``max_epochs``, as in the trainings that chose the number.
    """

    def __init__(self, path: Path, fixed_epochs: int | None = None) -> None:
        self.path = path
        self.fixed_epochs = fixed_epochs
        self.score = float("inf")
        self.epochs = 0
        self.initial: dict[str, float] = {}
        """The figures before the first epoch, by their names in metrics.csv, for the curves to begin with."""

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "epochs": self.epochs, "initial": dict(self.initial)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        # A checkpoint of another directory brings its score but not its file; of fixed epochs it may not be there yet.
        if self.path.is_file() or self.fixed_epochs is not None:
            self.score, self.epochs = state_dict["score"], state_dict["epochs"]
            self.initial = dict(state_dict.get("initial", {}))

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        if trainer.current_epoch == 0 or not (self.path.is_file() or self.fixed_epochs is not None):
            score = selection_now(trainer, pl_module)
            block = pl_module.evaluate().block
            self.initial = {key: value for key, value in validation_metrics(block).items() if value is not None}
            self.initial |= {f"phi/{name}": value for name, value in pl_module.enhancer.phi_values().items()}
            self.initial["val/selection"] = score
            log.info("best.ckpt is chosen by the weighted loss on validation people: %.4f before training", score)
            self._update(trainer, score, trainer.current_epoch)
        else:
            log.info("going on after %d epochs", trainer.current_epoch)
        self._stop_after(trainer, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        # Lightning validates no epoch that max_steps or max_time cuts short.
        if "val/selection" not in trainer.callback_metrics:
            trainer.callback_metrics["val/selection"] = torch.tensor(selection_now(trainer, pl_module))
        self._update(trainer, float(trainer.callback_metrics["val/selection"]), trainer.current_epoch + 1)
        self._stop_after(trainer, trainer.current_epoch + 1)

    def _update(self, trainer: L.Trainer, score: float, epochs: int) -> None:
        is_best = score < self.score if self.fixed_epochs is None else epochs == self.fixed_epochs
        if is_best:
            self.score, self.epochs = score, epochs
            trainer.save_checkpoint(self.path, weights_only=False)

    def _stop_after(self, trainer: L.Trainer, epochs: int) -> None:
        if self.fixed_epochs is not None and epochs >= self.fixed_epochs:
            trainer.should_stop = True


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
        if trainer.current_epoch >= self.first_epoch and "val/selection" in trainer.callback_metrics:
            super().on_train_epoch_end(trainer, pl_module)


@dataclass(frozen=True)
class HeldOut:
    """Some people, and what was fitted without them; None: what the enhancer has stored."""

    fit: Fit | None
    features: FeatureSet


def hold_out(enhancer: Enhancer, episodes: Episodes, data: FeatureDataModule) -> list[HeldOut]:
    """Training people with the fit of the other divisions; validation people with the fit of all training people."""
    shipped = len(data.train_set.people()) + len(data.validation_set.people())
    held_out = [HeldOut(_with_people(episodes.train_people.fit(enhancer), shipped), data.validation_set)]
    if len(episodes.support) > 1:
        there = data.train_set.people()
        for division, support in enumerate(episodes.support):
            people = [name for name in there if data.division[name] == division]
            held_out.append(HeldOut(_with_people(support.fit(enhancer), shipped), data.train_set.select(people)))
    return held_out


def _with_people(fit: Fit, people: int) -> Fit:
    """The fit with as much of its correction as one of so many people gives: as much as will ship."""
    fit = fit.cpu()
    if fit.solution is None:
        return fit
    return fit._replace(solution=fit.solution._replace(people=torch.full_like(fit.solution.people, people)))


@dataclass(frozen=True)
class Guarded:
    """What the guard left.

    Attributes:
        evaluation: of it, on validation people.
        strength: share of the trained strength, in [0, 1].
        bias_shift: what was added to the trained bias.
    """

    evaluation: Evaluation
    strength: float
    bias_shift: float = 0.0

    def note(self) -> str | None:
        """What a report says where not all of the trained correction ships; None where all of it does."""
        if self.strength == 0:
            return (
                "What ships leaves every vector's direction as it was (strength 0): every part of the correction did "
                "harm to people outside the fit (false matches or rejected genuine pairs at the raw threshold, or "
                "frontal similarity). More test people cannot change that; more training people can."
            )
        changed = []
        if self.strength < 1:
            changed.append(f"{self.strength:g} of the correction ships (strength)")
        if self.bias_shift != 0:
            changed.append(f"the bias is shifted by {self.bias_shift:+g}")
        if not changed:
            return None
        text = " and ".join(changed)
        return f"{text[0].upper()}{text[1:]}: what was trained did harm to people outside the fit."


@torch.no_grad()
def guard(enhancer: Enhancer, validation: FeatureSet, held_out: Sequence[HeldOut], resamples: int = 1000) -> Guarded:
    """Weakens the correction until it does no harm to people outside the fit, down to 0, the raw vector.

    Harm is the verdict *harms* on validation people. Where fewer than ``FEW_PEOPLE`` people train and validate, their
    verdict can miss it: harm is then also a higher FNMR at the raw threshold, and with fewer than ``VERY_FEW_PEOPLE``
    people a higher FMR there or a loss of frontal similarity, as point estimates over all people held out.
    ``bias`` is shifted first, which trades rejected genuine pairs for false matches, and ``strength`` lowered after.

    Models without a path from input to output (``skip=false``) have no raw vector to fall back to: they stay as they
    are.

    Args:
        enhancer: with the weights of the best epoch.
        validation: people.
        held_out: of :func:`hold_out`.
        resamples: of the bootstrap over people.

    Returns:
        What is left; the enhancer is changed to it.
    """
    if not enhancer.skip:
        return Guarded(evaluate_enhancer(enhancer, validation, resamples), 1.0)
    few = sum(len(one.features.people()) for one in held_out) < FEW_PEOPLE
    closed_form, strength = enhancer.closed_form, enhancer.strength.item()
    bias = 0.0 if closed_form is None else closed_form.bias.item()
    for share in STRENGTH_FACTORS:
        for shift in BIAS_SHIFTS if closed_form is not None else (0.0,):
            enhancer.strength.fill_(share * strength)
            if closed_form is not None:
                closed_form.bias.fill_(bias + shift)
            if few and harms_held_out(enhancer, held_out):
                continue
            evaluation = evaluate_enhancer(enhancer, validation, resamples)
            if evaluation.verdict != HARMS:
                guarded = Guarded(evaluation, share, shift)
                if guarded.note() is not None:
                    log.info("guard: %s", guarded.note())
                return guarded
    log.warning("strength 0: every part of the correction did harm to people outside the fit; the raw vector ships")
    enhancer.strength.fill_(0.0)
    return Guarded(evaluate_enhancer(enhancer, validation, resamples), 0.0)


def harms_held_out(enhancer: Enhancer, held_out: Sequence[HeldOut]) -> bool:
    """Whether a point estimate on all people held out shows harm, at the raw threshold or on frontal heads."""
    names = sorted(name for one in held_out for name in one.features.people())
    front = joined([embedding_set(enhancer, one.features.front, names, True, one.fit) for one in held_out])
    video = joined([embedding_set(enhancer, one.features.video, names, True, one.fit) for one in held_out])
    found = evaluate(front, video, None, sets=("frontal_profile",), resamples=0, details=False)
    few, headline = len(names) < VERY_FEW_PEOPLE, found.headline_set
    if headline is not None:
        n, (raw, enhanced) = LABELS.index(headline.operating_point()[0]), (headline.raw, headline.enhanced)
        if (enhanced.fnmr_at_raw_threshold - raw.fnmr_at_raw_threshold)[n].value > 0:
            return True
        if few and (enhanced.fmr_at_raw_threshold - raw.fmr_at_raw_threshold)[n].value > 0:
            return True
    frontal = found.improvement.frontal.number
    return few and frontal is not None and frontal < -LEAST_HARM


def joined(sides: Sequence[EmbeddingSet]) -> EmbeddingSet:
    """The rows of several sides as one; each person is on one of them."""
    names = ("raw", "reference", "probe", "person", "yaw", "kind")
    return EmbeddingSet(*[np.concatenate([getattr(side, name) for side in sides]) for name in names])
