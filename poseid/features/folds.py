"""The folds of a cross-validation: every person is in the test of exactly one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from poseid.errors import InputError
from poseid.features.people import Split, people_of_folds, split_rest
from poseid.features.person_names import alike_names
from poseid.features.rows import FeatureSet

FEWEST = 2
"""People that a fold tests: one alone could be told from nobody."""


@dataclass(frozen=True)
class PeopleFold:
    """One fold: its name and its test people, sorted."""

    name: str
    people: tuple[str, ...]


def divide_into_folds(features: FeatureSet, count: int, seed: int, validation: float | None = None) -> list[PeopleFold]:
    """Divides all people into test folds.

    Where ``pairs.csv`` has ``count`` folds or more and no two of them share people, consecutive folds are grouped: 4 of
    8 are {1,2} {3,4} {5,6} {7,8}. People on none of its rows join the smallest group. Otherwise a seeded permutation
    of the sorted names is divided, so that the sizes differ by at most 1.

    Args:
        features: of all people.
        count: of folds.
        seed: of the permutation.
        validation: share of the validation people among those whom a fold does not test; None: there are none.

    Raises:
        InputError: so many folds cannot each test 2 people, train on 2 and validate on 2.
    """
    persons = alike_names(features.people())  # names of one person, perhaps, stay together
    _check_count(count, len(persons), validation)
    groups = _listed_groups(features, count)
    drawn = [persons[i] for i in np.random.default_rng(seed).permutation(len(persons)).tolist()]
    if groups is None:
        parts = np.array_split(np.arange(len(drawn)), count)
        return [
            PeopleFold(f"fold {n}", tuple(sorted(name for i in part.tolist() for name in drawn[i])))
            for n, part in enumerate(parts)
        ]
    listed = {name for _, people in groups for name in people}
    for person in drawn:
        there = [group for group in groups if set(person) & set(group[1])]
        target = there[0] if there else min(groups, key=lambda group: len(group[1]))
        target[1].extend(name for name in person if name not in listed)
    return [PeopleFold(title, tuple(sorted(people))) for title, people in groups]


def _check_count(count: int, people: int, validation: float | None) -> None:
    def leaves_enough(folds: int) -> bool:
        rest = people - math.ceil(people / folds)
        return validation is None or FEWEST <= round(validation * rest) <= rest - FEWEST

    possible = [folds for folds in range(2, people // FEWEST + 1) if leaves_enough(folds)]
    if count in possible:
        return
    if not possible:
        raise InputError(f"cv: {people} people are too few for a cross-validation: give more people")
    fewest, most = possible[0], possible[-1]
    each = f"each tests at least {FEWEST} people" + (validation is not None) * f" and leaves {FEWEST} to validate"
    raise InputError(
        f"cv: {count} folds of {people} people: take {fewest if fewest == most else f'from {fewest} to {most}'}, "
        f"so that {each}"
    )


def _listed_groups(features: FeatureSet, count: int) -> list[tuple[str, list[str]]] | None:
    """Name and people of each group of folds of ``pairs.csv``; None where they cannot be used."""
    if features.pairs is None:
        return None
    numbers = np.unique(features.pairs.fold)
    if len(numbers) < count:
        return None
    groups = []
    for part in np.array_split(numbers, count):
        folds = part.tolist()
        groups.append((f"folds {','.join(map(str, folds))} of pairs.csv", people_of_folds(features, folds)))
    people = [name for _, part in groups for name in part]
    few = min(len(part) for _, part in groups) < FEWEST
    return None if few or len(people) > len(set(people)) else groups


def fold_split(features: FeatureSet, fold: PeopleFold, seed: int, validation: float) -> Split:
    """Tests on the people of a fold; everybody else trains or validates, by the draw of `split_by_folds`."""
    rest = set(features.people()).difference(fold.people)
    return Split(*split_rest(rest, seed, validation, f"{features.name}: {fold.name}"), fold.people)


def everybody_split(features: FeatureSet, seed: int, validation: float) -> Split:
    """All people train or validate, and nobody tests: for the model that its folds have judged."""
    return Split(*split_rest(features.people(), seed, validation, features.name), ())
