"""One small model of every kind with weights that all matter, its ONNX, rows to try it on, and other processes."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from poseid.enhancers.registry import BASELINES, build_saved

DIM = 32
ROOT = Path(__file__).parents[2]
_TOKENS = {"identity_dim": 16, "pose_dim": 8, "tokens": 4, "width": 16, "depth": 1, "heads": 4, "mlp": 32}
_RESIDUAL = {"name": "residual", "pose_dim": 8, "rank": 8, "init": "zero"}
OPTIONS: dict[str, dict[str, Any]] = {
    "residual": _RESIDUAL,
    "residual_ridge": _RESIDUAL | {"init": "ridge"},
    "residual_unfitted": _RESIDUAL | {"init": "ridge"},
    "residual_unit": {**_RESIDUAL, "norm": "unit", "sides": "both"},
    "residual_no_skip": {**_RESIDUAL, "skip": False, "similarity_dim": 8},
    "transformer_mean": {"name": "pose_transformer", **_TOKENS},
    "transformer_weighted": {"name": "pose_transformer", **_TOKENS, "aggregation": "weighted"},
    "transformer_attention": {"name": "pose_transformer", **_TOKENS, "aggregation": "attention", "skip": False},
    **{name: {"name": name} for name in BASELINES},
}


def made(kind: str, dim: int = DIM) -> tuple[nn.Module, dict[str, Any]]:
    """A model of a kind of ``OPTIONS``, every weight drawn at random, and its header."""
    options = {**OPTIONS[kind], "dim": dim}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        enhancer = build_saved(str(options["name"]), {key: value for key, value in options.items() if key != "name"})
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in enhancer.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("running_var", "length")):
                tensor.copy_(1 + noise.abs())
            elif name.endswith(("fitted", "people")):
                tensor.fill_(float(kind != "residual_unfitted") * (90.0 if name.endswith("people") else 1.0))
            elif name != "strength":
                tensor.add_(noise * 0.2)
            else:
                tensor.fill_(0.8)
    return enhancer.eval(), {"model": options, "sides": str(enhancer.sides)}


def rows(count: int, dim: int = DIM, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(count, dim) float32 rows of lengths about 5 to 30, and (count, 3) float32 poses, all known."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, dim)) * rng.uniform(1, 5, size=(count, 1))
    return features.astype(np.float32), rng.uniform(-90, 90, size=(count, 3)).astype(np.float32)


@functools.cache
def exported(kind: str) -> tuple[bytes, float]:
    """The model as ONNX, and its largest difference from torch; exported once, since that takes a second or two."""
    from poseid.enhancers.onnx_export import to_onnx

    return to_onnx(*made(kind))


TRAINING = ("lightning", "torchmetrics", "hydra", "omegaconf", "wandb", "matplotlib", "rich")  # needed to train alone
WITHOUT = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name.split(".")[0])
sys.meta_path.insert(0, Block())
"""


def python(code: str, place: Path, *arguments: str, without: tuple[str, ...]) -> tuple[int, str]:
    """Exit status and stderr of a piece of Python in a process of its own that lacks these packages."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(names=without) + code, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return done.returncode, done.stderr
