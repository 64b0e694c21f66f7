"""SRT: an embedding unmasking network under the self-restrained triplet loss (Boutros et al., 2022)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.gate import Gate
from poseid.enhancers.opponents.early_stopping import Score, train_early_stopped
from poseid.enhancers.opponents.rows import fitting_rows
from poseid.enhancers.opponents.shaped import checked_sides, gate_of, shaped
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.errors import InputError
from poseid.features.rows import FeatureSet

LEARNING_RATE = 1e-3
MARGIN = 2.0


def self_restrained_triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = MARGIN) -> Tensor:
    """mean relu(d(a, p) − d(a, n) + m) while mean d(a, n) < mean d(p, n), else mean relu(d(a, p) − mean d(p, n) + m).

    d is the squared distance of unit rows. Once impostors are as far away as they were without the network, only
    the pull to the own person is left. Lower is better.

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


class Srt(nn.Module):
    """features = |x| · unit(x̂ + g · (unit(E(x̂)) − x̂)), with g the gate of the enhancers.

    E is four fully connected layers of width D, each with batch normalisation, with leaky ReLU (0.2) between.
    The paper maps masked faces and leaves others; here g decides.

    Args:
        dim: D.
        sides: "probe" or "both".
    """

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)
        self.gate = Gate(dim).requires_grad_(False)
        layers: list[nn.Module] = []
        for n in range(4):
            layers += [nn.Linear(dim, dim), nn.BatchNorm1d(dim)]
            if n < 3:
                layers.append(nn.LeakyReLU(0.2))
        self.unmask = nn.Sequential(*layers)

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        x = unit(features)
        return shaped(x + gate_of(self.gate, features, pose) * (unit(self.unmask(x)) - x), features)


def fit_srt(train: FeatureSet, score: Score, sides: str = "probe", seed: int = 0) -> tuple[Srt, int]:
    """Trains E on profile rows; positive and negative are random frontal rows of the same and of another person.

    Args:
        train: who it is trained on.
        score: of a model on validation people, for early stopping; lower is better.
        sides: of :class:`Srt`.
        seed: of weights, order and draws.

    Returns:
        The module and the epoch that was kept.

    Raises:
        InputError: fewer than two people with a frontal row, or as `fitting_rows`.
    """
    rows = fitting_rows(train)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        out = Srt(train.dim, sides)
    rows.fit(out.gate)
    # frontal rows person after person, so that a draw within a person is an offset
    frontal = np.flatnonzero(rows.frontal)
    frontal = frontal[np.argsort(rows.person[frontal], kind="stable")]
    counts = np.bincount(rows.person[frontal], minlength=len(rows.centroid))
    if (counts > 0).sum() < 2:
        raise InputError(f"{train.name}: srt needs at least 2 training people with a frontal row")
    chosen = rows.profile & rows.anchored
    anchors = torch.from_numpy(rows.unit[chosen]).float()
    references = torch.from_numpy(rows.unit[frontal]).float()
    person = torch.from_numpy(rows.person[chosen])
    count = torch.from_numpy(counts)
    first = count.cumsum(0) - count

    def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
        who = person[batch]
        u = torch.rand(2, len(batch), generator=generator, dtype=torch.float64)
        positive = first[who] + (u[0] * count[who]).long()
        # one of the rows that are not the person's own: skip over those
        other = (u[1] * (len(references) - count[who])).long()
        negative = torch.where(other < first[who], other, other + count[who])
        mapped = out.unmask(anchors[batch])
        return self_restrained_triplet_loss(mapped, references[positive], references[negative])

    return out, train_early_stopped(out, loss, len(anchors), score, LEARNING_RATE, seed)
