"""The loss terms, each a pure function of tensors, and their weighted sum.

To add a term: write its function here, add its line to ``TERMS``, add its root key ``lambda_<name>: 0.0`` to
conf/config.yaml, and give it a weight in the presets of conf/loss/ that want it. Logging, curves, the dashboard, the
search space of the weights and the checks follow ``TERMS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FMRS = (1e-2, 1e-3)  # operating points of the detection term
SOFTNESS = 0.03  # τ_d, in cosines
FEWEST_IMPOSTORS = 20  # scores that make a threshold


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Row-wise cosine similarity of (N, D) and (N, D): (N,) in [−1, 1], higher is more alike.

    >>> cosine(torch.tensor([[2.0, 0.0]]), torch.tensor([[3.0, 3.0]]))
    tensor([0.7071])
    """
    return (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(dim=-1)


def id_loss(similarity: Tensor) -> Tensor:
    """Mean of 1 − cos(enhanced, t). In [0, 2]; lower is better.

    Args:
        similarity: (N,) cosines of enhanced probes with their targets.

    >>> id_loss(torch.tensor([1.0, 0.0]))
    tensor(0.5000)
    """
    return (1 - similarity).mean()


def pose_loss(predicted: Tensor, given: Tensor) -> Tensor:
    """Smooth L1 (β = 1) between predicted and given pose, in radians, over rows with a known pose; 0 if none.

    Angles come in degrees; in radians the term lies in the range of the cosine terms beside it.

    Args:
        predicted: (N, 3) degrees.
        given: (N, 3) degrees; a row with any NaN is unknown and does not count.

    >>> pose_loss(torch.zeros(1, 3), torch.tensor([[180.0, 0.0, 0.0]]))  # (π − 0.5) / 3
    tensor(0.8805)
    """
    known = torch.isfinite(given).all(dim=-1, keepdim=True)
    # NaN must go before the loss, not after: the gradient of 0 · NaN is NaN.
    safe = torch.where(known, given, predicted.detach())
    radians = math.pi / 180.0
    losses = F.smooth_l1_loss(predicted * radians, safe * radians, reduction="none")
    return (losses * known).sum() / (known.sum() * predicted.shape[-1]).clamp(min=1)


def ortho_loss(to_identity: Tensor, to_pose: Tensor) -> Tensor:
    """‖Ŵ_id Ŵ_poseᵀ‖²_F / rows of Ŵ_pose, rows of unit length. 0 when the two row spaces are orthogonal.

    Args:
        to_identity: (K, D) weight of the identity projection.
        to_pose: (C, D) weight of the pose projection.

    >>> ortho_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 3.0], [4.0, 0.0]]))
    tensor(0.5000)
    """
    # Lengths are divided out of the small product: dividing the weights would take several passes over them.
    product = (to_identity @ to_pose.T).square()
    lengths = to_identity.square().sum(dim=-1)[:, None] * to_pose.square().sum(dim=-1)[None, :]
    return (product / lengths.clamp(min=torch.finfo(lengths.dtype).tiny)).sum() / to_pose.shape[0]


def contrast_loss(similarity: Tensor, scores: Tensor, same: Tensor, temperature: float) -> Tensor:
    """InfoNCE: mean of −log( e^{cos(a,p)/τ} / (e^{cos(a,p)/τ} + Σ_n e^{cos(a,n)/τ}) ). Lower is better.

    Anchor a: the enhanced probe; positive p: its target; negatives n: the candidates of other people.
    Source: van den Oord et al. 2018.

    Args:
        similarity: (N,) cosines of anchors with their positives.
        scores: (N, M) cosines of anchors with the candidates: the targets of the batch, of every rank.
        same: (N, M) whether anchor and candidate are one person.
        temperature: τ > 0.

    >>> contrast_loss(torch.ones(2), torch.eye(2), torch.eye(2).bool(), 1.0)  # log(1 + 1/e)
    tensor(0.3133)
    """
    negatives = torch.logsumexp((scores / temperature).masked_fill(same, -torch.inf), dim=1)
    # −log(e^p / (e^p + e^n)) = log(1 + e^(n − p)), and 0 where there are no negatives
    return F.softplus(negatives - similarity / temperature).mean()


def reconstruction_loss(decoded: Tensor, unit_features: Tensor) -> Tensor:
    """D · mean squared error between the decoder's output and x̂, that is the mean of |decoded − x̂|².

    Args:
        decoded: (N, D) decoder(identity, pose_code).
        unit_features: (N, D) unit raw vectors.

    >>> reconstruction_loss(torch.zeros(1, 4), torch.tensor([[0.5, 0.5, 0.5, 0.5]]))
    tensor(1.)
    """
    return F.mse_loss(decoded, unit_features) * unit_features.shape[-1]


class Decoder(nn.Module):
    """Rebuilds the unit raw vector from identity and pose code: (N, K), (N, C) to (N, D). It does not ship."""

    def __init__(self, identity_dim: int, code_dim: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Linear(identity_dim + code_dim, dim)
        self.scale = dim**-0.5

    def forward(self, identity: Tensor, code: Tensor) -> Tensor:
        decoded: Tensor = self.layers(torch.cat([identity, code], dim=-1)) * self.scale
        return decoded


def similarity_protection_loss(after: Tensor, raw: Tensor, margin: float = 0.0) -> Tensor:
    """Mean of relu(cos(x, t) − cos(enhanced, t) − margin). 0 when no pair became less alike than it was raw.

    The baseline is the raw vector, detached: it does not change while the enhancer trains.

    Args:
        after: (N,) cos(enhanced, t).
        raw: (N,) cos(x, t) of the raw vectors.
        margin: how much a pair may lose at no cost.

    >>> similarity_protection_loss(torch.tensor([0.2, 0.9]), torch.tensor([0.5, 0.5]))
    tensor(0.1500)
    """
    return F.relu(raw.detach() - after - margin).mean()


def impostor_protection_loss(after: Tensor, raw: Tensor, same: Tensor, hardest: int) -> Tensor:
    """Mean of relu(cos(enhanced, o) − cos(x, o)) over the k hardest targets o of other people. 0 is best.

    The hardest are those with the highest cosine to the enhanced vector: where a false match would happen.

    Args:
        after: (N, M) cosines of enhanced probes with candidates.
        raw: (N, M) cosines of raw probes with the same candidates.
        same: (N, M) whether probe and candidate are one person.
        hardest: k ≥ 1.

    >>> impostor_protection_loss(torch.tensor([[0.9, 0.6, 0.1]]), torch.tensor([[0.1, 0.2, 0.1]]),
    ...                          torch.tensor([[True, False, False]]), 1)
    tensor(0.4000)
    """
    index = after.detach().masked_fill(same, -torch.inf).topk(min(hardest, after.shape[1]), dim=1).indices
    valid = ~same.gather(1, index)
    rise = F.relu(after.gather(1, index) - raw.detach().gather(1, index))
    return (rise * valid).sum() / valid.sum().clamp(min=1)


def detection_loss(scores: Tensor, same: Tensor) -> Tensor:
    """Σ over f ∈ {1e-2, 1e-3} of the mean of σ((t_f − s) / 0.03) over genuine scores s: a smooth FNMR at FMR f.

    t_f, the threshold that FMR f needs, is the mean of the lower half of the max(20, f · n) highest of n impostor
    scores. It is not detached: without its gradient the loss could be lowered by nothing but higher scores for
    everybody. In [0, 2]; lower is better; 0 where genuine or impostor scores are missing.

    Args:
        scores: (N, M) cosines of enhanced probes with raw references.
        same: (N, M) whether probe and reference are one person.

    >>> detection_loss(torch.tensor([[0.5, 0.5], [0.5, 0.5]]), torch.eye(2).bool())
    tensor(1.)
    """
    genuine, impostor = scores[same], scores[~same]
    if len(genuine) == 0 or len(impostor) == 0:
        return scores.sum() * 0.0
    highest = impostor.topk(min(len(impostor), max(FEWEST_IMPOSTORS, int(max(FMRS) * len(impostor))))).values
    parts = []
    for fmr in FMRS:
        top = highest[: max(FEWEST_IMPOSTORS, int(fmr * len(impostor)))]
        threshold = top[len(top) // 2 :].mean()
        parts.append(torch.sigmoid((threshold - genuine) / SOFTNESS).mean())
    return torch.stack(parts).sum()


@dataclass(frozen=True)
class LossInputs:
    """What the terms of one step are computed from; cosines are float32.

    Args:
        similarity, raw_similarity: (N,) cosines of enhanced and of raw probes with their targets, where the enhancer
            compares.
        similarity_in_d: (N,) of enhanced probes with their targets, in D dimensions.
        scores, raw_scores: (N, M) cosines with the targets of the batch, of every rank.
        same: (N, M) whether probe and target are one person.
        detection_scores: (P, R) cosines of enhanced profile probes with raw frontal references.
        detection_same: (P, R) whether probe and reference are one person.
        template_scores: (n,) cosines of pooled sets of enhanced probes with the references that are not in the set.
        template_same: (n,) whether set and reference are one person.
        predicted_pose, given_pose: (N, 3) degrees.
        to_identity, to_pose: weights of the two projections.
        decode: rebuilds (N, D) raw unit vectors from identity and pose code.
        reconstruction_target: (N, D) what it should give.
        temperature, margin, hardest: options of the terms.
    """

    similarity: Tensor
    raw_similarity: Tensor
    similarity_in_d: Tensor
    scores: Tensor
    raw_scores: Tensor
    same: Tensor
    detection_scores: Tensor
    detection_same: Tensor
    template_scores: Tensor
    template_same: Tensor
    predicted_pose: Tensor
    given_pose: Tensor
    to_identity: Tensor
    to_pose: Tensor
    decode: Callable[[], Tensor]
    reconstruction_target: Tensor
    temperature: float
    margin: float
    hardest: int


TERMS: dict[str, Callable[[LossInputs], Tensor]] = {
    "id": lambda x: id_loss(x.similarity_in_d),
    "pose": lambda x: pose_loss(x.predicted_pose, x.given_pose),
    "ortho": lambda x: ortho_loss(x.to_identity, x.to_pose),
    "contrast": lambda x: contrast_loss(x.similarity, x.scores, x.same, x.temperature),
    "reconstruction": lambda x: reconstruction_loss(x.decode(), x.reconstruction_target),
    "similarity_protection": lambda x: similarity_protection_loss(x.similarity, x.raw_similarity, x.margin),
    "impostor_protection": lambda x: impostor_protection_loss(x.scores, x.raw_scores, x.same, x.hardest),
    "detection": lambda x: detection_loss(x.detection_scores, x.detection_same),
    "template": lambda x: detection_loss(x.template_scores, x.template_same),
}
"""The one registry of terms: name to function. The name is that of the weight, ``lambda_<name>``, and of the logs."""


def compute_terms(inputs: LossInputs, weights: dict[str, float]) -> dict[str, Tensor]:
    """Every term by name; those of weight 0 carry no gradient."""
    computed = {}
    for name, term in TERMS.items():
        with torch.set_grad_enabled(weights[name] != 0 and torch.is_grad_enabled()):
            computed[name] = term(inputs)
    return computed


def total_loss(terms: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Σ weight · term; a term of weight 0 is left out, so it gives exactly no gradient.

    >>> total_loss({"id": torch.tensor(2.0), "pose": torch.tensor(float("nan"))}, {"id": 3.0, "pose": 0.0})
    tensor(6.)
    """
    parts = [weights[name] * term for name, term in terms.items() if weights[name] != 0]
    return torch.stack(parts).sum() if parts else torch.zeros(())
