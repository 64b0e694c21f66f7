"""Takes impostor scores tile by tile, in bounded memory, and keeps the highest exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostors import BINS, OFFSET, SCALE, Impostors, bin_of, edge_of

LEFT_OUT = -1 - 2.0**-15
"""Stands in a tile for a comparison that is no impostor comparison: below any cosine, and still in a bin."""
BODY_SAMPLE = 1 << 19
"""About so many of the impostor comparisons that are only counted are kept for the bootstrap."""
COUNTED = 1 << 26
"""At most about so many comparisons are counted: of more, one in n stands for n."""

_LOWEST = -1 - 2.0**-16
# so many scores at a time stay in the processor's cache
_CHUNK = 1 << 15
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
        # of the comparisons that are counted: all, or one in `stride` where there are very many
        self.stride = max(1, -(-total // COUNTED))
        self.looked_at = 0
        self.sum = 0.0
        self.squares = 0.0
        # half the size of whole numbers stays in the cache, and COUNTED of them fit in one
        self.bins = np.zeros(BINS if self.counting else 0, dtype=np.uint32)
        self.share = min(1.0, BODY_SAMPLE / max(total, 1))
        self.rng = np.random.default_rng(seed)
        self.sampled: list[Sample] = []
        self._high = np.empty(_CHUNK, dtype=bool)
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
        if self.counting:
            self._sample(scores, left, right)
            if self.stride == 1:
                self._count(scores, left_out)
            else:
                some = scores[self._one_in_n(*tile.shape)]
                self._count(some, int(np.count_nonzero(some == scores.dtype.type(LEFT_OUT))))
        for start in range(0, scores.size, _CHUNK):
            chunk = scores[start : start + _CHUNK]
            chosen = np.greater_equal(chunk, self.bound, out=self._high[: chunk.size]).nonzero()[0]
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

    def _one_in_n(self, rows: int, columns: int) -> NDArray[np.intp]:
        """Places in a tile: one drawn of each `stride` columns of a row.

        Drawn, since rows and columns have an order, such as the photos of a person: a fixed step would meet the same
        kind of photo each time.
        """
        first = np.arange(0, columns, self.stride)
        column = first + self.rng.integers(0, self.stride, size=(rows, first.size), dtype=np.uint16)
        place = column + np.arange(0, rows * columns, columns)[:, None]
        # of the last columns, where fewer than `stride` are left, now and then none
        return place.reshape(-1) if columns % self.stride == 0 else place[column < columns]

    def _count(self, scores: NDArray[np.floating], left_out: int) -> None:
        """Sums and bins; each step goes through a buffer that stays in the cache."""
        self.looked_at += scores.size - left_out
        # few bits are set in LEFT_OUT and its square: they are taken out of the sums without rounding
        self.sum -= LEFT_OUT * left_out
        self.squares -= LEFT_OUT**2 * left_out
        for start in range(0, scores.size, _CHUNK):
            chunk = scores[start : start + _CHUNK]
            wide, scaled = self._double[: chunk.size], self._single[: chunk.size]
            near, spot = self._near[: chunk.size], self._spot[: chunk.size]
            np.copyto(wide, chunk)
            self.sum += float(wide.sum())
            self.squares += float(wide @ wide)
            # what `bin_of` does, without making arrays
            np.multiply(chunk, SCALE, out=scaled)
            np.add(scaled, OFFSET, out=scaled)
            np.copyto(near, scaled, casting="unsafe")
            np.copyto(spot, near)
            np.add.at(self.bins, spot, np.uint32(1))
        self.bins[_LEFT_OUT_BIN] -= np.uint32(left_out)

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
            order = rising_order(falling)[: self.keep]
            falling, left, right = falling[order], left[order], right[order]
        else:
            falling.sort()
            falling = falling[: self.keep].copy()
        del self.scores, self.left, self.right
        if not self.counting:
            wide = falling.astype(np.float64)
            moments = (float(-wide.mean()), float(wide.var())) if self.count else (np.nan, np.nan)
            return Impostors(falling, np.array([self.total]), *moments, left, right, None)
        mean = self.sum / self.looked_at
        variance = max(self.squares / self.looked_at - mean**2, 0.0)
        lowest = -falling[-1]
        # The bins hold kept scores too. Of the bin of the lowest one, which holds both, those that are kept are taken
        # out; each of the other bins is either above it or below.
        last = int(bin_of(np.array([lowest]))[0])
        kept = np.count_nonzero(bin_of(-falling[np.searchsorted(falling, -edge_of(np.array(last + 1))) :]) == last)
        rest = self.bins[: last + 1].astype(np.float64)
        rest[last] = max(rest[last] - kept / self.stride, 0.0)
        filled = np.flatnonzero(rest)[::-1]
        beyond = np.cumsum(rest[filled])
        share = (self.total - falling.size) / beyond[-1] if filled.size else 0.0
        counted = falling.size + np.concatenate([[0], np.rint(beyond * share).astype(np.int64)])
        # an edge lies at or below every score in its bin, so below the lowest exact score too
        edges = np.maximum(-edge_of(filled).astype(falling.dtype), falling[-1])
        body = self._body(lowest) if self.with_people else None
        return Impostors(np.concatenate([falling, edges]), counted, mean, variance, left, right, body)

    def _body(self, lowest: np.floating) -> Sample:
        scores, left, right = (np.concatenate(column) for column in zip(*self.sampled, strict=True))
        below = np.flatnonzero(scores <= lowest)
        below = below[np.argsort(-scores[below])]
        return scores[below], left[below], right[below]


def rising_order(scores: NDArray[np.floating]) -> NDArray[np.integer]:
    """The places of the scores from the lowest to the highest, ties by place; no NaN.

    float32 scores are sorted together with their places, as whole numbers, which is several times as fast as sorting
    places by scores.

    >>> rising_order(np.array([0.5, -1.0, 0.5, -0.25], np.float32)).tolist()
    [1, 3, 0, 2]
    """
    if scores.dtype != np.float32:
        return np.argsort(scores, kind="stable")
    bits = (scores + np.float32(0)).view(np.uint32)  # −0 and 0 are a tie
    # of negative numbers the bits rise as the number falls, and their first bit is set
    keys = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31)).astype(np.uint64)
    keys <<= np.uint64(32)
    keys |= np.arange(scores.size, dtype=np.uint32)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
