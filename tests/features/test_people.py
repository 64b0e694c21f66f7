"""Splits of people: seeded, by files, by folds, never overlapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.people import (
    Split,
    people_of_folds,
    read_people_file,
    split_by_files,
    split_by_folds,
    split_people,
    split_rest,
)
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic


@pytest.mark.parametrize("n", [3, 4, 5, 7, 10, 11, 33, 100, 301])
@pytest.mark.parametrize("seed", [0, 1, 42])
def test_every_person_is_in_one_part(n: int, seed: int) -> None:
    names = [f"人{i}" for i in range(n)]
    split = split_people(names, seed)
    parts = (split.train, split.validation, split.test)
    assert sorted(name for part in parts for name in part) == sorted(names)
    assert all(parts)
    for part, fraction in zip(parts, (0.6, 0.3, 0.1), strict=True):
        assert abs(len(part) - fraction * n) <= 1.5


def test_the_seed_alone_decides() -> None:
    names = [f"p{i}" for i in range(50)]
    assert split_people(names, 3) == split_people(names[::-1] + names, 3)
    assert split_people(names, 3) != split_people(names, 4)
    assert split_people(names, 3, (0.2, 0.2, 0.6)).test != split_people(names, 3).test


def test_every_seat_is_equally_likely() -> None:
    tested = [name for seed in range(400) for name in split_people("abcdefghij", seed).test]
    assert all(abs(tested.count(name) - 40) < 30 for name in "abcdefghij")  # 40 expected, sd 6


def test_fractions_and_too_few_people() -> None:
    split = split_people([f"p{i}" for i in range(200)], 0, (0.5, 0.25, 0.25))
    assert (len(split.train), len(split.validation), len(split.test)) == (100, 50, 50)
    for wrong in [(0.6, 0.3, 0.2), (0.7, 0.3, 0.0), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5)]:
        with pytest.raises(InputError, match="sum 1"):
            split_people("abcdef", 0, wrong)
    with pytest.raises(InputError, match="2 people cannot be split"):
        split_people(["a", "b", "b"], 0)


def test_overlap_and_empty_parts_are_named() -> None:
    for parts, line in (
        (("ab", "bc", "d"), "'b' is in train and in validation"),
        (("ab", "dc", "dc"), "'c' and 1 more are in validation and in test"),
        (("a", "", "b"), "no people in validation"),
    ):
        with pytest.raises(InputError, match=line):
            Split(*map(tuple, parts))


ALIKE = {
    "zero-width space": ("Ana 7", "Ana\u200b 7"),
    "full-width digit": ("Ana 7", "Ana \uff17"),
    "capitals": ("Ana 7", "ANA 7"),
    "hyphens": ("Ana 7", "ana\u20117"),
    "direction mark": ("محمد", "محمد\u200f"),
    "variation selector": ("葛城", "葛\U000e0100城"),
}


@pytest.mark.parametrize(("one", "other"), ALIKE.values(), ids=ALIKE)
def test_alike_names_stay_in_one_part(one: str, other: str, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever the seed puts one of them; everybody else goes where he went without the other."""
    names = [f"p{i}" for i in range(20)]
    for seed in range(15):
        split = split_people([*names, one, other], seed)
        (part,) = (part for part in (split.train, split.validation, split.test) if one in part)
        assert other in part
        alone = split_people([*names, one], seed)
        for got, before in ((split.train, alone.train), (split.validation, alone.validation), (split.test, alone.test)):
            assert set(got) - {other} == set(before)
        for rest in split_rest([*names, one, other], seed, 0.3, "data"):
            assert (one in rest) == (other in rest)
    assert repr(one) in caplog.text
    with pytest.raises(InputError, match="2 people cannot be split"):
        split_people(["a", one, other], 0)


