"""Protocols: the comparisons that are listed, and accuracy by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.pairs import Pairs
from poseid.verification import evaluate, rates
from poseid.verification.protocols import best_threshold, folded_accuracy
from tests.verification.people import sides, unit

Row = tuple[str, int, bool, int, bool, int, bool]


def pair_list(rows: list[Row]) -> Pairs:
    return Pairs(*(np.array(column) for column in zip(*rows, strict=True)))


def test_protocols_score_the_pairs_that_are_listed() -> None:
    front, video = sides(people=12, fronts=3, probes=20, noise=1.5, change=lambda x: x + 0.3 * np.roll(x, 1, axis=1))
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    scores: dict[str, list[float]] = {"raw": [], "enhanced": []}
    profile, straight = np.flatnonzero(video.kind == 1), np.flatnonzero(video.kind == 0)

    for n in range(200):
        b = int(rng.choice(profile))
        if n % 2:
            a = int(rng.choice(straight))
            rows.append(("FP", n % 4, False, a, False, b, bool(video.person[a] == video.person[b])))
            vector, reference = video.raw[a], video.reference[a]
        else:
            a = int(rng.integers(len(front.person)))
            rows.append(("FP", n % 4, True, a, False, b, bool(front.person[a] == video.person[b])))
            vector, reference = front.raw[a], front.reference[a]
        scores["raw"].append(unit(vector) @ unit(video.raw[b]))
        scores["enhanced"].append(unit(reference) @ unit(video.probe[b]))
    block = evaluate(front, video, pair_list(rows), resamples=0).block
    same = np.array([row[-1] for row in rows])
    got = block["protocols"]["FP"]
    assert (got["genuine"], got["impostor"]) == (same.sum(), (~same).sum())
    for form, values in scores.items():
        values = np.array(values)
        assert got[form]["eer"] == pytest.approx(rates.eer(values[same], values[~same]), abs=1e-9)
        assert 0.5 <= got[form]["accuracy"] <= 1.0
    # two frontal video rows are probe against probe, a front and a video row reference against probe
    a, b = straight[:2]
    rows = [("FF", 1, False, int(a), False, int(b), False), ("FF", 1, True, 0, False, int(a), True)]
    ff = evaluate(front, video, pair_list(rows), resamples=0).block
    assert ff["protocols"]["FF"]["raw"]["accuracy"] is None
    assert ff["null_reasons"]["protocols.FF.accuracy"] == "accuracy needs at least 2 folds and there are 1"
    with pytest.raises(InputError, match="pair 1 names row 99999"):
        evaluate(front, video, pair_list([rows[0], ("FF", 1, True, 99999, False, 0, True)]), resamples=0)


@pytest.mark.parametrize("seed", range(20))
def test_best_threshold_decides_most_rightly(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, same = rng.normal(size=30).round(1), rng.random(30) < 0.5
    t = best_threshold(scores, same)
    best = max(np.mean((scores >= c) == same) for c in [*np.unique(scores), np.inf])
    assert np.mean((scores >= t) == same) == best


def test_accuracy_uses_the_thresholds_of_other_folds() -> None:
    # fold 1 alone is split at 0.5, fold 2 at 2.5: each is judged by the other's threshold
    scores = [0.0, 1.0, 2.0, 3.0]
    same = [False, True, False, True]
    assert folded_accuracy(scores, same, [1, 1, 2, 2]) == 0.5
    assert folded_accuracy([0.0, 1.0, 0.0, 1.0], same, [1, 1, 2, 2]) == 1.0
    with pytest.raises(InputError, match="at least 2 folds"):
        folded_accuracy(scores, same, [1, 1, 1, 1])
