"""The closed form: a ridge regression to the frontal mean and a metric, solved differentiably in φ.

Its trained numbers, a part of φ (:mod:`poseid.enhancers.enhancer`): the penalty of the regression, powers, gains, bias
and quality. Rows are unit vectors x̂ with lengths L, of a set of people. P: their profile rows; Y: for each of these the
mean of the unit frontal rows of its person.

    weights     ω ∝ (L / median L)^length_power, mean 1; rows of one eighth of the lengths share one L (its median)
    regression  X = P − m and Y centred by their ω-means; W = (XᵀΩX + ridge · C^ridge_power)⁻¹ XᵀΩ(Y − X), with the
                penalty ridge · C^ridge_power
    metric      F = S^metric_power · exp(Σ_j shape_j · h_j(log C)), each factor scaled to mean eigenvalue 1
    output      x̂ + min(1, P/120) · (o − x̂) for P people,
                o = unit(unit((x̂ − m)(I + W)F) + (bias − quality · z) · b), z = clip((L − median L) / std L, ±2.5)

C is the shrunk covariance of all frontal rows, S the shrunk covariance within the people, h_j four hat functions that
share the range of log-eigenvalues of C evenly; C^ridge_power is scaled to mean eigenvalue 1 too. b moves the scores
with all frontal rows alike: b = (T + 3 tr(T)/D · I)⁻¹ μ with b · μ = 1, μ and T the mean and the covariance of frontal
rows. Both sides of the regression are centred, so that the common mean, which impostors share, is not put back.

Moments, eigenvectors and b are constants of the set of people (:func:`statistics_of`); :func:`solve` is differentiable
in φ and costs the same for any number of rows. Source of the idea of training through a closed form: Bertinetto et al.,
"Meta-learning with differentiable closed-form solvers", ICLR 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from poseid.enhancers.model import unit
from poseid.enhancers.training_rows import TrainingRows, person_means

CLIP = 2.5  # of the standardised length
BIAS_SHRINKAGE = 3.0  # of the frontal covariance in b, in mean eigenvalues
TOTAL_SHRINKAGE, WITHIN_SHRINKAGE = 0.1, 1.0  # of C and of S, in mean eigenvalues
SMALLEST_PENALTY = 1e-6
LENGTH_BINS, HATS = 8, 4
ENOUGH_PEOPLE = 120.0  # below, a solution is too uncertain for the whole correction
FEWEST_ROWS, FEWEST_PEOPLE = 20, 5  # below these nothing can be fitted
NO_QUALITY = 1e30  # a spread of lengths beside which every z is 0; finite, since a file with infinity counts as damaged
ZERO = 1e-12  # squared distance of unit rows below which they are one vector


class Solution(NamedTuple):
    """What the closed form computes with: (D,) m, (D, D) (I + W)F, (D,) b, (2,) median and std of L, () people P."""

    centre: Tensor
    matrix: Tensor
    bias_direction: Tensor
    length: Tensor
    people: Tensor


class ClosedForm(nn.Module):
    """φ as parameters, the solution as buffers; both are saved. Unsolved it returns x̂.

    Args:
        dim: D.
        ridge: penalty of the regression, above 0; the parameter is its logarithm.
        ridge_power: of C in the penalty; above 0 directions with large frontal variance are shrunk more.
        length_power: how much more long, that is good, profile vectors count.
        metric_power: of the within-person covariance; below 0 directions in which photos of one person differ count
            less.
        shape: (4,) logarithmic gains of small to large eigenvalues of C.
        bias: raises all scores of an enhanced row.
        quality: raises the scores of short vectors, that is poor photos, and lowers those of long ones.
    """

    centre: Tensor
    matrix: Tensor
    bias_direction: Tensor
    length: Tensor
    people: Tensor

    def __init__(
        self,
        dim: int,
        ridge: float = 12.0,
        ridge_power: float = 0.0,
        length_power: float = 0.0,
        metric_power: float = -0.12,
        shape: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
        bias: float = 0.004,
        quality: float = 0.008,
    ) -> None:
        super().__init__()
        self.log_ridge = nn.Parameter(torch.tensor(float(ridge)).log())
        self.ridge_power = nn.Parameter(torch.tensor(float(ridge_power)))
        self.length_power = nn.Parameter(torch.tensor(float(length_power)))
        self.metric_power = nn.Parameter(torch.tensor(float(metric_power)))
        self.shape = nn.Parameter(torch.tensor([float(value) for value in shape]))
        self.bias = nn.Parameter(torch.tensor(float(bias)))
        self.quality = nn.Parameter(torch.tensor(float(quality)))
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("matrix", torch.eye(dim))
        self.register_buffer("bias_direction", torch.zeros(dim))
        self.register_buffer("length", torch.ones(2))
        self.register_buffer("people", torch.zeros(()))

    @torch.no_grad()
    def store(self, solution: Solution) -> None:
        """Makes a solution the one that :meth:`forward` uses by itself and that is saved."""
        for name, value in solution._asdict().items():
            self.get_buffer(name).copy_(value)

    def forward(self, x: Tensor, length: Tensor, solution: Solution | None = None) -> Tensor:
        """min(1, P/120) · (o − x̂), (N, D), from (N, D) unit rows and (N, 1) lengths.

        By the stored solution, or by the one given.
        """
        if solution is None:
            solution = Solution(self.centre, self.matrix, self.bias_direction, self.length, self.people)
        h = unit((x - solution.centre) @ solution.matrix)
        z = ((length - solution.length[0]) / solution.length[1]).clamp(-CLIP, CLIP)
        output = unit(h + (self.bias - self.quality * z) * solution.bias_direction)
        change: Tensor = (solution.people / ENOUGH_PEOPLE).clamp(max=1.0) * (output - x)
        return change


@dataclass(frozen=True)
class Statistics:
    """All that :func:`solve` needs of a set of people; K bins of lengths, R the eigenvectors of C as columns."""

    count: Tensor  # (K,) profile rows of each bin
    relative_length: Tensor  # (K,) median length of the bin over the median of all
    profile_sum: Tensor  # (K, D) sums of P in the basis R
    target_sum: Tensor  # (K, D) sums of Y in the basis R
    gram: Tensor  # (K, D, D) sums of pᵀp in the basis R
    cross: Tensor  # (K, D, D) sums of pᵀy in the basis R
    frontal_eigenvalues: Tensor  # (D,) eigenvalues of C
    basis: Tensor  # (D, D) R
    within_eigenvalues: Tensor | None  # (D,) eigenvalues of S; None where nobody has two frontal rows
    within_basis: Tensor  # (D, D) eigenvectors of S, in the basis R
    hats: Tensor  # (4, D) h_j at the eigenvalues of C
    bias_direction: Tensor  # (D,) b
    length: Tensor  # (2,) median and standard deviation of the lengths of P
    people: Tensor  # () number of people with profile and frontal rows

    def to(self, to: torch.device | torch.dtype) -> Statistics:
        """The same on another device or in another dtype."""
        return replace(self, **{key: value.to(to) for key, value in vars(self).items() if value is not None})


def solve(layer: ClosedForm, statistics: Statistics) -> Solution:
    """The closed form of a set of people with the φ of ``layer``, in the dtype of the statistics.

    Differentiable in log_ridge, ridge_power, length_power, metric_power and shape.
    """
    s = statistics

    def of_layer(parameter: Tensor) -> Tensor:
        return parameter.to(s.gram)

    weight = (of_layer(layer.length_power) * s.relative_length.log()).exp()
    weight = weight * (s.count.sum() / (weight * s.count).sum())
    rows = s.count.sum()
    mean, target = weight @ s.profile_sum / rows, weight @ s.target_sum / rows
    gram = torch.tensordot(weight, s.gram, 1) - rows * torch.outer(mean, mean)
    cross = torch.tensordot(weight, s.cross, 1) - rows * torch.outer(mean, target)
    penalty = scaled_power(s.frontal_eigenvalues, of_layer(layer.ridge_power)) * of_layer(layer.log_ridge).exp()
    # Below this share of the trace, rounding in float32 could leave a matrix without a Cholesky factor.
    penalty = penalty.clamp(min=SMALLEST_PENALTY * float(gram.detach().trace()))
    matrix = ridge_regression(gram, cross - gram, penalty)
    matrix = matrix + torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    if s.within_eigenvalues is not None:
        metric = s.within_basis * scaled_power(s.within_eigenvalues, of_layer(layer.metric_power))
        matrix = (matrix @ metric) @ s.within_basis.T
    gain = (of_layer(layer.shape) @ s.hats).exp()
    matrix = s.basis @ ((matrix * (gain / gain.mean())) @ s.basis.T)
    return Solution(s.basis @ mean, matrix, s.bias_direction, s.length, s.people)


def ridge_regression(gram: Tensor, cross: Tensor, penalty: Tensor) -> Tensor:
    """(D, E) W = (XᵀX + diag(penalty))⁻¹ XᵀY from (D, D) XᵀX, (D, E) XᵀY and (D,) penalties."""
    return torch.cholesky_solve(cross, torch.linalg.cholesky(gram + torch.diag(penalty)))


def scaled_power(values: Tensor, power: Tensor) -> Tensor:
    """values^power over its mean."""
    powers = (power * values.log()).exp()
    return powers / powers.mean()


def within_person_spectrum(x: Tensor, person: Tensor, shrinkage: float) -> tuple[Tensor, Tensor] | None:
    """Eigenvalues (D,) and eigenvectors (D, D) of S + shrinkage · tr(S)/D · I, S the covariance within the people.

    Args:
        x: (N, D) rows.
        person: (N,) person of each row, from 0.
        shrinkage: in mean eigenvalues.

    Returns:
        None where no two rows of a person differ.
    """
    freedom = len(x) - len(torch.unique(person))
    if freedom == 0:
        return None
    deviation = x - person_means(x, person, int(person.max()) + 1)[person]
    covariance = deviation.T @ deviation / freedom
    mean = covariance.trace() / len(covariance)
    if float(mean) <= 0:
        return None
    values, vectors = torch.linalg.eigh(covariance + mean * shrinkage * torch.eye(len(covariance), dtype=x.dtype))
    return values, vectors


@torch.no_grad()
def statistics_of(rows: TrainingRows, dtype: torch.dtype = torch.float64) -> Statistics | str:
    """The constants of a set of people for :func:`solve`, or in words why nothing can be fitted on them."""
    x, lengths = rows.units()
    dim, eye = x.shape[1], torch.eye(x.shape[1], dtype=x.dtype)
    centroid = rows.frontal_means(x)
    frontal = x[rows.frontal]
    used = rows.profile & rows.has_frontal()
    fitted_people = len(torch.unique(rows.person[used]))
    if int(used.sum()) < FEWEST_ROWS or fitted_people < FEWEST_PEOPLE:
        return (
            f"{int(used.sum())} profile rows of {fitted_people} people who also have a frontal row; "
            f"at least {FEWEST_ROWS} rows of {FEWEST_PEOPLE} people are needed"
        )
    mean = frontal.mean(dim=0)
    spread = (frontal - mean).T @ (frontal - mean) / len(frontal)
    if float(spread.trace()) < ZERO:
        return "frontal rows that are all one vector"
    bias_direction = torch.zeros_like(mean)
    if float(mean @ mean) > ZERO:  # of rows that cancel out no direction moves all scores alike
        bias_direction = torch.linalg.solve(spread + BIAS_SHRINKAGE * spread.trace() / dim * eye, mean)
        bias_direction = bias_direction / (bias_direction @ mean)
    frontal_eigenvalues, basis = torch.linalg.eigh(spread + TOTAL_SHRINKAGE * spread.trace() / dim * eye)
    spectrum = within_person_spectrum(frontal, rows.person[rows.frontal], WITHIN_SHRINKAGE)
    within_eigenvalues, within_basis = spectrum or (None, eye)
    profile_lengths = lengths[used]
    median, deviation_of_length = profile_lengths.median(), profile_lengths.std()
    if deviation_of_length < 1e-3 * median:
        # Vectors that come with one length carry no quality: z must be 0, not rounding errors blown up.
        deviation_of_length = torch.full_like(median, NO_QUALITY)
    profile, target = x[used] @ basis, centroid[rows.person[used]] @ basis
    bins = [part for part in profile_lengths.argsort().tensor_split(LENGTH_BINS) if len(part)]
    statistics = Statistics(
        count=torch.tensor([len(part) for part in bins]),
        relative_length=torch.stack([profile_lengths[part].median() / median for part in bins]),
        profile_sum=torch.stack([profile[part].sum(dim=0) for part in bins]),
        target_sum=torch.stack([target[part].sum(dim=0) for part in bins]),
        gram=torch.stack([profile[part].T @ profile[part] for part in bins]),
        cross=torch.stack([profile[part].T @ target[part] for part in bins]),
        frontal_eigenvalues=frontal_eigenvalues,
        basis=basis,
        within_eigenvalues=within_eigenvalues,
        within_basis=basis.T @ within_basis,
        hats=_hats(frontal_eigenvalues.log()),
        bias_direction=bias_direction,
        length=torch.stack([median, deviation_of_length]),
        people=torch.tensor(fitted_people),
    )
    return statistics.to(dtype)


def _hats(logarithm: Tensor) -> Tensor:
    """(4, D) hat functions with even nodes over the range of the values; they add up to 1 everywhere."""
    low, high = logarithm.min(), logarithm.max()
    position = (logarithm - low) / (high - low).clamp(min=1e-12) * (HATS - 1)
    nodes = torch.arange(HATS, dtype=logarithm.dtype)[:, None]
    return (1 - (position[None, :] - nodes).abs()).clamp(min=0)
