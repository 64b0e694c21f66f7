"""Who trains, who validates and who tests: people are split, never rows."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.person_names import alike_names, person_key
from poseid.features.rows import FeatureSet, shown
from poseid.features.text import read_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Three groups of people with nobody in two of them, and nobody missing from all by accident.

    The test alone may be empty: a model of everybody is judged by the folds of a cross-validation.

    Raises:
        InputError: nobody in train or in validation, or somebody in two groups (see `check_apart`).

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
        check_apart(parts)


def check_apart(parts: Mapping[str, Collection[str]]) -> None:
    """Refuses a person in two parts, also under another spelling of the name.

    Raises:
        InputError: naming the person and the parts.
    """
    for (first, some), (second, others) in combinations(parts.items(), 2):
        both = sorted(set(some) & set(others))
        if both:
            more = f" and {len(both) - 1} more" if len(both) > 1 else ""
            verb = "are" if more else "is"
            raise InputError(
                f"{shown(both[0])}{more} {verb} in {first} and in {second}: a person may be in one part only"
            )
        spelt = {person_key(name): name for name in some}
        alike = next(((spelt[key], name) for name in sorted(others) if (key := person_key(name)) in spelt), None)
        if alike is not None:
            raise InputError(
                f"{shown(alike[0])} in {first} and {shown(alike[1])} in {second} are alike and may be one "
                "person: put both names into one part, or write the name one way"
            )


def split_people(people: Iterable[str], seed: int, fractions: tuple[float, float, float] = (0.6, 0.3, 0.1)) -> Split:
    """Split people by a seeded permutation of their sorted names.

    The parts have round(fraction · n) people, at least one each; what rounding leaves over is train's.
    The order in which the names come does not matter. Alike names count as one person and stay together: if they are
    one, nobody is in two parts; if they are two, nothing is lost.

    Args:
        people: names; one given twice counts once.
        seed: 0 or greater.
        fractions: train, validation and test; positive, sum 1.

    Raises:
        InputError: fewer than 3 people, or fractions (train, validation, test) that are not positive with sum 1.

    >>> split = split_people([f"p{i:02d}" for i in range(20)], seed=0)
    >>> len(split.train), len(split.validation), len(split.test)
    (12, 6, 2)
    """
    if len(fractions) != 3 or not all(f > 0 for f in fractions) or not abs(sum(fractions) - 1) < 1e-6:
        raise InputError(f"fractions {tuple(fractions)}: give three positive numbers with sum 1")
    persons = _persons(people)
    n = len(persons)
    if n < 3:
        raise InputError(f"{n} people cannot be split into train, validation and test: give at least 3")
    test = min(max(1, round(fractions[2] * n)), n - 2)
    validation = min(max(1, round(fractions[1] * n)), n - test - 1)
    order = _permuted(persons, seed)
    train = n - validation - test
    return Split(_names(order[:train]), _names(order[train : train + validation]), _names(order[train + validation :]))


def _persons(people: Iterable[str]) -> list[tuple[str, ...]]:
    """The names of each person: more than one where names are alike, which is said."""
    persons = alike_names(people)
    several = [names for names in persons if len(names) > 1]
    if several:
        one, other = map(shown, several[0][:2])
        log.warning(
            "%d people may be written in several ways, such as %s and %s. They stay in one part of the split, but are "
            "compared as different people: write each name one way.",
            len(several),
            one,
            other,
        )
    return persons


def _permuted(persons: Sequence[tuple[str, ...]], seed: int) -> list[tuple[str, ...]]:
    return [persons[i] for i in np.random.default_rng(seed).permutation(len(persons)).tolist()]


def _names(persons: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted(name for names in persons for name in names))


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
    """People who are not test people, to training and validation people by a seeded permutation of their sorted names.

    Alike names stay together, as in `split_people`.

    Args:
        people: at least 2.
        seed: 0 or greater.
        validation: share of the validation people, between 0 and 1.
        where: the data or the file, for messages.

    Raises:
        InputError: a share of validation people out of (0, 1), or fewer than 2 people; names ``where``.
    """
    if not 0 < validation < 1:
        raise InputError(f"validation share {validation}: give a number between 0 and 1")
    persons = _persons(people)
    if len(persons) < 2:
        raise InputError(f"{where}: {len(persons)} people outside the test: at least 2 must stay to train")
    count = min(max(1, round(validation * len(persons))), len(persons) - 1)
    order = _permuted(persons, seed)
    return _names(order[count:]), _names(order[:count])
