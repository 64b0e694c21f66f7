"""Rows that are more like somebody else: likely wrong names.

From each unit row the mean of its pose bin is taken away, else profiles of two people look alike for being profiles.
A person is the sum of such rows; a row is compared with its own person without itself. Only the rows least like their
own person are compared with everybody: a wrongly named row is always among the least alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, row_names, share
from poseid.doctor.reading import NOBODY, Folder
from poseid.doctor.scan import FINE, Advance, Scan
from poseid.features.rows import shown

MARGIN = 0.3
"""So much more like somebody else, in cosine, a row must be."""
TYPICAL = 0.7
"""And so like them, as a share of what half of all rows reach with their own person."""
FEWEST_ROWS = 3
"""A person of fewer rows is judged by nothing."""

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
        file: (k,) 0 front, 1 video; of the rows least like their own person, k of them.
        row: (k,) the row in its file.
        own: (k,) cosine with the own person.
        other: (k,) the highest cosine with somebody else.
        likely: (k,) who that is, a number in `Folder.names`.
    """

    median: float
    judged: int
    file: NDArray[np.int8]
    row: NDArray[np.int64]
    own: NDArray[np.float64]
    other: NDArray[np.float64]
    likely: NDArray[np.int64]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """(k,) rows whose name is likely wrong."""
        wrong: NDArray[np.bool_] = (self.other - self.own >= MARGIN) & (self.other >= TYPICAL * self.median)
        return wrong


def find_likeness(folder: Folder, found: Scan, advance: Advance) -> Likeness | None:
    """Reads every vector once more; None where nobody, or one person only, has enough rows."""
    people = np.flatnonzero(found.summed)
    enough = found.counts.sum(axis=1) >= FEWEST_ROWS
    if enough.sum() < 2:
        for file in folder.files:
            advance(len(file))
        return None
    centres = found.sums - found.counts.astype(np.float32) @ found.bin_means
    place = np.full(len(folder.names) + 1, NOBODY)
    place[people[enough]] = np.flatnonzero(enough)
    own = [np.full(len(file), np.nan, np.float32) for file in folder.files]
    for file, one, cosine in zip(folder.files, (found.front, found.video), own, strict=True):
        of_row = place[file.person]
        for start, block in file.blocks():
            advance(len(block))
            part = slice(start, start + len(block))
            use = (of_row[part] != NOBODY) & (one.status[part] == FINE)
            moved = block[use] / one.lengths[part][use][:, None] - found.bin_means[one.bins[part][use]]
            others = centres[of_row[part][use]] - moved
            norms = np.linalg.norm(moved, axis=1) * np.linalg.norm(others, axis=1)
            cosine[start + np.flatnonzero(use)] = np.einsum("ij,ij->i", moved, others) / np.maximum(norms, 1e-12)
    joined = np.concatenate(own)
    judged = np.flatnonzero(~np.isnan(joined))
    if not judged.size:
        return None
    most = int(min(judged.size, MOST_COMPARED, max(_MOST_PRODUCTS // len(centres), _AT_ONCE)))
    least = np.sort(judged[np.argpartition(joined[judged], most - 1)[:most]])
    centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12)
    centres[~enough] = 0.0
    other, likely = _nearest(folder, found, least, place, centres)
    first = len(folder.front)
    return Likeness(
        float(np.median(joined[judged])),
        int(judged.size),
        (least >= first).astype(np.int8),
        np.where(least >= first, least - first, least),
        joined[least].astype(np.float64),
        other,
        people[likely],
    )


def _nearest(
    folder: Folder,
    found: Scan,
    least: NDArray[np.int64],
    place: NDArray[np.int64],
    centres: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each row, the highest cosine with another person's sum, and whose."""
    other, likely = np.empty(len(least)), np.empty(len(least), np.int64)
    first = len(folder.front)
    for start in range(0, len(least), _AT_ONCE):
        rows = least[start : start + _AT_ONCE]
        parts = []
        for file, one, chosen in (
            (folder.front, found.front, rows[rows < first]),
            (folder.video, found.video, rows[rows >= first] - first),
        ):
            unit = file.features[chosen].astype(np.float32) / one.lengths[chosen][:, None]
            parts.append((unit - found.bin_means[one.bins[chosen]], place[file.person[chosen]]))
        moved, own = (np.concatenate(column) for column in zip(*parts, strict=True))
        cosine = moved @ centres.T
        cosine /= np.maximum(np.linalg.norm(moved, axis=1), 1e-12)[:, None]
        cosine[np.arange(len(rows)), own] = -1.0
        best = cosine.argmax(axis=1)
        other[start : start + len(rows)] = cosine[np.arange(len(rows)), best]
        likely[start : start + len(rows)] = best
    return other, likely


def check_labels(folder: Folder, likeness: Likeness | None) -> list[Finding]:
    """Rows whose name is likely wrong."""
    if likeness is None or not likeness.wrong.any():
        return []
    wrong = np.flatnonzero(likeness.wrong)
    wrong = wrong[np.argsort(likeness.own[wrong] - likeness.other[wrong])]
    n = len(wrong)
    part = n / likeness.judged
    names = [row_names(folder.files[likeness.file[k]].name, [likeness.row[k]])[0] for k in wrong[:1000].tolist()]
    worst = wrong[0]
    file = folder.files[likeness.file[worst]]
    named = shown(folder.names[file.person[likeness.row[worst]]])
    return [
        Finding(
            "wrong-labels",
            NOTE if part < _MANY or n < 3 else ERROR if part >= _VERY_MANY else WARNING,
            "Rows that are more like another person",
            f"{share(n, likeness.judged)} rows; such as {names[0]}, named {named}: cosine {likeness.own[worst]:.2f} "
            f"with the other rows of that name, {likeness.other[worst]:.2f} with "
            f"{shown(folder.names[likeness.likely[worst]])}. Half of all rows reach {likeness.median:.2f} with their "
            "own.",
            "Look at these photos, the first ones first; correct the names or leave the rows out. About a fifth of "
            "wrong names escape this check: those of poor photos and of people that are not in the folder.",
            {"n": n, "of": likeness.judged, "median_own": likeness.median},
            tuple(names),
        )
    ]
