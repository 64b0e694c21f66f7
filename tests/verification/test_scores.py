"""Which comparisons are made, and that streaming gives what storing everything gives."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import poseid.verification.impostors as store_module
import poseid.verification.scores as scores_module
from poseid.errors import InputError
from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification import EmbeddingSet, rates
from poseid.verification.embeddings import unit_rows
from poseid.verification.operating_points import error_rates
from poseid.verification.scores import Compared, compare, count_comparisons, genuine_alone, weigh_comparisons
from poseid.verification.sets import SETS, ComparisonBlock, Group, set_blocks, yaw_sign_blocks
from tests.verification.people import normalized, sides


def by_hand(name: str, front: EmbeddingSet, video: EmbeddingSet) -> dict[str, list[tuple[float, float]]]:
    """(raw, enhanced) scores of a set, comparison by comparison, from the words of the design."""
    rows = [(s, n) for s in (0, 1) for n in range(len((front, video)[s].person))]
    side = (front, video)

    def kind(row: tuple[int, int]) -> int:
        return int(side[row[0]].kind[row[1]])

    if name == "all":
        chosen = [(a, b) for a in rows if a[0] == 0 for b in rows if b[0] == 1]
    elif name == "frontal_profile":
        chosen = [(a, b) for a in rows if kind(a) == FRONTAL for b in rows if kind(b) == PROFILE]
    else:
        wanted = FRONTAL if name == "frontal_frontal" else PROFILE
        inside = [row for row in rows if kind(row) == wanted]
        chosen = [(a, b) for n, a in enumerate(inside) for b in inside[n + 1 :]]

    def form(row: tuple[int, int]) -> np.ndarray:
        reference = row[0] == 0 or (name == "frontal_profile" and kind(row) == FRONTAL)
        return (side[row[0]].reference if reference else side[row[0]].probe)[row[1]]

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    out: dict[str, list[tuple[float, float]]] = {"genuine": [], "impostor": []}
    for a, b in chosen:
        which = "genuine" if side[a[0]].person[a[1]] == side[b[0]].person[b[1]] else "impostor"
        raw = cosine(side[a[0]].raw[a[1]], side[b[0]].raw[b[1]])
        out[which].append((raw, cosine(form(a), form(b))))
    return out


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("name", SETS)
def test_every_set_holds_the_comparisons_of_the_design(name: str, both: bool) -> None:
    front, video = sides(people=6, fronts=2, probes=5, seed=4, change=lambda x: x[:, ::-1] + x**2, both=both)
    # some front rows in profile, and rows in mixed order
    rng = np.random.default_rng(0)
    kind = front.kind.copy()
    kind[::3] = PROFILE
    mix = rng.permutation(len(front.person))
    front = EmbeddingSet(
        front.raw[mix], front.reference[mix], front.probe[mix], front.person[mix], front.yaw[mix], kind[mix]
    )
    blocks = set_blocks(name, *normalized(front, video))
    found = compare(blocks, 6, deepest_fmr=0.01, with_people=True)
    want = by_hand(name, front, video)
    assert len(want["genuine"])
    assert len(want["impostor"])
    assert (found.genuine.raw.size, found.raw.total) == (len(want["genuine"]), len(want["impostor"]))
    assert count_comparisons(blocks, 6) == (len(want["genuine"]), len(want["impostor"]))
    for n, scores in enumerate((found.genuine.raw, found.genuine.enhanced)):
        np.testing.assert_allclose(np.sort(scores), sorted(pair[n] for pair in want["genuine"]), atol=1e-12)
    for n, impostors in enumerate((found.raw, found.enhanced)):
        scores = sorted(pair[n] for pair in want["impostor"])
        np.testing.assert_allclose(-impostors.negated[::-1], scores, atol=1e-12)
        assert impostors.mean == pytest.approx(np.mean(scores), abs=1e-12)
        assert impostors.variance == pytest.approx(np.var(scores), abs=1e-12)
        assert np.all(impostors.left != impostors.right)
    # a genuine raw score stays beside its enhanced one
    got = sorted(zip(found.genuine.raw.round(9), found.genuine.enhanced.round(9), strict=True))
    np.testing.assert_allclose(got, sorted((round(a, 9), round(b, 9)) for a, b in want["genuine"]), atol=2e-9)


def test_turned_parts_are_by_the_sign_of_the_yaw() -> None:
    yaw = np.array([-60.0, -50.0, 50.0, 60.0, 70.0, np.nan, 0.0])
    rows = unit_rows(np.random.default_rng(0).normal(size=(7, 4)), np.float64, "row")
    blocks = yaw_sign_blocks(Group(rows, rows, np.arange(7), yaw))
    assert count_comparisons(blocks["same"], 7) == (0, 1 + 3)
    assert count_comparisons(blocks["opposite"], 7) == (0, 2 * 3)


def test_weights_of_all_comparisons_are_those_of_each() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, 20), rng.integers(0, 5, 30)
    rows = np.eye(30)
    left, right = Group(rows[:20], rows[:20], a, a * 1.0), Group(rows, rows, b, b * 1.0)
    w = rng.integers(0, 4, (3, 5)).astype(float)
    genuine, impostor = weigh_comparisons([ComparisonBlock(left, right), ComparisonBlock(right, None)], w)
    for r in range(3):
        pairs = [(i, j) for i in a for j in b] + [(b[m], b[n]) for m in range(30) for n in range(m)]
        assert genuine[r] == sum(w[r, i] for i, j in pairs if i == j)
        assert impostor[r] == sum(w[r, i] * w[r, j] for i, j in pairs if i != j)


def large(ties: bool) -> tuple[ComparisonBlock, ...]:
    rng = np.random.default_rng(7)
    person = np.repeat(np.arange(40), 20)
    x = rng.normal(size=(40, 16))[person] + 1.5 * rng.normal(size=(800, 16))
    if ties:
        # rows of ±1/4: every score is an integer number of sixteenths, without rounding
        x = np.sign(x)
    raw = unit_rows(x, np.float32, "row")
    enhanced = unit_rows(x + 0.3 * rng.normal(size=x.shape) * (not ties), np.float32, "row")
    return (ComparisonBlock(Group(raw, enhanced, person, person * 0.0), None),)


@pytest.mark.parametrize("ties", [False, True])
def test_streaming_is_exact_in_the_tail_and_close_below(ties: bool) -> None:
    blocks = large(ties)
    stored = compare(blocks, 40, deepest_fmr=0.01, with_people=True)
    streamed = compare(blocks, 40, deepest_fmr=0.01, with_people=True, exact=5000)
    assert stored.raw.exact == stored.raw.total > 40 * 5000 / 2
    fmrs = (0.01, 0.001)
    for form in ("raw", "enhanced"):
        one, other = getattr(stored, form), getattr(streamed, form)
        assert other.exact == 5000
        assert other.total == one.total == other.counted[-1]
        assert np.array_equal(one.negated[:5000], other.negated[:5000])
        if not ties:
            # float32 scores now and then tie by chance: their order is free, and at the edge who stays too
            ranked = [sorted(zip(x.negated[:4990], x.left[:4990], x.right[:4990], strict=True)) for x in (one, other)]
            assert ranked[0] == ranked[1]
        genuine = getattr(stored.genuine, form)
        a, b = error_rates(genuine, one, fmrs), error_rates(getattr(streamed.genuine, form), other, fmrs)
        assert np.array_equal(a.thresholds, b.thresholds)
        assert np.array_equal(a.fnmr_at_fmr.value, b.fnmr_at_fmr.value)
        assert np.array_equal(a.fmr_at_raw_threshold.value, b.fmr_at_raw_threshold.value)
        assert a.d_prime == pytest.approx(b.d_prime, rel=1e-9)
        assert a.eer.value == pytest.approx(rates.eer(genuine, -one.negated), abs=1e-12)
        assert a.eer.value > 0.02
        assert b.eer.value == pytest.approx(a.eer.value, abs=5e-5)
        score, left, right = other.sample
        assert np.all(left != right)
        assert score.size > 1000
        assert abs(score.mean() - (-one.negated[5000:]).mean()) < 0.01


@pytest.mark.parametrize("stride", [2, 4, 5, 8])
def test_of_very_many_comparisons_one_in_n_stands_for_all_below_the_highest(
    stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every second photo of a person is profile: a fixed step through the columns would meet one kind alone
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(150), 8)
    profile = (np.arange(1200) % 2)[:, None]
    x = rng.normal(size=(150, 16))[person] + 2 * profile * rng.normal(size=16) + 1.2 * rng.normal(size=(1200, 16))
    raw = unit_rows(x, np.float32, "row")
    enhanced = unit_rows(x - profile, np.float32, "row")
    left, right = (Group(raw[::step], enhanced[::step], person[::step], person[::step] * 0.0) for step in (3, 1))
    blocks = (ComparisonBlock(left, right),)
    every = compare(blocks, 150, deepest_fmr=0.01, with_people=True, exact=6000)
    monkeypatch.setattr(store_module, "COUNTED", -(-every.raw.total // stride))
    some = compare(blocks, 150, deepest_fmr=0.01, with_people=True, exact=6000)
    for form in ("raw", "enhanced"):
        one, other = getattr(every, form), getattr(some, form)
        assert other.total == one.total == other.counted[-1]
        assert np.all(np.diff(other.counted) >= 0)
        assert np.array_equal(one.negated[: one.exact], other.negated[: one.exact])
        a, b = (error_rates(getattr(x.genuine, form), getattr(x, form), (0.01, 0.001)) for x in (every, some))
        assert np.array_equal(a.fnmr_at_fmr.value, b.fnmr_at_fmr.value)
        assert a.d_prime != b.d_prime
        assert b.d_prime == pytest.approx(a.d_prime, rel=0.02)
        # six standard errors of a share of the comparisons that were counted
        assert b.eer.value == pytest.approx(a.eer.value, abs=6 * (a.eer.value * stride / one.total) ** 0.5)


def test_genuine_comparisons_alone_are_those_of_the_whole_set() -> None:
    front, video = normalized(*sides(people=12, fronts=3, probes=5, seed=4))
    (block,) = set_blocks("all", front, video)
    every, alone = compare((block,), 12, deepest_fmr=0.01, with_people=False).genuine, genuine_alone(block)
    for name in ("left", "right", "person", "raw", "enhanced"):
        one, other = (
            getattr(found, name)[np.lexsort((found.right, found.left))].astype(np.float64) for found in (every, alone)
        )
        np.testing.assert_allclose(one, other, atol=1e-14)


def test_many_comparisons_need_little_memory() -> None:
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(1000), 4)
    rows = unit_rows(rng.normal(size=(4000, 8)), np.float32, "row")
    block = ComparisonBlock(Group(rows, rows, person, person * 0.0), Group(rows, rows, person, person * 0.0))
    tracemalloc.start()
    found = compare((block,), 1000, deepest_fmr=0.01, with_people=False, exact=1 << 18)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.raw.total == 16_000_000 - 16_000
    # 16 million scores of two forms would be 128 MB
    assert peak < 100e6


def test_cosine_ignores_lengths_and_takes_half_precision() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5, 8)).astype(np.float16)
    want = x.astype(float) / np.linalg.norm(x.astype(float), axis=1, keepdims=True)
    np.testing.assert_allclose(unit_rows(x, np.float64, "row"), want, atol=1e-15)
    np.testing.assert_allclose(unit_rows(x.astype(np.float32) * 1e30, np.float32, "row"), want, atol=1e-6)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_row_without_direction_is_refused(bad: float) -> None:
    x = np.ones((3, 2))
    x[1] = bad
    with pytest.raises(InputError, match="front row 1 is zero, infinite or NaN"):
        unit_rows(x, np.float64, "front")


def test_an_empty_set_is_scored_as_empty() -> None:
    nobody = Group(np.empty((0, 3)), np.empty((0, 3)), np.empty(0, np.int64), np.empty(0))
    found = compare(
        (ComparisonBlock(nobody, None), ComparisonBlock(nobody, nobody)), 3, deepest_fmr=0.01, with_people=True
    )
    assert isinstance(found, Compared)
    assert found.genuine.raw.size == 0
    assert found.raw.total == 0


def test_sides_must_agree_in_rows() -> None:
    with pytest.raises(InputError, match="yaw has 2 rows and person has 3"):
        EmbeddingSet(np.ones((3, 2)), np.ones((3, 2)), np.ones((3, 2)), np.arange(3), np.zeros(2), np.zeros(3, int))


@pytest.mark.parametrize("name", SETS)
def test_tiles_make_every_comparison_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    front, video = sides(people=9, fronts=3, probes=7, seed=2, change=lambda x: x + x**2)
    mix = np.random.default_rng(0).permutation(len(video.person))
    columns = (video.raw, video.reference, video.probe, video.person, video.yaw, video.kind)
    video = EmbeddingSet(*(column[mix] for column in columns))
    blocks = set_blocks(name, *normalized(front, video))
    at_once = compare(blocks, 9, deepest_fmr=0.01, with_people=True)
    for rows, columns_at_once in ((1, 5), (4, 4), (7, 3), (100, 6)):
        monkeypatch.setattr(scores_module, "_ROWS", rows)
        monkeypatch.setattr(scores_module, "_COLUMNS", columns_at_once)
        for stored in (1 << 22, 40):
            tiled = compare(blocks, 9, deepest_fmr=0.01, with_people=True, exact=stored)
            for form in ("raw", "enhanced"):
                one, other = getattr(at_once, form), getattr(tiled, form)
                assert (other.total, other.exact) == (one.total, min(stored, one.total))
                np.testing.assert_allclose(other.negated[: other.exact], one.negated[: other.exact], atol=1e-14)
                assert other.variance == pytest.approx(one.variance, rel=1e-12)
                assert np.all(other.left != other.right)
                score = [np.sort(getattr(found.genuine, form)) for found in (at_once, tiled)]
                np.testing.assert_allclose(*score, atol=1e-14)
            order = np.lexsort((tiled.genuine.right, tiled.genuine.left))
            for place in ("left", "right", "person"):
                assert np.array_equal(getattr(tiled.genuine, place)[order], getattr(at_once.genuine, place))


def test_a_guess_that_is_too_high_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = large(ties=False)
    stored = compare(blocks, 40, deepest_fmr=0.01, with_people=True)
    monkeypatch.setattr(scores_module, "_likely_bounds", lambda *_: [0.99, 0.99])
    streamed = compare(blocks, 40, deepest_fmr=0.01, with_people=True, exact=5000)
    assert streamed.raw.exact == 5000
    assert np.array_equal(stored.raw.negated[:5000], streamed.raw.negated[:5000])


def test_forms_that_are_one_array_are_scored_once() -> None:
    rows = unit_rows(np.random.default_rng(0).normal(size=(6, 4)), np.float64, "row")
    group = Group(rows, rows, np.array([0, 0, 1, 1, 2, 2]), np.zeros(6))
    found = compare((ComparisonBlock(group, None),), 3, deepest_fmr=0.01, with_people=True)
    assert found.raw is found.enhanced
    assert found.raw.total == 12
