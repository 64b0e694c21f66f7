"""Rows that are more like somebody else: likely wrong names.

From each unit row the mean of its pose bin is subtracted, or profiles of two people would be alike because they are
profiles. A person is the sum of such rows; a row is compared with its own person without itself. Only the rows least
like their own person are compared with everybody: a wrongly named row is always among them. About a fifth of wrong
names is missed: those of poor photos and of people who are not in the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding
from poseid.doctor.folder import NOBODY, Folder
from poseid.doctor.scan import Advance, Scan
from poseid.features.rows import shown

MARGIN, TYPICAL = 0.3, 0.7
"""A name is likely wrong where the cosine with another person is higher than with its own by the margin, and reaches
this share of the median cosine of rows with their own person."""
FEWEST_ROWS = 3
"""People with fewer rows are not checked."""

MOST_COMPARED = 50_000
_MOST_PRODUCTS = 2_000_000_000  # rows times people compared
_MANY, _VERY_MANY = 0.005, 0.05
_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Likeness:
    """How like their own person all rows are, and how like somebody else the least of them.

    Attributes:
        median: of the cosines with the own person, over all rows judged.
        judged: number of rows with a person of `FEWEST_ROWS` or more.
        row: (k,) the rows least like their own person, k of them.
        own: (k,) cosine with the own person.
        other: (k,) the highest cosine with somebody else.
        likely: (k,) who that is, a number in `Folder.names`.
    """

    median: float
    judged: int
    row: NDArray[np.int64]
    own: NDArray[np.float64]
    other: NDArray[np.float64]
    likely: NDArray[np.int64]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(k,) rows whose name is likely wrong."""
        return np.asarray((self.other - self.own >= MARGIN) & (self.other >= TYPICAL * self.median))


def find_likeness(folder: Folder, found: Scan, advance: Advance) -> Likeness | None:
    """Reads every vector once more; None where nobody, or one person only, has enough rows."""
    enough = found.counts.sum(axis=1) >= FEWEST_ROWS
    if enough.sum() < 2:
        advance(len(folder))
        return None
    people = np.flatnonzero(found.summed)[enough]
    centres = (found.sums - found.counts.astype(np.float32) @ found.bin_means)[enough]
    centre_of = np.full(len(folder.names) + 1, NOBODY)  # the last stands for nobody
    centre_of[people] = np.arange(len(people))
    whose = np.where(found.usable, centre_of[folder.person], NOBODY)
    own = np.full(len(folder), np.nan, np.float32)
    for rows, block in folder.blocks():
        advance(len(block))
        numbers = rows.start + np.flatnonzero(whose[rows] != NOBODY)
        moved = block[numbers - rows.start] / found.lengths[numbers, None] - found.bin_means[found.bins[numbers]]
        others = centres[whose[numbers]] - moved
        norms = np.linalg.norm(moved, axis=1) * np.linalg.norm(others, axis=1)
        own[numbers] = np.einsum("ij,ij->i", moved, others) / np.maximum(norms, 1e-12)
    judged = np.flatnonzero(~np.isnan(own))
    if not judged.size:
        return None
    most = int(min(judged.size, MOST_COMPARED, max(_MOST_PRODUCTS // len(found.sums), _AT_ONCE)))
    least = np.sort(judged[np.argpartition(own[judged], most - 1)[:most]])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    other, nearest = np.empty(most), np.empty(most, np.int64)
    for start in range(0, most, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        moved = folder.unit_rows(least[part]).astype(np.float32) - found.bin_means[found.bins[least[part]]]
        cosine = moved @ centres.T
        cosine /= np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)
        cosine[np.arange(len(cosine)), whose[least[part]]] = -1.0
        nearest[part], other[part] = cosine.argmax(axis=1), cosine.max(axis=1)
    median = float(np.median(own[judged]))
    return Likeness(median, int(judged.size), least, own[least].astype(np.float64), other, people[nearest])


def check_labels(folder: Folder, likeness: Likeness | None) -> Iterator[Finding]:
    """Rows whose name is likely wrong."""
    if likeness is None or not likeness.wrong.any():
        return
    wrong = np.flatnonzero(likeness.wrong)
    wrong = wrong[np.argsort(likeness.own[wrong] - likeness.other[wrong])]
    rows, n, worst = likeness.row[wrong], len(wrong), wrong[0]
    part = n / likeness.judged
    name, other = (shown(folder.names[i]) for i in (folder.person[rows[0]], likeness.likely[worst]))
    yield folder.finding(
        "wrong-labels",
        rows,
        likeness.judged,
        f"; such as {folder.row_names(rows)[0]}, named {name}: cosine {likeness.own[worst]:.2f} with the other rows of "
        f"that name, {likeness.other[worst]:.2f} with {other}. The median of all rows with their own person is "
        f"{likeness.median:.2f}",
        {"median_own": likeness.median},
        NOTE if part < _MANY or n < 3 else ERROR if part >= _VERY_MANY else WARNING,
    )
