"""Rows, feature sets, names and vector checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features import rows as rows_module
from poseid.features.pairs import Pairs
from poseid.features.rows import FRONTAL, OTHER, PROFILE, FeatureSet, Rows, check_features, name_fault


def make_rows(names: list[str], seed: int, dim: int = 4, sources: list[str | None] | None = None) -> Rows:
    generator = np.random.default_rng(seed)
    entries: list[dict[str, object]] = [{"person_name": name, "n": i} for i, name in enumerate(names)]
    for entry, source in zip(entries, sources or [], strict=False):
        if source is not None:
            entry["source"] = source
    return Rows(
        generator.standard_normal((len(names), dim)).astype(np.float32),
        generator.uniform(-80, 80, (len(names), 3)).astype(np.float32),
        np.array(names),
        tuple(entries),
    )


def random_set(seed: int) -> FeatureSet:
    """20 people, 60 front rows, 140 video rows in random order, 500 random comparisons."""
    generator = np.random.default_rng(seed)
    names = [f"p{i:02d}" for i in range(20)]
    front = make_rows([names[i] for i in generator.integers(0, 20, 60)], seed)
    video = make_rows([names[i] for i in generator.integers(0, 20, 140)], seed + 1)
    k = 500
    a_front, b_front = generator.random(k) < 0.5, generator.random(k) < 0.5
    a_row = np.where(a_front, generator.integers(0, 60, k), generator.integers(0, 140, k))
    b_row = np.where(b_front, generator.integers(0, 60, k), generator.integers(0, 140, k))
    pairs = Pairs(
        np.array(["FP", "FF"])[generator.integers(0, 2, k)],
        generator.integers(1, 9, k),
        a_front,
        a_row,
        b_front,
        b_row,
        generator.random(k) < 0.5,
    )
    return FeatureSet("random", front, video, pairs)


def test_kinds_by_source_then_by_yaw() -> None:
    yaws = [0.0, 20.0, 20.5, 45.0, -45.5, -90.0, np.nan, 80.0, 3.0, np.nan, 0.0, -20.0]
    sources = [None] * 6 + [None, "frontal/01", "profile/02", "profile/01", "photo 3 turned", "profile"]
    rows = make_rows(["a"] * 12, 0, sources=sources)
    rows.poses[:, 0] = yaws
    F, P, O = FRONTAL, PROFILE, OTHER  # noqa: E741
    assert rows.kinds().tolist() == [F, F, O, O, P, P, O, F, P, P, F, F]
    assert rows.kinds().dtype == np.int8


def test_a_source_that_is_no_text_counts_as_none() -> None:
    rows = make_rows(["a"], 0)
    rows.metadata[0]["source"] = 7
    rows.poses[0] = 60
    assert rows.kinds().tolist() == [PROFILE]


@pytest.mark.parametrize("index", [[3, 0, 3], slice(1, 4), np.array([True, False, True, False, True])])
def test_take_keeps_the_columns_together(index: Any) -> None:
    rows = make_rows(list("abcde"), 1)
    taken = rows.take(index)
    expected = np.arange(5)[index]
    assert [entry["n"] for entry in taken.metadata] == expected.tolist()
    assert taken.people.tolist() == ["abcde"[i] for i in expected]
    assert np.array_equal(taken.features, rows.features[expected])
    assert np.array_equal(taken.poses, rows.poses[expected])


def test_take_nothing() -> None:
    taken = make_rows(list("ab"), 1).take(np.array([False, False]))
    assert len(taken) == 0
    assert taken.dim == 4
    assert taken.kinds().shape == (0,)


def test_missing_poses_are_counted() -> None:
    rows = make_rows(list("abc"), 2)
    rows.poses[1] = np.nan
    assert rows.missing_poses == 1


def test_columns_of_different_lengths_are_refused() -> None:
    rows = make_rows(list("abc"), 2)
    with pytest.raises(ValueError, match="3 feature rows"):
        Rows(rows.features, rows.poses[:2], rows.people, rows.metadata)
    with pytest.raises(ValueError, match="dimensions"):
        FeatureSet("x", rows, make_rows(["a"], 3, dim=5))


@pytest.mark.parametrize("seed", range(5))
def test_select_against_brute_force(seed: int) -> None:
    whole = random_set(seed)
    chosen = {f"p{i:02d}" for i in np.random.default_rng(seed + 100).permutation(20)[:8]}
    part = whole.select(chosen)
    assert whole.pairs is not None
    assert part.pairs is not None
    sides = {True: whole.front, False: whole.video}
    kept = {side: [i for i, name in enumerate(rows.people) if name in chosen] for side, rows in sides.items()}
    assert [entry["n"] for entry in part.front.metadata] == kept[True]
    assert [entry["n"] for entry in part.video.metadata] == kept[False]
    expected = []
    for i in range(len(whole.pairs)):
        a = (bool(whole.pairs.a_front[i]), int(whole.pairs.a_row[i]))
        b = (bool(whole.pairs.b_front[i]), int(whole.pairs.b_row[i]))
        if a[1] in kept[a[0]] and b[1] in kept[b[0]]:
            new_a, new_b = (a[0], kept[a[0]].index(a[1])), (b[0], kept[b[0]].index(b[1]))
            expected.append(
                (
                    *new_a,
                    *new_b,
                    str(whole.pairs.protocol[i]),
                    int(whole.pairs.fold[i]),
                    bool(whole.pairs.same[i]),
                )
            )
    p = part.pairs
    columns = (p.a_front, p.a_row, p.b_front, p.b_row, p.protocol, p.fold, p.same)
    got = list(zip(*(column.tolist() for column in columns), strict=True))
    assert got == expected
    assert 0 < len(got) < 500


def test_select_names_who_is_unknown_and_drops_empty_pairs() -> None:
    whole = random_set(0)
    with pytest.raises(InputError, match=r"random: no row of 'nobody' and 1 more"):
        whole.select(["p01", "nobody", "somebody"])
    assert whole.select([]).pairs is None
    assert whole.select(whole.people()).summary() == whole.summary()


def test_summary() -> None:
    front, video = make_rows(["a", "b"], 0), make_rows(["b", "c", "c"], 1)
    video.poses[0] = np.nan
    line = FeatureSet("demo", front, video).summary()
    assert line == "demo: 3 people, 2 references, 3 probes, 1 poses missing, D = 4, float32"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("王芳", None),
        ("Ana María", None),
        ("محمد", None),
        ("", "empty"),
        (" \t", "empty"),
        (7, "not text"),
        (None, "not text"),
        ("a\nb", "control"),
        ("a\x00", "control"),
        ("a\u2028b", "control"),
        ("\ud800", "control"),
        (" a", "blank"),
        ("a\u3000", "blank"),
    ],
)
def test_names(name: object, fault: str | None) -> None:
    found = name_fault(name)
    if fault is None:
        assert found is None
    else:
        assert found is not None
        assert fault in found
        assert len(found.splitlines()) == 1


def test_faults_are_found_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "_BLOCK_BYTES", 8 * 4 * 7)  # 7 rows a block
    for row in (0, 6, 7, 13, 99):
        features = np.ones((100, 4), np.float32)
        check_features(features, "f.npy")
        features[row, 2] = np.inf
        with pytest.raises(InputError, match=f"f.npy: row {row} holds NaN or infinity"):
            check_features(features, "f.npy")
        features[row] = 0
        with pytest.raises(InputError, match=f"f.npy: row {row} is all zeros"):
            check_features(features, "f.npy")


@pytest.mark.parametrize(("value", "dtype"), [(1e-20, np.float32), (1e200, np.float64), (1e20, np.float32)])
def test_lengths_that_float32_cannot_square_are_refused(value: float, dtype: type) -> None:
    with pytest.raises(InputError, match="row 1 has norm"):
        check_features(np.array([[1, 1], [value, value]], dtype), "f.npy")


def test_lengths_at_the_edges_of_float16_are_taken() -> None:
    check_features(np.array([[6e-8, 0], [65504, 65504]], np.float16), "f.npy")
