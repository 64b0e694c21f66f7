"""Who trains, who validates and who tests: people are split, never rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import FeatureSet, shown
from poseid.features.text import read_text


@dataclass(frozen=True)
class Split:
    """Three groups of people with nobody in two of them, and nobody missing from all by accident.

    The test alone may be empty: a model of everybody is judged by the folds of a cross-validation.

    Raises:
        InputError: nobody in train or in validation, or somebody in two groups; the message names them.

    >>> Split(("a",), ("b",), ("a", "c"))
    Traceback (most recent call last):
        ...
    poseid.errors.InputError: 'a' is in train and in test: a person may be in one part only
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        for name, part in parts.items():
            if not part and name != "test":
                raise InputError(f"no people in {name}: it needs at least one person")
        for first, second in combinations(parts, 2):
            both = sorted(set(parts[first]) & set(parts[second]))
            if both:
                who = f"{shown(both[0])} and {len(both) - 1} more are" if len(both) > 1 else f"{shown(both[0])} is"
                raise InputError(f"{who} in {first} and in {second}: a person may be in one part only")


def split_people(people: Iterable[str], seed: int, fractions: tuple[float, float, float] = (0.6, 0.3, 0.1)) -> Split:
    """Split people by a seeded permutation of their sorted names.

    The parts have round(fraction · n) people, at least one each; what rounding leaves over is train's.
    Neither the order of the names nor a name given twice matters.

    Raises:
        InputError: fewer than 3 people, or fractions (train, validation, test) that are not positive with sum 1.

    >>> split = split_people([f"p{i:02d}" for i in range(20)], seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (12, 6, 2)
    """
    if len(fractions) != 3 or not all(f > 0 for f in fractions) or not abs(sum(fractions) - 1) < 1e-6:
        raise InputError(f"fractions {tuple(fractions)}: give three positive numbers with sum 1")
    names = sorted(set(people))
    n = len(names)
    if n < 3:
        raise InputError(f"{n} people cannot be split into train, validation and test: give at least 3")
    test = min(max(1, round(fractions[2] * n)), n - 2)
    validation = min(max(1, round(fractions[1] * n)), n - test - 1)
    return Split(*_parts(names, seed, (n - validation - test, validation, test)))


def _parts(names: Sequence[str], seed: int, sizes: Sequence[int]) -> Iterator[tuple[str, ...]]:
    """Parts of these sizes of a seeded permutation of the names, each sorted."""
    order = iter(np.random.default_rng(seed).permutation(len(names)).tolist())
    for size in sizes:
        yield tuple(sorted(names[i] for i in islice(order, size)))


def read_people_file(path: Path, people: Collection[str] | None = None) -> list[str]:
    """Read names, one a line, UTF-8 (a byte order mark is tolerated); blank lines are skipped.

    A name given twice counts once. Names that differ only in how Unicode composes them (é) are the same.

    Returns:
        The names in the file's order, spelt as in ``people``; any names where that is None.

    Raises:
        InputError: no such file, not UTF-8, no names, or a name that is not in ``people``, with its line.
    """
    text = read_text(path, ": give a file with one name a line")
    known = {unicodedata.normalize("NFC", name): name for name in people or ()}
    names: dict[str, None] = {}
    for number, line_text in enumerate(text.split("\n"), start=1):
        if not (name := line_text.strip()):
            continue
        spelt = name if people is None else known.get(unicodedata.normalize("NFC", name))
        if spelt is None:
            raise InputError(f"{path}: line {number}: {shown(name)} is nobody in the data: check the name")
        names[spelt] = None
    if not names:
        raise InputError(f"{path}: holds no names: write one a line")
    return list(names)


def split_by_files(people: Collection[str], train: Path, validation: Path, test: Path) -> Split:
    """The split that three files of names give; people in none of them are left out.

    Raises:
        InputError: as `read_people_file` and `Split`.
    """
    return Split(*(tuple(sorted(read_people_file(path, people))) for path in (train, validation, test)))


def people_of_folds(features: FeatureSet, folds: Collection[int]) -> list[str]:
    """The people, sorted, on any row that these folds of ``pairs.csv`` compare.

    Raises:
        InputError: the data have no ``pairs.csv``, no fold is asked for, or one that is not there.
    """
    pairs = features.pairs
    if pairs is None:
        raise InputError(f"{features.name}: has no pairs.csv: choose people in another way than by folds")
    there = np.unique(pairs.fold).tolist()
    if not folds:
        raise InputError(f"{features.name}: no fold is asked for: choose from {there}")
    missing = sorted(set(folds).difference(there))
    if missing:
        raise InputError(f"{features.name}: pairs.csv has no fold {missing[0]}: choose from {shown(there)}")
    a, b = pairs.names(features.front.people, features.video.people)
    chosen = np.isin(pairs.fold, list(folds))
    return sorted(set(a[chosen].tolist()) | set(b[chosen].tolist()))


def split_by_folds(features: FeatureSet, folds: Collection[int], seed: int, validation: float = 0.2) -> Split:
    """Test on the people of these folds; everybody else is split into train and validation by seed.

    Validation gets round(validation · rest) people, at least one, and train at least one.

    Raises:
        InputError: as `people_of_folds`, a share out of (0, 1), or fewer than 2 people outside the folds.
    """
    test = people_of_folds(features, folds)
    rest = set(features.people()).difference(test)
    train, validated = split_rest(rest, seed, validation, f"{features.name}: folds {sorted(folds)}")
    return Split(train, validated, tuple(test))


def split_rest(
    people: Collection[str], seed: int, validation: float, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Splits people who are not test people into training and validation people, by a seeded permutation.

    Raises:
        InputError: a share of validation people out of (0, 1), or fewer than 2 people; names ``where``.
    """
    if not 0 < validation < 1:
        raise InputError(f"validation share {validation}: give a number between 0 and 1")
    names = sorted(people)
    if len(names) < 2:
        raise InputError(f"{where}: {len(names)} people outside the test: at least 2 must stay to train")
    count = min(max(1, round(validation * len(names))), len(names) - 1)
    validated, train = _parts(names, seed, (count, len(names) - count))
    return train, validated
