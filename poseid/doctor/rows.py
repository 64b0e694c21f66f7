"""The rows of a feature folder, as far as they could be read, and operations on groups of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import MOST_ROWS
from poseid.features.rows import kinds_of

NOBODY = -1
"""The person of a row that names none."""

_BLOCK_BYTES = 16 * 2**20
_PAIRS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Folder:
    """A feature folder, as far as it could be read. The N rows of both files are numbered as one, front rows first.

    Attributes:
        name: its own name, never a path.
        arrays: the vectors of ``front`` and ``video``, (n, D) as on disk; may be memory maps.
        person: (N,) number of the person in `names`, `NOBODY` where none is named.
        names: of the people.
        poses: (N, 3) float32 degrees, NaN where unknown.
        declared: (N,) FRONTAL or PROFILE where ``source`` says so, else OTHER.
        pairs: the number of comparisons in ``pairs.csv``; None where there is none, or it cannot be used.
    """

    name: str
    arrays: dict[str, NDArray[np.floating]]
    person: NDArray[np.int32]
    names: tuple[str, ...]
    poses: NDArray[np.float32]
    declared: NDArray[np.int8]
    pairs: int | None

    def __len__(self) -> int:
        return len(self.person)

    @property
    def files(self) -> dict[str, slice]:
        """The rows of the front and of the video file."""
        first = len(self.arrays["front"])
        return {"front": slice(0, first), "video": slice(first, len(self))}

    @property
    def dim(self) -> int:
        """D."""
        return int(self.arrays["front"].shape[1])

    @property
    def yaw(self) -> NDArray[np.float32]:
        """(N,) degrees, NaN where unknown."""
        return self.poses[:, 0]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) rows of known pose."""
        return np.asarray(~np.isnan(self.poses).any(axis=1))

    @property
    def kinds(self) -> NDArray[np.int8]:
        """(N,) FRONTAL, PROFILE or OTHER: as declared, else by yaw."""
        return kinds_of(self.declared, self.yaw)

    def row_names(self, rows: Iterable[int] | NDArray[np.integer]) -> tuple[str, ...]:
        """Rows as ``front:12`` or ``video:7``, `MOST_ROWS` at most."""
        first = self.files["video"].start
        numbers = (int(row) for row, _ in zip(rows, range(MOST_ROWS), strict=False))
        return tuple(f"front:{row}" if row < first else f"video:{row - first}" for row in numbers)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """All rows in float32, a block at a time, with their numbers.

        A memory map is read, not mapped: pages once mapped would count as memory until the end.
        """
        step = max(1, _BLOCK_BYTES // (4 * self.dim))
        for name, rows in self.files.items():
            array = self.arrays[name]
            for start in range(0, len(array), step):
                stop = min(start + step, len(array))
                block = array[start:stop]
                if isinstance(array, np.memmap) and array.flags.c_contiguous and array.filename is not None:
                    offset = array.offset + start * array.strides[0]
                    block = np.fromfile(array.filename, array.dtype, block.size, offset=offset).reshape(block.shape)
                with np.errstate(over="ignore", invalid="ignore"):
                    yield slice(rows.start + start, rows.start + stop), block.astype(np.float32)

    def unit_rows(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """(k, D) the unit vectors of some rows."""
        first = self.files["video"].start
        out = np.empty((len(rows), self.dim))
        video = rows >= first
        out[~video] = self.arrays["front"][rows[~video]]
        out[video] = self.arrays["video"][rows[video] - first]
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out


def rank_in_group(groups: NDArray[np.integer]) -> NDArray[np.int64]:
    """(n,) how many earlier entries are of the same group.

    >>> rank_in_group(np.array([7, 3, 7, 7, 3])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(groups, kind="stable")
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - np.searchsorted(groups[order], groups[order])
    return rank


def add_by_group(sums: NDArray[np.floating], groups: NDArray[np.integer], rows: NDArray[np.floating]) -> None:
    """Adds each row to the sum of its group; rows of negative groups are left out.

    >>> sums = np.zeros((2, 1))
    >>> add_by_group(sums, np.array([1, -1, 1]), np.array([[1.0], [2.0], [4.0]]))
    >>> sums.tolist()
    [[0.0], [5.0]]
    """
    order = np.argsort(groups, kind="stable")
    order = order[np.searchsorted(groups[order], 0) :]
    if order.size:
        present, first = np.unique(groups[order], return_index=True)
        sums[present] += np.add.reduceat(rows[order], first, axis=0)


def genuine_pairs(
    person: NDArray[np.int32], left: NDArray[np.int64], right: NDArray[np.int64], most: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of a left and a right row of one person, also of a row with itself; with `most`, an even share.

    >>> genuine_pairs(np.array([5, 6, 5]), np.array([0, 1]), np.array([1, 2]))
    (array([0, 1]), array([2, 1]))
    """
    right = right[np.argsort(person[right], kind="stable")]
    first, end = (np.searchsorted(person[right], person[left], side=side) for side in ("left", "right"))
    total = np.cumsum(end - first)
    pairs = np.arange(int(total[-1]) if total.size else 0)
    if most is not None and len(pairs) > most:
        pairs = pairs[:: len(pairs) // most + 1]
    of = np.searchsorted(total, pairs, side="right")
    return left[of], right[end[of] - total[of] + pairs]


def pair_cosines(
    unit_rows: Callable[[NDArray[np.integer]], NDArray[np.floating]], a: NDArray[np.integer], b: NDArray[np.integer]
) -> NDArray[np.float64]:
    """(k,) cosines of row a[i] with row b[i]; `unit_rows` gives the unit vectors of rows, some at a time."""
    out = np.empty(len(a))
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        out[part] = np.einsum("ij,ij->i", unit_rows(a[part]), unit_rows(b[part]))
    return out
