"""One pass over all vectors, a block at a time: lengths, column sums, sums by person and pose, codes and a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.reading import NOBODY, FileRows, Folder
from poseid.features.rows import LONGEST, SHORTEST
from poseid.verification.genuine import UNKNOWN, yaw_bin

FINE, NOT_FINITE, ZERO, OUT_OF_RANGE = 0, 1, 2, 3
"""What a vector is; all but `FINE` are left out of every other check."""

POSE_BINS = UNKNOWN + 1
"""Rows of one bin of yaw have a mean in common."""

TABLES, BITS = 8, 20
"""Near duplicates are looked for among rows that agree in one of so many codes of so many signs of projections."""

SAMPLE_ROWS = 40_000
MOST_OF_A_PERSON = 200
_SUM_BYTES = 256 * 2**20  # of the sums by person
_SEED = 0

Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class FileScan:
    """What the pass found in one file of n rows.

    Attributes:
        status: (n,) `FINE` and so on.
        lengths: (n,) NaN where not `FINE`.
        bins: (n,) the pose bin.
        codes: (n, TABLES) uint32, `BITS` signs each.
        mean, spread, low, high: (D,) mean, standard deviation, least and greatest value of each column.
    """

    status: NDArray[np.int8]
    lengths: NDArray[np.float32]
    bins: NDArray[np.int8]
    codes: NDArray[np.uint32]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def fine(self) -> NDArray[np.bool_]:
        """(n,) rows that can be used."""
        fine: NDArray[np.bool_] = self.status == FINE
        return fine


@dataclass(frozen=True, eq=False)
class SampleRows:
    """Rows of one file that are held in memory, all of people that are in the sample.

    Attributes:
        unit: (k, D) unit vectors.
        rows: (k,) their numbers in the file, rising.
        person: (k,) number of the person in `Folder.names`.
        poses: (k, 3) degrees.
        kinds: (k,) FRONTAL, PROFILE or OTHER.
    """

    unit: NDArray[np.float32]
    rows: NDArray[np.int64]
    person: NDArray[np.int32]
    poses: NDArray[np.float32]
    kinds: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def yaw(self) -> NDArray[np.float32]:
        return self.poses[:, 0]


@dataclass(frozen=True, eq=False)
class Sample:
    """Up to `SAMPLE_ROWS` rows of randomly drawn people who have both front and video rows, if anybody has.

    Attributes:
        people: number of people in it.
        everybody: whether these are all rows of all people who have both.
    """

    front: SampleRows
    video: SampleRows
    people: int
    everybody: bool

    def with_poses(self, folder: Folder) -> Sample:
        """The sample with the poses that the folder has now."""
        front, video = (
            replace(part, poses=file.poses[part.rows], kinds=file.kinds[part.rows])
            for part, file in zip((self.front, self.video), folder.files, strict=True)
        )
        return replace(self, front=front, video=video)


@dataclass(frozen=True, eq=False)
class Scan:
    """What the pass found.

    Attributes:
        summed: (P,) bool: people whose sums were kept; all, unless there are too many.
        sums: (P', D) float32 sum of the unit rows of each summed person.
        counts: (P', POSE_BINS) how many rows that is, by pose bin.
        bin_means: (POSE_BINS, D) mean unit row of each pose bin, of both files.
    """

    front: FileScan
    video: FileScan
    summed: NDArray[np.bool_]
    sums: NDArray[np.float32]
    counts: NDArray[np.int64]
    bin_means: NDArray[np.float32]
    sample: Sample


def scan(folder: Folder, advance: Advance) -> Scan:
    """Reads every vector once.

    Args:
        folder: what to read.
        advance: told the number of rows just done.
    """
    dim, people = folder.dim, len(folder.names)
    generator = np.random.default_rng(_SEED)
    projections = generator.standard_normal((dim, TABLES * BITS)).astype(np.float32)
    coder = (projections, _rough_mean(folder) @ projections)
    summed = np.ones(people, bool)
    most = max(1, _SUM_BYTES // (4 * dim))
    if people > most:
        summed[generator.permutation(people)[most:]] = False
    totals = _Totals(summed, dim)
    *chosen, everybody = _choose(folder, generator)
    (front, front_rows), (video, video_rows) = (
        _scan_file(file, wanted, coder, totals, advance) for file, wanted in zip(folder.files, chosen, strict=True)
    )
    in_sample = len(np.union1d(front_rows.person, video_rows.person))
    sample = Sample(front_rows, video_rows, in_sample, everybody)
    return Scan(front, video, summed, totals.sums, totals.counts, totals.bin_means(), sample)


class _Totals:
    """Sums over both files: of each person and of each pose bin."""

    def __init__(self, summed: NDArray[np.bool_], dim: int) -> None:
        # the last place stands for nobody
        self.place = np.append(np.where(summed, np.cumsum(summed) - 1, NOBODY), NOBODY)
        self.sums = np.zeros((int(summed.sum()), dim), np.float32)
        self.counts = np.zeros((len(self.sums), POSE_BINS), np.int64)
        self.bin_sums, self.bin_counts = np.zeros((POSE_BINS, dim)), np.zeros(POSE_BINS)

    def add(self, unit: NDArray[np.float32], person: NDArray[np.int32], bins: NDArray[np.int8]) -> None:
        """Unit rows with their people and pose bins."""
        hot = (bins[:, None] == np.arange(POSE_BINS)).astype(np.float32)
        self.bin_sums += hot.T @ unit
        self.bin_counts += hot.sum(axis=0)
        place = self.place[person]
        order = np.argsort(place, kind="stable")
        order = order[np.searchsorted(place[order], 0) :]
        if order.size:
            people, first = np.unique(place[order], return_index=True)
            self.sums[people] += np.add.reduceat(unit[order], first, axis=0)
            np.add.at(self.counts, (place[order], bins[order]), 1)

    def bin_means(self) -> NDArray[np.float32]:
        means: NDArray[np.float32] = (self.bin_sums / np.maximum(self.bin_counts, 1.0)[:, None]).astype(np.float32)
        return means


def _scan_file(
    file: FileRows,
    wanted: NDArray[np.bool_],
    coder: tuple[NDArray[np.float32], NDArray[np.float32]],
    totals: _Totals,
    advance: Advance,
) -> tuple[FileScan, SampleRows]:
    n, dim = file.features.shape
    status, lengths = np.zeros(n, np.int8), np.full(n, np.nan, np.float32)
    codes, bins = np.zeros((n, TABLES), np.uint32), yaw_bin(file.poses[:, 0]).astype(np.int8)
    total, squares = np.zeros(dim), np.zeros(dim)
    low, high = np.full(dim, np.inf, np.float32), np.full(dim, -np.inf, np.float32)
    kept = [np.empty((0, dim), np.float32)]
    for start, block in file.blocks():
        with np.errstate(over="ignore", invalid="ignore"):
            length = np.sqrt(np.einsum("ij,ij->i", block, block))
        state = _status(block, length)
        status[start : start + len(block)] = state
        advance(len(block))
        fine = state == FINE
        rows = start + np.flatnonzero(fine)
        if not rows.size:
            continue
        if not fine.all():
            block, length = block[fine], length[fine]
        lengths[rows] = length
        total += block.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
        block /= length[:, None]
        codes[rows] = _codes(block @ coder[0] - coder[1])
        totals.add(block, file.person[rows], bins[rows])
        kept.append(block[wanted[rows]])
    count = max(int((status == FINE).sum()), 1)
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    taken = np.flatnonzero(wanted & (status == FINE))
    rows_kept = SampleRows(np.concatenate(kept), taken, file.person[taken], file.poses[taken], file.kinds[taken])
    return FileScan(status, lengths, bins, codes, mean, spread, low, high), rows_kept


def _rough_mean(folder: Folder) -> NDArray[np.float32]:
    """A mean unit row, from evenly spaced rows: codes of signs are even only about the mean."""
    parts = []
    for file in folder.files:
        some = np.asarray(file.features[:: max(1, len(file) // 2048)]).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            unit = some / np.linalg.norm(some, axis=1, keepdims=True)
        parts.append(unit[np.isfinite(unit).all(axis=1)])
    joined = np.concatenate(parts)
    return joined.mean(axis=0).astype(np.float32) if len(joined) else np.zeros(folder.dim, np.float32)


def _status(block: NDArray[np.float32], length: NDArray[np.float32]) -> NDArray[np.int8]:
    state = np.full(len(block), FINE, np.int8)
    odd = np.flatnonzero(~((length >= SHORTEST) & (length <= LONGEST)))
    if odd.size:
        rows = block[odd]
        state[odd] = OUT_OF_RANGE
        state[odd[~rows.any(axis=1)]] = ZERO
        state[odd[~np.isfinite(rows).all(axis=1)]] = NOT_FINITE
    return state


def _codes(projected: NDArray[np.float32]) -> NDArray[np.uint32]:
    signs = (projected > 0).reshape(len(projected), TABLES, BITS)
    padded = np.zeros((*signs.shape[:2], 32), np.uint8)
    padded[..., :BITS] = signs
    return np.packbits(padded, axis=2, bitorder="little").view("<u4")[..., 0].astype(np.uint32)


def _both(folder: Folder) -> NDArray[np.bool_]:
    """(P,) people who have rows in both files; everybody where nobody has."""
    seen = []
    for file in folder.files:
        known = file.person[file.person != NOBODY]
        seen.append(np.bincount(known, minlength=len(folder.names)) > 0)
    both: NDArray[np.bool_] = seen[0] & seen[1]
    return both if both.any() else np.ones_like(both)


def _choose(folder: Folder, generator: np.random.Generator) -> tuple[NDArray[np.bool_], NDArray[np.bool_], bool]:
    """Which rows of each file are in the sample, and whether these are all rows of all people who have both."""
    people, both = len(folder.names), _both(folder)
    wanted: list[NDArray[np.bool_]] = []
    rows_of = np.zeros(people, np.int64)
    for file in folder.files:
        order = generator.permutation(len(file))
        order = order[file.person[order] != NOBODY]
        order = order[np.argsort(file.person[order], kind="stable")]
        person = file.person[order]
        rank = np.arange(len(order)) - np.searchsorted(person, person)
        mask = np.zeros(len(file), bool)
        mask[order[rank < MOST_OF_A_PERSON]] = True
        wanted.append(mask)
        rows_of += np.bincount(file.person[mask], minlength=people)
    drawn = generator.permutation(np.flatnonzero(both))
    inside = np.zeros(people + 1, bool)  # the last stands for nobody
    inside[drawn[np.cumsum(rows_of[drawn]) <= SAMPLE_ROWS]] = True
    front, video = (mask & inside[file.person] for mask, file in zip(wanted, folder.files, strict=True))
    have_both = np.append(both, False)
    left = sum(
        int((have_both[file.person] & ~mask).sum()) for file, mask in zip(folder.files, (front, video), strict=True)
    )
    return front, video, left == 0
