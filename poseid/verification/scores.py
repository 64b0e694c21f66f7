"""Scores of a set of comparisons, computed in tiles: all genuine ones, impostor ones from the top down.

Raw and enhanced scores are computed side by side. Up to `EXACT` impostor comparisons every score is stored; beyond
that the highest scores are stored exactly, down below the largest FMR asked for, and the others are counted in bins
of 2⁻¹⁷ (above 2²⁶ comparisons one in n represents n), with a random share of them stored for the bootstrap. Memory is
bounded for any number of comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.verification.impostors import EXCLUDED, Impostors, ImpostorStore
from poseid.verification.sets import ComparisonBlock

EXACT = 1 << 22
"""So many impostor comparisons are all stored."""

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
    """Rows of the block's left and right groups."""
    right: NDArray[np.integer]


@dataclass(frozen=True)
class Compared:
    """A set of comparisons, scored: what all its rates are made from."""

    genuine: Genuine
    raw: Impostors
    enhanced: Impostors
    blocks: tuple[ComparisonBlock, ...]


def count_comparisons(blocks: Sequence[ComparisonBlock], people: int) -> tuple[int, int]:
    """Numbers of genuine and of impostor comparisons."""
    genuine, impostor = weigh_comparisons(blocks, np.ones((1, people)))
    return round(float(genuine[0])), round(float(impostor[0]))


