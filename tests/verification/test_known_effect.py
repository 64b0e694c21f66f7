"""A true effect is found: people whose profile rows are shifted by a known vector, and an enhancer that knows it."""

from __future__ import annotations

import numpy as np

from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification import EmbeddingSet, evaluate

DIM, ROWS = 64, 4


def shifted(people: int, seed: int) -> tuple[EmbeddingSet, EmbeddingSet]:
    """Front rows c + noise; profile rows c + noise + s for one known s; the enhanced rows have s taken out."""
    rng = np.random.default_rng(seed)
    shift = 1.5 * np.ones(DIM)
    centre = rng.normal(size=(people, DIM))
    person = np.repeat(np.arange(people), ROWS)
    front = centre + 0.5 * rng.normal(size=(people, DIM))
    video = centre[person] + 1.2 * rng.normal(size=(people * ROWS, DIM))
    zeros = np.zeros(people)
    yaw = np.where(np.arange(len(person)) % 2 == 0, -70.0, 70.0)
    return (
        EmbeddingSet(front, front, front, np.arange(people), zeros, np.full(people, FRONTAL)),
        EmbeddingSet(video + shift, video + shift, video, person, yaw, np.full(len(person), PROFILE)),
    )


def test_an_enhancer_that_knows_the_shift_helps() -> None:
    block = evaluate(*shifted(120, seed=0), resamples=300, seed=0).block
    assert block["verdict"] == "helps", block["reason"]
    assert block["improvement"]["ci95"][0] > 0


def test_the_interval_covers_the_known_improvement_in_at_least_90_of_100_repeats() -> None:
    true = float(
        np.mean([evaluate(*shifted(1000, seed=s), resamples=0).block["improvement"]["mean"] for s in (900, 901)])
    )
    covered = 0
    for seed in range(100):
        block = evaluate(*shifted(40, seed=seed), sets=("all",), resamples=200, seed=seed).block
        low, high = block["improvement"]["ci95"]
        covered += low <= true <= high
    assert covered >= 90
