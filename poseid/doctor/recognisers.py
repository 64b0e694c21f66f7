"""Whether all vectors are of one recogniser: frontal photos of one person must be alike, in each file and across."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, Finding, share
from poseid.doctor.rows import pair_cosines, rank_in_group
from poseid.doctor.sample import Sample
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
        front: (P, K) bool: a front row stands here.
        video: (P, K) bool: a video row stands here; where there is neither, the entry is empty.
        alike: (P, K, K) bool: two rows more alike than all but 0.5 % of impostor pairs.
    """

    front: NDArray[np.bool_]
    video: NDArray[np.bool_]
    alike: NDArray[np.bool_]


def find_links(sample: Sample, kinds: NDArray[np.int8]) -> Links | None:
    """The likeness of frontal rows; None with fewer than `FEWEST_PEOPLE` people who have two.

    Args:
        sample: the rows.
        kinds: (k,) FRONTAL, PROFILE or OTHER of each row of the sample.
    """
    frontal = np.flatnonzero(kinds == FRONTAL)
    people = np.unique(sample.person[frontal])[:_MOST_PEOPLE]
    if len(people) < FEWEST_PEOPLE:
        return None
    rows = frontal[np.isin(sample.person[frontal], people)]
    rank = rank_in_group(2 * sample.person[rows] + sample.front[rows])
    rows, rank = rows[rank < _ROWS_OF_A_PERSON], rank[rank < _ROWS_OF_A_PERSON]
    at = (np.searchsorted(people, sample.person[rows]), np.where(sample.front[rows], rank, rank + _ROWS_OF_A_PERSON))
    row_at = np.full((len(people), 2 * _ROWS_OF_A_PERSON), -1)
    row_at[at] = rows
    there = row_at >= 0
    if int((there.sum(axis=1) >= 2).sum()) < FEWEST_PEOPLE:
        return None
    flat, of = row_at[there], np.nonzero(there)[0]
    a, b = np.random.default_rng(0).integers(0, len(flat), (2, _IMPOSTORS))
    other = of[a] != of[b]
    threshold = float(np.quantile(pair_cosines(sample.unit_rows, flat[a[other]], flat[b[other]]), 1 - _ALLOWED))
    unit = sample.unit[row_at]
    alike = (unit @ unit.transpose(0, 2, 1) >= threshold) & there[:, :, None] & there[:, None, :]
    front = there & (np.arange(there.shape[1]) < _ROWS_OF_A_PERSON)
    return Links(front, there & ~front, alike)


def check_recognisers(links: Links | None) -> Iterator[Finding]:
    """Two files of two recognisers, or two recognisers in one file."""
    if links is None:
        return
    across, n_across = _share(links.alike, links.front, links.video)
    inside = [_share(links.alike, rows, rows) for rows in (links.front, links.video)]
    enough = [linked for linked, n in inside if n >= 3 * FEWEST_PEOPLE]
    if n_across >= 3 * FEWEST_PEOPLE and enough and across < _LOST and min(enough) >= _LINKED:
        yield Finding(
            "files-disagree",
            ERROR,
            "Front and video rows are of different recognisers",
            f"Of frontal photos of one person, {100 * across:.0f} % of pairs of a front and a video row are alike "
            f"(n = {n_across:,}); of pairs within a file, {100 * min(enough):.0f} %. Alike: above the threshold of FMR "
            "0.5 %.",
            "Extract both files again with one recogniser, one version and one face alignment. If both are right, "
            "check that names and rows of each file are in the same order.",
            {"across": across, "inside": min(enough), "n": n_across},
        )
        return
    judged = (links.front | links.video).sum(axis=1) >= 4
    several, total = int((_groups(links.alike)[judged] >= 2).sum()), int(judged.sum())
    if total < FEWEST_PEOPLE or several < _SPLIT * total:
        return
    yield Finding(
        "mixed-recognisers",
        ERROR,
        "Photos of one person fall into groups that have nothing in common",
        f"{share(several, total)} people with four or more frontal rows have two groups of rows: alike within a group, "
        "like other people between groups.",
        "Extract all vectors one way: one recogniser, version, face alignment and colour order (RGB, BGR). Two people "
        "under one name give the same picture.",
        {"people": several, "of": total},
    )


def _share(alike: NDArray[np.bool_], left: NDArray[np.bool_], right: NDArray[np.bool_]) -> tuple[float, int]:
    """Which share of the pairs of a left and a right row is alike, and how many pairs that is; no row with itself."""
    pairs = left[:, :, None] & right[:, None, :] & ~np.eye(left.shape[1], dtype=bool)
    n = int(pairs.sum())
    return float((alike & pairs).sum() / max(n, 1)), n


def _groups(alike: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(P,) how many groups of two or more rows each person has; rows linked by a chain are one group."""
    width = alike.shape[1]
    for _ in range(width.bit_length()):
        alike = (alike.astype(np.float32) @ alike.astype(np.float32)) > 0
    first = alike.argmax(axis=2) == np.arange(width)
    return np.asarray((first & (alike.sum(axis=2) >= 2)).sum(axis=1))
