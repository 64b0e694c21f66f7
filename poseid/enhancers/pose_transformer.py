"""The token enhancer: a small transformer over slices of the vector, with the pose in its attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.identity import IdentityEnhancer
from poseid.enhancers.output import EnhancerOutput, unit, with_length
from poseid.enhancers.pose import POSE_INPUTS, PoseHead, fill_pose, pose_gate, pose_inputs


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


class Aggregation(nn.Module):
    """(N, T, width) to (N, width): the plain mean, learned fixed weights, or attention by content."""

    def __init__(self, kind: str, tokens: int, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.weights = nn.Parameter(torch.zeros(tokens)) if kind == "weighted" else None
        self.score = nn.Linear(width, 1) if kind == "attention" else None

    def forward(self, tokens: Tensor) -> Tensor:
        if self.weights is not None:
            return torch.einsum("t,ntw->nw", self.weights.softmax(dim=0), tokens)
        if self.score is not None:
            weighted: Tensor = (self.score(tokens).softmax(dim=1) * tokens).sum(dim=1)
            return weighted
        return tokens.mean(dim=1)


class PoseTransformer(nn.Module):
    """features = |x| · unit(x̂ + g(pose) · P(u, x̂, pose)), with a transformer in P.

    x̂ is cut into ``tokens`` slices, each projected to ``width`` with a learned position; ``depth`` pose-aware
    blocks and an aggregation give one vector h; P = W (u + V h) with u = IdentityEnhancer(W_id x̂, code) in
    ``identity_dim`` = 256 dimensions and W the 256→D projection, zero at the start with ``init="zero"``.

    Args:
        dim: D; a multiple of ``tokens``.
        identity_dim, pose_dim: widths of the identity and pose spaces.
        tokens, width, depth, heads, mlp: of the transformer.
        aggregation: "mean", "weighted" or "attention".
        suppression, residual, gate_start, gate_full, skip, init, similarity_dim, norm, sides: as in
            :class:`poseid.enhancers.residual.ResidualEnhancer`.
    """

    strength: Tensor

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
        gate_start: float = 10.0,
        gate_full: float = 40.0,
        skip: bool = True,
        init: str = "zero",
        similarity_dim: int | None = None,
        norm: str = "keep",
        sides: str = "probe",
    ) -> None:
        super().__init__()
        self.dim = dim
        self.tokens = tokens
        self.skip = skip
        self.norm = norm
        self.sides = sides
        self.gate_start = gate_start
        self.gate_full = gate_full
        self.to_identity = nn.Linear(dim, identity_dim, bias=False)
        self.to_pose = nn.Linear(dim, pose_dim, bias=False)
        self.pose_head = PoseHead(pose_dim)
        self.identity_enhancer = IdentityEnhancer(identity_dim, pose_dim, suppression, residual)
        self.to_tokens = nn.Linear(dim // tokens, width)
        self.positions = nn.Parameter(torch.randn(tokens, width) * 0.02)
        self.pose_embedding = nn.Sequential(nn.Linear(POSE_INPUTS, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(PoseAwareBlock(width, heads, mlp) for _ in range(depth))
        self.norm_tokens = nn.LayerNorm(width)
        self.aggregation = Aggregation(aggregation, tokens, width)
        self.from_tokens = nn.Linear(width, identity_dim)
        self.to_features = nn.Linear(identity_dim, dim)
        self.register_buffer("strength", torch.ones(()))
        if skip and init == "zero":
            nn.init.zeros_(self.to_features.weight)
            nn.init.zeros_(self.to_features.bias)
        self.similarity = None if similarity_dim is None else nn.Linear(dim, similarity_dim, bias=False)

    def comparison(self, features: Tensor) -> Tensor:
        """The vectors whose cosine is the score: the features, or their trained projection."""
        return features if self.similarity is None else self.similarity(unit(features))

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        x = unit(features)
        scaled = x * self.dim**0.5
        code = self.to_pose(scaled)
        predicted = self.pose_head(code)
        identity = self.identity_enhancer(self.to_identity(scaled), code)
        used = fill_pose(pose, predicted)
        pose_token = self.pose_embedding(pose_inputs(used)).unsqueeze(1)
        tokens = self.to_tokens(scaled.unflatten(-1, (self.tokens, -1))) + self.positions
        for block in self.blocks:
            tokens = block(tokens, pose_token)
        gathered = self.from_tokens(self.aggregation(self.norm_tokens(tokens)))
        correction = self.to_features(identity + gathered) * self.dim**-0.5
        direction = (
            x + self.strength * pose_gate(used, self.gate_start, self.gate_full) * correction
            if self.skip
            else correction
        )
        return EnhancerOutput(with_length(direction, features, self.norm), identity, code, predicted)

    def identity_parameters(self) -> list[nn.Parameter]:
        """The layers that ``lr_identity_scale`` gives a learning rate of their own."""
        return [*self.to_identity.parameters(), *self.identity_enhancer.parameters()]
