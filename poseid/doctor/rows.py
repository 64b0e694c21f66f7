"""Operations on groups of rows, such as the rows of one person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
