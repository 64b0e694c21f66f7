"""The decoder of the reconstruction term. It trains the enhancer and does not ship with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Decoder(nn.Module):
    """Rebuilds the unit raw vector from identity and pose code: (N, K), (N, C) to (N, D)."""

    def __init__(self, identity_dim: int, code_dim: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Linear(identity_dim + code_dim, dim)
        self.scale = dim**-0.5

    def forward(self, identity: Tensor, code: Tensor) -> Tensor:
        decoded: Tensor = self.layers(torch.cat([identity, code], dim=-1)) * self.scale
        return decoded
