"""Whether all vectors are of one recogniser: frontal photos of one person must be alike, in each file and across."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, Finding, share
from poseid.doctor.scan import Sample, SampleRows
from poseid.features.rows import FRONTAL

FEWEST_PEOPLE = 10
_ROWS_OF_A_PERSON = 8  # of each file
_MOST_PEOPLE = 2000
_IMPOSTORS = 60_000
_ALLOWED = 0.005  # impostor pairs at or above the threshold
_SPLIT = 0.15
_LINKED, _LOST = 0.7, 0.5


@dataclass(frozen=True, eq=False)
class Links:
    """Frontal rows of some people: which are alike.

    Attributes:
        front: (P, K) bool: a front row stands here; the other places are video rows, or empty.
        there: (P, K) bool: a row stands here.
        alike: (P, K, K) bool: two rows more alike than all but 0.5 % of pairs of strangers.
    """

    front: NDArray[np.bool_]
    there: NDArray[np.bool_]
    alike: NDArray[np.bool_]


def find_links(sample: Sample) -> Links | None:
    """The likeness of frontal rows; None with fewer than `FEWEST_PEOPLE` people who have two."""
    front, video = (_frontal(part) for part in (sample.front, sample.video))
    people = np.union1d(sample.front.person[front], sample.video.person[video])[:_MOST_PEOPLE]
    if len(people) < FEWEST_PEOPLE:
        return None
    width = 2 * _ROWS_OF_A_PERSON
    unit = np.zeros((len(people), width, sample.front.unit.shape[1]), np.float32)
    there = np.zeros((len(people), width), bool)
    for part, frontal, first in ((sample.front, front, 0), (sample.video, video, _ROWS_OF_A_PERSON)):
        rows = frontal[np.isin(part.person[frontal], people)]
        rows = rows[np.argsort(part.person[rows], kind="stable")]
        person = part.person[rows]
        rank = np.arange(len(rows)) - np.searchsorted(person, person)
        keep = rank < _ROWS_OF_A_PERSON
        at = (np.searchsorted(people, person[keep]), first + rank[keep])
        unit[at], there[at] = part.unit[rows[keep]], True
    if int((there.sum(axis=1) >= 2).sum()) < FEWEST_PEOPLE:
        return None
    generator = np.random.default_rng(0)
    flat, of = unit[there], np.nonzero(there)[0]
    a, b = generator.integers(0, len(flat), (2, _IMPOSTORS))
    a, b = a[of[a] != of[b]], b[of[a] != of[b]]
    scores = np.concatenate(
        [np.einsum("ij,ij->i", flat[a[n : n + 8192]], flat[b[n : n + 8192]]) for n in range(0, len(a), 8192)]
    )
    threshold = float(np.quantile(scores, 1 - _ALLOWED))
    alike = (unit @ unit.transpose(0, 2, 1) >= threshold) & there[:, :, None] & there[:, None, :]
    is_front = there & (np.arange(width) < _ROWS_OF_A_PERSON)
    return Links(is_front, there, alike)


def _frontal(part: SampleRows) -> NDArray[np.int64]:
    return np.flatnonzero(part.kinds == FRONTAL)


def check_recognisers(links: Links | None) -> list[Finding]:
    """Two files of two recognisers, or two recognisers in one file."""
    if links is None:
        return []
    video = links.there & ~links.front
    across, n_across = _share(links.alike, links.front, video)
    inside = [_share(links.alike, rows, rows) for rows in (links.front, video)]
    enough = [linked for linked, n in inside if n >= 3 * FEWEST_PEOPLE]
    if n_across >= 3 * FEWEST_PEOPLE and enough and across < _LOST and min(enough) >= _LINKED:
        return [
            Finding(
                "files-disagree",
                ERROR,
                "Front and video rows are of different recognisers",
                f"Of frontal photos of one person, {100 * across:.0f} % of pairs of a front and a video row are alike "
                f"(n = {n_across:,}); of pairs within a file, {100 * min(enough):.0f} %. Alike: more than all but "
                f"0.5 % of pairs of strangers.",
                "Extract both files anew with one recogniser, one version and one way of aligning faces. If each file "
                "is sound, compare the order of rows and names of one of them.",
                {"across": across, "inside": min(enough), "n": n_across},
            )
        ]
    groups = _groups(links)
    judged = links.there.sum(axis=1) >= 4
    several = int((groups[judged] >= 2).sum())
    total = int(judged.sum())
    if total < FEWEST_PEOPLE or several < _SPLIT * total:
        return []
    return [
        Finding(
            "mixed-recognisers",
            ERROR,
            "Photos of one person fall into groups that have nothing in common",
            f"{share(several, total)} people with four or more frontal rows have two groups of rows: alike within, "
            "like strangers between.",
            "Are some vectors of another recogniser, another version, or faces aligned or coloured otherwise (RGB, "
            "BGR)? Extract all of them one way. Two people under one name look like this too.",
            {"people": several, "of": total},
        )
    ]


def _share(alike: NDArray[np.bool_], left: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[float, int]:
    """Which share of the pairs of a left and a right row is alike, and how many pairs that is; no row with itself."""
    pairs = left[:, :, None] & right[:, None, :] & ~np.eye(left.shape[1], dtype=bool)
    n = int(pairs.sum())
    return float((alike & pairs).sum() / max(n, 1)), n


def _groups(links: Links) -> NDArray[np.int64]:
    """(P,) how many groups of two or more rows each person has; rows linked by a chain are one group."""
    width = links.alike.shape[1]
    reach = links.alike.copy()
    for _ in range(width.bit_length()):
        reach = (reach.astype(np.float32) @ reach.astype(np.float32)) > 0
    size = reach.sum(axis=2)
    first = reach.argmax(axis=2) == np.arange(width)
    groups: NDArray[np.int64] = (first & (size >= 2)).sum(axis=1)
    return groups
