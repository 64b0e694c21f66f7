"""Checks of who is on the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, share
from poseid.doctor.outlook import FEWEST_TO_HOPE, TRAINING_SHARE
from poseid.doctor.reading import NOBODY, Folder
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
    front, video = (
        np.bincount(file.person[file.person != NOBODY], minlength=len(folder.names)) for file in folder.files
    )
    return People(front, video)


def check_people(folder: Folder, people: People) -> list[Finding]:
    """Whether front and video rows are of the same people, and whether there are enough of them."""
    everybody = len(folder.names)
    if not people.front.any() or not people.video.any():  # names could not be read: another finding says so
        return []
    return [
        *_unpaired(folder, people, everybody),
        *_alike(folder, people),
        *_few(people),
        *_uneven(folder, people, everybody),
    ]


def _unpaired(folder: Folder, people: People, everybody: int) -> list[Finding]:
    only_front, only_video = people.video == 0, people.front == 0
    n_front, n_video = int(only_front.sum()), int(only_video.sum())
    figures: dict[str, float | int | str | None] = {
        "paired": people.paired,
        "only_front": n_front,
        "only_video": n_video,
    }
    if not people.paired:
        return [
            Finding(
                "no-pairs",
                ERROR,
                "Nobody has both a front row and a video row",
                f"{n_front:,} people have front rows alone, such as {_name(folder, only_front)}, and {n_video:,} "
                f"video rows alone, such as {_name(folder, only_video)}.",
                "A person must have the same person_name in both metadata files.",
                figures,
            )
        ]
    if not n_front + n_video:
        return []
    parts = [
        f"{n:,} have {kind} rows alone, such as {_name(folder, mask)}"
        for n, kind, mask in ((n_front, "front", only_front), (n_video, "video", only_video))
        if n
    ]
    return [
        Finding(
            "people-without-pair",
            WARNING if n_front + n_video > _MANY_WITHOUT * everybody else NOTE,
            "People with rows in one file only",
            f"{share(n_front + n_video, everybody)} people: {'; '.join(parts)}.",
            "They cannot be trained on: they need a front row and a video row each. Are they spelt the same in both "
            "files? If there is no such photo, nothing need be done.",
            figures,
        )
    ]


def _name(folder: Folder, mask: NDArray[np.bool_]) -> str:
    return shown(folder.names[int(mask.argmax())])


def _alike(folder: Folder, people: People) -> list[Finding]:
    """Names that differ only in capitals, blanks, hyphens or underscores."""
    seen: dict[str, str] = {}
    pairs = []
    for name in folder.names:
        other = seen.setdefault(re.sub(r"[\s_.-]+", " ", name).strip().casefold(), name)
        if other != name:
            pairs.append((other, name))
    if not pairs:
        return []
    return [
        Finding(
            "names-alike",
            WARNING,
            "Names that differ only in capitals, blanks or hyphens",
            f"{len(pairs):,}, such as {shown(pairs[0][0])} and {shown(pairs[0][1])}.",
            "If they are one person, write the name one way: else training takes their photos for those of strangers.",
            {"n": len(pairs)},
        )
    ]


def _few(people: People) -> list[Finding]:
    training = round(TRAINING_SHARE * people.paired)
    if not 0 < training < FEWEST_TO_HOPE:
        return []
    return [
        Finding(
            "few-people",
            NOTE,
            "Few people to learn from",
            f"{people.paired} people have pairs, so {training} would be trained on.",
            f"Expect little or nothing below about {FEWEST_TO_HOPE} training people: more people help more than more "
            "photos of the same.",
            {"paired": people.paired, "training": training},
        )
    ]


def _uneven(folder: Folder, people: People, everybody: int) -> list[Finding]:
    rows = people.front + people.video
    top = int(rows.argmax())
    if everybody < 10 or rows[top] <= _HEAVY * rows.sum():
        return []
    return [
        Finding(
            "uneven-people",
            NOTE,
            "One person has a great part of the rows",
            f"{shown(folder.names[top])} has {share(int(rows[top]), int(rows.sum()))} rows.",
            "Such a name is often that of many people (unknown, test). If it is one person, leave some photos out.",
            {"rows": int(rows[top]), "of": int(rows.sum())},
        )
    ]
