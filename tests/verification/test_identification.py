"""Ranks, CMC and the protocols' accuracy by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.verification.identification import cmc, rank1, ranks
from poseid.verification.protocols import best_threshold, folded_accuracy


def test_ranks_are_those_of_a_sorted_list() -> None:
    rng = np.random.default_rng(0)
    gallery, probes = rng.normal(size=(9, 4)), rng.normal(size=(200, 4))
    names = rng.permutation(9) + 100
    person = rng.choice(names, 200)
    got = ranks(gallery, names, probes, person)
    for n in range(200):
        order = names[np.argsort(-(gallery @ probes[n]))]
        assert got[n] == 1 + order.tolist().index(person[n])
    curve = cmc(got, 9)
    assert curve[-1] == 1.0
    assert np.all(np.diff(curve) >= 0)
    assert curve[2] == np.mean(got <= 3)
    assert rank1(got) == np.mean(got == 1) == curve[0]


def test_ties_find_nobody() -> None:
    same = np.ones((3, 2))
    assert ranks(same, np.arange(3), same, np.arange(3)).tolist() == [3, 3, 3]


def test_a_gallery_of_doubles_or_strangers_is_refused() -> None:
    with pytest.raises(InputError, match="a person twice"):
        ranks(np.eye(2), np.array([1, 1]), np.eye(2), np.array([1, 1]))
    with pytest.raises(InputError, match="not in the gallery"):
        ranks(np.eye(2), np.array([0, 1]), np.eye(2), np.array([0, 2]))
    with pytest.raises(InputError, match="no probes"):
        cmc(np.empty(0, int), 3)


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
