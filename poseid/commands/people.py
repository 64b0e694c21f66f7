"""Whom a model may be evaluated on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from poseid.errors import InputError
from poseid.features.fingerprint import hash_person
from poseid.features.folder import read_folder
from poseid.features.pairs import read_pairs
from poseid.features.people import Split, read_people_file, split_people
from poseid.features.rows import FeatureSet

VALIDATION_SHARE = 1 / 3
"""Of the people outside the test: 0.3 of 0.6 + 0.3, as in training."""


@dataclass(frozen=True)
class Chosen:
    """People under evaluation, and one sentence that says why they are.

    Attributes:
        people: their names, sorted.
        reason: for the report.
        known: whether the model's training people are known, so that it is sure that none is among them.
    """

    people: tuple[str, ...]
    reason: str
    known: bool


def load_features(path: Path, pairs: Path | None = None) -> FeatureSet:
    """The feature folder, with the comparisons of another file in place of its own where one is given."""
    features = read_folder(path)
    if pairs is None:
        return features
    return replace(features, pairs=read_pairs(pairs, features.front.people, features.video.people))


def check_dim(name: str, enhancer: nn.Module, features: FeatureSet) -> None:
    """Refuses a model for vectors of another length."""
    dim = enhancer.dim
    if dim != features.dim:
        raise InputError(f"{name}: is made for vectors of {dim} numbers, those of {features.name} have {features.dim}")


@dataclass(frozen=True)
class RecordedPeople:
    """The people that a header records, as salted hashes."""

    salt: str
    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]


def recorded_people(info: dict[str, Any]) -> RecordedPeople | None:
    """The people in a header, None where it records none.

    Raises:
        InputError: they are there, but not as they are written.
    """
    people = info.get("people")
    if not people:
        return None
    try:
        salt, *parts = (people[key] for key in ("salt", "train", "validation", "test"))
        if not isinstance(salt, str) or not all(isinstance(part, list) for part in parts):
            raise TypeError
        train, validation, test = (frozenset(part) for part in parts)
    except (KeyError, TypeError):
        raise InputError("the people in the model's header cannot be read: the file is damaged") from None
    return RecordedPeople(salt, train, validation, test)


def not_allowed(info: dict[str, Any], people: Collection[str]) -> tuple[list[str], list[str]]:
    """Which of these people the model was trained on, and which it was chosen by (its validation people).

    Names are compared as salted hashes: that is all a header holds.
    """
    recorded = recorded_people(info)
    if recorded is None:
        return [], []
    hashed = {name: hash_person(name, recorded.salt) for name in people}
    return (
        sorted(name for name, digest in hashed.items() if digest in recorded.train),
        sorted(name for name, digest in hashed.items() if digest in recorded.validation),
    )


def choose_people(name: str, info: dict[str, Any], features: FeatureSet, digest: str, file: Path | None) -> Chosen:
    """The people to evaluate a model on.

    Those of ``file`` where it is given; else the test people that the model's header names where the data are
    those that it was trained on; else everybody who did not train or choose it.

    Args:
        name: the MODEL as written.
        info: its header.
        features: the data.
        digest: of the data.
        file: names, one a line, or None.

    Raises:
        InputError: the model was trained on or chosen by some of the people asked for; or nobody is left.
    """
    everybody = features.people()
    fitted = info["model"]["name"] != "raw"
    recorded = recorded_people(info)
    known = not fitted or recorded is not None
    if file is not None:
        asked = sorted(read_people_file(file, everybody))
        trained, validated = not_allowed(info, asked)
        if trained or validated:
            parts = [
                f"{verb} {len(some)} of the {len(asked)} people of {file}"
                for verb, some in (("was trained on", trained), ("was chosen by", validated))
                if some
            ]
            raise InputError(f"{name}: {' and '.join(parts)}: evaluate it on people it never saw")
        return Chosen(tuple(asked), f"the {len(asked)} people of {file.name}", known)
    if not fitted:
        return Chosen(tuple(everybody), f"all {len(everybody)} people: raw is trained on nobody", True)
    if recorded is None:
        return Chosen(
            tuple(everybody), f"all {len(everybody)} people: the people the model was trained on are unknown", False
        )
    if (info.get("data") or {}).get("digest") == digest and recorded.test:
        chosen = [person for person in everybody if hash_person(person, recorded.salt) in recorded.test]
        if chosen:
            return Chosen(tuple(chosen), f"the {len(chosen)} test people of the split the model was trained with", True)
    trained, validated = not_allowed(info, everybody)
    seen = {*trained, *validated}
    left = tuple(person for person in everybody if person not in seen)
    if not left:
        raise InputError(f"{name}: was trained on or chosen by all {len(everybody)} people of {features.name}")
    reason = f"the {len(left)} people the model was not trained on or chosen by, of {len(everybody)}"
    return Chosen(left, reason, True)


def check_enough(people: Collection[str], where: str) -> None:
    """Refuses fewer than two people: nobody could be told from anybody."""
    if len(people) < 2:
        raise InputError(f"{where}: {len(people)} person to evaluate on: comparing people needs at least 2")


def split_rest(rest: Collection[str], seed: int, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People outside the test to training and validation people, 2 : 1, by a seeded permutation.

    Raises:
        InputError: fewer than two.
    """
    names = sorted(rest)
    if len(names) < 2:
        raise InputError(f"{where}: {len(names)} people outside the evaluated ones: at least 2 are needed")
    count = min(max(1, round(VALIDATION_SHARE * len(names))), len(names) - 1)
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names)).tolist()]
    return tuple(sorted(order[count:])), tuple(sorted(order[:count]))


def seeded_split(features: FeatureSet, seed: int) -> Split:
    """The split of training: 0.6 / 0.3 / 0.1."""
    return split_people(features.people(), seed)
