"""The impostor scores of a set of comparisons: the highest exactly, the others counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 1 << 17
"""Scores that are only counted are counted in bins of 2⁻¹⁷."""
OFFSET = SCALE + 32
"""The bin of the score 0; 32 bins beyond -1 and 1 are room for rounding."""
BINS = 2 * OFFSET + 1


def bin_of(scores: NDArray[np.floating]) -> NDArray[np.int64]:
    """The bin of a score in [-1, 1].

    >>> bin_of(np.array([-1.0, 0.0, 2.0**-17, 1.0])).tolist()
    [32, 131104, 131105, 262176]
    """
    bins: NDArray[np.int64] = (scores * SCALE + OFFSET).astype(np.int64)
    return bins


def edge_of(bins: NDArray[np.integer]) -> NDArray[np.float64]:
    """The lower edge of a bin; float32 holds it exactly."""
    return (bins - OFFSET) / SCALE


@dataclass(frozen=True)
class Impostors:
    """The impostor scores of a set, highest first and negated (`falling` rises, so that it can be searched)."""

    falling: NDArray[np.floating]
    """Scores kept exactly, one comparison each, then the lower edges of the bins that hold the rest."""
    counted: NDArray[np.int64]
    """(len(falling) + 1 − exact,) number of comparisons before each bin; the last is the total."""
    mean: float
    variance: float
    left: NDArray[np.integer]
    """(exact,) the two people compared; empty when they were not asked for."""
    right: NDArray[np.integer]
    body: tuple[NDArray[np.floating], NDArray[np.integer], NDArray[np.integer]] | None
    """A random share of the comparisons that are only counted: score and both people."""

    @property
    def total(self) -> int:
        """How many impostor comparisons there are."""
        return int(self.counted[-1])

    @property
    def exact(self) -> int:
        """How many entries of `falling` are exact scores of one comparison each."""
        return self.falling.size + 1 - self.counted.size

    def before(self, entries: NDArray[np.integer]) -> NDArray[np.float64]:
        """The number of comparisons before each of these entries of `falling`; the entry past the last has them all."""
        beyond = self.counted[np.maximum(entries - self.exact, 0)]
        return np.where(entries < self.exact, entries, beyond).astype(np.float64)

    def entries_at(self, ranks: NDArray[np.integer]) -> NDArray[np.intp]:
        """The entries of `falling` that hold the comparisons with so many above them (0: the highest)."""
        beyond = self.exact - 1 + np.searchsorted(self.counted, ranks, side="right")
        return np.where(ranks < self.exact, ranks, beyond).astype(np.intp)

    def at_or_above(self, threshold: float) -> float:
        """How many impostor comparisons are accepted at a threshold."""
        return float(self.before(np.searchsorted(self.falling, [-threshold], side="right"))[0])

    def highest(self, rank: int) -> np.floating:
        """The score with `rank` impostor comparisons above it (0: the highest)."""
        score: np.floating = -self.falling[self.entries_at(np.array([rank]))[0]]
        return score

    def aligned(self, genuine: NDArray[np.floating]) -> NDArray[np.floating]:
        """Genuine scores among the bins brought to the edges of their bins too, so that ties stay ties."""
        if self.exact == self.falling.size:
            return genuine
        lowest = -self.falling[self.exact - 1]
        edges = np.minimum(edge_of(bin_of(genuine)).astype(genuine.dtype), lowest)
        return np.where(genuine < lowest, edges, genuine)
