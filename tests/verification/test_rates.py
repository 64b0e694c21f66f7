"""Rates against scikit-learn, brute force and cases worked by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import det_curve, roc_curve

from poseid.errors import InputError
from poseid.verification import rates
from poseid.verification.impostors import Impostors
from poseid.verification.operating_points import error_rates, threshold_of


def draws(seed: int, ties: bool, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    g = rng.normal(0.5, 0.3, rng.integers(3, 90)).clip(-1, 1)
    i = rng.normal(0.0, 0.3, rng.integers(3, 900)).clip(-1, 1)
    return (g.round(1), i.round(1)) if ties else (g.astype(dtype), i.astype(dtype))


def stored(impostor: np.ndarray) -> Impostors:
    none = np.empty(0, dtype=np.int32)
    negated = np.sort(-impostor)
    moments = float(impostor.mean()), float(impostor.var())
    return Impostors(negated, np.array([impostor.size]), *moments, none, none, None)


def slow_eer(g: np.ndarray, i: np.ndarray) -> float:
    points = []
    for t in [*np.unique(np.concatenate([g, i])), math.inf]:
        points.append((float(np.mean(i >= t)), float(np.mean(g < t))))
    for (fmr, fnmr), (fmr2, fnmr2) in itertools.pairwise(points):
        if fmr >= fnmr and fmr2 < fnmr2:
            share = (fmr - fnmr) / ((fmr - fnmr) - (fmr2 - fnmr2))
            return fmr + share * (fmr2 - fmr)
    raise AssertionError("no crossing")


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_eer_is_where_the_brute_force_line_crosses(seed: int, ties: bool) -> None:
    g, i = draws(seed, ties)
    assert rates.eer(g, i) == pytest.approx(slow_eer(g, i), abs=1e-12)
    assert error_rates(g, stored(i), ()).eer.value == pytest.approx(slow_eer(g, i), abs=1e-12)


@pytest.mark.parametrize(
    ("g", "i", "known"),
    [
        ([0.9, 0.8], [0.1, 0.2], 0.0),
        ([0.1, 0.2], [0.8, 0.9], 1.0),
        ([0.5, 0.5], [0.5, 0.5], 0.5),
        ([0.4, 0.6, 0.8], [0.1, 0.2, 0.5], 1 / 3),
        # from (FMR 1, FNMR 0) to (FMR 0, FNMR 1/2): the line meets FMR = FNMR at 1/3
        ([0.5, 0.9], [0.5, 0.5], 1 / 3),
    ],
)
def test_eer_by_hand(g: list[float], i: list[float], known: float) -> None:
    assert rates.eer(g, i) == pytest.approx(known, abs=1e-15)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_operating_points_are_those_of_scikit_learn(seed: int, ties: bool) -> None:
    g, i = draws(seed, ties)
    truth, scores = np.r_[np.ones(g.size), np.zeros(i.size)], np.r_[g, i]
    fmr, fnmr, thresholds = det_curve(truth, scores)
    fpr, tpr, more = roc_curve(truth, scores, drop_intermediate=False)
    found = error_rates(g, stored(i), (), np.r_[thresholds, more])
    assert found.fmr_at_raw_threshold.value == pytest.approx(np.r_[fmr, fpr], abs=1e-12)
    assert found.fnmr_at_raw_threshold.value == pytest.approx(np.r_[fnmr, 1 - tpr], abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_fnmr_at_fmr_is_the_best_operating_point_allowed(seed: int, ties: bool, dtype: type) -> None:
    g, i = draws(seed, ties, dtype)
    fmr, tpr, _ = roc_curve(np.r_[np.ones(g.size), np.zeros(i.size)], np.r_[g, i], drop_intermediate=False)
    for f in (0.0, 0.01, 0.1, 0.25, 0.5):
        # the nearest allowed threshold may pass between two scores, where no genuine score lies
        best = np.max(tpr[fmr <= f + 1e-12])
        t = rates.threshold_at_fmr(i, f)
        assert np.mean(g < t) == pytest.approx(1 - best, abs=1e-12)
        assert np.mean(i >= t) <= f
        assert threshold_of(stored(i), f) == t
    assert rates.threshold_at_fmr(i, 1.0) == -math.inf


def test_ties_are_accepted_together() -> None:
    found = error_rates(np.array([0.3, 0.2]), stored(np.array([0.1, 0.3, 0.3])), (), np.array([0.3]))
    assert found.fmr_at_raw_threshold.value == pytest.approx(2 / 3)
    assert found.fnmr_at_raw_threshold.value == 0.5
    # one false match of four is allowed, but two scores share the highest place
    t = rates.threshold_at_fmr([0.1, 0.2, 0.3, 0.3], 0.25)
    assert t == np.nextafter(0.3, 1)


def test_allowed_false_matches_reads_decimals() -> None:
    for percent in range(101):
        for n in (100, 300, 7000):
            assert rates.allowed_false_matches(percent / 100, n) == percent * n // 100
    assert rates.allowed_false_matches(1e-3, 2999) == 2


def test_threshold_is_exact_in_float32() -> None:
    scores = np.array([0.1, 0.2, 0.3], dtype=np.float32)
    t = rates.threshold_at_fmr(scores, 0.0)
    assert np.float32(t) == np.nextafter(np.float32(0.3), np.float32(1))
    assert not np.any(scores >= t)


def test_d_prime_by_hand_and_by_formula() -> None:
    g, i = draws(3, False)
    want = (np.mean(g) - np.mean(i)) / np.sqrt((np.std(g) ** 2 + np.std(i) ** 2) / 2)
    assert error_rates(g, stored(i), ()).d_prime == pytest.approx(want, rel=1e-12)
    assert error_rates(np.array([2.0, 4.0]), stored(np.array([0.0, 2.0])), ()).d_prime == 2.0
    assert math.isnan(error_rates(np.array([0.5]), stored(np.array([0.5])), ()).d_prime)


@pytest.mark.parametrize(
    ("g", "i", "message"),
    [
        ([0.1], [0.2, math.nan], "impostor score 1 is NaN"),
        ([math.nan], [0.2], "genuine score 0 is NaN"),
        ([], [0.2], "1 impostor comparisons and no genuine"),
        ([0.2], [], "1 genuine comparisons and no impostor"),
        ([], [], "there are no comparisons"),
    ],
)
def test_nan_and_one_sided_scores_are_refused(g: list[float], i: list[float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rates.eer(g, i)


@pytest.mark.parametrize(
    ("scores", "fmr", "message"), [([math.nan], 0.1, "NaN"), ([0.1], 1.5, "not a fraction"), ([], 0.5, "no impostor")]
)
def test_a_threshold_that_cannot_be_given(scores: list[float], fmr: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        rates.threshold_at_fmr(scores, fmr)


def test_rule_of_thirty() -> None:
    assert [rates.impostors_needed(f) for f in rates.FMRS] == [3000, 30000, 300000]
    assert rates.why_null(1, 30000, 1e-3) is None
    assert rates.why_null(1, 29999, 1e-3) == "FMR 1e-3 needs 30000 impostor comparisons and there are 29999"
    assert [rates.fmr_label(f) for f in rates.FMRS] == ["1e-2", "1e-3", "1e-4"]


def test_half_precision_scores_are_taken() -> None:
    g, i = np.array([0.5, 0.75], np.float16), np.array([0.25, 0.5], np.float16)
    assert rates.eer(g, i) == rates.eer(g.astype(float), i.astype(float))
