"""Scores of a set of comparisons, computed in tiles: genuine ones all held, impostor ones from the top down.

Raw and enhanced scores are computed side by side. Up to `HELD` impostor comparisons every score is kept; beyond
that the highest scores are kept exactly, down below the largest FMR asked for, and the others are counted in bins
of 2⁻¹⁷ (above 2²⁶ comparisons one in n stands for n), with a random share of them kept for the bootstrap. Memory is
bounded whatever the number of comparisons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostor_store import LEFT_OUT, ImpostorStore
from poseid.verification.impostors import Impostors
from poseid.verification.sets import Part

HELD = 1 << 22
"""So many impostor comparisons are all kept."""

# tiles large enough for the matrix product to run at its full speed, small enough to be counted in the cache. Counting
# beside the next product, in a thread, would hold that up: all cores are at work on it, and wait for the slowest.
_ROWS, _COLUMNS = 1024, 1024
_MOST_DRAWN = 1 << 17


@dataclass(frozen=True)
class Genuine:
    """The genuine comparisons of a set."""

    raw: NDArray[np.floating]
    enhanced: NDArray[np.floating]
    person: NDArray[np.integer]
    left: NDArray[np.integer]
    """Rows of the part's left and right groups."""
    right: NDArray[np.integer]


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


@dataclass(frozen=True)
class _Tile:
    """Some rows of a part's left group against some of its right group."""

    part: Part
    rows: slice
    columns: slice
    row: NDArray[np.intp]
    """The genuine comparisons within: row and column in the tile."""
    column: NDArray[np.intp]
    below: NDArray[np.bool_] | None
    """(rows, columns) comparisons that are made elsewhere, or of a row with itself."""


class _Scorer:
    """Makes the scores of one form (raw or enhanced) of a tile and gives those of impostors to its store."""

    def __init__(self, store: ImpostorStore, form: str) -> None:
        self.store, self.form = store, form
        # filled again and again: fresh memory would cost as much as the counting
        self.buffer = np.empty(_ROWS * _COLUMNS, dtype=store.scores.dtype)

    def score(self, tile: _Tile, left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.floating]:
        """Gives the impostor scores of a tile to the store and returns the genuine ones."""
        scores = self.buffer[: left.size * right.size].reshape(left.size, right.size)
        columns = tile.part.right or tile.part.left
        np.matmul(
            getattr(tile.part.left, self.form)[tile.rows], getattr(columns, self.form)[tile.columns].T, out=scores
        )
        genuine: NDArray[np.floating] = scores[tile.row, tile.column]
        scores[tile.row, tile.column] = LEFT_OUT
        left_out = tile.row.size
        if tile.below is not None:
            scores[tile.below] = LEFT_OUT
            left_out += int(np.count_nonzero(tile.below))
        self.store.add(scores, left_out, left, right)
        return genuine


