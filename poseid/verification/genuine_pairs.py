"""The genuine comparisons of the set `all`, for the figures: similarity raw and enhanced, with the probe's yaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.sides import Side, unit_rows

MOST_PAIRS = 50_000
"""A figure looks at no more genuine comparisons; of more, an even share drawn with a fixed seed stands in."""

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class GenuinePairs:
    """Genuine comparisons, one entry each."""

    raw: NDArray[np.float64]
    """(n,) cosine of the rows as they came."""
    enhanced: NDArray[np.float64]
    """(n,) cosine of the reference's reference form and the probe's probe form."""
    yaw: NDArray[np.float64]
    """(n,) degrees, of the probe; NaN where unknown."""
    person: NDArray[np.intp]
    """(n,) the person, as a number from 0 to people − 1."""
    people: int
    total: int
    """How many there are; more than n when a share stands in."""

    @property
    def gain(self) -> NDArray[np.float64]:
        """(n,) improvement, enhanced less raw; higher is better."""
        return self.enhanced - self.raw


def genuine_pairs(front: Side, video: Side, most: int = MOST_PAIRS) -> GenuinePairs:
    """Every front row against every video row of the same person, or an even share of `most` of them.

    >>> rows, none = np.eye(2), np.zeros(2)
    >>> side = Side(rows, rows, rows, np.array([0, 1]), none, none.astype(np.int8))
    >>> genuine_pairs(side, side).raw.tolist()
    [1.0, 1.0]
    """
    names, code = np.unique(np.concatenate([front.person, video.person]), return_inverse=True)
    people = len(names)
    f, v = code[: len(front.person)], code[len(front.person) :]
    # video rows person by person: the k-th genuine comparison is then found without listing them all
    order = np.argsort(v, kind="stable")
    counts = np.bincount(v, minlength=people)
    starts = np.cumsum(counts) - counts
    ends = np.cumsum(counts[f])
    total = int(ends[-1]) if ends.size else 0
    picks = _picks(total, most)
    left = np.searchsorted(ends, picks, side="right")
    right = order[starts[f[left]] + picks - (ends[left] - counts[f[left]])]
    raw = _cosines(front.raw, video.raw, left, right)
    same = front.reference is front.raw and video.probe is video.raw
    enhanced = raw if same else _cosines(front.reference, video.probe, left, right)
    return GenuinePairs(raw, enhanced, np.asarray(video.yaw, dtype=np.float64)[right], f[left], people, total)


def _picks(total: int, most: int) -> NDArray[np.int64]:
    """All places, or about `most` of them, one drawn from each stretch of equal length."""
    if total <= most:
        return np.arange(total, dtype=np.int64)
    inside = np.random.default_rng(0).random(most)
    return np.unique(np.minimum((np.arange(most) + inside) * (total / most), total - 1).astype(np.int64))


def _cosines(
    left: NDArray[np.floating], right: NDArray[np.floating], i: NDArray[np.intp], j: NDArray[np.intp]
) -> NDArray[np.float64]:
    out = np.empty(i.size)
    if not i.size:
        return out
    a, b = unit_rows(left, np.float32, "front"), unit_rows(right, np.float32, "video")
    for start in range(0, i.size, _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        out[some] = np.einsum("ij,ij->i", a[i[some]], b[j[some]])
    return out
