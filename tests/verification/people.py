"""People for the tests of this room: made-up ones and those of cfp."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from poseid.verification import EmbeddingSet

Change = Callable[[np.ndarray], np.ndarray]


def sides(
    people: int = 12,
    fronts: int = 3,
    probes: int = 6,
    *,
    dim: int = 16,
    noise: float = 1.0,
    seed: int = 0,
    change: Change | None = None,
    both: bool = False,
    dtype: type = np.float64,
) -> tuple[EmbeddingSet, EmbeddingSet]:
    """Front rows, all frontal, and probes of every yaw; `change` is the enhancer, of probes or of both sides."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(people, dim))
    turn = rng.normal(size=dim)
    person_f, person_v = np.repeat(np.arange(people), fronts), np.repeat(np.arange(people), probes)
    yaw_f, yaw_v = rng.uniform(-14, 14, person_f.size), rng.uniform(-95, 95, person_v.size)
    front = (centre[person_f] + 0.5 * noise * rng.normal(size=(person_f.size, dim))).astype(dtype)
    video = centre[person_v] + 0.7 * noise * rng.normal(size=(person_v.size, dim))
    video = (video + np.sin(np.deg2rad(yaw_v))[:, None] * turn * noise).astype(dtype)
    kind_v = np.where(np.abs(yaw_v) <= 20, 0, np.where(np.abs(yaw_v) > 45, 1, 2)).astype(np.int8)
    act = change if change is not None else (lambda rows: rows)
    front_reference = act(front) if both else front
    video_probe = act(video)
    return (
        EmbeddingSet(front, front_reference, act(front), person_f, yaw_f, np.zeros(person_f.size, np.int8)),
        EmbeddingSet(video, video_probe if both else video, video_probe, person_v, yaw_v, kind_v),
    )


CFP = Path(__file__).parents[3] / "shared" / "data" / "cfp"
needs_cfp = pytest.mark.skipif(not CFP.is_dir(), reason="the cfp features are not beside this checkout")


def cfp(name: str, people: range) -> EmbeddingSet:
    """The ``front`` or ``video`` rows of some people of cfp, 1 … 500, as they came."""
    meta = json.loads((CFP / f"{name}_metadata.json").read_text(encoding="utf-8"))
    person = np.array([int(entry["person_name"][3:]) for entry in meta["metadata"]])
    kind = np.array([0 if entry["source"].startswith("frontal") else 1 for entry in meta["metadata"]])
    yaw = np.array([np.nan if pose is None else pose[0] for pose in meta["poses"]], dtype=float)
    chosen = np.isin(person, people)
    x = np.load(CFP / f"{name}_feature.npy", allow_pickle=False)[chosen]
    return EmbeddingSet(x, x, x, person[chosen], yaw[chosen], kind[chosen])


def unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def normalized(front: EmbeddingSet, video: EmbeddingSet) -> tuple[EmbeddingSet, EmbeddingSet]:
    """Both with unit rows, as they are scored."""
    one, other = (rows.normalized(np.asarray(rows.person, np.int64), np.float64, "row") for rows in (front, video))
    return one, other
