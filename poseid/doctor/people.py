"""Checks of who is on the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, share
from poseid.doctor.outlook import FEWEST_TO_HOPE, TRAINING_SHARE
from poseid.doctor.rows import NOBODY, Folder
from poseid.features.rows import shown

_MANY_WITHOUT = 0.2
_HEAVY = 0.2


@dataclass(frozen=True, eq=False)
class People:
    """Rows of each person.

    Attributes:
        front, video: (P,) number of rows.
    """

    front: NDArray[np.int64]
    video: NDArray[np.int64]

    @property
    def paired(self) -> int:
        """People with front and video rows: the only ones that training can use."""
        return int(((self.front > 0) & (self.video > 0)).sum())


def count_people(folder: Folder) -> People:
    """The rows of each person."""
    persons = (folder.person[rows] for rows in folder.files.values())
    front, video = (np.bincount(person[person != NOBODY], minlength=len(folder.names)) for person in persons)
    return People(front, video)


def check_people(folder: Folder, people: People) -> Iterator[Finding]:
    """Whether front and video rows are of the same people, and whether there are enough of them."""
    if not people.front.any() or not people.video.any():  # names could not be read: another finding says so
        return
    yield from _unpaired(folder.names, people)
    yield from _names_alike(folder.names)
    training = round(TRAINING_SHARE * people.paired)
    if 0 < training < FEWEST_TO_HOPE:
        yield Finding(
            "few-people",
            NOTE,
            "Few people to learn from",
            f"{people.paired} people have pairs, so {training} would be trained on.",
            f"Expect little below about {FEWEST_TO_HOPE} training people. New people help more than new photos.",
            {"paired": people.paired, "training": training},
        )
    rows = people.front + people.video
    most, total = int(rows.max()), int(rows.sum())
    if len(rows) >= 10 and most > _HEAVY * total:
        yield Finding(
            "uneven-people",
            NOTE,
            "One person has a great part of the rows",
            f"{shown(folder.names[rows.argmax()])} has {share(most, total)} rows.",
            "Such a name often stands for many people (unknown, test). If it is one person, remove some photos.",
            {"rows": most, "of": total},
        )


def _unpaired(names: tuple[str, ...], people: People) -> Iterator[Finding]:
    alone = {"front": people.video == 0, "video": people.front == 0}
    counts = {kind: int(mask.sum()) for kind, mask in alone.items()}
    example = {kind: shown(names[int(mask.argmax())]) for kind, mask in alone.items()}
    figures = {"paired": people.paired} | {f"only_{kind}": n for kind, n in counts.items()}
    unpaired = sum(counts.values())
    if not people.paired:
        yield Finding(
            "no-pairs",
            ERROR,
            "Nobody has both a front row and a video row",
            f"{counts['front']:,} people have front rows alone, such as {example['front']}, and {counts['video']:,} "
            f"video rows alone, such as {example['video']}.",
            "A person must have the same person_name in both metadata files.",
            figures,
        )
    elif unpaired:
        parts = [f"{n:,} have {kind} rows alone, such as {example[kind]}" for kind, n in counts.items() if n]
        yield Finding(
            "people-without-pair",
            WARNING if unpaired > _MANY_WITHOUT * len(names) else NOTE,
            "People with rows in one file only",
            f"{share(unpaired, len(names))} people: {'; '.join(parts)}.",
            "Training leaves them out. Check that both files spell them the same. If there are no such photos, nothing "
            "needs to be done.",
            figures,
        )


def _names_alike(names: tuple[str, ...]) -> Iterator[Finding]:
    """Names that differ only in capitals, blanks, hyphens or underscores."""
    seen: dict[str, str] = {}
    pairs = [(seen.setdefault(re.sub(r"[\s_.-]+", " ", name).strip().casefold(), name), name) for name in names]
    pairs = [(one, other) for one, other in pairs if one != other]
    if pairs:
        yield Finding(
            "names-alike",
            WARNING,
            "Names that differ only in capitals, blanks or hyphens",
            f"{len(pairs):,}, such as {shown(pairs[0][0])} and {shown(pairs[0][1])}.",
            "If they are one person, write the name one way. Else training treats them as two people.",
            {"n": len(pairs)},
        )
