"""Intervals and differences against independent computations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseid.sweeps.jobs import Job
from poseid.sweeps.settings import (
    NO_PAIR,
    ONE_PAIR,
    Setting,
    difference_in_words,
    paired,
    settings_of,
    single_changes,
    t_interval,
    t_quantile,
)
from poseid.training.objective import Measure
from tests.sweeps.made import FNMR

MEASURE = Measure(FNMR, True)


def made_job(fnmr: float | None, **given: object) -> Job:
    overrides = tuple(f"{key}={value}" for key, value in given.items())
    return Job("0", Path("0"), overrides, "finished", metrics={FNMR: fnmr})


def settings(jobs: list[Job], *keys: str) -> list[Setting]:
    return settings_of(jobs, keys, MEASURE)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 30, 199, 1000])
def test_t_quantile_is_scipys(freedom: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert t_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-9)


def test_t_interval_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = np.random.default_rng(0).normal(size=7)
    want = stats.t.interval(0.95, 6, loc=values.mean(), scale=stats.sem(values))
    got = t_interval(values.tolist())
    assert got.mean == pytest.approx(values.mean())
    assert got.ci95 == pytest.approx(list(want))
    assert got.n == 7
    assert t_interval([0.1, 0.1, 0.1]).ci95 == [t_interval([0.1, 0.1, 0.1]).mean] * 2


def test_repeats_are_merged_and_equal_jobs_count_once() -> None:
    jobs = [made_job(figure, lr=1, seed=seed) for seed, figure in enumerate((0.1, 0.2, 0.4))]
    jobs += [made_job(0.4, lr=1, seed=2), made_job(0.1, lr=2, seed=0)]
    best, second = settings(jobs, "lr")
    assert (best.name, second.name) == ("lr=2", "lr=1")
    assert second.estimate(FNMR) == t_interval([0.1, 0.2, 0.4])
    assert best.estimate(FNMR) == t_interval([0.1])


def test_seeds_on_the_same_people_count_once() -> None:
    """Two splits of people with two seeds each are two repeats, not four."""
    fnmrs = {(0, 0): 0.1, (1, 0): 0.2, (0, 1): 0.5, (1, 1): 0.7}
    jobs = [
        made_job(fnmr + more * split, lr=lr, seed=seed, **{"data.split_seed": split})
        for lr, more in ((1, 0), (2, 1))
        for (seed, split), fnmr in fnmrs.items()
    ]
    first, second = settings(jobs, "lr")
    estimate, difference = first.estimate(FNMR), paired(second, first, MEASURE)
    assert estimate is not None
    assert difference is not None
    assert (first.repeats, estimate.n) == (2, 2)
    assert estimate.ci95 == pytest.approx(t_interval([0.15, 0.6]).ci95)
    assert difference.ci95 == pytest.approx(t_interval([0.0, 1.0]).ci95)


def test_a_null_metric_is_not_left_out_of_a_mean() -> None:
    jobs = [made_job(None, lr=1, seed=0), made_job(0.1, lr=1, seed=1), made_job(0.9, lr=2, seed=0)]
    assert [setting.name for setting in settings(jobs, "lr")] == ["lr=2", "lr=1"]
    assert settings(jobs, "lr")[1].estimate(FNMR) is None


def test_paired_difference_is_the_paired_t_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(2)
    luck, a, b = rng.normal(size=6), rng.normal(0.5, 0.1, 6), rng.normal(0.0, 0.1, 6)
    jobs = [made_job(float(luck[n] + a[n]), lr=1, seed=n) for n in range(6)]
    # the other setting lacks a seed, has one more, and ran in another order
    jobs += [made_job(float(luck[n] + b[n]), lr=2, seed=n) for n in reversed(range(1, 6))] + [made_job(9, lr=2, seed=7)]
    by_name = {setting.name: setting for setting in settings(jobs, "lr")}
    got = paired(by_name["lr=1"], by_name["lr=2"], MEASURE)
    want = stats.ttest_rel((luck + a)[1:], (luck + b)[1:]).confidence_interval()
    assert got is not None
    assert got.n == 5
    assert got.ci95 == pytest.approx([want.low, want.high])
    assert difference_in_words(got, True)[0] == "worse"
    assert difference_in_words(got, False)[0] == "better"
    for seed, said in ((1, NO_PAIR), (0, ONE_PAIR)):
        two = settings([made_job(0.1, lr=1, seed=0), made_job(0.2, lr=2, seed=seed)], "lr")
        assert difference_in_words(paired(*two, MEASURE), True)[0] == said


def test_one_change_at_a_time() -> None:
    """By hand: lambda_id 2 → 3 adds 0.1 at reconstruction 0.8 and 0.3 at 0.2; seeds add 0.01 and nothing."""
    effect = {("2", "0.8"): 0.0, ("3", "0.8"): 0.1, ("2", "0.2"): 0.5, ("3", "0.2"): 0.8}
    jobs = [
        made_job(0.2 + gain + (0.01 * seed if lambda_id == "3" else 0), lambda_id=lambda_id, rec=rec, seed=seed)
        for (lambda_id, rec), gain in effect.items()
        for seed in (0, 1)
    ]
    changes = single_changes(settings(jobs, "lambda_id", "rec"), ("lambda_id", "rec"), MEASURE)
    average, *single = [change for change in changes if change.key == "lambda_id"]
    assert (average.before, average.after, average.alike, average.contexts) == ("2", "3", None, 2)
    assert average.difference.mean == pytest.approx(0.205)
    assert average.difference.ci95 == pytest.approx(t_interval([0.2, 0.21]).ci95)
    at = {change.alike["rec"]: change.difference for change in single if change.alike}
    assert at["0.8"].ci95 == pytest.approx(t_interval([0.1, 0.11]).ci95)
    assert at["0.2"].mean == pytest.approx(0.305)
