"""The LightningModule: the enhancer, the composite loss, the optimiser, and validation on people not trained on."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn import functional as F

from poseid.enhancers.build import build
from poseid.evaluation import Evaluation, quick_look
from poseid.training.decoder import Decoder
from poseid.training.losses import (
    TERMS,
    contrast_loss,
    cosine,
    id_loss,
    impostor_protection_loss,
    ortho_loss,
    pose_loss,
    reconstruction_loss,
    similarity_protection_loss,
    total_loss,
)
from poseid.training.metric_names import selection, validation_metrics
from poseid.training.sampling import generator_for
from poseid.training.schedule import Schedule


class EnhancerModule(L.LightningModule):
    """Trains an enhancer by total = Σ λ(epoch) · term.

    All arguments are primitives: they are the checkpoint's hyper-parameters, and a bare
    ``EnhancerModule.load_from_checkpoint(path)`` gives the trained module back.

    Args:
        model: name and options of the enhancer, as in conf/model/.
        weights: λ of each term in ``TERMS``.
        temperature: τ of the contrast term.
        margin: of similarity_protection.
        hardest: k of impostor_protection.
        swap: reconstruct a row from another row's identity and its own pose code.
        schedule: arguments of :class:`Schedule`.
        lr: peak learning rate of AdamW.
        lr_identity_scale: factor on it for the identity layers.
        weight_decay: of AdamW; in a residual enhancer it pulls the correction towards zero, that is towards raw.
        warmup_epochs: linear warm-up; then cosine decay to 0 at the last step.
        pose_dropout: share of training rows whose given pose is withheld, so that the enhancer learns to do
            without.
        seed: of the initial weights and of all draws in training.
    """

    def __init__(
        self,
        model: dict[str, Any],
        weights: dict[str, float],
        temperature: float,
        margin: float,
        hardest: int,
        swap: bool,
        schedule: dict[str, Any],
        lr: float,
        lr_identity_scale: float,
        weight_decay: float,
        warmup_epochs: float,
        pose_dropout: float,
        seed: int,
    ) -> None:
        super().__init__()
        # Loggers get the whole configuration from the run, under the names that the command line has.
        self.save_hyperparameters(logger=False)
        self.weights = {name: float(weights[name]) for name in TERMS}
        self.temperature = temperature
        self.margin = margin
        self.hardest = hardest
        self.swap = swap
        self.schedule = Schedule(**schedule)
        self.lr = lr
        self.lr_identity_scale = lr_identity_scale
        self.weight_decay = weight_decay
        self.warmup_epochs = warmup_epochs
        self.pose_dropout = pose_dropout
        self.seed = seed
        self._look: tuple[int, Evaluation] | None = None
        options = {key: value for key, value in model.items() if key != "name"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.enhancer = build(model["name"], options)
            identity_dim = self.enhancer.to_identity.out_features
            code_dim = self.enhancer.to_pose.out_features
            self.decoder = Decoder(identity_dim, code_dim, self.enhancer.dim)

    def forward(self, features: Tensor, pose: Tensor | None = None) -> Tensor:
        """(N, D) raw vectors and (N, 3) degrees or None to (N, D) enhanced vectors."""
        output: Tensor = self.enhancer(features, pose).features
        return output

    def loss_terms(self, batch: dict[str, Tensor], pose: Tensor, weights: dict[str, float]) -> dict[str, Tensor]:
        """All seven terms of one batch; those with λ = 0 carry no gradient.

        With ``similarity_dim`` the contrast and protection terms see the enhanced side in that space; the raw baseline
        stays in D dimensions, where the raw system compares.

        Args:
            batch: features, pose (given), person, target, and partner when ``swap``.
            pose: (N, 3) the pose handed to the enhancer, with withheld rows NaN.
            weights: λ in force.
        """
        enhancer = self.enhancer
        output = enhancer(batch["features"], pose)
        # Losses are taken in float32 whatever the precision of the products: cosines of half precision tie.
        enhanced = enhancer.comparison(output.features).float()
        target = enhancer.comparison(batch["target"]).float()
        candidates, candidate_person, raw_candidates = self._all_ranks(target, batch["person"], batch["target"])
        raw_similarity = cosine(batch["features"], batch["target"])
        identity, code = output.identity, output.pose_code
        rebuilt = batch["features"]
        if self.swap:
            # Identity of one row, pose code of another row of the same person: must give that other row.
            rebuilt = batch["partner"]
            code = enhancer(rebuilt, None).pose_code
        person = batch["person"]
        terms = {
            # In D dimensions even where the comparison has a space of its own: a trained projection of both sides
            # could lower this term by forgetting who is who.
            "id": lambda: id_loss(output.features.float(), batch["target"]),
            "pose": lambda: pose_loss(output.pose.float(), batch["pose"]),
            "ortho": lambda: ortho_loss(enhancer.to_identity.weight, enhancer.to_pose.weight),
            "contrast": lambda: contrast_loss(enhanced, target, candidates, person, candidate_person, self.temperature),
            "reconstruction": lambda: reconstruction_loss(
                self.decoder(identity, code).float(), F.normalize(rebuilt.float(), dim=-1)
            ),
            "similarity_protection": lambda: similarity_protection_loss(
                cosine(enhanced, target), raw_similarity, self.margin
            ),
            "impostor_protection": lambda: impostor_protection_loss(
                F.normalize(enhanced, dim=-1) @ F.normalize(candidates, dim=-1).T,
                F.normalize(batch["features"], dim=-1) @ F.normalize(raw_candidates, dim=-1).T,
                person,
                candidate_person,
                self.hardest,
            ),
        }
        computed = {}
        for name in TERMS:
            with torch.set_grad_enabled(weights[name] != 0 and torch.is_grad_enabled()):
                computed[name] = terms[name]()
        return computed

    def _all_ranks(self, target: Tensor, person: Tensor, raw_target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Targets, persons and raw targets of every rank; with one process, just those given."""
        if self._trainer is None or self.trainer.world_size == 1:
            return target, person, raw_target
        gathered = [self.all_gather(target, sync_grads=True), self.all_gather(person), self.all_gather(raw_target)]
        targets, persons, raw_targets = (part.flatten(0, 1) for part in gathered if isinstance(part, Tensor))
        return targets, persons, raw_targets

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        weights = self.schedule.weights(self.current_epoch, self.weights)
        pose = batch["pose"]
        if self.pose_dropout > 0:
            generator = generator_for(self.seed, self.current_epoch, batch_index, self.global_rank)
            withheld = torch.rand(len(pose), 1, generator=generator).to(pose.device) < self.pose_dropout
            pose = pose.masked_fill(withheld, torch.nan)
        terms = self.loss_terms(batch, pose, weights)
        total = total_loss(terms, weights)
        size = len(pose)
        logged = {f"train/loss/{name}": term.detach() for name, term in terms.items()}
        logged["train/loss/total"] = total.detach()
        self.log_dict(logged, on_step=False, on_epoch=True, batch_size=size, sync_dist=True)
        return total

    def on_train_epoch_start(self) -> None:
        weights = self.schedule.weights(self.current_epoch, self.weights)
        self.log_dict({f"weight/{name}": value for name, value in weights.items()})
        self.log("lr", self.optimizers().param_groups[-1]["lr"])  # type: ignore[union-attr]

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        weights = self.schedule.weights(self.current_epoch, self.weights)
        terms = self.loss_terms(batch, batch["pose"], weights)
        size = len(batch["person"])
        self.log_dict({f"val/loss/{name}": term for name, term in terms.items()}, batch_size=size)
        self.log("val/loss/total", total_loss(terms, weights), batch_size=size)

    def on_validation_epoch_end(self) -> None:
        # Every rank looks at all validation people: the figures are exact, and the same everywhere.
        block = self.look().block
        for name, value in validation_metrics(block).items():
            self.log(name, math.nan if value is None else float(value), sync_dist=False)
        self.log("val/selection", selection(block)[0], prog_bar=True)

    def look(self) -> Evaluation:
        """The quick look at the validation people with the weights as they are: one for whoever asks before the next
        step."""
        if self._look is None or self._look[0] != self.global_step:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            self._look = self.global_step, quick_look(self.enhancer, data.validation_set)
        return self._look[1]

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW; identity layers, matrices and vectors in groups of their own; warm-up, then cosine decay."""
        identity = {id(p) for p in self.enhancer.identity_parameters()}
        groups = []
        for scale, wanted in ((self.lr_identity_scale, True), (1.0, False)):
            for decay, matrix in ((self.weight_decay, True), (0.0, False)):
                chosen = [p for p in self.parameters() if (id(p) in identity) == wanted and (p.ndim > 1) == matrix]
                if chosen:
                    groups.append({"params": chosen, "lr": self.lr * scale, "weight_decay": decay})
        optimizer = torch.optim.AdamW(groups, lr=self.lr)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        per_epoch = steps / max(1, self.trainer.max_epochs or 1)
        warmup = self.warmup_epochs * per_epoch

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, steps - warmup))))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
