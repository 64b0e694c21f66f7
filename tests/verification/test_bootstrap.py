"""The bootstrap against people that are really duplicated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import poseid.verification.bootstrap as bootstrap
from poseid.verification import EmbeddingSet, rates
from poseid.verification.bootstrap import resample_rates
from poseid.verification.estimates import Estimate, interval, mean_estimate, resample_people
from poseid.verification.operating_points import error_rates
from poseid.verification.scores import Compared, compare
from poseid.verification.sets import ComparisonBlock, set_blocks
from tests.verification.people import normalized, sides

FMRS = (0.05, 0.01)


def duplicated(block: ComparisonBlock, form: str, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Genuine and impostor scores after every person was copied; copies of one person are never compared."""

    def rows(group: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        person = group.person  # type: ignore[attr-defined]
        index = np.concatenate([np.flatnonzero(person == p) for p, n in enumerate(drawn) for _ in range(n)])
        copy = np.concatenate([np.full((person == p).sum(), c) for p, n in enumerate(drawn) for c in range(n)])
        return getattr(group, form)[index], person[index], copy

    a, person_a, copy_a = rows(block.left)
    b, person_b, copy_b = rows(block.left if block.right is None else block.right)
    scores = a @ b.T
    same = person_a[:, None] == person_b[None, :]
    genuine, impostor = same & (copy_a[:, None] == copy_b[None, :]), ~same
    if block.right is None:
        once = np.triu(np.ones_like(same), 1).astype(bool)
        genuine, impostor = genuine & once, impostor & once
    return scores[genuine], scores[impostor]


def scored(name: str, ties: bool) -> Compared:
    noise = np.random.default_rng(5)
    front, video = sides(
        people=12, fronts=3, probes=8, noise=1.6, seed=3, change=lambda x: x + 0.3 * noise.normal(size=x.shape)
    )
    if ties:
        front, video = (
            EmbeddingSet(np.sign(s.raw), np.sign(s.reference), np.sign(s.probe), s.person, s.yaw, s.kind)
            for s in (front, video)
        )
    return compare(set_blocks(name, *normalized(front, video)), 12, deepest_fmr=0.05, with_people=True)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", ["all", "frontal_profile", "profile_profile", "frontal_frontal"])
def test_weights_give_what_duplicated_people_give(name: str, ties: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # small caches, so that several pieces are put together
    monkeypatch.setattr(bootstrap, "_CHUNK", 100)
    found = scored(name, ties)
    weights = resample_people(12, 40, seed=1)
    monkeypatch.setattr("poseid.verification.operating_points.impostors_needed", lambda f: 1)
    raw = error_rates(found.genuine.raw, found.raw, FMRS)
    enhanced = error_rates(found.genuine.enhanced, found.enhanced, FMRS, raw.thresholds)
    got = resample_rates(found, weights, fmrs=FMRS, thresholds=raw.thresholds, points=(raw, enhanced))
    for form, again in zip(("raw", "enhanced"), got, strict=True):
        for r, drawn in enumerate(weights):
            g, i = duplicated(found.blocks[0], form, drawn)
            # unit rows times unit rows may round differently when the matrix has another shape
            exact = 1e-12 if not ties else 1e-2
            if ties:
                g, i = g.round(12), i.round(12)
            assert again.eer.resampled[r] == pytest.approx(rates.eer(g, i), abs=exact)
            for n, f in enumerate(FMRS):
                if not ties:
                    own, t = rates.threshold_at_fmr(i, f), raw.thresholds[n]
                    for rate, want in (
                        (again.fnmr_at_fmr, np.mean(g < own)),
                        (again.fmr_at_raw_threshold, np.mean(i >= t + 1e-12)),
                        (again.fnmr_at_raw_threshold, np.mean(g < t - 1e-12)),
                    ):
                        assert rate.resampled[n, r] == pytest.approx(want, abs=1e-12)


def test_ties_weigh_as_duplicates_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores of a few exact values, made without a matrix product."""
    rng = np.random.default_rng(0)
    one, other = np.triu_indices(8, 1)
    one, other = np.repeat(one, 20), np.repeat(other, 20)
    i = rng.integers(-3, 4, one.size) / 8
    person = np.repeat(np.arange(8), 10)
    g = rng.integers(-1, 6, person.size) / 8
    order = np.argsort(-i)
    ranked = bootstrap._Ranked(np.sort(g), person[np.argsort(g)], -i[order], one[order], other[order], None, True)
    weights = resample_people(8, 50, seed=2)
    product = weights[:, one].astype(float) * weights[:, other]
    totals = (weights[:, person].sum(axis=1).astype(float), product.sum(axis=1))
    fixed = np.array([0.25, 0.3])
    found, decided = bootstrap._weigh(ranked, weights, totals, FMRS, fixed)
    assert decided.all()
    for drawn, weighed, (eer, *rest) in zip(weights, product, found.T, strict=True):
        many_g, many_i = np.repeat(g, drawn[person]), np.repeat(i, weighed.astype(int))
        assert eer == pytest.approx(rates.eer(many_g, many_i), abs=1e-12)
        want = [np.mean(many_g < rates.threshold_at_fmr(many_i, f)) for f in FMRS]
        want += [np.mean(many_i >= t) for t in fixed] + [np.mean(many_g < t) for t in fixed]
        assert rest == pytest.approx(want, abs=1e-12)


def test_a_first_depth_too_shallow_is_deepened() -> None:
    found = scored("all", False)
    weights = resample_people(12, 60, seed=0)
    nothing = np.full(2, np.nan)
    point = error_rates(found.genuine.raw, found.raw, FMRS)
    ranked = bootstrap._rank(found.genuine.raw, found.genuine.person, found.raw, 30)
    totals = bootstrap.weigh_comparisons(found.blocks, weights.astype(float))
    assert not bootstrap._weigh(ranked, weights, totals, FMRS, nothing)[1].all()
    low = replace(error_rates(found.genuine.raw, found.raw, (0.001,)), eer=Estimate(0.0))
    deep = resample_rates(found, weights, fmrs=FMRS, thresholds=nothing, points=(point, point))
    shallow = resample_rates(found, weights, fmrs=(0.001,), thresholds=nothing[:1], points=(low, low))
    assert np.array_equal(deep[0].eer.resampled, shallow[0].eer.resampled)
    assert not np.isnan(deep[0].eer.resampled).any()


def test_thinned_intervals_are_those_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = resample_people(60, 150, seed=0)
    blocks = set_blocks("all", *normalized(*sides(people=60, fronts=4, probes=20, noise=1.6, seed=3)))
    results = []
    for exact, most in ((1 << 22, 1 << 20), (1 << 22, 1 << 15), (20_000, 1 << 15)):
        monkeypatch.setattr(bootstrap, "MOST_IMPOSTORS", most)
        found = compare(blocks, 60, deepest_fmr=0.01, with_people=True, exact=exact)
        point = error_rates(found.genuine.raw, found.raw, (0.01,))
        again = resample_rates(found, weights, fmrs=(0.01,), thresholds=point.thresholds, points=(point, point))[0]
        results.append([again.eer.ci95, again.fnmr_at_fmr[0].ci95, again.fmr_at_raw_threshold[0].ci95])
    complete = np.array(results[0])
    width = (complete[:, 1] - complete[:, 0])[:, None]
    assert complete[0].min() > 0.05
    for other in results[1:]:
        assert np.all(np.abs(np.array(other) - complete) < 0.1 * width)


def test_people_are_drawn_with_replacement_and_by_seed() -> None:
    w = resample_people(50, 4000, seed=0)
    assert np.all(w.sum(axis=1) == 50)
    assert np.all(w >= 0)
    assert w.mean() == 1.0
    assert w.var() == pytest.approx(1 - 1 / 50, rel=0.02)
    assert np.array_equal(w, resample_people(50, 4000, seed=0))
    assert not np.array_equal(w, resample_people(50, 4000, seed=1))


def test_weighted_mean_is_the_mean_of_copies() -> None:
    rng = np.random.default_rng(0)
    person, values = rng.integers(0, 6, 40), rng.normal(size=40)
    weights = resample_people(6, 20, seed=0)
    got = mean_estimate(values, person, weights).resampled
    for drawn, mean in zip(weights, got, strict=True):
        assert mean == pytest.approx(np.repeat(values, drawn[person]).mean(), abs=1e-12)
    nobody = mean_estimate(np.ones(1), np.zeros(1, int), np.array([[0, 2]])).resampled
    assert np.isnan(nobody[0])


def test_interval_is_null_where_it_is_not_known() -> None:
    assert interval(np.full(10, np.nan)) is None
    assert interval(np.r_[np.ones(9), np.nan]) is None
    assert interval(np.r_[np.ones(99), np.nan]) == [1.0, 1.0]
    assert interval(np.r_[np.ones(50), np.full(50, np.inf)]) is None


def test_intervals_cover_as_often_as_they_say() -> None:
    """95 in 100 intervals of a mean over people hold the true mean (people differ, comparisons of one do not)."""
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        person = np.repeat(np.arange(40), 5)
        values = rng.normal(size=40)[person]
        ci = mean_estimate(values, person, resample_people(40, 200, seed=trial)).ci95
        assert ci is not None
        hits += ci[0] <= 0 <= ci[1]
    assert 176 <= hits <= 198


@pytest.mark.parametrize("size", [1, 513, 8192, 8193, 8704, 9000])
def test_sums_are_those_of_a_running_sum(size: int) -> None:
    rng = np.random.default_rng(size)
    sums = bootstrap.RunningSums(size)
    for _ in range(2):  # filled again, nothing of before is left
        sums.weights[:] = rng.integers(0, 4, size)
        sums.add_up()
        running = np.concatenate([[0.0], np.cumsum(sums.weights)])
        assert sums.total == running[-1]
        assert [sums.sum_of_first(n) for n in range(size + 1)] == running.tolist()
        for limit in np.arange(0, running[-1], 0.5):
            assert sums.most_within(limit) == np.searchsorted(running, limit, side="right") - 1
