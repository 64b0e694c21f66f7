"""An enhancer for use alone: features in, enhanced features out, and of the residual one only what they need.

Training also wants the identity embedding and the pose code; whoever enhances does not. What is constant after
training is multiplied out once: for s = √D x̂, A W_id s + B s is one matrix product, and so is all that is linear in
x̂. The result differs from the network's by rounding alone (≤ 1e-6 of a row's length).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.apply import returns_input
from poseid.enhancers.output import SHORTEST, unit
from poseid.enhancers.pose import fill_pose, pose_inputs
from poseid.enhancers.residual import ResidualEnhancer


class FeaturesOnly(nn.Module):
    """The enhanced features of any enhancer: (N, D) rows and (N, 3) degrees, or None, to (N, D)."""

    def __init__(self, enhancer: nn.Module) -> None:
        super().__init__()
        self.enhancer = enhancer

    def forward(self, features: Tensor, pose: Tensor | None = None) -> Tensor:
        enhanced: Tensor = self.enhancer(features, pose).features
        return enhanced


class FoldedResidual(nn.Module):
    """The enhanced features of a :class:`ResidualEnhancer` with ``skip``, in fewer products.

    The trained paths are left out where they are all zero, as in a model that ships the closed form alone.
    """

    of_x: Tensor
    of_code: Tensor
    code_bias: Tensor
    of_contamination: Tensor
    of_hidden: Tensor
    of_pose: Tensor
    pose_bias: Tensor

    def __init__(self, enhancer: ResidualEnhancer) -> None:
        super().__init__()
        self.norm = enhancer.norm
        form = enhancer.closed_form
        self.closed_form = form if form is not None and float(form.people) > 0 else None
        self.gate = enhancer.gate
        self.strength = enhancer.strength
        trained = bool(enhancer.linear_path.weight.any() or enhancer.low_rank_path.weight.any())
        self.trained = enhancer.network and trained
        self.pose_head = enhancer.pose_head
        self.register_buffer("of_pose", _product(enhancer.modulation.weight))
        self.register_buffer("pose_bias", enhancer.modulation.bias.detach().clone())
        self.pose_bias[: len(self.pose_bias) // 2] += 1  # the scale is 1 + s(pose)
        scale = enhancer.dim**0.5
        suppressed = enhancer.identity_enhancer
        from_identity = enhancer.from_identity.weight.double()
        hidden = from_identity @ enhancer.to_identity.weight.double() + enhancer.from_features.weight.double()
        parts = (enhancer.linear_path.weight, hidden * scale, enhancer.to_pose.weight * scale)
        self.sizes = [len(part) for part in parts]
        self.register_buffer("of_x", _product(torch.cat([part.double() for part in parts])))
        layers = (suppressed.gate, suppressed.contamination)
        self.register_buffer("of_code", _product(torch.cat([layer.weight for layer in layers])))
        self.register_buffer("code_bias", torch.cat([layer.bias for layer in layers]).detach())
        self.register_buffer(
            "of_contamination", _product(-suppressed.residual * suppressed.suppression * from_identity)
        )
        self.register_buffer("of_hidden", _product(enhancer.low_rank_path.weight.double() / scale))

    def forward(self, features: Tensor, pose: Tensor | None = None) -> Tensor:
        length = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
        x = features / length.clamp_min(SHORTEST)
        direction = x
        parts = [self._network(x, pose)] if self.trained else []
        if self.closed_form is not None:
            parts.append(self.closed_form(x, length))
        if parts:
            direction = x + self.strength * self.gate(x, length, pose) * sum(parts[1:], parts[0])
        out = unit(direction)
        return out * length if self.norm == "keep" else out

    def _network(self, x: Tensor, pose: Tensor | None) -> Tensor:
        linear, hidden, code = torch.split(x @ self.of_x, self.sizes, dim=1)
        used = fill_pose(pose, self.pose_head(code))
        scale, shift = torch.addmm(self.pose_bias, pose_inputs(used), self.of_pose).chunk(2, dim=1)
        opened, contamination = torch.addmm(self.code_bias, code, self.of_code).chunk(2, dim=1)
        hidden = torch.addmm(hidden, torch.sigmoid(opened) * contamination, self.of_contamination)
        return torch.addmm(linear, F.gelu(hidden * scale + shift), self.of_hidden)


def _product(weight: Tensor) -> Tensor:
    """(out, in) weights as the right factor of rows, (in, out) float32."""
    return weight.detach().T.float().contiguous()


class Unchanged(nn.Module):
    """Hands rows through bit for bit, which nothing that computes does."""

    def forward(self, features: Tensor, pose: Tensor | None = None) -> Tensor:
        return features.clone()


def for_use(enhancer: nn.Module) -> nn.Module:
    """The module that maps features and poses to enhanced features alone, folded where that can be done."""
    if returns_input(enhancer):
        return Unchanged().eval()
    if isinstance(enhancer, ResidualEnhancer) and enhancer.skip:
        return FoldedResidual(enhancer).eval()
    return FeaturesOnly(enhancer).eval()
