"""The people that a model's header records, as salted hashes, and on whom the model may be evaluated."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseid.errors import InputError
from poseid.features.fingerprint import hash_people, hash_person
from poseid.features.people import read_people_file
from poseid.features.rows import FeatureSet

PARTS = ("train", "validation", "test")


def hashed_people(
    train: Collection[str], validation: Collection[str], test: Collection[str], salt: str
) -> dict[str, Any]:
    """What a header records of the people of a split."""
    return {"salt": salt} | {
        part: hash_people(names, salt) for part, names in zip(PARTS, (train, validation, test), strict=True)
    }


def recorded_people(info: dict[str, Any], people: Collection[str]) -> dict[str, set[str]] | None:
    """Which of these people a header records as ``train``, ``validation`` and ``test``; None where it records nobody.

    Raises:
        InputError: the record is damaged.
    """
    recorded = info.get("people")
    if not recorded:
        return None
    try:
        hashed = {hash_person(name, recorded["salt"]): name for name in people}
        return {part: {hashed[digest] for digest in recorded[part] if digest in hashed} for part in PARTS}
    except (KeyError, TypeError):
        raise InputError("the people in the model's header cannot be read: the file is damaged") from None


@dataclass(frozen=True)
class Chosen:
    """People to evaluate on.

    Attributes:
        people: their names, sorted.
        reason: why these, in a few words for the report.
        known: whether the model's training people are known, so that it is sure that none is among them.
    """

    people: list[str]
    reason: str
    known: bool


def choose_people(name: str, info: dict[str, Any], features: FeatureSet, digest: str, file: Path | None) -> Chosen:
    """The people to evaluate a model on.

    Those of ``file`` where it is given; else the test people that the model's header records where the data are
    those that it was trained on; else everybody who is not among its training and validation people.

    Args:
        name: the MODEL as written.
        info: its header.
        features: the data.
        digest: of the data.
        file: names, one a line, or None.

    Raises:
        InputError: some of the people asked for trained or validated the model; or nobody is left.
    """
    everybody = features.people()
    raw = info["model"]["name"] == "raw"
    recorded = recorded_people(info, everybody)
    seen: dict[str, set[str]] = recorded or {part: set() for part in PARTS}
    if file is not None:
        asked = sorted(read_people_file(file, everybody))
        counts = {
            "was trained on": len(seen["train"].intersection(asked)),
            "was chosen by": len(seen["validation"].intersection(asked)),
        }
        parts = [f"{verb} {count} of the {len(asked)} people of {file}" for verb, count in counts.items() if count]
        if parts:
            raise InputError(f"{name}: {' and '.join(parts)}: evaluate it on people it never saw")
        return Chosen(asked, f"the {len(asked)} people of {file.name}", raw or recorded is not None)
    if raw:
        return Chosen(everybody, f"all {len(everybody)} people: raw is trained on nobody", True)
    if recorded is None:
        reason = f"all {len(everybody)} people: the people the model was trained on are unknown"
        return Chosen(everybody, reason, False)
    if (info.get("data") or {}).get("digest") == digest and seen["test"]:
        test = sorted(seen["test"])
        return Chosen(test, f"the {len(test)} test people of the split the model was trained with", True)
    left = sorted(set(everybody) - seen["train"] - seen["validation"])
    if not left:
        raise InputError(
            f"{name}: was trained on or chosen by all {len(everybody)} people of {features.name}: evaluate it on other "
            "people, or read its report; the model of a cross-validation is compared with poseid compare --cv"
        )
    reason = f"the {len(left)} people the model was not trained on or chosen by, of {len(everybody)}"
    return Chosen(left, reason, True)


def check_enough(people: Collection[str], where: str) -> None:
    """Refuses fewer than two people: nobody could be told from anybody."""
    if len(people) < 2:
        raise InputError(f"{where}: {len(people)} person to evaluate on: comparing people needs at least 2")
