"""The settings that no other setting beats in two figures at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def on_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other point beats: no worse in any column and better in one. Equal points stand together.

    Args:
        costs: (n, k), lower is better.

    >>> on_front(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]])).tolist()
    [True, True, False]
    """
    no_worse = np.all(costs[None] <= costs[:, None], axis=2)
    better = np.any(costs[None] < costs[:, None], axis=2)
    beaten: NDArray[np.bool_] = np.any(no_worse & better, axis=1)
    return ~beaten
