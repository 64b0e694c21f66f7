"""The token enhancer as a textbook writes it: the same maths as ``pose_transformer``, nothing joined or fused."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.pose_transformer import PoseAwareBlock, PoseTransformer


class PlainBlock(nn.Module):
    """Queries, keys and values by a product each, attention by an explicit softmax."""

    def __init__(self, width: int, heads: int, mlp: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.project = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, mlp), nn.GELU(), nn.Linear(mlp, width))

    def forward(self, tokens: Tensor, pose: Tensor) -> Tensor:
        n, t, width = tokens.shape
        seen = self.norm_attention(tokens) + pose
        query, key, value = (
            layer(seen).view(n, t, self.heads, -1).transpose(1, 2) for layer in (self.query, self.key, self.value)
        )
        attention = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(width // self.heads), dim=-1)
        tokens = tokens + self.project((attention @ value).transpose(1, 2).reshape(n, t, width))
        out: Tensor = tokens + self.mlp(self.norm_mlp(tokens))
        return out


def plain(network: PoseTransformer) -> PoseTransformer:
    """The network with textbook blocks of the same weights."""
    for i, block in enumerate(network.blocks):
        assert isinstance(block, PoseAwareBlock)
        first = block.mlp[0]
        assert isinstance(first, nn.Linear)
        made = PlainBlock(block.project.in_features, block.heads, first.out_features)
        made.norm_attention, made.norm_mlp = block.norm_attention, block.norm_mlp
        made.project, made.mlp = block.project, block.mlp
        parts = zip(
            (made.query, made.key, made.value),
            block.query_key_value.weight.chunk(3),
            block.query_key_value.bias.chunk(3),
            strict=True,
        )
        with torch.no_grad():
            for layer, weight, bias in parts:
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
        network.blocks[i] = made
    return network


def plain_step(network: PoseTransformer, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor]) -> None:
    """One step towards the targets, the same for both writings."""
    output = network(batch["features"], batch["pose"])
    known = batch["pose"].nan_to_num()
    loss = (1 - F.cosine_similarity(output.features, batch["target"])).mean()
    loss = loss + 0.3 * F.smooth_l1_loss(output.pose / 57.3, known / 57.3)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    optimizer.step()
