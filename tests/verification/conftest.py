"""Made-up people for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poseid.verification import EmbeddingSet

Change = Callable[[np.ndarray], np.ndarray]


def made_sides(
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


@pytest.fixture
def sides() -> Callable[..., tuple[EmbeddingSet, EmbeddingSet]]:
    """`made_sides`, for tests that choose its arguments."""
    return made_sides
