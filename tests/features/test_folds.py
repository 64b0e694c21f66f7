"""The folds of a cross-validation: everybody is tested once, and nobody is in two parts of a fold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.folds import divide_into_folds, everybody_split, fold_split
from poseid.features.people import split_by_folds
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic

LISTED = synthetic(people=60, probes=8, seed=1, dim=16, comparisons=40)
PLAIN = FeatureSet("plain", LISTED.front, LISTED.video)


@pytest.mark.parametrize("features", [LISTED, PLAIN], ids=["pairs.csv", "seeded"])
@pytest.mark.parametrize("count", [2, 3, 5, 7, 30])
def test_everybody_is_tested_once_and_nobody_is_in_two_parts(features: FeatureSet, count: int) -> None:
    folds = divide_into_folds(features, count, seed=3)
    assert len(folds) == count
    tested = [name for fold in folds for name in fold.people]
    assert sorted(tested) == features.people()
    for fold in folds:
        split = fold_split(features, fold, seed=3, validation=1 / 3)
        parts = [set(split.train), set(split.validation), set(split.test)]
        assert set.union(*parts) == set(features.people())
        assert sum(map(len, parts)) == len(features.people())
        assert set(split.test) == set(fold.people)


def test_seeded_folds_depend_on_the_seed_alone_and_are_of_equal_size() -> None:
    folds = divide_into_folds(PLAIN, 7, seed=0)
    assert {len(fold.people) for fold in folds} == {8, 9}
    turned = FeatureSet("other name", PLAIN.front.take(np.arange(len(PLAIN.front))[::-1]), PLAIN.video)
    assert divide_into_folds(turned, 7, seed=0) == folds
    assert divide_into_folds(PLAIN, 7, seed=1) != folds


def test_listed_folds_are_grouped_and_split_as_data_folds_does() -> None:
    folds = divide_into_folds(LISTED, 2, seed=0)
    assert [fold.name for fold in folds] == ["folds 1,2,3 of pairs.csv", "folds 4,5 of pairs.csv"]
    single = divide_into_folds(LISTED, 5, seed=0)
    assert [fold.name for fold in single] == [f"folds {n} of pairs.csv" for n in range(1, 6)]
    for number, fold in enumerate(single, start=1):
        assert fold_split(LISTED, fold, 4, 1 / 3) == split_by_folds(LISTED, [number], 4, 1 / 3)


def test_people_on_no_listed_row_are_tested_too_and_shared_people_take_seeded_folds() -> None:
    assert LISTED.pairs is not None
    few = replace(LISTED, pairs=LISTED.pairs.take(np.flatnonzero(LISTED.pairs.fold < 3)))
    folds = divide_into_folds(few, 2, seed=0)
    assert sorted(name for fold in folds for name in fold.people) == few.people()
    assert {len(fold.people) for fold in folds} == {30}
    shared = replace(LISTED, pairs=replace(LISTED.pairs, fold=np.arange(len(LISTED.pairs)) % 4))
    assert divide_into_folds(shared, 4, seed=0) == divide_into_folds(PLAIN, 4, seed=0)


def test_everybody_is_split_without_a_test() -> None:
    split = everybody_split(PLAIN, seed=0, validation=1 / 3)
    assert (len(split.train), len(split.validation), split.test) == (40, 20, ())
    assert sorted({*split.train, *split.validation}) == PLAIN.people()


@pytest.mark.parametrize(
    ("count", "people", "validation", "line"),
    [
        (0, 60, None, "0 folds of 60 people: take from 2 to 30, so that each tests at least 2 people"),
        (31, 60, 1 / 3, "31 folds of 60 people: take from 2 to 30, so"),
        (5, 5, None, "5 folds of 5 people: take 2, so"),
        (2, 3, None, "3 people are too few for a cross-validation: give more people"),
        (2, 8, 1 / 3, "2 folds of 8 people: take from 3 to 4, so that .* and leaves 2 to validate"),
        (5, 7, 1 / 3, "7 people are too few"),
    ],
)
def test_numbers_of_folds_that_cannot_be(count: int, people: int, validation: float | None, line: str) -> None:
    with pytest.raises(InputError, match=f"^cv: {line}"):
        divide_into_folds(PLAIN.select(PLAIN.people()[:people]), count, 0, validation)