def test_alike_names_put_apart_are_refused(data: FeatureSet, tmp_path: Path) -> None:
    for part, name in (("train", "Ana"), ("validation", "b"), ("test", "ana")):
        (tmp_path / part).write_text(name, encoding="utf-8")
    with pytest.raises(InputError, match="'Ana' in train and 'ana' in test are alike"):
        split_by_files(["Ana", "ana", "b"], *(tmp_path / part for part in ("train", "validation", "test")))
    name = people_of_folds(data, [1])[0]
    people = data.video.people.astype("U40")
    paired = data.pairs
    assert paired is not None
    used = set(paired.b_row.tolist())
    people[[row for row in np.flatnonzero(people == name).tolist() if row not in used]] = name.replace(" ", "\u2060 ")
    spoilt = replace(data, video=replace(data.video, people=people))
    with pytest.raises(InputError, match=r"\\u2060.* and .* in test are alike") as caught:
        split_by_folds(spoilt, [1], seed=0)
    assert len(str(caught.value).splitlines()) == 1


def test_files_of_names(tmp_path: Path) -> None:
    (tmp_path / "train").write_bytes("\ufeff王芳\r\n\r\nAna María\r\n王芳\r\n".encode())
    (tmp_path / "validation").write_text("Andre\u0301\n", encoding="utf-8")  # é as two characters
    (tmp_path / "test").write_text("Søren", encoding="utf-8")
    people = ["王芳", "Ana María", "Andr\u00e9", "Søren", "unused"]
    split = split_by_files(people, *(tmp_path / part for part in ("train", "validation", "test")))
    assert split == Split(("Ana María", "王芳"), ("Andr\u00e9",), ("Søren",))
    assert read_people_file(tmp_path / "train") == ["王芳", "Ana María"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n\nnobody\n", "line 3: 'nobody' is nobody in the data"),
        (b"\n \n", "holds no names"),
        (b"", "holds no names"),
        (b"a\n\xff\xfe\n", "line 2: not UTF-8"),
        (None, "cannot be read"),
    ],
)
def test_bad_files_of_names(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "people.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_people_file(path, ["a", "b"])
    assert message in str(caught.value)
    assert "people.txt" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture(scope="module")
def data() -> FeatureSet:
    return synthetic(people=40, probes=8, dim=16, comparisons=5)


def test_people_of_folds_against_names(data: FeatureSet) -> None:
    pairs = data.pairs
    assert pairs is not None
    expected = set()
    for i, fold in enumerate(pairs.fold):
        if fold in (2, 5):
            for front, row in ((pairs.a_front[i], pairs.a_row[i]), (pairs.b_front[i], pairs.b_row[i])):
                expected.add(str((data.front if front else data.video).people[row]))
    assert people_of_folds(data, [5, 2]) == sorted(expected)


def test_split_by_folds(data: FeatureSet) -> None:
    split = split_by_folds(data, [1], seed=0, validation=0.25)
    assert list(split.test) == people_of_folds(data, [1])
    assert sorted(split.train + split.validation + split.test) == data.people()
    assert len(split.validation) == round(0.25 * (40 - len(split.test)))
    assert split == split_by_folds(data, [1], seed=0, validation=0.25)
    assert split.validation != split_by_folds(data, [1], seed=1, validation=0.25).validation


def test_folds_that_are_not_there(data: FeatureSet) -> None:
    plain = FeatureSet("plain", data.front, data.video)
    none, empty, missing = "no fold 9: choose from", "no fold is asked for", r"no pairs\.csv"
    for features, folds, line in ((data, [1, 9], none), (data, [], empty), (plain, [1], missing)):
        with pytest.raises(InputError, match=line):
            people_of_folds(features, folds)
    with pytest.raises(InputError, match="at least 2 must stay"):
        split_by_folds(data.select(people_of_folds(data, [1])), [1], 0)
    for share in (0.0, 1.0, float("nan")):
        with pytest.raises(InputError, match="between 0 and 1"):
            split_by_folds(data, [1], 0, share)
