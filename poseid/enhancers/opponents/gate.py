"""Is this a profile? The gate of the opponents, from the vector and its length or from the given yaw."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from poseid.enhancers.opponents.rows import FittingRows
from poseid.enhancers.output import unit
from poseid.errors import InputError

GATES = ("vector", "yaw")
START, FULL = 12.0, 50.0  # degrees of |yaw| where the yaw gate opens and where it is open
_PENALTY = 0.1  # of the squared weights, beside a sum of log losses
_SHORTEST = 1e-12


class ProfileGate(nn.Module):
    """How far a row is a profile, in [0, 1].

    ``kind="vector"``: p = sigmoid(w · [x̂, log|x|] + b), a logistic regression fitted on training people; the
    given pose plays no part, so the gate works as well without one. (The length tells most: a recogniser gives
    profiles shorter vectors.) ``kind="yaw"``: s²(3 − 2s) with s = clamp((|yaw| − 12) / (50 − 12), 0, 1); rows of
    unknown pose get p.

    Args:
        dim: D.
        kind: "vector" or "yaw".
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, dim: int, kind: str = "vector") -> None:
        super().__init__()
        if kind not in GATES:
            raise InputError(f"gate: {kind!r} is not one of {', '.join(GATES)}")
        self.kind = kind
        self.register_buffer("weight", torch.zeros(dim + 1))
        self.register_buffer("bias", torch.zeros(()))

    def probability(self, features: Tensor) -> Tensor:
        """(N, D) rows to (N, 1): p, from the vector alone."""
        x = unit(features)
        length = torch.linalg.vector_norm(features.to(x.dtype), dim=-1, keepdim=True)
        joined = torch.cat([x, length.clamp(min=_SHORTEST).log()], dim=-1)
        return torch.sigmoid(joined @ self.weight + self.bias).unsqueeze(-1)

    def forward(self, features: Tensor, pose: Tensor | None) -> Tensor:
        """(N, D) rows and (N, 3) degrees, None or with NaN rows, to (N, 1)."""
        p = self.probability(features)
        if self.kind == "vector" or pose is None:
            return p
        known, yaw = known_yaw(pose)
        s = ((yaw.abs() - START) / (FULL - START)).clamp(0.0, 1.0).to(p.dtype)
        return torch.where(known, s * s * (3.0 - 2.0 * s), p)


def known_yaw(pose: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows have a pose, (N, 1) bool, and their yaw in degrees, (N, 1), 0 where unknown."""
    known = torch.isfinite(pose).all(dim=-1, keepdim=True)
    return known, torch.where(known, pose[:, :1], torch.zeros_like(pose[:, :1]))


def fit_gate(gate: ProfileGate, rows: FittingRows) -> None:
    """Fits w and b: minimises Σ log(1 + exp(−y z)) + ½ · 0.1 |w|², y = +1 for profile rows, −1 for frontal ones.

    Newton's method in float64; the problem is convex, so there is one answer.
    """
    chosen = rows.frontal | rows.profile
    inputs = np.column_stack([rows.unit, rows.log_length, np.ones(len(rows.unit))])[chosen]
    weights = _logistic(inputs, rows.profile[chosen].astype(np.float64))
    gate.weight.copy_(torch.from_numpy(weights[:-1]))
    gate.bias.copy_(torch.tensor(weights[-1]))


def _logistic(inputs: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    penalty = np.full(inputs.shape[1], _PENALTY)
    penalty[-1] = 1e-6  # the constant is free, but for people who are all frontal or all profile
    weights = np.zeros(inputs.shape[1])

    def loss(w: NDArray[np.float64]) -> float:
        z = inputs @ w
        return float(np.logaddexp(0.0, z).sum() - truth @ z + 0.5 * penalty @ w**2)

    now = loss(weights)
    for _ in range(50):
        p = 0.5 * (1 + np.tanh(0.5 * (inputs @ weights)))
        gradient = inputs.T @ (p - truth) + penalty * weights
        curvature = (inputs * (p * (1 - p))[:, None]).T @ inputs
        curvature[np.diag_indices_from(curvature)] += penalty
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while (after := loss(weights - size * step)) > now and size > 1e-6:
            size /= 2
        weights = weights - size * step
        if now - after < 1e-9 * max(1.0, abs(now)):
            break
        now = after
    return weights
