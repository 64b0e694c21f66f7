"""Operations on groups of rows, such as the rows of one person."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_PAIRS_AT_ONCE = 4096


def rank_in_group(groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) how many earlier entries are of the same group.

    >>> rank_in_group(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(groups, kind="stable")
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    return rank


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks scaled to mean 0 and variance 1; ties share theirs.

    >>> ranks(np.array([7.0, 7.0, 9.0, 9.0])).tolist()
    [-1.0, -1.0, 1.0, 1.0]
    """
    _, tie, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count + 1) / 2)[tie]
    return np.asarray((rank - rank.mean()) / max(float(rank.std()), 1e-12))


def add_by_group(sums: NDArray[np.floating], groups: NDArray[np.integer], rows: NDArray[np.floating]) -> None:
    """Adds each row to the sum of its group; rows of negative groups are left out.

    >>> sums = np.zeros((2, 1))
    >>> add_by_group(sums, np.array([1, -1, 1]), np.array([[1.0], [2.0], [4.0]]))
    >>> sums.tolist()
    [[0.0], [5.0]]
    """
    order = np.argsort(groups, kind="stable")
    order = order[np.searchsorted(groups[order], 0) :]
    if order.size:
        present, first = np.unique(groups[order], return_index=True)
        sums[present] += np.add.reduceat(rows[order], first, axis=0)


def genuine_pairs(
    person: NDArray[np.int32], left: NDArray[np.int64], right: NDArray[np.int64], most: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of a left and a right row of one person, also of a row with itself; with `most`, an even share.

    >>> genuine_pairs(np.array([5, 6, 5]), np.array([0, 1]), np.array([1, 2]))
    (array([0, 1]), array([2, 1]))
    """
    right = right[np.argsort(person[right], kind="stable")]
    first, end = (np.searchsorted(person[right], person[left], side=side) for side in ("left", "right"))
    total = np.cumsum(end - first)
    pairs = np.arange(int(total[-1]) if total.size else 0)
    if most is not None and len(pairs) > most:
        pairs = pairs[:: len(pairs) // most + 1]
    of = np.searchsorted(total, pairs, side="right")
    return left[of], right[end[of] - total[of] + pairs]


def pair_cosines(
    unit_rows: Callable[[NDArray[np.integer]], NDArray[np.floating]], a: NDArray[np.integer], b: NDArray[np.integer]
) -> NDArray[np.float64]:
    """(k,) cosines of row a[i] with row b[i]; `unit_rows` gives the unit vectors of rows, some at a time."""
    out = np.empty(len(a))
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        out[part] = np.einsum("ij,ij->i", unit_rows(a[part]), unit_rows(b[part]))
    return out
