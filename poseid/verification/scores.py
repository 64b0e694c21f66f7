"""Scores of a set of comparisons, computed in blocks: genuine ones all held, impostor ones from the top down.

Raw and enhanced scores are computed side by side. Up to `HELD` impostor comparisons every score is kept; beyond
that the highest scores are kept exactly, down below the largest FMR asked for, and the others are counted in bins
of 2⁻¹⁹, with a random share of them kept for the bootstrap. Memory is bounded whatever the number of comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.sets import Part

HELD = 1 << 22
"""So many impostor comparisons are all kept."""
BODY_SAMPLE = 1 << 19
"""About so many of the impostor comparisons that are only counted are kept for the bootstrap."""

_BLOCK = 1 << 20
_BINS = 1 << 20
_NONE = np.empty(0, dtype=np.int32)


@dataclass(frozen=True)
class Impostors:
    """The impostor scores of a set, highest first and negated (`falling` rises, so that it can be searched)."""

    falling: NDArray[np.floating]
    """Scores kept exactly, then the lower edges of the bins that hold the rest."""
    above: NDArray[np.float64]
    """(len(falling) + 1,) number of comparisons before each entry; the last is the total."""
    exact: int
    """How many entries of `falling` are exact scores of one comparison each."""
    total: int
    mean: float
    variance: float
    left: NDArray[np.int32]
    """(exact,) the two people compared; empty when they were not asked for."""
    right: NDArray[np.int32]
    body: tuple[NDArray[np.floating], NDArray[np.int32], NDArray[np.int32]] | None
    """A random share of the comparisons that are only counted: score and both people."""

    def at_or_above(self, threshold: float) -> float:
        """How many impostor comparisons are accepted at a threshold."""
        return float(self.above[np.searchsorted(self.falling, -threshold, side="right")])

    def aligned(self, genuine: NDArray[np.floating]) -> NDArray[np.floating]:
        """Genuine scores among the bins brought to the edges of their bins too, so that ties stay ties."""
        if self.exact == self.falling.size:
            return genuine
        lowest = -self.falling[self.exact - 1]
        edges = np.minimum(_edge_of(_bin_of(genuine)).astype(genuine.dtype), lowest)
        return np.where(genuine < lowest, edges, genuine)

    def highest(self, rank: int) -> np.floating:
        """The score with `rank` impostor comparisons above it (0: the highest)."""
        score: np.floating = -self.falling[int(np.searchsorted(self.above, rank, side="right")) - 1]
        return score


@dataclass(frozen=True)
class Genuine:
    """The genuine comparisons of a set."""

    raw: NDArray[np.floating]
    enhanced: NDArray[np.floating]
    person: NDArray[np.int64]
    left: NDArray[np.int64]
    """Rows of the part's left and right groups."""
    right: NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """A set of comparisons, scored: what all its rates are made from."""

    genuine: Genuine
    raw: Impostors
    enhanced: Impostors
    parts: tuple[Part, ...]


def count_comparisons(parts: Sequence[Part], people: int) -> tuple[int, int]:
    """Numbers of genuine and of impostor comparisons."""
    ones = np.ones((1, people))
    genuine, impostor = weigh_comparisons(parts, ones)
    return round(float(genuine[0])), round(float(impostor[0]))


