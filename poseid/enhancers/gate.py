"""The gate: how much of the correction a row gets, by its given pose and by the vector itself."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from poseid.features.rows import MIN_NORM

FRONTAL_UP_TO = 5.0  # degrees; a row given as frontal is not corrected, whatever is trained
SATURATION = 40.0  # degrees; a given pose beyond it says no more than this one
NEWTON_STEPS = 30
TOLERANCE = 1e-5  # largest change of a coefficient at which Newton's method ends
PENALTY = 1.0  # of the squared weights of the logistic regression


class GateFit(NamedTuple):
    """What is fitted of a gate: (D,) w, () v, () c, () L."""

    weight: Tensor
    length_coefficient: Tensor
    offset: Tensor
    length: Tensor


class Gate(nn.Module):
    """g(x̂, |x|, pose) in [0, 1]: 0 for a row given as frontal, near 1 for a profile.

    u = w · x̂ + v · log(|x| / L) + c is the logit of "profile, not frontal", a logistic regression on the training rows
    (see :func:`fit_gate`). With a = max(|yaw|, |pitch|) in degrees:

        pose known     g = σ(u + slope · (min(a, 40) − centre)) · s²(3 − 2s),  s = clip((a − 5) / (full − 5), 0, 1)
        pose unknown   g = σ(u − unknown)

    slope, centre, full and unknown are trained parameters; w, v, c and L are fitted. Before the fit u = 0, and a row of
    unknown pose gets g = 0.

    Args:
        dim: D.
        slope: of the logit over degrees.
        centre: degrees at which a given pose adds nothing to the logit.
        full: degrees from which on the given pose leaves the gate open.
        unknown: what the logit has to exceed where no pose is given; above 0 it leans towards leaving rows as they are.
    """

    weight: Tensor
    length_coefficient: Tensor
    offset: Tensor
    length: Tensor
    fitted: Tensor

    def __init__(
        self, dim: int, slope: float = 0.3, centre: float = 25.0, full: float = 20.0, unknown: float = 2.0
    ) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(float(slope)))
        self.centre = nn.Parameter(torch.tensor(float(centre)))
        self.full = nn.Parameter(torch.tensor(float(full)))
        self.unknown = nn.Parameter(torch.tensor(float(unknown)))
        self.register_buffer("weight", torch.zeros(dim))
        self.register_buffer("length_coefficient", torch.zeros(()))
        self.register_buffer("offset", torch.zeros(()))
        self.register_buffer("length", torch.ones(()))
        self.register_buffer("fitted", torch.zeros(()))

    @torch.no_grad()
    def store(self, fit: GateFit) -> None:
        """Makes a fit the one that :meth:`forward` uses by itself and that is saved."""
        for name, value in fit._asdict().items():
            self.get_buffer(name).copy_(value)
        self.fitted.fill_(1.0)

    def logit(self, x: Tensor, length: Tensor, fit: GateFit | None = None) -> Tensor:
        """(N,) u from (N, D) unit rows and (N, 1) lengths, by the stored fit or by the one given."""
        if fit is None:
            fit = GateFit(self.weight, self.length_coefficient, self.offset, self.length)
        logarithm = (length[:, 0] / fit.length).clamp(min=1e-6).log()
        return x @ fit.weight + fit.length_coefficient * logarithm + fit.offset

    def probability(self, x: Tensor, length: Tensor) -> Tensor:
        """(N, 1) probability that a row is a profile, by the vector alone: σ(u)."""
        return torch.sigmoid(self.logit(x, length)).unsqueeze(1)

    def forward(self, x: Tensor, length: Tensor, pose: Tensor | None, fit: GateFit | None = None) -> Tensor:
        """(N, D) unit rows, (N, 1) lengths and (N, 3) degrees (None, or rows with NaN: unknown) to (N, 1)."""
        logit = self.logit(x, length, fit)
        by_vector = (self.fitted if fit is None else 1.0) * torch.sigmoid(logit - self.unknown)
        if pose is None:
            return by_vector.unsqueeze(1)
        known = torch.isfinite(pose).all(dim=1)
        angle = torch.where(known, pose[:, :2].abs().amax(dim=1), 0.0).to(x.dtype)
        by_pose = torch.sigmoid(logit + self.slope * (angle.clamp(max=SATURATION) - self.centre))
        s = ((angle - FRONTAL_UP_TO) / (self.full - FRONTAL_UP_TO).clamp(min=1.0)).clamp(0.0, 1.0)
        return torch.where(known, by_pose * s * s * (3.0 - 2.0 * s), by_vector).unsqueeze(1)


@torch.no_grad()
def fit_gate(features: Tensor, frontal: Tensor, profile: Tensor, initial: GateFit | None = None) -> GateFit | None:
    """Fits w, v and c by a class-balanced logistic regression with an L2 penalty, in float64 by Newton's method.

    Args:
        features: (N, D) raw rows of training people.
        frontal, profile: (N,) bool; other rows do not count.
        initial: first values of Newton's method, such as a fit on nearly the same rows.

    Returns:
        None where one of the two kinds is missing.
    """
    if not bool(frontal.any()) or not bool(profile.any()):
        return None
    either = frontal | profile
    rows, positive = features[either].to(torch.float64), profile[either]
    lengths = torch.linalg.vector_norm(rows, dim=1).clamp(min=MIN_NORM)
    median = lengths[positive].median()
    scale = rows.shape[1] ** 0.5 / 4  # inputs of size about 1/4 a component: the penalty means the same for any D
    columns = [
        rows / lengths[:, None] * scale,
        4 * (lengths / median).log()[:, None],
        torch.ones_like(lengths)[:, None],
    ]
    inputs = torch.cat(columns, dim=1)
    beta = torch.zeros(inputs.shape[1], dtype=inputs.dtype)
    if initial is not None:
        coefficients = (initial.weight / scale, (initial.length_coefficient / 4)[None], initial.offset[None])
        beta = torch.cat(coefficients).to(beta)
    beta = _logistic(inputs, positive, beta)
    return GateFit(beta[:-2] * scale, beta[-2] * 4, beta[-1], median)


def _logistic(inputs: Tensor, positive: Tensor, beta: Tensor) -> Tensor:
    """(D,) coefficients, the last one of the constant column; ``beta``: first values of Newton's method."""
    target = positive.to(inputs.dtype)
    balance = torch.where(positive, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    penalty = torch.full((inputs.shape[1],), PENALTY, dtype=inputs.dtype)
    penalty[-1] = 1e-6
    short = inputs.float()
    for _ in range(NEWTON_STEPS):
        probability = torch.sigmoid((inputs @ beta).clamp(-30, 30))
        gradient = inputs.T @ (balance * (probability - target)) + penalty * beta
        curvature = (balance * (probability * (1 - probability)) + 1e-9).float()
        # In float32, which is enough for the direction of a step, in half the time; the gradient decides.
        hessian = ((short.T * curvature) @ short).double() + penalty.diag()
        step = torch.linalg.solve(hessian, gradient)
        beta = beta - step
        if float(step.abs().max()) < TOLERANCE:
            break
    return beta
