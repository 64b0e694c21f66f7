"""NAN: frames weighed by the vector itself, with one attention block (Yang et al., CVPR 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.baselines.baseline import Baseline, FitData, FitOptions, train_early_stopped
from poseid.enhancers.model import EnhancerOutput, Model, output_of, unit
from poseid.enhancers.training_rows import TrainingRows, training_rows
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

MOST_FRAMES = 8
TEMPERATURE = 0.05


class NeuralAggregation(Baseline):
    """features = x, bit for bit; weight = exp(√D q · x̂), so that pooling is the softmax over frames of the paper.

    q is D trained numbers, 0 at first: the mean. Of the paper's two blocks this is the first, whose q is one for all.
    """

    summary = "nothing: vectors come out as they went in; a trained query weighs frames (Yang et al., CVPR 2017)"
    options = ("seed",)

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        self.query = nn.Parameter(torch.zeros(dim))

    def returns_input(self) -> bool:
        return True

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        return output_of(features, (unit(features) @ self.query * self.dim**0.5).clamp(-20.0, 20.0).exp())

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """Minimises the cross-entropy of pooled sets of 2 … 8 rows of a person against all frontal means.

        The rows of a set are drawn with replacement, so that a person of few rows has sets too. The epoch is that with
        the lowest loss on the validation people.

        Raises:
            InputError: fewer than two training people with a frontal row.
        """
        both = data.train_and_validation
        others = sorted(set(both.people()).difference(data.train.people()))
        loss, rows = self._loss_on(data.train)
        held_out, held_rows = self._loss_on(both.select(others)) if len(others) > 1 else (loss, rows)

        @torch.no_grad()
        def score(_: Model) -> float:
            return float(held_out(torch.arange(held_rows), torch.Generator().manual_seed(options.seed)))

        epoch = train_early_stopped(self, loss, rows, score, options.seed)
        return {"epoch": epoch, "seed": options.seed}

    def _loss_on(self, people: FeatureSet) -> tuple[Callable[[Tensor, torch.Generator], Tensor], int]:
        """The loss of sets, each of the person of a row among (n,) numbers of rows, and n."""
        rows: TrainingRows = training_rows(people)
        x = rows.units()[0].float()
        usable = rows.has_frontal()
        centroid = unit(rows.frontal_means(x))
        order = usable.nonzero()[:, 0]
        order = order[rows.person[order].argsort(stable=True)]
        person = rows.person[order]
        if len(torch.unique(person)) < 2:
            raise InputError(f"{people.name}: nan needs at least 2 training people with a frontal row")
        count = torch.bincount(person, minlength=len(centroid))
        first = count.cumsum(0) - count

        def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
            own = person[batch]
            u = torch.rand(MOST_FRAMES + 1, len(batch), generator=generator, dtype=torch.float64)
            frames = x[order[first[own] + (u[:-1] * count[own]).long()]]
            used = torch.arange(MOST_FRAMES)[:, None] < 2 + (u[-1] * (MOST_FRAMES - 1)).long()
            weight = self(frames.flatten(0, 1)).weight.view(MOST_FRAMES, -1) * used
            pooled = unit((weight[..., None] * frames).sum(dim=0))
            return F.cross_entropy(pooled @ centroid.T / TEMPERATURE, own)

        return loss, len(order)
