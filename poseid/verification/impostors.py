"""The impostor scores of a set of comparisons in bounded memory: the highest exactly, the others counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SCALE = 1 << 17
"""Scores that are only counted are counted in bins of 2⁻¹⁷."""
OFFSET = SCALE + 32
"""The bin of the score 0; 32 bins beyond -1 and 1 are room for rounding."""
BINS = 2 * OFFSET + 1
EXCLUDED = -1 - 2.0**-15
"""Marks in a tile what is no impostor comparison: below any cosine, in a bin of its own, and of few bits."""
SAMPLE = 1 << 19
"""About so many of the impostor comparisons that are only counted are stored for the bootstrap."""
COUNTED = 1 << 26
"""At most about so many comparisons are counted: of more, one in n represents n."""
_LOWEST = -1 - 2.0**-16

Sample = tuple[NDArray[np.floating], NDArray[np.integer], NDArray[np.integer]]
"""Scores and the two people of each."""


def bin_of(scores: NDArray[np.floating]) -> NDArray[np.int32]:
    """The bin of a score in [-1, 1].

    >>> bin_of(np.array([-1.0, 0.0, 2.0**-17, 1.0])).tolist()
    [32, 131104, 131105, 262176]
    """
    bins: NDArray[np.int32] = (scores * SCALE + OFFSET).astype(np.int32)
    return bins


def edge_of(bins: NDArray[np.integer]) -> NDArray[np.float64]:
    """The lower edge of a bin; float32 holds it exactly."""
    return (bins - OFFSET) / SCALE


@dataclass(frozen=True)
class Impostors:
    """The impostor scores of a set, highest first and negated, so that they ascend and can be searched."""

    negated: NDArray[np.floating]
    """Exact scores, one comparison each, then the lower edges of the bins that hold the rest."""
    counted: NDArray[np.int64]
    """(len(negated) + 1 − exact,) number of comparisons before each bin; the last is the total."""
    mean: float
    variance: float
    left: NDArray[np.integer]
    """(exact,) the two people compared; empty when they were not asked for."""
    right: NDArray[np.integer]
    sample: Sample | None
    """A random share of the comparisons that are only counted."""

    @property
    def total(self) -> int:
        """How many impostor comparisons there are."""
        return int(self.counted[-1])

    @property
    def exact(self) -> int:
        """How many entries of `negated` are exact scores of one comparison each."""
        return self.negated.size + 1 - self.counted.size

    def before(self, entries: NDArray[np.integer]) -> NDArray[np.float64]:
        """The number of comparisons before each of these entries of `negated`; one past the last has them all."""
        beyond = self.counted[np.maximum(entries - self.exact, 0)]
        return np.where(entries < self.exact, entries, beyond).astype(np.float64)

    def entries_at(self, ranks: NDArray[np.integer]) -> NDArray[np.intp]:
        """The entries of `negated` that hold the comparisons with so many above them (0: the highest)."""
        beyond = self.exact - 1 + np.searchsorted(self.counted, ranks, side="right")
        return np.where(ranks < self.exact, ranks, beyond).astype(np.intp)

    def at_or_above(self, threshold: float) -> float:
        """How many impostor comparisons are accepted at a threshold."""
        return float(self.before(np.searchsorted(self.negated, [-threshold], side="right"))[0])

    def highest(self, rank: int) -> np.floating:
        """The score with `rank` impostor comparisons above it (0: the highest)."""
        score: np.floating = -self.negated[self.entries_at(np.array([rank]))[0]]
        return score

    def aligned(self, genuine: NDArray[np.floating]) -> NDArray[np.floating]:
        """Genuine scores among the bins brought to the edges of their bins too, so that ties stay ties."""
        if self.exact == self.negated.size:
            return genuine
        lowest = -self.negated[self.exact - 1]
        edges = np.minimum(edge_of(bin_of(genuine)).astype(genuine.dtype), lowest)
        return np.where(genuine < lowest, edges, genuine)


class ImpostorStore:
    """Collects the impostor scores of one form (raw or enhanced) of a set, tile by tile.

    total        how many scores will come
    exact        so many of the highest are stored exactly; with `exact` = `total` all are, and nothing is counted
    bound        scores below it are never stored (a guess, see `scores`); -inf for none
    tile         the most scores of a tile
    with_people  store who was compared
    """

    def __init__(
        self, total: int, exact: int, bound: float, tile: int, dtype: type[np.floating], people: int, with_people: bool
    ) -> None:
        self.total, self.exact = total, exact
        self.bound = max(bound, _LOWEST)
        room = min(total, exact + exact // 4 + tile)
        person = np.uint16 if people <= np.iinfo(np.uint16).max else np.int32
        self.scores: NDArray[np.floating] = np.empty(room, dtype)
        self.people: list[NDArray[np.integer]] = [np.empty(room, person) for _ in range(2 if with_people else 0)]
        self.used = 0
        self.stride = max(1, -(-total // COUNTED))
        self.bins = np.zeros(BINS if exact < total else 0, dtype=np.int64)
        self.sum = self.squares = 0.0
        self.share = min(1.0, SAMPLE / max(total, 1))
        self.rng = np.random.default_rng(0)
        self.sampled: list[Sample] = []

    def add(self, tile: NDArray[np.floating], left: NDArray[np.integer], right: NDArray[np.integer]) -> None:
        """The scores of a tile.

        tile         (rows, columns), contiguous; EXCLUDED where two rows make no impostor comparison
        left, right  (rows,) and (columns,) people
        """
        scores = tile.reshape(-1)
        if self.bins.size:
            self._count(tile)
        if self.bins.size and self.people:
            some = self.rng.integers(0, scores.size, size=self.rng.binomial(scores.size, self.share))
            some = some[scores[some] > _LOWEST]
            row, column = np.divmod(some, right.size)
            self.sampled.append((scores[some], left[row], right[column]))
        chosen = np.flatnonzero(scores >= self.bound)
        if self.used + chosen.size > self.scores.size:
            self._evict()
            chosen = chosen[scores[chosen] >= self.bound]
        end = self.used + chosen.size
        np.take(scores, chosen, out=self.scores[self.used : end], mode="clip")
        if self.people:
            row, column = np.divmod(chosen, right.size)
            for people, values in zip(self.people, (left[row], right[column]), strict=True):
                people[self.used : end] = values
        self.used = end

    def _count(self, tile: NDArray[np.floating]) -> None:
        scores = tile.reshape(-1)
        if self.stride > 1:
            # one of each `stride` columns of a row, drawn, since rows and columns have an order, such as the photos of
            # a person: a fixed step would meet the same kind of photo each time
            rows, columns = tile.shape
            first = np.arange(0, columns, self.stride)
            column = first + self.rng.integers(0, self.stride, size=(rows, first.size), dtype=np.uint16)
            index = column + np.arange(0, scores.size, columns)[:, None]
            # of the last columns, where fewer than `stride` are left, now and then none
            scores = scores[index.reshape(-1) if columns % self.stride == 0 else index[column < columns]]
        self.bins += np.bincount(bin_of(scores), minlength=BINS)
        wide = scores.astype(np.float64)
        self.sum += float(wide.sum())
        self.squares += float(wide @ wide)

    def _evict(self) -> None:
        """Down to the `exact` highest of the scores so far."""
        order = np.argpartition(-self.scores[: self.used], self.exact - 1)[: self.exact]
        for column in (self.scores, *self.people):
            column[: self.exact] = column[order]
        self.used = self.exact
        self.bound = float(self.scores[: self.exact].min())

    def is_incomplete(self) -> bool:
        """Whether the guessed bound was too high: fewer scores are stored than were asked for."""
        return self.used < self.exact

    def finish(self) -> Impostors:
        """The scores, sorted; the store is spent."""
        # one array after another is replaced, so that no two copies of all stand side by side
        negated = self.scores[: self.used]
        np.negative(negated, out=negated)
        left: NDArray[np.integer] = np.empty(0, dtype=np.int32)
        right = left
        if self.people:
            order = np.argsort(negated)[: self.exact]
            negated = negated[order]
            left, right = (self.people.pop(0)[order] for _ in range(2))
        else:
            negated.sort()
            negated = negated[: self.exact].copy()
        del self.scores
        if not self.bins.size:
            wide = -negated.astype(np.float64)
            moments = (float(wide.mean()), float(wide.var())) if wide.size else (np.nan, np.nan)
            return Impostors(negated, np.array([self.total]), *moments, left, right, None)
        excluded = int(bin_of(np.array(EXCLUDED)))
        none, self.bins[excluded] = float(self.bins[excluded]), 0
        count = float(self.bins.sum())
        mean = (self.sum - EXCLUDED * none) / count
        variance = max((self.squares - EXCLUDED**2 * none) / count - mean**2, 0.0)
        # The bins hold the exact scores too. From the bin of the lowest exact score, which holds both kinds, the exact
        # ones are taken out; each of the other bins is either above it or below.
        last = int(bin_of(-negated[-1:])[0])
        stored = np.count_nonzero(bin_of(-negated[np.searchsorted(negated, -edge_of(np.array(last + 1))) :]) == last)
        rest = self.bins[: last + 1].astype(np.float64)
        rest[last] = max(rest[last] - stored / self.stride, 0.0)
        filled = np.flatnonzero(rest)[::-1]
        beyond = np.cumsum(rest[filled])
        share = (self.total - negated.size) / beyond[-1] if filled.size else 0.0
        counted = negated.size + np.concatenate([[0], np.rint(beyond * share).astype(np.int64)])
        # an edge lies at or below every score in its bin, so below the lowest exact score too
        edges = np.maximum(-edge_of(filled).astype(negated.dtype), negated[-1])
        sample = self._sample(-negated[-1]) if self.sampled else None
        return Impostors(np.concatenate([negated, edges]), counted, mean, variance, left, right, sample)

    def _sample(self, lowest: np.floating) -> Sample:
        """What was sampled below the exact scores, highest first."""
        scores, left, right = (np.concatenate(column) for column in zip(*self.sampled, strict=True))
        below = np.flatnonzero(scores <= lowest)
        below = below[np.argsort(-scores[below])]
        return scores[below], left[below], right[below]
