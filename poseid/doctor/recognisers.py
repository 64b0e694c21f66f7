"""Whether all vectors are of one recogniser: frontal photos of one person must be alike, in each file and across."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import Finding, finding, share
from poseid.doctor.rows import rank_in_group
from poseid.doctor.scan import Sample
from poseid.features.rows import FRONTAL
from poseid.verification.scores import cosines, same_person

FEWEST_PEOPLE = 10
_ROWS_OF_A_PERSON = 8  # of each file
_MOST_PEOPLE = 2000
_IMPOSTORS = 60_000
_FMR = 0.005
_SPLIT = 0.15
_LINKED, _LOST = 0.7, 0.5


def check_recognisers(sample: Sample, kinds: NDArray[np.int8]) -> Iterator[Finding]:
    """Two files of two recognisers, or two recognisers in one file.

    Two frontal rows of a person are alike when more similar than all but 0.5 % of impostor pairs. Nothing is said of
    fewer than `FEWEST_PEOPLE` people with two such rows.

    Args:
        sample: the rows.
        kinds: (k,) FRONTAL, PROFILE or OTHER of each row of the sample.
    """
    rows = np.flatnonzero(kinds == FRONTAL)
    rows = rows[rank_in_group(2 * sample.person[rows] + sample.front[rows]) < _ROWS_OF_A_PERSON]
    rows = rows[np.argsort(sample.person[rows], kind="stable")]
    people, count = (first[:_MOST_PEOPLE] for first in np.unique(sample.person[rows], return_counts=True))
    rows = rows[np.isin(sample.person[rows], people)]
    if (count >= 2).sum() < FEWEST_PEOPLE:
        return
    one, other = (rows[drawn] for drawn in np.random.default_rng(0).integers(0, len(rows), (2, _IMPOSTORS)))
    impostor = sample.person[one] != sample.person[other]
    threshold = np.quantile(cosines(sample.unit, sample.unit, one[impostor], other[impostor]), 1 - _FMR)
    a, b = (rows[each] for each in same_person(sample.person[rows], sample.person[rows]))
    a, b = a[a < b], b[a < b]
    alike = cosines(sample.unit, sample.unit, a, b) >= threshold
    front = sample.front[a].astype(int) + sample.front[b]
    between, inside = alike[front == 1], [alike[front == 2], alike[front == 0]]
    enough = [float(pairs.mean()) for pairs in inside if 2 * len(pairs) >= 3 * FEWEST_PEOPLE]
    across = float(between.sum() / max(len(between), 1))
    if len(between) >= 3 * FEWEST_PEOPLE and enough and across < _LOST and min(enough) >= _LINKED:
        yield finding(
            "files-disagree",
            f"Of frontal photos of one person, {100 * across:.0f} % of pairs of a front and a video row are alike "
            f"(n = {len(between):,}); of pairs within a file, {100 * min(enough):.0f} %. Alike: above the threshold of "
            f"FMR {100 * _FMR:g} %.",
            {"across": across, "inside": min(enough), "n": len(between)},
        )
        return
    groups = _groups(len(sample.rows), a[alike], b[alike])[rows]
    _, first, size = np.unique(groups, return_index=True, return_counts=True)
    whose, several_groups = np.unique(sample.person[rows[first[size >= 2]]], return_counts=True)
    several = int(np.isin(people[count >= 4], whose[several_groups >= 2]).sum())
    total = int((count >= 4).sum())
    if total >= FEWEST_PEOPLE and several >= _SPLIT * total:
        yield finding(
            "mixed-recognisers",
            f"{share(several, total)} people with four or more frontal rows have two groups of rows: alike within a "
            "group, like other people between groups. Two people under one name have the same effect.",
            {"people": several, "of": total},
        )


def _groups(n: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the least number among the rows to which each row is linked by a chain of pairs.

    >>> _groups(5, np.array([1, 3]), np.array([3, 4])).tolist()
    [0, 1, 2, 1, 1]
    """
    group, before = np.arange(n), np.zeros(n, np.int64)
    while (group != before).any():
        before = group.copy()
        np.minimum.at(group, a, before[b])
        np.minimum.at(group, b, before[a])
    return group
