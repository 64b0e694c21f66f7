"""One pass over all vectors, a block at a time: lengths, columns, sums by person and pose, codes and a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.folder import NOBODY, Folder
from poseid.doctor.rows import add_by_group, rank_in_group
from poseid.features.rows import MAX_NORM, MIN_NORM
from poseid.verification.genuine import UNKNOWN, yaw_bin

USABLE, NOT_FINITE, ZERO, OUT_OF_RANGE = 0, 1, 2, 3
"""What a vector is; all but `USABLE` are left out of every other check."""

POSE_BINS = UNKNOWN + 1
"""Rows of one bin of yaw have a mean in common."""

TABLES, BITS = 8, 20
"""Near duplicates are searched among rows that agree in one of so many codes of so many signs of projections."""

SAMPLE_ROWS, SAMPLE_OF_A_PERSON = 40_000, 200
"""Rows of the sample: in all, and of one person in one file."""

_SUM_BYTES = 256 * 2**20  # of the sums by person
_SEED = 0

Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Sample:
    """Up to `SAMPLE_ROWS` rows of randomly drawn people who have both front and video rows, if anybody has.

    They stay in memory: what compares rows with rows compares these.

    Attributes:
        unit: (k, D) unit vectors.
        rows: (k,) their numbers in the folder, ascending, so that front rows come first.
        person: (k,) number of the person in `Folder.names`.
        front: (k,) bool: a front row.
        everybody: whether these are all rows of all people who have both.
    """

    unit: NDArray[np.float32]
    rows: NDArray[np.int64]
    person: NDArray[np.int32]
    front: NDArray[np.bool_]
    everybody: bool

    @property
    def people(self) -> int:
        """Numbers of people are below this."""
        return int(self.person.max(initial=-1)) + 1

    def front_similarity(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions of the video rows whose person has front rows, and the cosine of each with the mean of those."""
        centre = np.zeros((self.people, self.unit.shape[1]), np.float32)
        add_by_group(centre, self.person[self.front], self.unit[self.front])
        centre /= np.maximum(np.linalg.norm(centre, axis=1, keepdims=True), 1e-12)
        use = np.flatnonzero(~self.front & np.isin(self.person, self.person[self.front]))
        return use, np.einsum("ij,ij->i", self.unit[use], centre[self.person[use]]).astype(np.float64)


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
        status: (N,) `USABLE` and so on.
        lengths: (N,) NaN where not `USABLE`.
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
    def usable(self) -> NDArray[np.bool_]:
        """(N,) rows with a direction."""
        return np.asarray(self.status == USABLE)


def scan(folder: Folder, advance: Advance) -> Scan:
    """Reads every vector once.

    Args:
        folder: what to read.
        advance: told the number of rows just done.
    """
    dim, people, first_video = folder.dim, len(folder.names), folder.first_video
    generator = np.random.default_rng(_SEED)
    projections = generator.standard_normal((dim, TABLES * BITS)).astype(np.float32)
    offset = _rough_mean(folder) @ projections
    summed, most = np.ones(people, bool), max(1, _SUM_BYTES // (4 * dim))
    if people > most:
        summed[generator.permutation(people)[most:]] = False
    sum_of_row = np.append(np.where(summed, np.cumsum(summed) - 1, NOBODY), NOBODY)[folder.person]
    sums, bin_sums = np.zeros((int(summed.sum()), dim), np.float32), np.zeros((POSE_BINS, dim))
    wanted, everybody = _draw_sample(folder, generator)
    columns = {name: Columns(dim) for name in folder.files}
    status, lengths = np.zeros(len(folder), np.int8), np.full(len(folder), np.nan, np.float32)
    codes, bins = np.zeros((len(folder), TABLES), np.uint32), yaw_bin(folder.yaw).astype(np.int8)
    powers = np.uint32(1) << np.arange(BITS, dtype=np.uint32)
    sampled = [np.empty((0, dim), np.float32)]
    for numbers, block in folder.blocks():
        with np.errstate(over="ignore", invalid="ignore"):
            length = np.sqrt(np.einsum("ij,ij->i", block, block))
        usable = (length >= MIN_NORM) & (length <= MAX_NORM)
        if not usable.all():
            odd = block[~usable]
            kinds = [~np.isfinite(odd).all(axis=1), ~odd.any(axis=1)]
            status[numbers.start + np.flatnonzero(~usable)] = np.select(kinds, [NOT_FINITE, ZERO], OUT_OF_RANGE)
            block, length = block[usable], length[usable]
        advance(len(usable))
        rows = numbers.start + np.flatnonzero(usable)
        if not rows.size:
            continue
        lengths[rows] = length
        columns["front" if numbers.start < first_video else "video"].add(block)
        block /= length[:, None]
        signs = (block @ projections > offset).reshape(-1, TABLES, BITS)
        codes[rows] = (signs * powers).sum(axis=2, dtype=np.uint32)
        bin_sums += (bins[rows] == np.arange(POSE_BINS)[:, None]).astype(np.float32) @ block
        add_by_group(sums, sum_of_row[rows], block)
        sampled.append(block[wanted[rows]])
    in_bin = np.bincount(bins[status == USABLE], minlength=POSE_BINS)
    bin_means = (bin_sums / np.maximum(in_bin, 1)[:, None]).astype(np.float32)
    rows = np.flatnonzero((status == USABLE) & (sum_of_row != NOBODY))
    counts = np.zeros((len(sums), POSE_BINS), np.int64)
    np.add.at(counts, (sum_of_row[rows], bins[rows]), 1)
    rows = np.flatnonzero((status == USABLE) & wanted)
    sample = Sample(np.concatenate(sampled), rows, folder.person[rows], rows < first_video, everybody)
    return Scan(status, lengths, bins, codes, columns, summed, sums, counts, bin_means, sample)


def _rough_mean(folder: Folder) -> NDArray[np.float32]:
    """A mean unit row, from evenly spaced rows: codes of signs are even only about the mean."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        unit = folder.unit_rows(np.arange(0, len(folder), max(1, len(folder) // 4096)))
    unit = unit[np.isfinite(unit).all(axis=1)]
    return np.asarray(unit.sum(axis=0) / max(len(unit), 1), np.float32)


def _draw_sample(folder: Folder, generator: np.random.Generator) -> tuple[NDArray[np.bool_], bool]:
    """(N,) which rows are in the sample, and whether these are all rows of all people who have both."""
    people, named, wanted = len(folder.names), folder.person != NOBODY, np.zeros(len(folder), bool)
    for file in folder.files.values():
        order = file.start + generator.permutation(file.stop - file.start)
        order = order[named[order]]
        wanted[order[rank_in_group(folder.person[order]) < SAMPLE_OF_A_PERSON]] = True
    both = folder.rows_of_people.all(axis=0)
    both |= not both.any()
    drawn = generator.permutation(np.flatnonzero(both))
    rows_of = np.bincount(folder.person[wanted], minlength=people)
    inside = np.zeros(people + 1, bool)  # the last stands for nobody
    inside[drawn[np.cumsum(rows_of[drawn]) <= SAMPLE_ROWS]] = True
    wanted &= inside[folder.person]
    return wanted, not (np.append(both, False)[folder.person] & ~wanted).any()
