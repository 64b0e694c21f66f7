"""The default enhancer: the raw vector plus a pose-gated correction, in the full D dimensions."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.closed_form import ClosedForm
from poseid.enhancers.identity import IdentityEnhancer
from poseid.enhancers.output import EnhancerOutput, unit, with_length
from poseid.enhancers.pose import POSE_INPUTS, PoseHead, fill_pose, pose_gate, pose_inputs


class ResidualEnhancer(nn.Module):
    """features = |x| · unit(x̂ + g(pose) · P(u, x̂, pose)), with u = IdentityEnhancer(W_id x̂, code).

    P(u, x̂, pose) = L x̂ + W · GELU((A u + B x̂) ⊙ (1 + s(pose)) + t(pose)): a full-rank linear path and a
    low-rank one that the pose modulates. L and W start at zero, so that a fresh enhancer returns its input. With
    ``init="ridge"`` the correction starts at a closed form, P = (o(x̂, |x|) − x̂) + L x̂ + …, whose own gate takes the
    place of g; see :mod:`poseid.enhancers.closed_form`. Weight decay then pulls towards that start. All of the
    correction is multiplied by ``strength``, which is chosen on validation people after the training.

    Args:
        dim: D, length of a feature vector.
        pose_dim: width of the pose code.
        rank: width of the pose-modulated path.
        suppression, residual: of :class:`IdentityEnhancer`.
        gate_start, gate_full: angles in degrees where the correction begins and where it is whole.
        skip: False drops x̂ and the gate, features = |x| · unit(P(u, x̂, pose)), with ordinary
            initialisation: the old failure, kept for the ablation.
        init: "zero"; "ridge" for the closed form fitted on the training people; "random" to start from ordinary
            initialisation.
        ridge, power, lift, slope, reach: of the closed form.
        similarity_dim: None compares in D dimensions; a number adds a trained projection to that many.
        norm: "keep" returns the lengths of the input, "unit" unit vectors.
        sides: "probe" or "both": which sides of a comparison are meant to be enhanced.
    """

    strength: Tensor

    def __init__(
        self,
        dim: int = 512,
        pose_dim: int = 128,
        rank: int = 128,
        suppression: float = 0.3,
        residual: float = 0.5,
        gate_start: float = 10.0,
        gate_full: float = 40.0,
        skip: bool = True,
        init: str = "zero",
        ridge: float = 12.0,
        power: float = -0.12,
        lift: float = 0.004,
        slope: float = 0.008,
        reach: float = 0.06,
        similarity_dim: int | None = None,
        norm: str = "keep",
        sides: str = "probe",
    ) -> None:
        super().__init__()
        self.dim = dim
        self.skip = skip
        self.norm = norm
        self.sides = sides
        self.gate_start = gate_start
        self.gate_full = gate_full
        self.to_identity = nn.Linear(dim, dim, bias=False)
        nn.init.eye_(self.to_identity.weight)
        self.to_pose = nn.Linear(dim, pose_dim, bias=False)
        self.pose_head = PoseHead(pose_dim)
        self.identity_enhancer = IdentityEnhancer(dim, pose_dim, suppression, residual)
        self.from_identity = nn.Linear(dim, rank, bias=False)
        self.from_features = nn.Linear(dim, rank, bias=False)
        self.modulation = nn.Linear(POSE_INPUTS, 2 * rank)
        self.linear_path = nn.Linear(dim, dim, bias=False)
        self.low_rank_path = nn.Linear(rank, dim, bias=False)
        self.start = ClosedForm(dim, slope, reach) if init == "ridge" else None
        self.ridge, self.power, self.lift = ridge, power, lift
        self.register_buffer("strength", torch.ones(()))
        if skip and init != "random":
            nn.init.zeros_(self.linear_path.weight)
            nn.init.zeros_(self.low_rank_path.weight)
        self.similarity = None if similarity_dim is None else nn.Linear(dim, similarity_dim, bias=False)

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features, or their trained projection."""
        return features if self.similarity is None else self.similarity(unit(features))

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        x = unit(features)
        # Components of a unit vector are of size 1/√D; layers are initialised for size 1.
        scaled = x * self.dim**0.5
        code = self.to_pose(scaled)
        predicted = self.pose_head(code)
        identity = self.identity_enhancer(self.to_identity(scaled), code)
        used = fill_pose(pose, predicted)
        scale, shift = self.modulation(pose_inputs(used)).chunk(2, dim=-1)
        hidden = self.from_identity(identity) + self.from_features(scaled)
        correction = self.linear_path(x) + self.low_rank_path(F.gelu(hidden * (1 + scale) + shift) * self.dim**-0.5)
        direction = correction
        if self.skip:
            gate = pose_gate(used, self.gate_start, self.gate_full)
            if self.start is not None:
                length = torch.linalg.vector_norm(features.to(x.dtype), dim=-1, keepdim=True)
                correction = correction + self.start.fitted * (self.start(x, length) - x)
                gate = torch.where(self.start.fitted > 0, self.start.gate(x, length, pose), gate)
            direction = x + self.strength * gate * correction
        return EnhancerOutput(with_length(direction, features, self.norm), identity, code, predicted)

    def identity_parameters(self) -> list[nn.Parameter]:
        """The layers that ``lr_identity_scale`` gives a learning rate of their own."""
        return [*self.to_identity.parameters(), *self.identity_enhancer.parameters()]
