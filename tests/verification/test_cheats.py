"""Ways to raise the mean similarity without knowing anybody: none of them may be called a help."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poseid.verification import EmbeddingSet, evaluate
from tests.verification.people import cfp, needs_cfp, unit

MEANWARDS = (0.02, 0.05, 0.1, 0.3)

Change = Callable[[np.ndarray], np.ndarray]
Known = tuple[np.ndarray, np.ndarray]
Data = tuple[EmbeddingSet, EmbeddingSet, np.ndarray]


def made() -> Data:
    """60 people whose profile photos are noisier, and 100 others to learn means and centroids from."""
    rng = np.random.default_rng(0)
    common = 0.5 * rng.normal(size=64)
    centre = common + rng.normal(size=(160, 64))

    def rows(people: np.ndarray, noise: np.ndarray) -> np.ndarray:
        x = centre[people] + noise[:, None] * rng.normal(size=(len(people), 64))
        return (x * rng.uniform(5, 15, (len(people), 1))).astype(np.float32)

    person_f, person_v = np.repeat(np.arange(60), 6), np.repeat(np.arange(60), 10)
    kind = np.tile([0] * 5 + [1] * 5, 60)
    front, video = rows(person_f, np.full(360, 0.8)), rows(person_v, np.where(kind == 1, 1.9, 0.8))
    known = np.stack([rows(np.full(5, p), np.full(5, 0.8)).mean(axis=0) for p in range(60, 160)])
    none = np.full(360, np.nan), np.full(600, np.nan)
    return (
        EmbeddingSet(front, front, front, person_f, none[0], np.zeros(360, int)),
        EmbeddingSet(video, video, video, person_v, none[1], kind),
        known,
    )


def photographs() -> Data:
    """The first 100 people of cfp, and the centroids of the others."""
    others = cfp("front", range(101, 401))
    known = [unit(others.raw[others.person == p]).mean(axis=0) for p in range(101, 401)]
    return cfp("front", range(1, 101)), cfp("video", range(1, 101)), np.stack(known)


def constant(scale: float) -> Callable[[np.ndarray], Change]:
    """One vector added to every row."""

    def learn(known: np.ndarray) -> Change:
        vector = np.random.default_rng(1).normal(size=known.shape[1])
        vector /= np.linalg.norm(vector)
        return lambda x: unit(x) + scale * vector

    return learn


def towards_the_mean(a: float) -> Callable[[np.ndarray], Change]:
    """(1 − a) · row + a · mean of the known people."""

    def learn(known: np.ndarray) -> Change:
        mean = unit(unit(known).mean(axis=0)[None])[0]
        return lambda x: (1 - a) * unit(x) + a * mean

    return learn


def nearest_centroid(known: np.ndarray) -> Change:
    """Every row replaced by, or halfway to, the known person it is closest to."""
    centroids = unit(known)
    return lambda x: unit(x) + centroids[(unit(x) @ centroids.T).argmax(axis=1)]


def noise(scale: float) -> Callable[[np.ndarray], Change]:
    def learn(known: np.ndarray) -> Change:
        rng = np.random.default_rng(2)
        return lambda x: unit(x) + scale * rng.normal(size=x.shape) / np.sqrt(x.shape[1])

    return learn


CHEATS: dict[str, Callable[[np.ndarray], Change]] = {
    **{f"constant {scale}": constant(scale) for scale in (0.05, 0.3, 1.0)},
    **{f"towards the mean {a}": towards_the_mean(a) for a in MEANWARDS},
    "nearest centroid": nearest_centroid,
    **{f"noise {scale}": noise(scale) for scale in (0.05, 0.5)},
}


def enhanced(side: EmbeddingSet, change: Change, both: bool) -> EmbeddingSet:
    probe = change(side.raw).astype(np.float32)
    return EmbeddingSet(side.raw, probe if both else side.raw, probe, side.person, side.yaw, side.kind)


@pytest.fixture(scope="module", params=[made, pytest.param(photographs, marks=needs_cfp)])
def data(request: pytest.FixtureRequest) -> Data:
    found: Data = request.param()
    return found


@pytest.mark.parametrize("both", [False, True], ids=["probes", "both"])
@pytest.mark.parametrize("name", list(CHEATS))
def test_no_cheat_is_called_a_help(name: str, both: bool, data: Data) -> None:
    front, video, known = data
    change = CHEATS[name](known)
    block = evaluate(
        enhanced(front, change, both),
        enhanced(video, change, both),
        sets=("all", "frontal_profile"),
        resamples=100,
    ).block
    assert block["verdict"] != "helps", block["reason"]


def test_some_cheats_do_raise_the_mean_similarity() -> None:
    """Else the test above would show nothing: judged by genuine comparisons alone they would pass."""
    front, video, known = made()
    for name in ("constant 1.0", "towards the mean 0.3"):
        change = CHEATS[name](known)
        both = (enhanced(side, change, True) for side in (front, video))
        block = evaluate(*both, sets=("all",), resamples=100).block
        assert block["improvement"]["ci95"][0] > 0.05
        assert block["verdict"] == "harms"
