"""Takes impostor scores tile by tile, in bounded memory, and keeps the highest exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostors import BINS, OFFSET, SCALE, Impostors, bin_of, edge_of

LEFT_OUT = -1 - 2.0**-15
"""Stands in a tile for a comparison that is no impostor comparison: below any cosine, and still in a bin."""
BODY_SAMPLE = 1 << 19
"""About so many of the impostor comparisons that are only counted are kept for the bootstrap."""

_LOWEST = -1 - 2.0**-16
# so many scores at a time stay in the processor's cache
_CHUNK = 1 << 15
_MOST_FRESH = 1 << 31
_LEFT_OUT_BIN = int(bin_of(np.array([LEFT_OUT]))[0])

Sample = tuple[NDArray[np.floating], NDArray[np.integer], NDArray[np.integer]]


class ImpostorStore:
    """The impostor scores of one form (raw or enhanced) of a set.

    total        how many scores will come
    keep         so many of the highest are kept exactly; with `keep` = `total` all are, and nothing is counted
    bound        scores below it are never kept (a guess, see `scores`); -inf for none
    with_people  keep who was compared
    seed         of the share of the counted comparisons that is kept for the bootstrap
    """

    def __init__(
        self, total: int, keep: int, bound: float, dtype: type[np.floating], people: int, with_people: bool, seed: int
    ) -> None:
        self.total = total
        self.keep = keep
        self.counting = keep < total
        self.with_people = with_people
        self.bound = max(bound, _LOWEST)
        self.room = min(total, keep + keep // 4 + _CHUNK)
        self.scores = np.empty(self.room, dtype=dtype)
        person = np.dtype(np.uint16 if people <= np.iinfo(np.uint16).max else np.int32)
        self.left: NDArray[np.integer] = np.empty(self.room if with_people else 0, dtype=person)
        self.right: NDArray[np.integer] = np.empty_like(self.left)
        self.used = 0
        self.count = 0
        self.sum = 0.0
        self.squares = 0.0
        self.bins = np.zeros(BINS if self.counting else 0, dtype=np.int64)
        # half the size stays in the cache; emptied into `bins` before one could overflow
        self._fresh = np.zeros(self.bins.size, dtype=np.uint32)
        self._fresh_count = 0
        self.share = min(1.0, BODY_SAMPLE / max(total, 1))
        self.rng = np.random.default_rng(seed)
        self.sampled: list[Sample] = []
        self._single = np.empty(_CHUNK, dtype=dtype)
        self._double = np.empty(_CHUNK, dtype=np.float64)
        # to whole numbers of the same width, then wider: twice as fast as both at once
        self._near = np.empty(_CHUNK, dtype=np.int32)
        self._spot = np.empty(_CHUNK, dtype=np.int64)

    def add(
        self, tile: NDArray[np.floating], left_out: int, left: NDArray[np.integer], right: NDArray[np.integer]
    ) -> None:
        """The scores of a tile.

        tile      (rows, columns), contiguous; LEFT_OUT where two rows make no impostor comparison
        left_out  how many those are
        left      (rows,) people of the rows
        right     (columns,) people of the columns
        """
        scores = tile.reshape(-1)
        self.count += scores.size - left_out
        # few bits are set in LEFT_OUT and its square: they are taken out of the sums without rounding
        self.sum -= LEFT_OUT * left_out
        self.squares -= LEFT_OUT**2 * left_out
        if self.counting:
            self.bins[_LEFT_OUT_BIN] -= left_out
            self._sample(scores, left, right)
        for start in range(0, scores.size, _CHUNK):
            chunk = scores[start : start + _CHUNK]
            self._count(chunk)
            chosen = (chunk >= self.bound).nonzero()[0]
            if not chosen.size:
                continue
            if self.used + chosen.size > self.room:
                self._evict()
                chosen = chosen[chunk[chosen] >= self.bound]
            end = self.used + chosen.size
            np.take(chunk, chosen, out=self.scores[self.used : end], mode="clip")
            if self.with_people:
                row, column = np.divmod(chosen + start, right.size)
                self.left[self.used : end] = left[row]
                self.right[self.used : end] = right[column]
            self.used = end

    def _count(self, chunk: NDArray[np.floating]) -> None:
        """Sums and bins; each step goes through a buffer that stays in the cache."""
        wide = self._double[: chunk.size]
        np.copyto(wide, chunk)
        self.sum += float(wide.sum())
        self.squares += float(wide @ wide)
        if self.counting:
            # what `bin_of` does, without making arrays
            scaled, near, spot = (buffer[: chunk.size] for buffer in (self._single, self._near, self._spot))
            np.multiply(chunk, SCALE, out=scaled)
            np.add(scaled, OFFSET, out=scaled)
            np.copyto(near, scaled, casting="unsafe")
            np.copyto(spot, near)
            np.add.at(self._fresh, spot, np.uint32(1))
            self._fresh_count += chunk.size
            if self._fresh_count >= _MOST_FRESH:
                self._empty_fresh()

    def _empty_fresh(self) -> None:
        self.bins += self._fresh
        self._fresh[:] = 0
        self._fresh_count = 0

    def _sample(self, scores: NDArray[np.floating], left: NDArray[np.integer], right: NDArray[np.integer]) -> None:
        if self.with_people:
            some = self.rng.integers(0, scores.size, size=self.rng.binomial(scores.size, self.share))
            some = some[scores[some] > _LOWEST]
            row, column = np.divmod(some, right.size)
            self.sampled.append((scores[some], left[row], right[column]))

    def _evict(self) -> None:
        """Down to the `keep` highest of the scores so far."""
        if self.used <= self.keep:
            return
        order = np.argpartition(-self.scores[: self.used], self.keep - 1)[: self.keep]
        self.scores[: self.keep] = self.scores[order]
        if self.with_people:
            self.left[: self.keep] = self.left[order]
            self.right[: self.keep] = self.right[order]
        self.used = self.keep
        self.bound = float(self.scores[: self.keep].min())

    def short(self) -> bool:
        """Whether the guessed bound was too high: fewer scores were kept than were asked for."""
        return self.used < self.keep

    def finish(self) -> Impostors:
        """The scores, sorted; the store is spent."""
        if self.count != self.total:
            raise RuntimeError(f"{self.count} impostor comparisons were made where {self.total} were to come")
        # one array after another is replaced, so that no two copies of all stand side by side
        falling = self.scores[: self.used]
        np.negative(falling, out=falling)
        left, right = self.left[: self.used], self.right[: self.used]
        if self.with_people:
            order = np.argsort(falling)[: self.keep]
            falling, left, right = falling[order], left[order], right[order]
        else:
            falling.sort()
            falling = falling[: self.keep].copy()
        del self.scores, self.left, self.right
        mean = self.sum / self.count if self.count else np.nan
        variance = max(self.squares / self.count - mean**2, 0.0) if self.count else np.nan
        if not self.counting:
            return Impostors(falling, np.array([self.total]), mean, variance, left, right, None)
        lowest = -falling[-1]
        # the bins held every score: take out those that are kept exactly
        self._empty_fresh()
        rest = self.bins
        for start in range(0, falling.size, _CHUNK):
            np.subtract.at(rest, bin_of(-falling[start : start + _CHUNK]), 1)
        filled = np.flatnonzero(rest)[::-1]
        counted = falling.size + np.concatenate([[0], np.cumsum(rest[filled])])
        # an edge lies at or below every score in its bin, so below the lowest exact score too
        edges = np.maximum(-edge_of(filled).astype(falling.dtype), falling[-1])
        body = self._body(lowest) if self.with_people else None
        return Impostors(np.concatenate([falling, edges]), counted, mean, variance, left, right, body)

    def _body(self, lowest: np.floating) -> Sample:
        scores, left, right = (np.concatenate(column) for column in zip(*self.sampled, strict=True))
        below = np.flatnonzero(scores <= lowest)
        below = below[np.argsort(-scores[below])]
        return scores[below], left[below], right[below]
