"""Groups of parameters with their learning rates, and the course of a rate: warm-up, then cosine decay."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import nn

from poseid.enhancers.enhancer import Enhancer


def parameter_groups(
    enhancer: Enhancer,
    decoder: nn.Module,
    lr: float,
    lr_identity_scale: float,
    weight_decay: float,
    phi_rates: Mapping[str, float],
) -> list[dict[str, Any]]:
    """The groups: each number of φ (phi), the identity layers, the network, the other layers.

    Of the layers, matrices and vectors are separate groups, and only matrices decay.

    Args:
        enhancer, decoder: what is trained.
        lr: of all but φ.
        lr_identity_scale: factor on it for the identity layers.
        weight_decay: of matrices.
        phi_rates: learning rate of each number of φ; 0 where it is missing.
    """
    phi = enhancer.phi()
    groups: list[dict[str, Any]] = [
        {"params": [p], "lr": phi_rates.get(name, 0.0), "weight_decay": 0.0} for name, p in phi.items()
    ]
    identity = {id(p) for p in enhancer.identity_parameters()}
    network = {id(p) for p in enhancer.network_parameters()}
    of_phi = {id(p) for p in phi.values()}
    layers = [p for p in (*enhancer.parameters(), *decoder.parameters()) if id(p) not in of_phi]
    for scale, chosen in (
        (lr_identity_scale, [p for p in layers if id(p) in identity]),
        (1.0, [p for p in layers if id(p) in network]),
        (1.0, [p for p in layers if id(p) not in identity | network]),
    ):
        for decay, matrix in ((weight_decay, True), (0.0, False)):
            params = [p for p in chosen if (p.ndim > 1) == matrix]
            if params:
                groups.append({"params": params, "lr": lr * scale, "weight_decay": decay})
    return groups


def rate_factor(step: int, first: float, warmup: float, steps: float) -> float:
    """Factor on a rate: 0 before step ``first``, a linear rise over ``warmup`` steps, a cosine to 0 at ``steps``.

    >>> [round(rate_factor(step, 2, 1, 5), 2) for step in range(6)]
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if step < first:
        return 0.0
    if step < first + warmup:
        return (step - first + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - first - warmup) / max(1.0, steps - first - warmup))))
