"""Where ``model.init=ridge`` starts: a closed form fitted on the training people, and its own view of the pose.

Rows are unit vectors x̂ with lengths L. F: frontal rows, P: profile rows, both of the training people.

    ridge      W = (XᵀX + λI)⁻¹ Xᵀ(Y − X), X: rows x̂ − m of P, m their mean; Y: the unit-row frontal means of the same
               people, centred over P. Both sides are centred, so that the common mean, which impostors share,
               is not put back.
    metric     F = (S + tr(S)/D · I)^p / mean eigenvalue, S: within-person covariance of frontal rows. With raw
               references the score is bilinear in the probe, so half of a WCCN can be folded into the probe.
    quality    z = clip((L − median L) / std L, ±2.5) over P: short profile vectors are poor ones.
    lift       b = (T + 3 tr(T)/D · I)⁻¹ μ, b·μ = 1, μ and T: mean and covariance of frontal rows. b moves all scores
               of a probe alike: up for a long vector's and down for a short vector's.
    output     o = unit(unit((x̂ − m)(I + W)F) + clip(lift − slope · z, ±reach) · b)
    gate       g = σ(u + 0.3 (min(y, 40°) − 25°)) · clip((y − 5°)/15°, 0, 1), u: logit "profile, not frontal" of x̂ and
               log L, y = max(|yaw|, |pitch|) given. Without a pose g = σ(u − 2): the 2 leans towards leaving a row as
               it is, so that frontal rows that look turned are spared.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from poseid.enhancers.output import unit

CLIP = 2.5  # of the standardised length
LIFT_RIDGE = 3.0  # shrinkage of the frontal covariance in b, in mean eigenvalues
FIXED_UP_TO, WHOLE_FROM = 5.0, 20.0  # degrees of given pose: no correction below, no veto above
POSE_WEIGHT, POSE_CENTRE, POSE_LIMIT = 0.3, 25.0, 40.0  # what a given pose adds to the logit, degrees
UNKNOWN_POSE = 2.0  # what the logit must reach by itself where no pose is given
NEWTON_STEPS = 30
FEWEST_ROWS, FEWEST_PEOPLE = 20, 5  # below these nothing is fitted


class ClosedForm(nn.Module):
    """The closed form as a layer; all of it is saved and exported, none of it is trained by gradients.

    Unfitted it returns x̂ and a gate of 0.

    Args:
        dim: D.
        slope: weight of the standardised length.
        reach: bound of |lift − slope · z|.
    """

    centre: Tensor
    matrix: Tensor
    direction: Tensor
    length: Tensor
    logit_weight: Tensor
    logit_length: Tensor
    logit_bias: Tensor
    lift: Tensor
    fitted: Tensor

    def __init__(self, dim: int, slope: float, reach: float) -> None:
        super().__init__()
        self.slope = slope
        self.reach = reach
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim))
        self.register_buffer("direction", torch.zeros(dim))
        self.register_buffer("length", torch.tensor([1.0, 1.0]))  # median, standard deviation
        self.register_buffer("logit_weight", torch.zeros(dim))
        self.register_buffer("logit_length", torch.zeros(()))
        self.register_buffer("logit_bias", torch.zeros(()))
        self.register_buffer("lift", torch.zeros(()))
        self.register_buffer("fitted", torch.zeros(()))

    def gate(self, x: Tensor, length: Tensor, pose: Tensor | None) -> Tensor:
        """(N, 1) share of the correction in [0, 1]: 0 for a row given as frontal, else by the vector and the pose.

        Args:
            x: (N, D) unit rows.
            length: (N, 1) lengths they had.
            pose: (N, 3) degrees, NaN rows unknown, or None.
        """
        logarithm = (length[:, 0] / self.length[0]).clamp(min=1e-6).log()
        logit = x @ self.logit_weight + self.logit_length * logarithm + self.logit_bias
        if pose is None:
            return (self.fitted * torch.sigmoid(logit - UNKNOWN_POSE)).unsqueeze(1)
        known = torch.isfinite(pose).all(dim=1)
        angle = torch.where(known, pose[:, :2].abs().amax(dim=1), WHOLE_FROM).to(x.dtype)
        by_pose = POSE_WEIGHT * (angle.clamp(max=POSE_LIMIT) - POSE_CENTRE)
        veto = ((angle - FIXED_UP_TO) / (WHOLE_FROM - FIXED_UP_TO)).clamp(0.0, 1.0)
        logit = logit + torch.where(known, by_pose, -UNKNOWN_POSE)
        return (self.fitted * torch.sigmoid(logit) * veto).unsqueeze(1)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """(N, D) unit rows and (N, 1) lengths to (N, D) unit rows o."""
        h = unit((x - self.centre) @ self.matrix)
        z = ((length - self.length[0]) / self.length[1]).clamp(-CLIP, CLIP)
        shift = (self.lift - self.slope * z).clamp(-self.reach, self.reach)
        return unit(h + shift * self.direction)


@dataclass(frozen=True)
class TrainingRows:
    """Rows of the training people, for the fit.

    Attributes:
        features: (N, D) raw rows.
        person: (N,) persons 0 … P − 1.
        frontal, profile: (N,) bool.
    """

    features: Tensor
    person: Tensor
    frontal: Tensor
    profile: Tensor


@torch.no_grad()
def fit_closed_form(layer: ClosedForm, rows: TrainingRows, ridge: float, power: float, lift: float) -> str | None:
    """Fits the layer in float64.

    λ = ridge · (1 + 30/P) and p = power · P/(P + 20) for P people: fewer people, more shrinkage.

    Args:
        layer: receives the fit.
        rows: of training people alone.
        ridge: λ for many people.
        power: p for many people; 0 leaves the metric out.
        lift: constant part of the shift along b.

    Returns:
        None, or in words why nothing could be fitted; the layer is then left unfitted.
    """
    dtype = torch.float64
    lengths = torch.linalg.vector_norm(rows.features.to(dtype), dim=1)
    x = rows.features.to(dtype) / lengths[:, None]
    dim, people = x.shape[1], int(rows.person.max()) + 1 if len(rows.person) else 0
    identity = torch.eye(dim, dtype=dtype)
    count = torch.bincount(rows.person[rows.frontal], minlength=people)
    total = torch.zeros(people, dim, dtype=dtype).index_add_(0, rows.person[rows.frontal], x[rows.frontal])
    centroid = total / count.clamp(min=1)[:, None]
    used = rows.profile & (count[rows.person] > 0)
    fitted_people = len(torch.unique(rows.person[used]))
    if int(used.sum()) < FEWEST_ROWS or fitted_people < FEWEST_PEOPLE:
        return (
            f"{int(used.sum())} profile rows of {fitted_people} people who also have a frontal row; "
            f"at least {FEWEST_ROWS} rows of {FEWEST_PEOPLE} people are needed"
        )
    profile, target = x[used], centroid[rows.person[used]]
    centre = profile.mean(dim=0)
    inputs = profile - centre
    residual = (target - target.mean(dim=0)) - inputs
    shrinkage = ridge * (1 + 30.0 / fitted_people)
    weights = torch.linalg.solve(inputs.T @ inputs + shrinkage * identity, inputs.T @ residual)
    frontal = x[rows.frontal]
    matrix = identity + weights
    deviation = frontal - centroid[rows.person[rows.frontal]]
    freedom = len(frontal) - int((count > 0).sum())
    if power != 0 and freedom > 0:
        within = deviation.T @ deviation / freedom
        shrunk = within + within.trace() / dim * identity
        values, vectors = torch.linalg.eigh(shrunk)
        powers = values ** (power * fitted_people / (fitted_people + 20.0))
        matrix = matrix @ (vectors * (powers / powers.mean())) @ vectors.T
    mean = frontal.mean(dim=0)
    spread = (frontal - mean).T @ (frontal - mean) / len(frontal)
    direction = torch.linalg.solve(spread + LIFT_RIDGE * spread.trace() / dim * identity, mean)
    profile_lengths = lengths[used]
    median, deviation_of_length = profile_lengths.median(), profile_lengths.std()
    if deviation_of_length < 1e-3 * median:
        # Vectors that come with one length carry no quality: z must be 0, not rounding errors blown up.
        deviation_of_length = torch.full_like(median, float("inf"))
    either = rows.frontal | rows.profile
    logarithm = (lengths[either] / median).log()
    weight, of_length, bias = _logistic(x[either], logarithm, rows.profile[either])
    layer.centre.copy_(centre)
    layer.matrix.copy_(matrix)
    layer.direction.copy_(direction / (direction @ mean))
    layer.length.copy_(torch.stack([median, deviation_of_length]))
    layer.logit_weight.copy_(weight)
    layer.logit_length.copy_(of_length)
    layer.logit_bias.copy_(bias)
    layer.lift.fill_(lift)
    layer.fitted.fill_(1.0)
    return None


def _logistic(x: Tensor, logarithm: Tensor, positive: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Class-balanced logistic regression with an L2 penalty of 1, by Newton's method.

    Returns:
        Weights of the unit rows (D,) and of the logarithm of their length (), and the bias ().
    """
    scale = x.shape[1] ** 0.5 / 4  # inputs of size about 1/4 a component: the penalty means the same for any D
    columns = [x * scale, 4 * logarithm[:, None], torch.ones(len(x), 1, dtype=x.dtype)]
    inputs = torch.cat(columns, dim=1)
    target = positive.to(x.dtype)
    balance = torch.where(positive, 0.5 / target.mean(), 0.5 / (1 - target.mean()))
    ridge = torch.ones(inputs.shape[1], dtype=x.dtype)
    ridge[-1] = 1e-6
    beta = torch.zeros(inputs.shape[1], dtype=x.dtype)
    for _ in range(NEWTON_STEPS):
        probability = torch.sigmoid((inputs @ beta).clamp(-30, 30))
        gradient = inputs.T @ (balance * (probability - target)) + ridge * beta
        curvature = balance * (probability * (1 - probability)) + 1e-9
        hessian = (inputs.T * curvature) @ inputs + ridge.diag()
        step = torch.linalg.solve(hessian, gradient)
        beta = beta - step
        if float(step.abs().max()) < 1e-6:
            break
    return beta[:-2] * scale, beta[-2] * 4, beta[-1]
