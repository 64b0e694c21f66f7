"""Searches, rank-1 and FNIR by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.verification import identification
from poseid.verification.identification import Searches, fnir_at_fpir, rank1, search, why_no_fnir


def slow_search(gallery: np.ndarray, names: np.ndarray, probe: np.ndarray, person: int) -> list[tuple[float, int]]:
    """The candidates of one search, best first."""
    return sorted(((float(row @ probe), int(name)) for row, name in zip(gallery, names, strict=True)), reverse=True)


@pytest.mark.parametrize("seed", range(5))
def test_searches_against_sorted_lists_of_candidates(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank-1 and FNIR at FPIR from their definitions, search by search; some probes are of nobody in the gallery."""
    monkeypatch.setattr(identification, "_BLOCK", 100)  # several blocks are put together
    rng = np.random.default_rng(seed)
    names = rng.permutation(9) + 100
    gallery = rng.normal(size=(9, 4))
    person = rng.integers(98, 111, 400)
    probes = rng.normal(size=(400, 4))
    index = np.argsort(names)[np.searchsorted(np.sort(names), person) % 9]
    probes[names[index] == person] += 0.8 * gallery[index][names[index] == person]
    found = search(gallery, names, probes, person)
    best_other, mated = [], []
    for probe, one in zip(probes, person, strict=True):
        candidates = slow_search(gallery, names, probe, one)
        best_other.append(next(score for score, name in candidates if name != one))
        if one in names:
            mated.append(candidates[0] if candidates[0][1] == one else (-np.inf, one))
    assert 0 < len(mated) < 400
    assert rank1(found) == pytest.approx(np.mean([score > -np.inf for score, _ in mated]))
    for fpir in (0.5, 0.1, 0.01):
        # the lowest threshold with few enough false alarms, among the scores and just above them
        allowed = [t for t in np.nextafter(best_other, np.inf) if np.mean(np.array(best_other) >= t) <= fpir]
        missed = np.mean([score < min(allowed) for score, _ in mated])
        assert fnir_at_fpir(found, fpir) == pytest.approx(missed, abs=1e-12)


def test_ties_find_nobody() -> None:
    same = np.ones((3, 2))
    found = search(same, np.arange(3), same, np.arange(3))
    assert rank1(found) == 0.0
    assert fnir_at_fpir(found, 1.0) == 1.0


def test_fnir_by_hand_and_where_it_is_not_defined() -> None:
    """Ten non-mated searches score 0.0 … 0.9: at FPIR 0.1 the threshold lies just above 0.8."""
    other = np.arange(10) / 10
    # of four mated searches one is found, one is second to another person (0.9), two are below the threshold
    own = np.array([0.85, 0.8, 0.7] + [np.nan] * 6 + [0.85])
    assert fnir_at_fpir(Searches(own, other), 0.1) == 3 / 4
    assert why_no_fnir(Searches(own, other), 0.1) == "FPIR 1e-1 needs 300 searches and there are 10"
    assert why_no_fnir(Searches(np.full(400, np.nan), np.zeros(400)), 0.1).startswith("no probe")
    assert why_no_fnir(Searches(np.ones(400), np.zeros(400)), 0.1) == ""


def test_the_gallery_holds_one_reference_a_person() -> None:
    for twice in (np.array([1, 1]), np.empty(0, int)):
        with pytest.raises(InputError, match="a person twice"):
            search(np.eye(2)[: twice.size], twice, np.eye(2), np.array([1, 1]))
