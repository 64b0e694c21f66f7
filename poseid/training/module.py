"""The LightningModule: the enhancer, the composite loss, the optimiser, and validation on people not trained on."""

from __future__ import annotations

import math
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import Optimizer

from poseid.enhancers.build import build
from poseid.enhancers.output import unit
from poseid.errors import InputError
from poseid.evaluation import Evaluation, quick_look
from poseid.training.decoder import Decoder
from poseid.training.health import CHECK_EVERY, RanAway, first_fault, weights_fault
from poseid.training.losses import (
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
from poseid.training.terms import TERMS

VALUES = (*TERMS, "total")


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
        enhancer, person = self.enhancer, batch["person"]
        output = enhancer(batch["features"], pose)
        identity, code, compared = output.identity, output.pose_code, enhancer.comparison(output.features)
        raw, raw_target = unit(batch["features"]), unit(batch["target"])
        target, rebuilt = raw_target, raw
        if enhancer.similarity is not None:
            target = unit(enhancer.comparison(raw_target))
        if self.swap:
            # Identity of one row, pose code of another row of the same person: must give that other row.
            rebuilt = unit(batch["partner"])
            code = enhancer.to_pose(rebuilt * enhancer.dim**0.5)
        candidates, candidate_person = self._all_ranks(target), self._all_ranks(person)
        raw_candidates = candidates if target is raw_target else self._all_ranks(raw_target)
        # Of all ranks too: the mean over known poses is not the mean of the ranks' means.
        predicted, given = self._all_ranks(output.pose.float()), self._all_ranks(batch["pose"])
        # Cosines are taken in float32 whatever the precision of the layers: those of half precision tie.
        with torch.autocast(raw.device.type, enabled=False):
            enhanced = unit(compared)
            similarity, scores = (enhanced * target).sum(dim=-1), enhanced @ candidates.T
            raw_similarity, raw_scores = (raw * raw_target).sum(dim=-1), raw @ raw_candidates.T
            same = person[:, None] == candidate_person[None, :]
            # In D dimensions even where the comparison has a space of its own: a trained projection of both sides
            # could lower this term by forgetting who is who.
            in_full = similarity if enhancer.similarity is None else cosine(output.features, raw_target)
            terms = {
                "id": lambda: id_loss(in_full),
                "pose": lambda: pose_loss(predicted, given),
                "ortho": lambda: ortho_loss(enhancer.to_identity.weight, enhancer.to_pose.weight),
                "contrast": lambda: contrast_loss(similarity, scores, same, self.temperature),
                "reconstruction": lambda: reconstruction_loss(self.decoder(identity.float(), code.float()), rebuilt),
                "similarity_protection": lambda: similarity_protection_loss(similarity, raw_similarity, self.margin),
                "impostor_protection": lambda: impostor_protection_loss(scores, raw_scores, same, self.hardest),
            }
            computed = {}
            for name in TERMS:
                with torch.set_grad_enabled(weights[name] != 0 and torch.is_grad_enabled()):
                    computed[name] = terms[name]()
        return computed

    def _all_ranks(self, rows: Tensor) -> Tensor:
        """The rows of every rank of a training step; with one process, or in validation, just those given."""
        if not self.training or self._trainer is None or self.trainer.world_size == 1:
            return rows
        gathered = self.all_gather(rows, sync_grads=rows.requires_grad)
        assert isinstance(gathered, Tensor)
        return gathered.flatten(0, 1)

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        weights = self.schedule.weights(self.current_epoch, self.weights)
        pose = batch["pose"]
        if self.pose_dropout > 0:
            # Drawn for the rows of all ranks, which the sampler deals out in turn: as one process would.
            generator = generator_for(self.seed, self.current_epoch, batch_index, 0)
            rank, world = self.global_rank, self.trainer.world_size
            withheld = torch.rand(len(pose) * world, 1, generator=generator)[rank::world] < self.pose_dropout
            pose = pose.masked_fill(withheld.to(pose.device), torch.nan)
        terms = self.loss_terms(batch, pose, weights)
        total = total_loss(terms, weights)
        # Kept on the device until somebody looks: logging them now would make every step wait for it.
        self._values.append(torch.stack([*terms.values(), total]).detach())
        self._rows.append(batch["row"])
        return total

    def on_train_batch_end(self, outputs: Any, batch: dict[str, Tensor], batch_index: int) -> None:
        last = batch_index + 1 == self.trainer.num_training_batches
        if last or len(self._values) == CHECK_EVERY:
            values = torch.stack(self._values)
            self._check_health(values, batch_index + 1 - len(values), weights_too=last)
            self._sums += values.double().sum(dim=0).cpu()
            self._values.clear()
            self._rows.clear()
        if last:
            means = (self._sums / (batch_index + 1)).float()
            logged = {f"train/loss/{name}": mean for name, mean in zip(VALUES, means, strict=True)}
            self.log_dict(logged, on_step=False, on_epoch=True, batch_size=1, sync_dist=True)

    def _check_health(self, values: Tensor, first_step: int, weights_too: bool) -> None:
        """Raises :class:`RanAway` on every rank if a loss of any rank, or a weight, is no number."""
        found = first_fault(values, VALUES)
        if found is None and weights_too:
            # The loss of the last step does not show what the step made of the weights.
            fault = weights_fault(self)
            found = None if fault is None else (len(values) - 1, fault)
        mine = None if found is None else (found[1], first_step + found[0], self._rows[found[0]].tolist())
        if self.trainer.strategy.reduce_boolean_decision(mine is not None, all=False):
            everybodys = [mine] * self.trainer.world_size
            if self.trainer.world_size > 1:
                torch.distributed.all_gather_object(everybodys, mine)
            what, step, rows = min((one for one in everybodys if one is not None), key=lambda one: one[1])
            raise RanAway(what, self.current_epoch, step, rows)

    def on_train_epoch_start(self) -> None:
        self._values: list[Tensor] = []
        self._rows: list[Tensor] = []
        self._sums = torch.zeros(len(VALUES), dtype=torch.float64)
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
        try:
            block = self.look().block
        except InputError:
            # The rows were checked when they were read: it is the enhancer that makes no vectors of them.
            what = "enhanced vectors of validation people are not finite"
            raise RanAway(what, self.current_epoch, int(self.trainer.num_training_batches) - 1, []) from None
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

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        # Lightning's own refuses one-pass optimisers under bf16, where nothing is scaled and clipping is right.
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW; identity layers, matrices and vectors in groups of their own; warm-up, then cosine decay."""
        identity = {id(p) for p in self.enhancer.identity_parameters()}
        groups = []
        for scale, wanted in ((self.lr_identity_scale, True), (1.0, False)):
            for decay, matrix in ((self.weight_decay, True), (0.0, False)):
                chosen = [p for p in self.parameters() if (id(p) in identity) == wanted and (p.ndim > 1) == matrix]
                if chosen:
                    groups.append({"params": chosen, "lr": self.lr * scale, "weight_decay": decay})
        # One pass over the weights instead of a dozen. On a GPU torch chooses: fp16 gradients must be unscaled and
        # clipped before the step, which a one-pass optimiser would unscale by itself.
        optimizer = torch.optim.AdamW(groups, lr=self.lr, fused=self.device.type == "cpu" or None)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        per_epoch = steps / max(1, self.trainer.max_epochs or 1)
        warmup = self.warmup_epochs * per_epoch

        def factor(step: int) -> float:
            if step < warmup:
                return (step + 1) / (warmup + 1)
            return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warmup) / max(1.0, steps - warmup))))

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