class _Places:
    """Where the rows of each person stand: a row's genuine comparisons are found without looking at the others."""

    def __init__(self, person: NDArray[np.int64], people: int) -> None:
        self.order = np.argsort(person, kind="stable")
        self.counts = np.bincount(person, minlength=people)
        self.starts = np.cumsum(self.counts) - self.counts

    def of(self, whose: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Every pair of one of the rows given and a row of the same person here."""
        counts = self.counts[whose]
        row = np.repeat(np.arange(whose.size), counts)
        within = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
        return row, self.order[self.starts[whose][row] + within]


def _tiles(part: Part, people: int) -> Iterator[_Tile]:
    right = part.left if part.right is None else part.right
    rows, columns = len(part.left.person), len(right.person)
    for first in range(0, columns, _COLUMNS):
        last = min(first + _COLUMNS, columns)
        places = _Places(right.person[first:last], people)
        # among themselves, each two rows are compared where the row stands before the column
        end = rows if part.right is not None else last
        for start in range(0, end, _ROWS):
            stop = min(start + _ROWS, end)
            row, column = places.of(part.left.person[start:stop])
            below = None
            if part.right is None and first < stop:
                later = first + column > start + row
                row, column = row[later], column[later]
                below = np.arange(first, last)[None, :] <= np.arange(start, stop)[:, None]
            yield _Tile(part, slice(start, stop), slice(first, last), row, column, below)


def compare(
    parts: Sequence[Part], people: int, *, deepest_fmr: float, with_people: bool, seed: int = 0, held: int = HELD
) -> Compared:
    """Score every comparison of the parts, raw and enhanced.

    `people` is the number of persons (codes 0 … people−1); `with_people` keeps who was compared, as the bootstrap
    needs; `seed` draws the share of the merely counted comparisons that is kept.
    """
    total = count_comparisons(parts, people)[1]
    keep = total
    forms = ["raw"] if all(_unchanged(part) for part in parts) else ["raw", "enhanced"]
    bounds = [-np.inf] * len(forms)
    if total > held:
        # resampled people need a little more than the share asked for: a quarter on top
        keep = min(total, max(held, int(1.25 * deepest_fmr * total) + 1))
        bounds = _likely_bounds(parts, forms, keep / total, seed)
    dtype = parts[0].left.raw.dtype.type
    stores = [ImpostorStore(total, keep, bound, dtype, people, with_people, seed) for bound in bounds]
    genuine = _fill(stores, forms, parts, people)
    if any(store.short() for store in stores):
        # the guess was too high, which only strange scores bring about: once more without it
        stores = [ImpostorStore(total, keep, -np.inf, dtype, people, with_people, seed) for _ in forms]
        genuine = _fill(stores, forms, parts, people)
    impostors = [store.finish() for store in stores]
    return Compared(genuine, impostors[0], impostors[-1], tuple(parts))


def genuine_alone(part: Part, people: int) -> Genuine:
    """The genuine comparisons of two groups, without the impostor ones, which are many more.

    `people` is the number of persons (codes 0 … people−1).
    """
    left, right = part.left, part.right
    assert right is not None
    column, row = _Places(left.person, people).of(right.person)
    forms = ["raw"] if _unchanged(part) else ["raw", "enhanced"]
    scores = [_cosines(getattr(left, form), getattr(right, form), row, column) for form in forms]
    return Genuine(scores[0], scores[-1], right.person[column], row, column)


def _cosines(
    left: NDArray[np.floating], right: NDArray[np.floating], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.floating]:
    """Cosines of some pairs of unit rows."""
    out = np.empty(row.size, dtype=left.dtype)
    for start in range(0, row.size, _COLUMNS):
        some = slice(start, start + _COLUMNS)
        np.einsum("ij,ij->i", left[row[some]], right[column[some]], out=out[some])
    return out


def _unchanged(part: Part) -> bool:
    return all(group is None or group.enhanced is group.raw for group in (part.left, part.right))


def _likely_bounds(parts: Sequence[Part], forms: Sequence[str], share: float, seed: int) -> list[float]:
    """For each form a score that a little more than this share of the impostor comparisons reaches, by some drawn.

    Nearly all scores can then be passed over at once. Six standard deviations of the draw lie on the safe side.
    """
    rng = np.random.default_rng(seed)
    sizes = np.array([len(p.left.person) * len((p.right or p.left).person) for p in parts], dtype=np.float64)
    count = int(min(_MOST_DRAWN, sizes.sum() / 100))
    drawn: list[list[NDArray[np.floating]]] = [[] for _ in forms]
    for part, many in zip(parts, rng.multinomial(count, sizes / sizes.sum()), strict=True):
        left, right = part.left, part.right or part.left
        i, j = (rng.integers(0, max(len(side.person), 1), size=many) for side in (left, right))
        other = left.person[i] != right.person[j]
        i, j = i[other], j[other]
        for scores, form in zip(drawn, forms, strict=True):
            scores.append(_cosines(getattr(left, form), getattr(right, form), i, j))
    bounds = []
    for scores in drawn:
        found = np.concatenate(scores)
        rank = int(share * found.size + 6 * np.sqrt(share * found.size)) + 1
        bounds.append(float(-np.partition(-found, rank)[rank]) if rank < found.size else -np.inf)
    return bounds


def _fill(stores: Sequence[ImpostorStore], forms: Sequence[str], parts: Sequence[Part], people: int) -> Genuine:
    """Every comparison into the stores; returns the genuine ones."""
    scores: list[tuple[NDArray[np.floating], NDArray[np.floating]]] = []
    places: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]] = []
    scorers = [_Scorer(store, form) for store, form in zip(stores, forms, strict=True)]
    for part in parts:
        left_person = part.left.person.astype(np.int32)
        right_person = left_person if part.right is None else part.right.person.astype(np.int32)
        for tile in _tiles(part, people):
            left, right = left_person[tile.rows], right_person[tile.columns]
            genuine = [scorer.score(tile, left, right) for scorer in scorers]
            scores.append((genuine[0], genuine[-1]))
            row, column = tile.rows.start + tile.row, tile.columns.start + tile.column
            places.append((left[tile.row], row.astype(np.int32), column.astype(np.int32)))
    if not scores:
        nothing = np.empty(0, dtype=np.int32)
        return Genuine(np.empty(0), np.empty(0), nothing, nothing, nothing)
    raw, enhanced = (np.concatenate(column) for column in zip(*scores, strict=True))
    person, left, right = (np.concatenate(column) for column in zip(*places, strict=True))
    return Genuine(raw, enhanced, person, left, right)
