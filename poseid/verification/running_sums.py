"""Sums of the first n of weights, for a few n: of many weights block by block, since a sum over all is far slower."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_BLOCK = 512
_FEW = 1 << 13  # so few weights are summed up one by one: looking up a sum then costs nothing


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
        self._block = 1 if size <= _FEW else _BLOCK
        blocks = -(-size // self._block)
        self._padded: NDArray[np.float64] = np.zeros(blocks * self._block)
        self.weights = self._padded[:size]
        self._before = np.zeros(blocks + 1)

    def add_up(self) -> None:
        """Takes the weights as they now are."""
        sums = self._padded if self._block == 1 else self._padded.reshape(-1, self._block).sum(axis=1)
        np.cumsum(sums, out=self._before[1:])

    @property
    def total(self) -> float:
        return float(self._before[-1])

    def first(self, n: int) -> float:
        """The sum of the first n weights."""
        if self._block == 1:
            return float(self._before[n])
        block = n // self._block
        return float(self._before[block] + self._padded[block * self._block : n].sum())

    def reach(self, sum_: float) -> int:
        """The most weights from the first on whose sum is at most this; it must be below the sum of all."""
        block = int(np.searchsorted(self._before, sum_, side="right")) - 1
        if self._block == 1:
            return block
        within = self._before[block] + np.cumsum(self._padded[block * self._block : (block + 1) * self._block])
        return block * self._block + int(np.searchsorted(within, sum_, side="right"))
