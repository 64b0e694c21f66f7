"""Sums of the first n of many weights, for a few n: block by block, since a running sum over all is far slower."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512


class RunningSums:
    """Sums over the start of an array of weights ≥ 0 that is filled again and again.

    Attributes:
        weights: (size,) to be filled; then call :meth:`add_up`.

    >>> sums = RunningSums(3)
    >>> sums.weights[:] = [2.0, 0.0, 1.0]
    >>> sums.add_up()
    >>> [sums.first(n) for n in range(4)], sums.reach(2.0), sums.reach(2.5)
    ([0.0, 2.0, 2.0, 3.0], 2, 2)
    """

    def __init__(self, size: int) -> None:
        blocks = -(-size // _BLOCK)
        self._padded: NDArray[np.float64] = np.zeros(blocks * _BLOCK)
        self.weights = self._padded[:size]
        self._before = np.zeros(blocks + 1)

    def add_up(self) -> None:
        """Takes the weights as they now are."""
        np.cumsum(self._padded.reshape(-1, _BLOCK).sum(axis=1), out=self._before[1:])

    @property
    def total(self) -> float:
        return float(self._before[-1])

    def first(self, n: int) -> float:
        """The sum of the first n weights."""
        block = n // _BLOCK
        return float(self._before[block] + self._padded[block * _BLOCK : n].sum())

    def reach(self, sum_: float) -> int:
        """The most weights from the first on whose sum is at most this; it must be below the sum of all."""
        block = int(np.searchsorted(self._before, sum_, side="right")) - 1
        within = self._before[block] + np.cumsum(self._padded[block * _BLOCK : (block + 1) * _BLOCK])
        return block * _BLOCK + int(np.searchsorted(within, sum_, side="right"))
