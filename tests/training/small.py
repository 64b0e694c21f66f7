"""What tests of the training share: a small module, small data, one batch, and a trainer that leaves nothing behind."""

from __future__ import annotations

from typing import Any

import lightning as L
import torch
from torch import Tensor

from poseid.training.config import DataConfig
from poseid.training.data import FeatureDataModule
from poseid.training.losses import TERMS
from poseid.training.module import EnhancerModule

SHORT_RUN = [
    *("data.synthetic_people=24", "data.dim=32", "max_epochs=1", "threads=1", "resamples=100"),
    *("trainer.progress_bar=false", "trainer.accelerator=cpu"),
]
"""Arguments of train.py for a run of seconds."""
DIM = 16
MODEL: dict[str, Any] = {"name": "residual", "dim": DIM, "pose_dim": 4, "rank": 4, "init": "zero"}
PHI_RATES = {
    **{"ridge": 0.011, "ridge_power": 0.012, "length_power": 0.013, "metric_power": 0.014, "shape": 0.015},
    **{"bias": 0.016, "quality": 0.017, "strength": 0.018},
    **{"gate_slope": 0.019, "gate_centre": 0.021, "gate_full": 0.022, "gate_unknown": 0.023},
    **{"weight_length": 0.024, "weight_yaw": 0.025},
}
"""A learning rate of its own for each number of φ."""
PHI_VALUES = {
    **{"ridge": 4.0, "ridge_power": 0.2, "length_power": 0.8, "metric_power": -0.2, "shape": [0.2, -0.1, 0.1, -0.2]},
    **{"bias": 0.02, "quality": 0.01, "strength": 0.9},
    **{"gate_slope": 0.2, "gate_centre": 22.0, "gate_full": 30.0, "gate_unknown": 0.5},
    **{"weight_length": 0.7, "weight_yaw": 0.3},
}
PHI = {name: {"value": value, "lr": PHI_RATES[name]} for name, value in PHI_VALUES.items()}
RIDGE = {**MODEL, "init": "ridge", "phi": PHI}


def module(**options: Any) -> EnhancerModule:
    """A module with every weight 1, unless told otherwise."""
    arguments: dict[str, Any] = {
        "model": MODEL,
        "weights": dict.fromkeys(TERMS, 1.0),
        "temperature": 0.1,
        "margin": 0.0,
        "hardest": 2,
        "swap": False,
        "schedule": {"name": "constant"},
        "lr": 1e-3,
        "lr_identity_scale": 1.0,
        "weight_decay": 0.0,
        "warmup_epochs": 0.0,
        "network_after": 0.0,
        "pose_dropout": 0.0,
        "seed": 0,
    }
    return EnhancerModule(**{**arguments, **options})


def data(batch_size: int = 16, seed: int = 0, swap: bool = False, **options: Any) -> FeatureDataModule:
    """Twenty made-up people, not yet loaded, unless told otherwise."""
    arguments: dict[str, Any] = {
        "source": "synthetic",
        "dir": None,
        "dim": DIM,
        "target": "centroid",
        "fractions": [0.6, 0.3, 0.1],
        "split_seed": 0,
        "folds": None,
        "train_people": None,
        "validation_people": None,
        "test_people": None,
        "train_limit": None,
        "min_yaw": 0,
        "max_yaw": 90,
        "missing_pose": "keep",
        "divisions": 4,
        "pose_dropout": 0.0,
        "synthetic_people": 20,
        "synthetic_seed": 5,
    }
    return FeatureDataModule(DataConfig(**{**arguments, **options}), batch_size, seed, swap)


def loaded_data(**options: Any) -> FeatureDataModule:
    """:func:`data`, read and split."""
    made = data(**options)
    made.load()
    return made


def batch(rows: int = 6, dim: int = DIM) -> dict[str, Tensor]:
    """Random rows of people with two rows each, all turned, and two references for each row."""
    generator = torch.Generator().manual_seed(2)
    person = torch.arange(rows) // 2
    return {
        "row": torch.arange(rows),
        "features": 4 * torch.randn(rows, dim, generator=generator),
        "pose": torch.tensor([[60.0, 5.0, 0.0], [-50.0, 0.0, 3.0]]).repeat(rows // 2, 1),
        "person": person,
        "target": torch.randn(rows, dim, generator=generator),
        "partner": 3 * torch.randn(rows, dim, generator=generator),
        **references(2 * torch.randn(2 * rows, dim, generator=generator), person),
        **sets(4 * torch.randn(rows, dim, generator=generator), person),
    }


def references(vectors: Tensor, person: Tensor) -> dict[str, Tensor]:
    """What a batch holds for the detection term, of two references for each row."""
    return {
        "profile": torch.ones(len(person), dtype=torch.bool),
        "references": vectors,
        "reference_person": person.repeat(2),
        "reference_row": torch.arange(len(vectors)),
        "division": torch.zeros(1, dtype=torch.int64),
    }


def sets(features: Tensor, person: Tensor) -> dict[str, Tensor]:
    """What a batch holds for the template term: each row is pooled with the other rows of its person."""
    people, number = torch.unique(person, return_inverse=True)
    return {
        "frames": features,
        "frame_pose": torch.full((len(features), 3), 50.0),
        "frame_row": 1000 + torch.arange(len(features)),
        "frame_set": number,
        "frame_share": torch.ones(len(features)),
        "set_person": people,
    }


def trainer(**options: Any) -> L.Trainer:
    """Lightning's trainer on the CPU, quiet, without files."""
    arguments: dict[str, Any] = {
        "accelerator": "cpu",
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return L.Trainer(**{**arguments, **options})