def weigh_comparisons(
    blocks: Sequence[ComparisonBlock], weights: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Total weight of the genuine (w_i each) and impostor comparisons (w_i · w_j each), a row of weights a resample.

    With a_i and b_i rows of person i on the two sides: genuine Σ w_i a_i b_i, impostor (Σ w_i a_i)(Σ w_i b_i) −
    Σ w_i² a_i b_i; among themselves: genuine Σ w_i a_i (a_i − 1) / 2, impostor ((Σ w_i a_i)² − Σ w_i² a_i²) / 2.
    """
    resamples, people = weights.shape
    genuine, impostor = np.zeros(resamples), np.zeros(resamples)
    for block in blocks:
        a = np.bincount(block.left.person, minlength=people).astype(np.float64)
        first = weights @ a
        if block.right is None:
            genuine += weights @ (a * (a - 1) / 2)
            impostor += (first**2 - weights**2 @ a**2) / 2
        else:
            b = np.bincount(block.right.person, minlength=people)
            genuine += weights @ (a * b)
            impostor += first * (weights @ b) - weights**2 @ (a * b)
    return genuine, impostor


def compare(
    blocks: Sequence[ComparisonBlock], people: int, *, deepest_fmr: float, with_people: bool, exact: int = EXACT
) -> Compared:
    """Score every comparison of the blocks, raw and enhanced.

    people       the number of persons (codes 0 … people−1)
    deepest_fmr  scores are exact down below the threshold of this FMR
    with_people  store who was compared, as the bootstrap needs
    exact        up to so many impostor comparisons all scores are stored
    """
    total = count_comparisons(blocks, people)[1]
    stored = total
    forms = ["raw"] if all(_unchanged(block) for block in blocks) else ["raw", "enhanced"]
    bounds = [-np.inf] * len(forms)
    if total > exact:
        # resampled people need a little more than the share asked for: a quarter on top
        stored = min(total, max(exact, int(1.25 * deepest_fmr * total) + 1))
        bounds = _likely_bounds(blocks, forms, stored / total)
    dtype = blocks[0].left.raw.dtype.type

    def score(bounds: list[float]) -> tuple[list[ImpostorStore], Genuine]:
        stores = [ImpostorStore(total, stored, bound, _ROWS * _COLUMNS, dtype, people, with_people) for bound in bounds]
        return stores, _fill(dict(zip(forms, stores, strict=True)), blocks, dtype)

    stores, genuine = score(bounds)
    if any(store.is_incomplete() for store in stores):
        # the guess was too high, which only unusual scores bring about: once more without it
        stores, genuine = score([-np.inf] * len(forms))
    impostors = [store.finish() for store in stores]
    return Compared(genuine, impostors[0], impostors[-1], tuple(blocks))


def genuine_alone(block: ComparisonBlock) -> Genuine:
    """The genuine comparisons of two groups, without the impostor ones, which are many more."""
    left, right = block.left, block.right
    assert right is not None
    column, row = same_person(right.person, left.person)
    forms = ["raw"] if _unchanged(block) else ["raw", "enhanced"]
    scores = [cosines(getattr(left, form), getattr(right, form), row, column) for form in forms]
    return Genuine(scores[0], scores[-1], right.person[column], row, column)


def same_person(left: NDArray[np.integer], right: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every pair of a row of one group and a row of the other that are of one person."""
    order = np.argsort(right, kind="stable")
    ascending = right[order]
    first = np.searchsorted(ascending, left, side="left")
    count = np.searchsorted(ascending, left, side="right") - first
    row = np.repeat(np.arange(left.size), count)
    return row, order[np.arange(row.size) - np.repeat(np.cumsum(count) - count - first, count)]


def cosines(
    left: NDArray[np.floating], right: NDArray[np.floating], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.floating]:
    """Cosines of some pairs of unit rows."""
    out = np.empty(row.size, dtype=left.dtype)
    for start in range(0, row.size, _COLUMNS):
        some = slice(start, start + _COLUMNS)
        np.einsum("ij,ij->i", left[row[some]], right[column[some]], out=out[some])
    return out


def _unchanged(block: ComparisonBlock) -> bool:
    return all(group is None or group.enhanced is group.raw for group in (block.left, block.right))


def _likely_bounds(blocks: Sequence[ComparisonBlock], forms: Sequence[str], share: float) -> list[float]:
    """For each form a score that a little more than this share of the impostor comparisons reaches, by some drawn.

    Nearly all scores can then be passed over at once. Six standard deviations of the draw lie on the safe side.
    """
    rng = np.random.default_rng(0)
    sizes = np.array([len(p.left.person) * len((p.right or p.left).person) for p in blocks], dtype=np.float64)
    count = int(min(_MOST_DRAWN, sizes.sum() / 100))
    drawn: list[list[NDArray[np.floating]]] = [[] for _ in forms]
    for block, many in zip(blocks, rng.multinomial(count, sizes / sizes.sum()), strict=True):
        left, right = block.left, block.right or block.left
        i, j = (rng.integers(0, max(len(group.person), 1), size=many) for group in (left, right))
        other = left.person[i] != right.person[j]
        i, j = i[other], j[other]
        for scores, form in zip(drawn, forms, strict=True):
            scores.append(cosines(getattr(left, form), getattr(right, form), i, j))
    bounds = []
    for scores in drawn:
        found = np.concatenate(scores)
        rank = int(share * found.size + 6 * np.sqrt(share * found.size)) + 1
        bounds.append(float(-np.partition(-found, rank)[rank]) if rank < found.size else -np.inf)
    return bounds


def _fill(stores: dict[str, ImpostorStore], blocks: Sequence[ComparisonBlock], dtype: type[np.floating]) -> Genuine:
    """Every comparison into the store of its form; returns the genuine ones."""
    # filled again and again: fresh memory would cost as much as the counting
    buffer = np.empty(_ROWS * _COLUMNS, dtype=dtype)
    found: list[list[NDArray[np.generic]]] = []
    for block in blocks:
        left, right = block.left, block.left if block.right is None else block.right
        left_person, right_person = left.person.astype(np.int32), right.person.astype(np.int32)
        for first in range(0, len(right_person), _COLUMNS):
            last = min(first + _COLUMNS, len(right_person))
            # among themselves, each two rows are compared if the row comes before the column
            end = len(left_person) if block.right is not None else last
            for start in range(0, end, _ROWS):
                stop = min(start + _ROWS, end)
                one, other = left_person[start:stop], right_person[first:last]
                row, column = same_person(one, other)
                below = None
                if block.right is None and first < stop:
                    later = first + column > start + row
                    row, column = row[later], column[later]
                    below = np.arange(first, last)[None, :] <= np.arange(start, stop)[:, None]
                genuine = []
                for form, store in stores.items():
                    scores = buffer[: one.size * other.size].reshape(one.size, other.size)
                    a, b = getattr(left, form)[start:stop], getattr(right, form)[first:last]
                    np.matmul(a, b.T, out=scores)
                    genuine.append(scores[row, column])
                    scores[row, column] = EXCLUDED
                    if below is not None:
                        scores[below] = EXCLUDED
                    store.add(scores, one, other)
                rows = ((start + row).astype(np.int32), (first + column).astype(np.int32))
                found.append([genuine[0], genuine[-1], one[row], *rows])
    if not found:
        nothing = np.empty(0, dtype=np.int32)
        return Genuine(np.empty(0), np.empty(0), nothing, nothing, nothing)
    return Genuine(*(np.concatenate(column) for column in zip(*found, strict=True)))
