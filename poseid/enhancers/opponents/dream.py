"""DREAM: a residual block whose share grows with the yaw (Cao, Rong, Li, Tang and Loy, CVPR 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.gate import Gate
from poseid.enhancers.opponents.early_stopping import Score, train_early_stopped
from poseid.enhancers.opponents.rows import fitting_rows
from poseid.enhancers.opponents.shaped import checked_sides, profile_probability, shaped
from poseid.enhancers.output import EnhancerOutput, unit
from poseid.enhancers.pose import known_yaw
from poseid.features.rows import FeatureSet

LEARNING_RATE = 1e-3


class Dream(nn.Module):
    """features = |x| · unit(x̂ + sigmoid(10(|yaw|/45 − 1)) · ReLU(FC(ReLU(FC(x̂))))).

    A row of unknown pose gets "is a profile" by `Gate` in place of the sigmoid.

    Args:
        dim: D, the width of both layers.
        sides: "probe" or "both".
    """

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__()
        self.dim = dim
        self.sides = checked_sides(sides)
        self.gate = Gate(dim).requires_grad_(False)
        self.residual = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features."""
        return features

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        """(N, D) the mapped rows, as they are trained: near unit length."""
        x = unit(features)
        share = profile_probability(self.gate, features)
        if pose is not None:
            known, yaw = known_yaw(pose)
            share = torch.where(known, torch.sigmoid(10.0 * (yaw.abs() / 45.0 - 1.0)).to(share.dtype), share)
        # layers are initialised for components of size 1; those of a unit row have size 1/√D
        added: Tensor = self.residual(x * self.dim**0.5)
        mapped: Tensor = x + share * added * self.dim**-0.5
        return mapped

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        return shaped(self.direction(features, pose), features)


def fit_dream(train: FeatureSet, score: Score, sides: str = "probe", seed: int = 0) -> tuple[Dream, int]:
    """Minimises the mean of |mapped row − c|² over the video rows, c the person's unit frontal centroid.

    Args:
        train: who it is trained on.
        score: of a model on validation people, for early stopping; lower is better.
        sides: of :class:`Dream`.
        seed: of weights and order.

    Returns:
        The module and the epoch that was kept.
    """
    rows = fitting_rows(train)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        out = Dream(train.dim, sides)
    rows.fit(out.gate)
    usable = torch.from_numpy(rows.anchored[len(train.front) :])
    features = torch.from_numpy(train.video.features.astype("float32"))[usable]
    pose = torch.from_numpy(train.video.poses.astype("float32"))[usable]
    target = torch.from_numpy(rows.centroid[rows.person[len(train.front) :]]).float()[usable]

    def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
        mapped = out.direction(features[batch], pose[batch])
        return F.mse_loss(mapped, target[batch], reduction="sum") / len(batch)

    return out, train_early_stopped(out, loss, len(features), score, LEARNING_RATE, seed)
