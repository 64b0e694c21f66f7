"""Rows, feature sets, names and vector checks."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features import rows as rows_module
from poseid.features.pairs import Pairs
from poseid.features.rows import FRONTAL, OTHER, PROFILE, FeatureSet, Rows, check_features, name_fault


def make_rows(names: list[str], seed: int, dim: int = 4) -> Rows:
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((len(names), dim)).astype(np.float32)
    poses = generator.uniform(-80, 80, (len(names), 3)).astype(np.float32)
    entries = tuple({"person_name": name, "n": i} for i, name in enumerate(names))
    return Rows(features, poses, np.array(names), entries)


def random_set(seed: int) -> FeatureSet:
    """20 people, 60 front rows, 140 video rows in random order, 500 random comparisons."""
    generator = np.random.default_rng(seed)
    names = [f"p{i:02d}" for i in range(20)]
    front = make_rows([names[i] for i in generator.integers(0, 20, 60)], seed)
    video = make_rows([names[i] for i in generator.integers(0, 20, 140)], seed + 1)
    k = 500
    protocol, fold = np.array(["FP", "FF"])[generator.integers(0, 2, k)], generator.integers(1, 9, k)
    a_front, b_front, same = generator.random((3, k)) < 0.5
    a_row, b_row = (generator.integers(0, np.where(front, 60, 140)) for front in (a_front, b_front))
    return FeatureSet("random", front, video, Pairs(protocol, fold, a_front, a_row, b_front, b_row, same))


def test_kinds_by_source_then_by_yaw() -> None:
    yaws = [0.0, 20.0, 20.5, 45.0, -45.5, -90.0, np.nan, 80.0, 3.0, np.nan, 0.0, -20.0, 60.0]
    sources = [None] * 7 + ["frontal/01", "profile/02", "profile/01", "photo 3 turned", "profile", 7]
    rows = make_rows(["a"] * 13, 0)
    rows.poses[:, 0] = yaws
    for entry, source in zip(rows.metadata, sources, strict=True):
        entry |= {} if source is None else {"source": source}
    F, P, O = FRONTAL, PROFILE, OTHER  # noqa: E741
    assert rows.kinds().tolist() == [F, F, O, O, P, P, O, F, P, P, F, F, P]
    assert rows.kinds().dtype == np.int8


@pytest.mark.parametrize("index", [[3, 0, 3], slice(1, 4), np.arange(5) % 2 == 0, np.zeros(5, bool)])
def test_take_keeps_the_columns_together(index: Any) -> None:
    rows = make_rows(list("abcde"), 1)
    taken = rows.take(index)
    expected = np.arange(5)[index]
    assert [entry["n"] for entry in taken.metadata] == expected.tolist()
    assert taken.people.tolist() == ["abcde"[i] for i in expected]
    assert np.array_equal(taken.features, rows.features[expected])
    assert np.array_equal(taken.poses, rows.poses[expected])
    assert taken.kinds().shape == (len(expected),)


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
    rows = {side: [i for i, name in enumerate(rows.people) if name in chosen] for side, rows in sides.items()}
    assert [entry["n"] for entry in part.front.metadata] == rows[True]
    assert [entry["n"] for entry in part.video.metadata] == rows[False]

    def columns(pairs: Pairs) -> list[tuple[Any, ...]]:
        return list(zip(*(getattr(pairs, field.name).tolist() for field in fields(pairs)), strict=True))

    expected = [
        (protocol, fold, a_front, rows[a_front].index(a), b_front, rows[b_front].index(b), same)
        for protocol, fold, a_front, a, b_front, b, same in columns(whole.pairs)
        if a in rows[a_front] and b in rows[b_front]
    ]
    got = columns(part.pairs)
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


def test_names() -> None:
    assert [name_fault(name) for name in ("王芳", "Ana María", "محمد")] == [None] * 3
    controls = ("a\nb", "a\x00", "a\u2028b", "\ud800")
    wrong = {"empty": ("", " \t"), "not text": (7, None), "control": controls, "blank": (" a", "a\u3000")}
    for fault, names in wrong.items():
        for found in map(name_fault, names):
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


def test_norms_that_float32_cannot_square_are_refused() -> None:
    for value, dtype in ((1e-20, np.float32), (1e200, np.float64), (1e20, np.float32)):
        with pytest.raises(InputError, match="row 1 has norm"):
            check_features(np.array([[1, 1], [value, value]], dtype), "f.npy")
    check_features(np.array([[6e-8, 0], [65504, 65504]], np.float16), "f.npy")  # the edges of float16
