"""The default enhancer: the raw vector plus a gated correction, in the full D dimensions."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.enhancer import Enhancer
from poseid.enhancers.layers import POSE_INPUTS, pose_inputs


class ResidualEnhancer(Enhancer):
    """N(u, x̂, pose) = L x̂ + W · GELU((A u + B x̂) ⊙ (1 + s(pose)) + t(pose)).

    A full-rank linear path and a low-rank one that the pose modulates. L and W start at zero. The identity space has D
    dimensions, so there is no bottleneck.

    Args:
        dim: D, length of a feature vector.
        pose_dim: width of the pose code.
        rank: width of the pose-modulated path.
        suppression, residual, network, skip, init, phi, similarity_dim, norm, sides: of :class:`Enhancer`.
    """

    summary = "a pose-gated correction of the vector, in its own dimensions"

    def __init__(
        self,
        dim: int = 512,
        pose_dim: int = 128,
        rank: int = 128,
        suppression: float = 0.3,
        residual: float = 0.5,
        network: bool = True,
        skip: bool = True,
        init: str = "ridge",
        phi: dict[str, Any] | None = None,
        similarity_dim: int | None = None,
        norm: str = "keep",
        sides: str = "probe",
    ) -> None:
        super().__init__(
            dim, dim, pose_dim, suppression, residual, network, skip, init, phi, similarity_dim, norm, sides
        )
        nn.init.eye_(self.to_identity.weight)
        self.from_identity = nn.Linear(dim, rank, bias=False)
        self.from_features = nn.Linear(dim, rank, bias=False)
        self.modulation = nn.Linear(POSE_INPUTS, 2 * rank)
        self.linear_path = nn.Linear(dim, dim, bias=False)
        self.low_rank_path = nn.Linear(rank, dim, bias=False)
        if skip and init != "random":
            nn.init.zeros_(self.linear_path.weight)
            nn.init.zeros_(self.low_rank_path.weight)

    def correction(self, x: Tensor, identity: Tensor, pose: Tensor) -> Tensor:
        scale, shift = self.modulation(pose_inputs(pose)).chunk(2, dim=-1)
        hidden = self.from_identity(identity) + self.from_features(x * self.dim**0.5)
        low_rank = self.low_rank_path(F.gelu(hidden * (1 + scale) + shift) * self.dim**-0.5)
        out: Tensor = self.linear_path(x) + low_rank
        return out
