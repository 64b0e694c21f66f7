"""SRT: an embedding unmasking network under the self-restrained triplet loss (Boutros et al., 2022)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.baselines.baseline import FitData, FitOptions, GatedBaseline, rows_to_fit, train_early_stopped
from poseid.enhancers.model import unit, unit_and_length
from poseid.errors import InputError

MARGIN = 2.0


def self_restrained_triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = MARGIN) -> Tensor:
    """mean relu(d(a, p) − d(a, n) + m) while mean d(a, n) < mean d(p, n), else mean relu(d(a, p) − mean d(p, n) + m).

    d is the squared distance of unit rows. Once impostors are as far away as without the network, only the
    attraction to the person's own rows remains. Lower is better.

    Args:
        anchor, positive, negative: (N, D) mapped rows, rows of the same people and rows of other people.
        margin: m; 2 in the paper.

    Source: Boutros, Damer, Kirchbuchner and Kuijper, "Self-restrained triplet loss for accurate masked face
    recognition", Pattern Recognition 124, 2022.

    >>> e = torch.eye(3)
    >>> self_restrained_triplet_loss(e[:1], e[:1], e[1:2]), self_restrained_triplet_loss(e[1:2], e[:1], e[1:2])
    (tensor(0.), tensor(4.))
    """
    a, p, n = (F.normalize(rows, dim=-1) for rows in (anchor, positive, negative))
    to_own, to_other = (a - p).square().sum(-1), (a - n).square().sum(-1)
    apart = (p - n).square().sum(-1).mean()
    other = torch.where(to_other.mean() < apart, to_other, apart)
    return F.relu(to_own - other + margin).mean()


class Srt(GatedBaseline):
    """features = |x| · unit(x̂ + g · (unit(E(x̂)) − x̂)), with g the gate of the enhancers.

    E is four fully connected layers of width D, each with batch normalisation, with leaky ReLU (0.2) between.
    The paper maps masked faces and leaves others; here g decides.
    """

    summary = "an unmasking network with the self-restrained triplet loss (Boutros et al., 2022)"
    options = ("sides", "seed")

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        layers: list[nn.Module] = []
        for _ in range(4):
            layers += [nn.Linear(dim, dim), nn.BatchNorm1d(dim), nn.LeakyReLU(0.2)]
        self.unmask = nn.Sequential(*layers[:-1])

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        x, length = unit_and_length(features)
        corrected: Tensor = x + self.gate(x, length, pose) * (unit(self.unmask(x)) - x)
        return corrected

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """Trains E on profile rows; positive and negative are random frontal rows of the same and of another person.

        Raises:
            InputError: fewer than two people with a frontal row, or as `rows_to_fit`.
        """
        rows = rows_to_fit(data.train)
        self.fit_gate(rows)
        # frontal rows sorted by person, so that a draw within a person is an offset
        frontal = rows.frontal.nonzero()[:, 0]
        frontal = frontal[rows.person[frontal].argsort(stable=True)]
        count = torch.bincount(rows.person[frontal], minlength=len(data.train.people()))
        if (count > 0).sum() < 2:
            raise InputError(f"{data.train.name}: srt needs at least 2 training people with a frontal row")
        first = count.cumsum(0) - count
        x = rows.units()[0].float()
        chosen = rows.profile & rows.has_frontal()
        anchors, references, person = x[chosen], x[frontal], rows.person[chosen]

        def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
            own = person[batch]
            u = torch.rand(2, len(batch), generator=generator, dtype=torch.float64)
            positive = first[own] + (u[0] * count[own]).long()
            # one of the rows that are not the person's own: skip over those
            other = (u[1] * (len(references) - count[own])).long()
            negative = torch.where(other < first[own], other, other + count[own])
            mapped = self.unmask(anchors[batch])
            return self_restrained_triplet_loss(mapped, references[positive], references[negative])

        epoch = train_early_stopped(self, loss, len(anchors), data.score, options.seed)
        return {"epoch": epoch, "seed": options.seed}
