"""IdentityEnhancer: takes from an identity embedding what the pose code says is pose."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class IdentityEnhancer(nn.Module):
    """Suppresses pose contamination in an identity embedding.

    cleaned = id − suppression · gate(code) · contamination(code),  out = id + residual · (cleaned − id)

    with gate a sigmoid and contamination a linear function of the pose code, both of width K.

    Args:
        identity_dim: K, width of the identity embedding.
        code_dim: width of the pose code.
        suppression: how much contamination is taken out, in [0, 1] (0.3; conservative 0.2).
        residual: how far the output moves from the input to the cleaned embedding, in [0, 1] (0.5;
            conservative 0.7).
    """

    def __init__(self, identity_dim: int, code_dim: int, suppression: float, residual: float) -> None:
        super().__init__()
        self.suppression = suppression
        self.residual = residual
        self.gate = nn.Linear(code_dim, identity_dim)
        self.contamination = nn.Linear(code_dim, identity_dim)

    def forward(self, identity: Tensor, code: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(code))
        # out = id − residual · suppression · gate · contamination, in one pass
        return torch.addcmul(identity, gate, self.contamination(code), value=-self.residual * self.suppression)
