"""The token enhancer: a small transformer over slices of the vector, with the pose in its attention."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.enhancer import Enhancer
from poseid.enhancers.layers import POSE_INPUTS, pose_inputs
from poseid.errors import InputError


class PoseAwareBlock(nn.Module):
    """A pre-norm transformer block whose queries, keys and values all see the pose embedding."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.project = nn.Linear(width, width)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))

    def forward(self, tokens: Tensor, pose: Tensor) -> Tensor:
        """(N, T, width) tokens and (N, 1, width) pose embedding to (N, T, width)."""
        n, t, width = tokens.shape
        # The pose is added before the joint projection: one matrix product puts it into all three.
        joint = self.query_key_value(self.norm_attention(tokens) + pose)
        query, key, value = joint.view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.project(attended.transpose(1, 2).reshape(n, t, width))
        out: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return out


class MeanAggregation(nn.Module):
    """(N, T, width) tokens to (N, width): their mean."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(dim=1)


class WeightedAggregation(nn.Module):
    """(N, T, width) tokens to (N, width): a mean with one trained weight a token."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(tokens))

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.einsum("t,ntw->nw", self.weights.softmax(dim=0), tokens)


class AttentionAggregation(nn.Module):
    """(N, T, width) tokens to (N, width): a mean with weights by content."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        weighted: Tensor = (self.score(tokens).softmax(dim=1) * tokens).sum(dim=1)
        return weighted


AGGREGATIONS: dict[str, type[nn.Module]] = {
    "mean": MeanAggregation,
    "weighted": WeightedAggregation,
    "attention": AttentionAggregation,
}


class PoseTransformer(Enhancer):
    """N(u, x̂, pose) = W (u + V h), with a transformer that gives h.

    x̂ is cut into ``tokens`` slices, each projected to ``width`` with a learned position; ``depth`` pose-aware
    blocks and an aggregation give one vector h. u = IdentityEnhancer(W_id x̂, code) has ``identity_dim`` = 256
    dimensions; W is the projection from 256 to D and starts at zero.

    Args:
        dim: D; a multiple of ``tokens``.
        identity_dim, pose_dim: widths of the identity and pose spaces.
        tokens, width, depth, heads, mlp: of the transformer.
        aggregation: one of ``AGGREGATIONS``.
        suppression, residual, network, skip, init, phi, similarity_dim, norm, sides: of :class:`Enhancer`.
    """

    summary = "a small transformer over slices of the vector with the pose in its attention"

    def __init__(
        self,
        dim: int = 512,
        identity_dim: int = 256,
        pose_dim: int = 128,
        tokens: int = 8,
        width: int = 512,
        depth: int = 4,
        heads: int = 8,
        mlp: int = 1024,
        aggregation: str = "mean",
        suppression: float = 0.3,
        residual: float = 0.5,
        network: bool = True,
        skip: bool = True,
        init: str = "zero",
        phi: dict[str, Any] | None = None,
        similarity_dim: int | None = None,
        norm: str = "keep",
        sides: str = "probe",
    ) -> None:
        super().__init__(
            dim, identity_dim, pose_dim, suppression, residual, network, skip, init, phi, similarity_dim, norm, sides
        )
        self.tokens = tokens
        self.to_tokens = nn.Linear(dim // tokens, width)
        self.positions = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.pose_embedding = nn.Sequential(nn.Linear(POSE_INPUTS, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(PoseAwareBlock(width, heads, mlp) for _ in range(depth))
        self.norm_tokens = nn.LayerNorm(width)
        if aggregation not in AGGREGATIONS:
            raise InputError(f"model.aggregation: {aggregation!r} is not one of {', '.join(AGGREGATIONS)}")
        self.aggregation = AGGREGATIONS[aggregation](tokens, width)
        self.from_tokens = nn.Linear(width, identity_dim)
        self.to_features = nn.Linear(identity_dim, dim)
        if skip and init != "random":
            nn.init.zeros_(self.to_features.weight)
            nn.init.zeros_(self.to_features.bias)

    def correction(self, x: Tensor, identity: Tensor, pose: Tensor) -> Tensor:
        pose_token = self.pose_embedding(pose_inputs(pose)).unsqueeze(1)
        tokens = self.to_tokens((x * self.dim**0.5).unflatten(-1, (self.tokens, -1))) + self.positions
        for block in self.blocks:
            tokens = block(tokens, pose_token)
        gathered = self.from_tokens(self.aggregation(self.norm_tokens(tokens)))
        out: Tensor = self.to_features(identity + gathered) * self.dim**-0.5
        return out
