"""One pass over all vectors, a block at a time: lengths, columns, sums by person and pose, codes and a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.rows import NOBODY, Folder, add_by_group
from poseid.doctor.sample import Sample, draw_sample
from poseid.features.rows import MAX_NORM, MIN_NORM
from poseid.verification.genuine import UNKNOWN, yaw_bin

FINE, NOT_FINITE, ZERO, OUT_OF_RANGE = 0, 1, 2, 3
"""What a vector is; all but `FINE` are left out of every other check."""

POSE_BINS = UNKNOWN + 1
"""Rows of one bin of yaw have a mean in common."""

TABLES, BITS = 8, 20
"""Near duplicates are searched among rows that agree in one of so many codes of so many signs of projections."""

_SUM_BYTES = 256 * 2**20  # of the sums by person
_SEED = 0

Advance = Callable[[int], None]


class Columns:
    """Statistics of each column over the usable rows of one file.

    Attributes:
        rows: number of rows.
        low, high: (D,) least and greatest value.
    """

    def __init__(self, dim: int) -> None:
        self.rows = 0
        self.low, self.high = np.full(dim, np.inf, np.float32), np.full(dim, -np.inf, np.float32)
        self._sum, self._squares = np.zeros(dim), np.zeros(dim)

    def add(self, block: NDArray[np.float32]) -> None:
        self.rows += len(block)
        self._sum += block.sum(axis=0, dtype=np.float64)
        self._squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        np.minimum(self.low, block.min(axis=0), out=self.low)
        np.maximum(self.high, block.max(axis=0), out=self.high)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(D,)"""
        return self._sum / max(self.rows, 1)

    @property
    def energy(self) -> NDArray[np.float64]:
        """(D,) mean square."""
        return self._squares / max(self.rows, 1)


@dataclass(frozen=True, eq=False)
class Scan:
    """What the pass found in N rows of P people.

    Attributes:
        status: (N,) `FINE` and so on.
        lengths: (N,) NaN where not `FINE`.
        bins: (N,) the pose bin.
        codes: (N, TABLES) uint32, `BITS` signs each.
        columns: statistics of the front and of the video file.
        summed: (P,) bool: people whose sums were stored; all, unless there are too many.
        sums: (P', D) float32 sum of the unit rows of each summed person.
        counts: (P', POSE_BINS) how many rows that is, by pose bin.
        bin_means: (POSE_BINS, D) mean unit row of each pose bin.
        sample: some of the rows.
    """

    status: NDArray[np.int8]
    lengths: NDArray[np.float32]
    bins: NDArray[np.int8]
    codes: NDArray[np.uint32]
    columns: dict[str, Columns]
    summed: NDArray[np.bool_]
    sums: NDArray[np.float32]
    counts: NDArray[np.int64]
    bin_means: NDArray[np.float32]
    sample: Sample

    @property
    def fine(self) -> NDArray[np.bool_]:
        """(N,) rows that can be used."""
        return np.asarray(self.status == FINE)


def scan(folder: Folder, advance: Advance) -> Scan:
    """Reads every vector once.

    Args:
        folder: what to read.
        advance: told the number of rows just done.
    """
    dim, people, files = folder.dim, len(folder.names), folder.files
    generator = np.random.default_rng(_SEED)
    projections = generator.standard_normal((dim, TABLES * BITS)).astype(np.float32)
    offset = _rough_mean(folder) @ projections
    summed = np.ones(people, bool)
    most = max(1, _SUM_BYTES // (4 * dim))
    if people > most:
        summed[generator.permutation(people)[most:]] = False
    sum_of = np.append(np.where(summed, np.cumsum(summed) - 1, NOBODY), NOBODY)  # the last stands for nobody
    sum_of_row = sum_of[folder.person]
    sums, bin_sums = np.zeros((int(summed.sum()), dim), np.float32), np.zeros((POSE_BINS, dim))
    wanted, everybody = draw_sample(folder, generator)
    columns = {name: Columns(dim) for name in files}
    status, lengths = np.zeros(len(folder), np.int8), np.full(len(folder), np.nan, np.float32)
    codes, bins = np.zeros((len(folder), TABLES), np.uint32), yaw_bin(folder.yaw).astype(np.int8)
    sampled = [np.empty((0, dim), np.float32)]
    for numbers, block in folder.blocks():
        with np.errstate(over="ignore", invalid="ignore"):
            length = np.sqrt(np.einsum("ij,ij->i", block, block))
        status[numbers] = state = _status(block, length)
        advance(len(block))
        fine = state == FINE
        rows = numbers.start + np.flatnonzero(fine)
        if not rows.size:
            continue
        if rows.size < len(block):
            block, length = block[fine], length[fine]
        lengths[rows] = length
        columns["front" if numbers.start < files["video"].start else "video"].add(block)
        block /= length[:, None]
        codes[rows] = _codes(block @ projections - offset)
        bin_sums += (bins[rows] == np.arange(POSE_BINS)[:, None]).astype(np.float32) @ block
        add_by_group(sums, sum_of_row[rows], block)
        sampled.append(block[wanted[rows]])
    in_bin = np.bincount(bins[status == FINE], minlength=POSE_BINS)
    bin_means = (bin_sums / np.maximum(in_bin, 1)[:, None]).astype(np.float32)
    rows = np.flatnonzero((status == FINE) & (sum_of_row != NOBODY))
    counts = np.zeros((len(sums), POSE_BINS), np.int64)
    np.add.at(counts, (sum_of_row[rows], bins[rows]), 1)
    rows = np.flatnonzero((status == FINE) & wanted)
    sample = Sample(np.concatenate(sampled), rows, folder.person[rows], rows < files["video"].start, everybody)
    return Scan(status, lengths, bins, codes, columns, summed, sums, counts, bin_means, sample)


def _rough_mean(folder: Folder) -> NDArray[np.float32]:
    """A mean unit row, from evenly spaced rows: codes of signs are even only about the mean."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        unit = folder.unit_rows(np.arange(0, len(folder), max(1, len(folder) // 4096)))
    unit = unit[np.isfinite(unit).all(axis=1)]
    return np.asarray(unit.sum(axis=0) / max(len(unit), 1), np.float32)


def _status(block: NDArray[np.float32], length: NDArray[np.float32]) -> NDArray[np.int8]:
    state = np.full(len(block), FINE, np.int8)
    odd = np.flatnonzero(~((length >= MIN_NORM) & (length <= MAX_NORM)))
    if odd.size:
        rows = block[odd]
        state[odd] = OUT_OF_RANGE
        state[odd[~rows.any(axis=1)]] = ZERO
        state[odd[~np.isfinite(rows).all(axis=1)]] = NOT_FINITE
    return state


def _codes(projected: NDArray[np.float32]) -> NDArray[np.uint32]:
    signs = (projected > 0).reshape(len(projected), TABLES, BITS)
    powers = np.uint32(1) << np.arange(BITS, dtype=np.uint32)
    return np.asarray((signs * powers).sum(axis=2, dtype=np.uint32))