def weigh_comparisons(
    parts: Sequence[Part], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Total weight of the genuine (w_i each) and impostor comparisons (w_i · w_j each), a row of weights a resample.

    With a_i and b_i rows of person i on the two sides: genuine Σ w_i a_i b_i, impostor (Σ w_i a_i)(Σ w_i b_i) −
    Σ w_i² a_i b_i; among themselves: genuine Σ w_i a_i (a_i − 1) / 2, impostor ((Σ w_i a_i)² − Σ w_i² a_i²) / 2.
    """
    resamples, people = weights.shape
    genuine, impostor = np.zeros(resamples), np.zeros(resamples)
    for part in parts:
        a, b = part.totals(people)
        first = weights @ a
        if b is None:
            genuine += weights @ (a * (a - 1) / 2)
            impostor += (first**2 - weights**2 @ a**2) / 2
        else:
            genuine += weights @ (a * b)
            impostor += first * (weights @ b) - weights**2 @ (a * b)
    return genuine, impostor


class ImpostorStore:
    """Takes impostor scores block by block and keeps the highest exactly; see the module."""

    def __init__(self, total: int, deepest_fmr: float, with_people: bool, seed: int, held: int = HELD) -> None:
        self.total = total
        self.with_people = with_people
        self.counting = total > held
        if self.counting:
            # resampled people need a little more than the share asked for: a quarter on top
            self.keep = min(total, max(held, int(1.25 * deepest_fmr * total) + 1))
            self.room = min(total, self.keep + max(self.keep // 2, 1))
            self.bins = np.zeros(_BINS + 1, dtype=np.int64)
            self.share = min(1.0, BODY_SAMPLE / total)
            self.rng = np.random.default_rng(seed)
        else:
            self.keep = self.room = total
        self.bound = -np.inf
        self.used = 0
        self.count = 0
        self.sum = 0.0
        self.squares = 0.0
        self.scores: NDArray[np.floating] | None = None
        people_room = self.room if with_people else 0
        self.left = np.empty(people_room, dtype=np.int32)
        self.right = np.empty(people_room, dtype=np.int32)
        self.sampled: list[tuple[NDArray[np.floating], NDArray[np.int32], NDArray[np.int32]]] = []

    def add(
        self,
        scores: NDArray[np.floating],
        place: NDArray[np.intp],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
    ) -> None:
        """Scores of a block, where in it they stand (row · columns + column), people of its rows and columns."""
        if self.scores is None:
            self.scores = np.empty(self.room, dtype=scores.dtype)
        self.count += scores.size
        wide = scores.astype(np.float64)
        self.sum += float(wide.sum())
        self.squares += float(wide @ wide)
        if not self.counting:
            self._put(scores, place, left, right)
            return
        self._sample(scores, place, left, right)
        chosen = np.flatnonzero(scores >= self.bound)
        self._bin(scores)
        for start in range(0, chosen.size, max(self.room - self.keep, 1)):
            some = chosen[start : start + max(self.room - self.keep, 1)]
            if self.used + some.size > self.room:
                self._evict()
                some = some[scores[some] >= self.bound]
            self._put(scores[some], place[some], left, right)

    def _put(
        self,
        scores: NDArray[np.floating],
        place: NDArray[np.intp],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
    ) -> None:
        assert self.scores is not None
        end = self.used + scores.size
        self.scores[self.used : end] = scores
        if self.with_people:
            row, column = np.divmod(place, right.size)
            self.left[self.used : end] = left[row]
            self.right[self.used : end] = right[column]
        self.used = end

    def _bin(self, scores: NDArray[np.floating]) -> None:
        self.bins += np.bincount(_bin_of(scores), minlength=_BINS + 1)

    def _sample(
        self,
        scores: NDArray[np.floating],
        place: NDArray[np.intp],
        left: NDArray[np.int32],
        right: NDArray[np.int32],
    ) -> None:
        if self.with_people:
            some = self.rng.integers(0, scores.size, size=self.rng.binomial(scores.size, self.share))
            row, column = np.divmod(place[some], right.size)
            self.sampled.append((scores[some], left[row], right[column]))

    def _evict(self) -> None:
        assert self.scores is not None
        if self.used <= self.keep:
            return
        order = np.argpartition(-self.scores[: self.used], self.keep - 1)[: self.keep]
        self.scores[: self.keep] = self.scores[order]
        if self.with_people:
            self.left[: self.keep] = self.left[order]
            self.right[: self.keep] = self.right[order]
        self.used = self.keep
        self.bound = float(self.scores[: self.keep].min())

    def finish(self) -> Impostors:
        """The scores, sorted; the store is spent."""
        if self.count != self.total:
            raise RuntimeError(f"{self.count} impostor comparisons were made where {self.total} were to come")
        if self.counting:
            self._evict()
        scores = np.empty(0) if self.scores is None else self.scores[: self.used]
        left = right = _NONE
        falling = np.negative(scores)
        if self.with_people:
            order = np.argsort(falling)
            falling, left, right = falling[order], self.left[: self.used][order], self.right[: self.used][order]
        else:
            falling.sort()
        mean = self.sum / self.count if self.count else np.nan
        variance = max(self.squares / self.count - mean**2, 0.0) if self.count else np.nan
        above = np.arange(falling.size + 1, dtype=np.float64)
        exact, body = falling.size, None
        self.scores = None
        if self.counting:
            # the bins held every score: take out those that are kept exactly
            rest = self.bins - np.bincount(_bin_of(-falling), minlength=_BINS + 1)
            filled = np.flatnonzero(rest)[::-1]
            edges = _edge_of(filled).astype(falling.dtype)
            above = np.concatenate([above, exact + np.cumsum(rest[filled])])
            # an edge lies at or below every score in its bin, so below the lowest exact score too
            falling = np.concatenate([falling, np.maximum(-edges, falling[-1])])
            if self.with_people:
                body = self._body(-falling[exact - 1])
        return Impostors(falling, above, exact, self.total, mean, variance, left, right, body)

    def _body(self, lowest: float) -> tuple[NDArray[np.floating], NDArray[np.int32], NDArray[np.int32]]:
        scores, left, right = (np.concatenate(column) for column in zip(*self.sampled, strict=True))
        below = np.flatnonzero(scores <= lowest)
        below = below[np.argsort(-scores[below])]
        return scores[below], left[below], right[below]


def _bin_of(scores: NDArray[np.floating]) -> NDArray[np.int32]:
    """The bin of a score in [-1, 1]; what rounding put outside counts in the end bins."""
    bins: NDArray[np.int32] = np.clip((scores + 1.0) * (_BINS / 2), 0, _BINS).astype(np.int32)
    return bins


def _edge_of(bins: NDArray[np.integer]) -> NDArray[np.float64]:
    """The lower edge of a bin; float32 holds it exactly."""
    return bins / (_BINS / 2) - 1.0


def compare(
    parts: Sequence[Part], people: int, *, deepest_fmr: float, with_people: bool, seed: int = 0, held: int = HELD
) -> Compared:
    """Score every comparison of the parts, raw and enhanced.

    `people` is the number of persons (codes 0 … people−1); `with_people` keeps who was compared, as the bootstrap
    needs; `seed` draws the share of the merely counted comparisons that is kept.
    """
    total = count_comparisons(parts, people)[1]
    stores = [ImpostorStore(total, deepest_fmr, with_people, seed, held) for _ in range(2)]
    found: list[tuple[NDArray[np.floating], ...]] = []
    for part in parts:
        right = part.left if part.right is None else part.right
        rows, columns = len(part.left.person), len(right.person)
        if not rows or not columns:
            continue
        step = max(1, _BLOCK // columns)
        left_person, right_person = part.left.person.astype(np.int32), right.person.astype(np.int32)
        for start in range(0, rows, step):
            end = min(start + step, rows)
            # among themselves, columns before the block were compared when they were rows
            first = start if part.right is None else 0
            same = left_person[start:end, None] == right_person[None, first:]
            other = ~same
            if part.right is None:
                later = np.arange(first, columns)[None, :] > np.arange(start, end)[:, None]
                same &= later
                other &= later
            genuine = np.flatnonzero(same)
            impostor = np.flatnonzero(other)
            row, column = np.divmod(genuine, columns - first)
            pair = []
            for store, a, b in zip(
                stores, (part.left.raw, part.left.enhanced), (right.raw, right.enhanced), strict=True
            ):
                block = (a[start:end] @ b[first:].T).reshape(-1)
                pair.append(block[genuine])
                store.add(block[impostor], impostor, left_person[start:end], right_person[first:])
            found.append((pair[0], pair[1], part.left.person[start + row], start + row, first + column))
    return Compared(_joined(found), stores[0].finish(), stores[1].finish(), tuple(parts))


def _joined(found: list[tuple[NDArray[np.floating], ...]]) -> Genuine:
    if not found:
        nothing = np.empty(0, dtype=np.int64)
        return Genuine(np.empty(0), np.empty(0), nothing, nothing, nothing)
    raw, enhanced, person, left, right = (np.concatenate(column) for column in zip(*found, strict=True))
    return Genuine(raw, enhanced, person, left, right)
