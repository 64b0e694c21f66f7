"""Enhance arrays in blocks: numpy in, numpy out, bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from poseid.enhancers.enhancer import Fit

BLOCK_ROWS = 8192


@torch.no_grad()
def enhance_arrays(
    enhancer: nn.Module,
    features: np.ndarray,
    poses: np.ndarray | None,
    block_rows: int = BLOCK_ROWS,
    fit: Fit | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Enhanced vectors, comparison vectors and identity embeddings of an array of rows.

    Args:
        enhancer: any model of this package.
        features: (N, D) float16/32/64.
        poses: (N, 3) degrees, NaN rows unknown, or None.
        block_rows: rows at a time.
        fit: of other people, in place of the stored one; of an enhancer that can be trained.

    Returns:
        (N, D) float32 enhanced vectors; (N, D') float32 vectors whose cosine is the score; (N, K) float32
        identity embeddings.
    """
    device = next((tensor.device for tensor in (*enhancer.parameters(), *enhancer.buffers())), torch.device("cpu"))
    training, through = enhancer.training, returns_input(enhancer)
    enhancer.eval()
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    try:
        for start in range(0, max(1, len(features)), block_rows):  # once at least: no rows are fine too
            rows = slice(start, start + block_rows)
            x = torch.from_numpy(np.asarray(features[rows], dtype=np.float32)).to(device)
            pose = None if poses is None else torch.from_numpy(np.asarray(poses[rows], dtype=np.float32)).to(device)
            output = enhancer(x, pose) if fit is None else enhancer(x, pose, fit)
            enhanced_rows = x if through else output.features
            compared = compare_in(enhancer, enhanced_rows)
            parts.append(
                (
                    enhanced_rows.float().cpu().numpy(),
                    compared.float().cpu().numpy(),
                    output.identity.float().cpu().numpy(),
                )
            )
    finally:
        enhancer.train(training)
    enhanced, compared_rows, identity = (np.concatenate(column) for column in zip(*parts, strict=True))
    return enhanced, compared_rows, identity


def returns_input(enhancer: nn.Module) -> bool:
    """Whether the strength is 0: rows then go through bit for bit, without a rounding."""
    strength = getattr(enhancer, "strength", None)
    if not isinstance(strength, torch.Tensor):
        return False
    return strength.item() == 0 and bool(enhancer.skip) and enhancer.norm == "keep"


@torch.no_grad()
def project_arrays(enhancer: nn.Module, features: np.ndarray) -> np.ndarray:
    """The comparison vectors of rows that are not enhanced, such as references with ``sides="probe"``.

    Args:
        features: (N, D) float16/32/64.

    Returns:
        (N, D') float32; the features themselves where comparison is in D dimensions.
    """
    x = torch.from_numpy(np.asarray(features, dtype=np.float32))
    device = next((tensor.device for tensor in (*enhancer.parameters(), *enhancer.buffers())), torch.device("cpu"))
    compared: np.ndarray = compare_in(enhancer, x.to(device)).float().cpu().numpy()
    return compared


def compare_in(enhancer: nn.Module, features: torch.Tensor) -> torch.Tensor:
    """``enhancer.comparison``: every model of this package has it, whatever its class."""
    compared: torch.Tensor = enhancer.comparison(features)  # type: ignore[operator]
    return compared
