"""Running a model: over arrays in blocks for evaluation, and as features in, enhanced features out for use.

Training and evaluation also want the identity embedding and the pose code; use does not. What is constant after
training is multiplied out once: for s = √D x̂, A W_id s + B s is one matrix product, and so is all that is linear in
x̂. The result differs from the network's by rounding alone (≤ 1e-6 of a row's length).
"""

from __future__ import annotations

import os
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from poseid.enhancers.enhancer import Fit
from poseid.enhancers.layers import fill_pose, pose_inputs
from poseid.enhancers.model import Model, with_length
from poseid.enhancers.onnx_run import Float32, Run
from poseid.enhancers.residual import ResidualEnhancer
from poseid.features.rows import MIN_NORM

BLOCK_ROWS = 8192
if hasattr(os, "register_at_fork"):
    # A forked process has none of torch's threads but waits for them, for ever; DataLoader's workers do the same.
    os.register_at_fork(after_in_child=partial(torch.set_num_threads, 1))


class Enhanced(NamedTuple):
    """N rows as an enhancer returns them, float32."""

    features: np.ndarray
    """(N, D) enhanced vectors."""
    comparison: np.ndarray
    """(N, D') the vectors whose cosine is the score."""
    identity: np.ndarray
    """(N, K) identity embeddings."""
    weight: np.ndarray
    """(N,) weights in a template."""


@torch.no_grad()
def enhance_arrays(enhancer: Model, features: np.ndarray, poses: np.ndarray | None, fit: Fit | None = None) -> Enhanced:
    """Enhances an array of rows.

    Args:
        enhancer: any model of this package.
        features: (N, D) float16/32/64.
        poses: (N, 3) degrees, NaN rows unknown, or None.
        fit: of other people, in place of the stored one; of an enhancer that can be trained.
    """
    device, training, unchanged = _device(enhancer), enhancer.training, enhancer.returns_input()
    enhancer.eval()
    blocks: list[tuple[np.ndarray, ...]] = []
    try:
        for start in range(0, max(1, len(features)), BLOCK_ROWS):  # once at least: no rows are fine too
            rows = slice(start, start + BLOCK_ROWS)
            x = _tensor(features[rows], device)
            pose = None if poses is None else _tensor(poses[rows], device)
            output = enhancer(x, pose) if fit is None else enhancer(x, pose, fit)
            enhanced = x if unchanged else output.features
            comparison = enhancer.comparison_vectors(enhanced)
            blocks.append(tuple(map(_array, (enhanced, comparison, output.identity, output.weight))))
    finally:
        enhancer.train(training)
    return Enhanced(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


@torch.no_grad()
def project_arrays(enhancer: Model, features: np.ndarray) -> np.ndarray:
    """(N, D') float32 comparison vectors of (N, D) rows that are not enhanced, as references with ``sides="probe"``.

    They are the features themselves where comparison is in D dimensions.
    """
    return _array(enhancer.comparison_vectors(_tensor(features, _device(enhancer))))


def _device(module: nn.Module) -> torch.device:
    return next((tensor.device for tensor in (*module.parameters(), *module.buffers())), torch.device("cpu"))


def _tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(np.asarray(array, dtype=np.float32)).to(device)


def _array(tensor: Tensor) -> np.ndarray:
    array: np.ndarray = tensor.float().cpu().numpy()
    return array


class FeaturesAndWeights(nn.Module):
    """What is used of any enhancer: (N, D) rows and (N, 3) degrees, or None, to (N, D) features and (N,) weights."""

    def __init__(self, enhancer: Model) -> None:
        super().__init__()
        self.enhancer = enhancer

    def forward(self, features: Tensor, pose: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output = self.enhancer(features, pose)
        return output.features, output.weight


class FoldedResidual(nn.Module):
    """The enhanced features and the weights of a :class:`ResidualEnhancer` with ``skip``, in fewer products.

    The network is left out where it is all zero, as in a model that ships the closed form alone.
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
        closed_form = enhancer.closed_form
        self.closed_form = closed_form if closed_form is not None and float(closed_form.people) > 0 else None
        self.gate = enhancer.gate
        self.frame_weight = enhancer.frame_weight
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
        share = -suppressed.residual * suppressed.suppression
        self.register_buffer("of_contamination", _product(share * from_identity))
        self.register_buffer("of_hidden", _product(enhancer.low_rank_path.weight.double() / scale))

    def forward(self, features: Tensor, pose: Tensor | None = None) -> tuple[Tensor, Tensor]:
        length = torch.linalg.vector_norm(features, dim=-1, keepdim=True)
        x = features / length.clamp_min(MIN_NORM)
        direction = x
        parts = [self._network(x, pose)] if self.trained else []
        if self.closed_form is not None:
            parts.append(self.closed_form(x, length))
        if parts:
            direction = x + self.strength * self.gate(x, length, pose) * sum(parts[1:], parts[0])
        weight = self.frame_weight(length, pose)
        return with_length(direction, length, self.norm, weight), weight

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
    """Returns rows bit for bit, which no arithmetic does, with the weights of any enhancer."""

    def __init__(self, enhancer: Model) -> None:
        super().__init__()
        self.enhancer = enhancer

    def forward(self, features: Tensor, pose: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return features.clone(), self.enhancer(features, pose).weight


def for_inference(enhancer: Model) -> nn.Module:
    """The module that maps features and poses to enhanced features and weights, folded where that can be done."""
    if enhancer.returns_input():
        return Unchanged(enhancer).eval()
    if isinstance(enhancer, ResidualEnhancer) and enhancer.skip:
        return FoldedResidual(enhancer).eval()
    return FeaturesAndWeights(enhancer).eval()


def run_of(enhancer: Model) -> Run:
    """What enhances a block of numpy rows; it differs from the enhancer itself by rounding."""
    module = for_inference(enhancer)

    @torch.inference_mode()
    def run(features: Float32, poses: Float32 | None) -> tuple[Float32, Float32]:
        pose = None if poses is None else torch.from_numpy(poses)
        enhanced, weight = module(torch.from_numpy(features), pose)
        return enhanced.numpy(), weight.numpy()

    return run
