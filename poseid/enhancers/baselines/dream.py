"""DREAM: a residual block whose share grows with the yaw (Cao, Rong, Li, Tang and Loy, CVPR 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.baselines.baseline import (
    FitData,
    FitOptions,
    GatedBaseline,
    known_yaw,
    rows_to_fit,
    train_early_stopped,
)
from poseid.enhancers.model import unit, unit_and_length


class Dream(GatedBaseline):
    """features = |x| · unit(x̂ + sigmoid(10(|yaw|/45 − 1)) · ReLU(FC(ReLU(FC(x̂))))), both layers of width D.

    A row of unknown pose gets "is a profile" by `Gate` in place of the sigmoid.
    """

    summary = "a residual network whose share grows with the yaw (Cao et al., CVPR 2018)"
    options = ("sides", "seed")

    def __init__(self, dim: int = 512, sides: str = "probe") -> None:
        super().__init__(dim, sides)
        self.residual = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(), nn.Linear(dim, dim), nn.ReLU())

    def direction(self, features: Tensor, pose: Tensor | None) -> Tensor:
        """(N, D) the mapped rows, as they are trained: near unit length."""
        x, length = unit_and_length(features)
        share = self.gate.probability(x, length)
        if pose is not None:
            known, yaw = known_yaw(pose)
            share = torch.where(known, torch.sigmoid(10.0 * (yaw.abs() / 45.0 - 1.0)).to(share.dtype), share)
        # layers are initialised for components of size 1; those of a unit row have size 1/√D
        added: Tensor = self.residual(x * self.dim**0.5)
        mapped: Tensor = x + share * added * self.dim**-0.5
        return mapped

    def fit(self, data: FitData, options: FitOptions) -> dict[str, Any]:
        """Minimises the mean of |mapped row − c|² over the video rows, c the person's unit frontal centroid."""
        rows = rows_to_fit(data.train)
        self.fit_gate(rows)
        video = slice(len(data.train.front), None)
        usable = rows.has_frontal()[video]
        features = rows.features[video][usable]
        pose = torch.from_numpy(data.train.video.poses.astype("float32"))[usable]
        centroid = unit(rows.frontal_means(rows.units()[0]))
        target = centroid[rows.person[video]].float()[usable]

        def loss(batch: Tensor, generator: torch.Generator) -> Tensor:
            mapped = self.direction(features[batch], pose[batch])
            return F.mse_loss(mapped, target[batch], reduction="sum") / len(batch)

        epoch = train_early_stopped(self, loss, len(features), data.score, options.seed)
        return {"epoch": epoch, "seed": options.seed}
