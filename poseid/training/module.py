"""The LightningModule: the enhancer, its training in episodes, the composite loss, and validation on other people."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import Optimizer

from poseid.enhancers.enhancer import Fit
from poseid.enhancers.model import unit
from poseid.enhancers.registry import build
from poseid.errors import InputError
from poseid.evaluation import quick_evaluation
from poseid.training.fitting import Episodes
from poseid.training.health import CHECK_EVERY, Diverged, first_fault, weights_fault
from poseid.training.losses import TERMS, Decoder, LossInputs, compute_terms, cosine, total_loss
from poseid.training.metric_names import validation_metrics
from poseid.training.optimizer import parameter_groups, rate_factor
from poseid.training.probe_rows import sets_without
from poseid.training.sampling import generator_for
from poseid.training.schedule import Schedule
from poseid.verification.result import Evaluation

LOSS_NAMES = (*TERMS, "total")

log = logging.getLogger(__name__)


class EnhancerModule(L.LightningModule):
    """Trains an enhancer by total = Σ weight(epoch) · term, in episodes (:mod:`poseid.training.fitting`).

    Each step solves the closed form on the support people, differentiably in φ (phi, see
    :mod:`poseid.enhancers.enhancer`), and takes the loss on probes of the query people; the gradient moves φ and the
    network together. Validation solves on all training people.

    All arguments are primitives: they are the checkpoint's hyper-parameters, and a bare
    ``EnhancerModule.load_from_checkpoint(path)`` gives the trained module back.

    Args:
        model: name and options of the enhancer, as in conf/model/; ``model["phi"]`` holds the first value and the
            learning rate of each number of φ.
        weights: of each term in ``TERMS``; the root keys ``lambda_<term>``.
        temperature: τ of the contrast term.
        margin: of similarity_protection.
        hardest: k of impostor_protection.
        swap: reconstruct a row from another row's identity and its own pose code.
        schedule: options of :class:`Schedule`.
        lr: peak learning rate of AdamW.
        lr_identity_scale: factor on it for the identity layers.
        weight_decay: of AdamW; it pulls the network towards zero, that is towards the closed form, and spares φ.
        warmup_epochs: linear warm-up; then cosine decay to 0 at the last step.
        network_after: epochs in which the network beside a closed form does not train yet, so that φ is found first and
            an epoch with the network ships only if it is better; then its own warm-up.
        pose_dropout: share of training rows whose given pose is withheld, so that the enhancer learns to do without.
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
        network_after: float,
        pose_dropout: float,
        seed: int,
    ) -> None:
        super().__init__()
        # Loggers get the whole configuration from the run, under the names that the command line has.
        self.save_hyperparameters(logger=False)
        self.weights = {name: float(weights.get(name, 0.0)) for name in TERMS}
        self.temperature = temperature
        self.margin = margin
        self.hardest = hardest
        self.swap = swap
        self.schedule = Schedule(schedule)
        self.lr = lr
        self.lr_identity_scale = lr_identity_scale
        self.weight_decay = weight_decay
        self.warmup_epochs = warmup_epochs
        self.network_after = network_after
        self.pose_dropout = pose_dropout
        self.seed = seed
        self._evaluated: tuple[int, Evaluation] | None = None
        self._episodes: Episodes | None = None
        self.phi_rates = {name: float(entry["lr"]) for name, entry in (model.get("phi") or {}).items()}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.enhancer = built = build(model["name"], {key: model[key] for key in model if key != "name"})
            self.decoder = Decoder(built.to_identity.out_features, built.to_pose.out_features, built.dim)

    def forward(self, features: Tensor, pose: Tensor | None = None) -> Tensor:
        """(N, D) raw vectors and (N, 3) degrees or None to (N, D) enhanced vectors."""
        enhanced: Tensor = self.enhancer(features, pose).features
        return enhanced

    def first_final_epoch(self) -> int:
        """First epoch with the final loss weights in which the network trains too; early stopping counts from it."""
        network_later = self.enhancer.closed_form is not None and self.enhancer.network
        return max(self.schedule.end_of_ramp(), math.ceil(self.network_after) if network_later else 0)

    def episodes(self) -> Episodes:
        """The constants of the training people and of their divisions, computed at the first call."""
        if self._episodes is None:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            closed_form = self.enhancer.closed_form is not None
            self._episodes = Episodes(data.train_set, data.division, closed_form, self.device)
            why_not = self._episodes.train_people.why_not
            if why_not is not None:
                log.warning("no closed form: there are only %s; the network alone is trained", why_not)
        return self._episodes

    def store_fit(self) -> None:
        """Solves on all training people with φ as it is; the enhancer keeps the solution until the next call."""
        with torch.autocast(self.device.type, enabled=False):
            self.episodes().train_people.store(self.enhancer)

    def loss_terms(
        self, batch: dict[str, Tensor], pose: Tensor, weights: dict[str, float], fit: Fit | None = None
    ) -> dict[str, Tensor]:
        """All terms of one batch; those of weight 0 carry no gradient.

        With ``similarity_dim`` the contrast, protection and detection terms see the enhanced side in that space; the
        raw baseline stays in D dimensions, where the raw system compares.

        Args:
            batch: as :class:`ProbeRows` gives it.
            pose: (N, 3) the pose handed to the enhancer, with withheld rows NaN.
            weights: in force.
            fit: of the support people; None: the stored one.
        """
        enhancer, person = self.enhancer, batch["person"]
        output = enhancer(batch["features"], pose, fit)
        identity, code, comparison = output.identity, output.pose_code, enhancer.comparison_vectors(output.features)
        raw, raw_target = unit(batch["features"]), unit(batch["target"])
        target, reconstruction_target, references = raw_target, raw, unit(batch["references"])
        if enhancer.similarity is not None:
            target, references = (unit(enhancer.comparison_vectors(rows)) for rows in (raw_target, references))
        if self.swap:
            # Identity of one row, pose code of another row of the same person: must give that other row.
            reconstruction_target = unit(batch["partner"])
            code = enhancer.to_pose(reconstruction_target * enhancer.dim**0.5)
        candidates, candidate_person = self._all_ranks(target), self._all_ranks(person)
        raw_candidates = candidates if target is raw_target else self._all_ranks(raw_target)
        predicted, given = self._all_ranks(output.pose.float()), self._all_ranks(batch["pose"])
        # The thresholds of the detection term are those of all ranks together.
        probes, profile = self._all_ranks(comparison), self._all_ranks(batch["profile"])
        with torch.set_grad_enabled(weights["template"] != 0 and torch.is_grad_enabled()):
            pooled, pooled_person = self._all_ranks(self._pooled(batch, fit)), self._all_ranks(batch["set_person"])
        set_lacks_reference = self._all_ranks(sets_without(batch, self._all_ranks(batch["reference_row"])))
        references, reference_person = self._all_ranks(references), self._all_ranks(batch["reference_person"])
        # Cosines are taken in float32 whatever the precision of the layers: those of half precision tie.
        with torch.autocast(raw.device.type, enabled=False):
            enhanced = unit(comparison)
            similarity, scores = (enhanced * target).sum(dim=-1), enhanced @ candidates.T
            raw_similarity, raw_scores = (raw * raw_target).sum(dim=-1), raw @ raw_candidates.T
            same = person[:, None] == candidate_person[None, :]
            # In D dimensions even where the comparison has a space of its own: a trained projection of both sides
            # could lower this term by forgetting who is who.
            in_full = similarity if enhancer.similarity is None else cosine(output.features, raw_target)
            inputs = LossInputs(
                similarity=similarity,
                raw_similarity=raw_similarity,
                similarity_in_d=in_full,
                scores=scores,
                raw_scores=raw_scores,
                same=same,
                detection_scores=unit(probes[profile]) @ references.T,
                detection_same=candidate_person[profile][:, None] == reference_person[None, :],
                template_scores=(unit(pooled) @ references.T)[set_lacks_reference],
                template_same=(pooled_person[:, None] == reference_person[None, :])[set_lacks_reference],
                predicted_pose=predicted,
                given_pose=given,
                to_identity=enhancer.to_identity.weight,
                to_pose=enhancer.to_pose.weight,
                decode=lambda: self.decoder(identity.float(), code.float()),
                reconstruction_target=reconstruction_target,
                temperature=self.temperature,
                margin=self.margin,
                hardest=self.hardest,
            )
            return compute_terms(inputs, weights)

    def _pooled(self, batch: dict[str, Tensor], fit: Fit | None) -> Tensor:
        """(T, D) the enhanced rows of each set, pooled by their weights as in :func:`poseid.enhancers.pooling.pool`."""
        output = self.enhancer(batch["frames"], batch["frame_pose"], fit)
        weight = (output.weight * batch["frame_share"])[:, None]
        rows: Tensor = weight * unit(self.enhancer.comparison_vectors(output.features))
        return rows.new_zeros(len(batch["set_person"]), rows.shape[1]).index_add(0, batch["frame_set"], rows)

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
        with torch.autocast(self.device.type, enabled=False):
            fit = self.episodes().support[int(batch["division"])].fit(self.enhancer)
        terms = self.loss_terms(batch, pose, weights, fit)
        total = total_loss(terms, weights)
        # Stays on the device until the next check: logging them now would make every step wait for it.
        self._values.append(torch.stack([*terms.values(), total]).detach())
        self._rows.append(batch["row"])
        return total

    def on_train_batch_end(self, outputs: Any, batch: dict[str, Tensor], batch_index: int) -> None:
        last = batch_index + 1 == self.trainer.num_training_batches or self.trainer.fit_loop.epoch_loop.done
        if last or len(self._values) == CHECK_EVERY:
            values = torch.stack(self._values)
            self._check_health(values, batch_index + 1 - len(values), weights_too=last)
            self._sums += values.double().sum(dim=0).cpu()
            self._values.clear()
            self._rows.clear()
        if last:
            means = (self._sums / (batch_index + 1)).float()
            logged = {f"train/loss/{name}": mean for name, mean in zip(LOSS_NAMES, means, strict=True)}
            self.log_dict(logged, on_step=False, on_epoch=True, batch_size=1, sync_dist=True)

    def _check_health(self, values: Tensor, first_step: int, weights_too: bool) -> None:
        """Raises :class:`Diverged` on every rank if a loss of any rank, or a weight, is no number."""
        found = first_fault(values, LOSS_NAMES)
        if found is None and weights_too:
            # The loss of the last step does not show what the step made of the weights.
            fault = weights_fault(self)
            found = None if fault is None else (len(values) - 1, fault)
        mine = None if found is None else (found[1], first_step + found[0], self._rows[found[0]].tolist())
        if self.trainer.strategy.reduce_boolean_decision(mine is not None, all=False):
            of_all_ranks = [mine] * self.trainer.world_size
            if self.trainer.world_size > 1:
                torch.distributed.all_gather_object(of_all_ranks, mine)
            what, step, rows = min((one for one in of_all_ranks if one is not None), key=lambda one: one[1])
            raise Diverged(what, self.current_epoch, step, rows)

    def on_train_epoch_start(self) -> None:
        self.trainer.callback_metrics.clear()  # an epoch that is cut short must not show the figures of the one before
        self._values: list[Tensor] = []
        self._rows: list[Tensor] = []
        self._sums = torch.zeros(len(LOSS_NAMES), dtype=torch.float64)
        weights = self.schedule.weights(self.current_epoch, self.weights)
        self.log_dict({f"weight/{name}": value for name, value in weights.items()})
        self.log("lr", self.optimizers().param_groups[-1]["lr"])  # type: ignore[union-attr]

    def on_validation_epoch_start(self) -> None:
        self.store_fit()
        self._validation = torch.zeros(len(TERMS) + 1, dtype=torch.float64)

    def validation_step(self, batch: dict[str, Tensor], batch_index: int) -> None:
        self._validation += self.validation_sums(batch)

    def validation_sums(self, batch: dict[str, Tensor]) -> Tensor:
        """(terms + 1,) each term times the probes of the batch, and their number."""
        terms = self.loss_terms(batch, batch["pose"], dict.fromkeys(TERMS, 0.0))
        size = len(batch["person"])
        values = torch.stack([terms[name].float() for name in TERMS]).cpu().double()
        return torch.cat([size * values, torch.tensor([size], dtype=torch.float64)])

    def selection(self, sums: Tensor) -> float:
        """``val/selection``: the weighted loss on validation people, by the weights that the user set.

        The root keys count, whatever the schedule says of an epoch, so that epochs compare. Lower is better.
        """
        means = term_means(sums)
        total = math.fsum(weight * means[name] for name, weight in self.weights.items() if weight != 0)
        # In the precision that Lightning logs, so that the state before training compares with the epochs.
        return float(torch.tensor(total, dtype=torch.float32))

    def on_validation_epoch_end(self) -> None:
        means = term_means(self._validation)
        weights = self.schedule.weights(self.current_epoch, self.weights)
        self.log_dict({f"val/loss/{name}": value for name, value in means.items()})
        self.log("val/loss/total", sum(weights[name] * value for name, value in means.items() if weights[name] != 0))
        self.log_dict({f"phi/{name}": value for name, value in self.enhancer.phi_values().items()})
        self.log("val/selection", self.selection(self._validation), prog_bar=True)
        # Every rank evaluates all validation people: the figures are exact, and the same everywhere.
        try:
            figures = validation_metrics(self.evaluate().block)
        except InputError:
            # The rows were checked when they were read: it is the enhancer that makes no vectors of them.
            what = "enhanced vectors of validation people are not finite"
            raise Diverged(what, self.current_epoch, int(self.trainer.num_training_batches) - 1, []) from None
        self.log_dict({name: math.nan if value is None else value for name, value in figures.items()})

    def evaluate(self) -> Evaluation:
        """The quick evaluation on the validation people with the weights as they are; stored until the next step."""
        if self._evaluated is None or self._evaluated[0] != self.global_step:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            self._evaluated = self.global_step, quick_evaluation(self.enhancer, data.validation_set)
        return self._evaluated[1]

    def configure_gradient_clipping(
        self, optimizer: Optimizer, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        # Lightning's own refuses one-pass optimisers under bf16, where nothing is scaled and clipping is right.
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW; see :mod:`poseid.training.optimizer`. The network beside a closed form begins later."""
        later = {id(p) for p in self.enhancer.network_parameters() if self.enhancer.closed_form is not None}
        groups = parameter_groups(
            self.enhancer, self.decoder, self.lr, self.lr_identity_scale, self.weight_decay, self.phi_rates
        )
        # One pass over the weights instead of a dozen. On a GPU torch chooses: fp16 gradients must be unscaled and
        # clipped before the step, which a one-pass optimiser would unscale by itself.
        optimizer = torch.optim.AdamW(groups, lr=self.lr, fused=self.device.type == "cpu" or None)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        per_epoch = math.ceil(self.trainer.num_training_batches / self.trainer.accumulate_grad_batches)
        factors: list[Callable[[int], float]] = [
            partial(
                rate_factor,
                first=self.network_after * per_epoch if id(group["params"][0]) in later else 0.0,
                warmup=self.warmup_epochs * per_epoch,
                steps=steps,
            )
            for group in groups
        ]
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factors)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


def term_means(sums: Tensor) -> dict[str, float]:
    """The mean of each term from what :meth:`EnhancerModule.validation_sums` gives, added up over batches."""
    return dict(zip(TERMS, (sums[:-1] / sums[-1]).tolist(), strict=True))
