"""Rows of face vectors with their poses and people, and the two sides of a feature folder."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from poseid.errors import InputError
from poseid.features.pairs import Pairs

FRONTAL, PROFILE, OTHER = 0, 1, 2
FRONTAL_LIMIT, PROFILE_LIMIT = 20.0, 45.0  # degrees of |yaw|
DTYPES = (np.float16, np.float32, np.float64)
MIN_NORM, MAX_NORM = 1e-12, 1e12  # of a vector: their squares still fit float32
_BLOCK_BYTES = 32 * 2**20
_BLOCK_NAMES = 65_536
_BLOCK_ENTRIES = 8192


class TableEntries(Sequence[dict[str, Any]]):
    """The rows of a ``pyarrow.Table`` as dicts without its nulls, each made when it is asked for: few ever are."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return next(iter(self.take(np.arange(len(self))[[index]])))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self._table.to_batches(max_chunksize=_BLOCK_ENTRIES):
            for row in batch.to_pylist():
                yield {key: value for key, value in row.items() if value is not None}

    def keys(self) -> list[str]:
        """The keys of the entries."""
        return list(self._table.column_names)

    def arrow(self, name: str) -> Any:
        """The ``pyarrow.ChunkedArray`` of one key; None where all entries lack it."""
        column = self._table[name] if name in self._table.column_names else None
        return None if column is None or column.null_count == len(column) else column

    def take(self, rows: np.ndarray) -> TableEntries:
        """The entries of these row numbers, in that order."""
        return TableEntries(self._table.take(rows))


def column_of(entries: Sequence[dict[str, Any]], key: str) -> list[Any] | None:
    """The values of one key of metadata, None where an entry lacks it; None where all entries do."""
    if isinstance(entries, TableEntries):
        column = entries.arrow(key)
        return None if column is None else column.to_pylist()
    values = [entry.get(key) for entry in entries]
    return None if all(value is None for value in values) else values


def keys_of(entries: Sequence[dict[str, Any]]) -> list[str]:
    """The keys of metadata, in the order in which they come."""
    if isinstance(entries, TableEntries):
        return entries.keys()
    return list(dict.fromkeys(key for entry in entries for key in entry))


@dataclass(frozen=True, eq=False)
class Rows:
    """n face vectors, the pose of each head and whose it is. Row i of every attribute is the same photo.

    Attributes:
        features: (n, D) float16, float32 or float64 as on disk, with their raw norms; may be a memory map.
        poses: (n, 3) float32 ``[yaw, pitch, roll]`` in degrees; a row of NaN is an unknown pose.
        people: (n,) str, the name of the person on each row.
        metadata: n dicts as read: ``person_name``, where there is one ``source``, and any further keys.

    Raises:
        ValueError: the attributes have different numbers of rows.

    >>> rows = Rows(np.eye(3, dtype=np.float32), np.zeros((3, 3), np.float32), np.array(["b", "a", "b"]),
    ...             ({"person_name": "b"}, {"person_name": "a"}, {"person_name": "b"}))
    >>> len(rows), rows.dim, rows.take(rows.people == "b").people.tolist()
    (3, 3, ['b', 'b'])
    """

    features: np.ndarray
    poses: np.ndarray
    people: np.ndarray
    metadata: Sequence[dict[str, Any]]

    def __post_init__(self) -> None:
        n = len(self.features)
        if self.features.ndim != 2:
            raise ValueError(f"features must be (rows, dimensions), not {self.features.shape}")
        if self.poses.shape != (n, 3) or self.people.shape != (n,) or len(self.metadata) != n:
            shapes = f"poses {self.poses.shape}, people {self.people.shape}, metadata ({len(self.metadata)},)"
            raise ValueError(f"{n} feature rows, but {shapes}")

    def __len__(self) -> int:
        return len(self.features)

    @property
    def dim(self) -> int:
        """D, the number of numbers in a vector."""
        return int(self.features.shape[1])

    @property
    def missing_poses(self) -> int:
        """The number of rows whose pose is unknown."""
        return int(np.isnan(self.poses).any(axis=1).sum())

    def names(self) -> Iterator[str]:
        """The person on each row as Python's texts, not all at once: they take 90 bytes each."""
        for start in range(0, len(self), _BLOCK_NAMES):
            yield from self.people[start : start + _BLOCK_NAMES].tolist()

    def kinds(self) -> np.ndarray:
        """(n,) int8: FRONTAL, PROFILE or OTHER, see :func:`kinds_of`."""
        return kinds_of(self.declared_kinds(), self.poses[:, 0])

    def declared_kinds(self) -> np.ndarray:
        """(n,) int8: by ``source`` alone, see :func:`declared_kinds`."""
        return declared_kinds(entry.get("source") for entry in self.metadata)

    def column(self, name: str) -> list[Any] | None:
        """See :func:`column_of`."""
        return column_of(self.metadata, name)

    def take(self, index: ArrayLike | slice) -> Rows:
        """The rows at ``index``: a mask, row numbers (in that order) or a slice."""
        chosen = np.arange(len(self))[index if isinstance(index, slice) else np.asarray(index)]
        if isinstance(self.metadata, TableEntries):
            metadata: Sequence[dict[str, Any]] = self.metadata.take(chosen)
        else:
            metadata = tuple(self.metadata[i] for i in chosen.tolist())
        return Rows(self.features[chosen], self.poses[chosen], self.people[chosen], metadata)


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The front rows (references) and video rows (probes) of some people.

    Attributes:
        name: what reports call this data; for a folder its own name, never a path.
        front: the enrolled rows.
        video: the rows that are compared with them.
        pairs: the comparisons of ``pairs.csv``, None where there are none.
    """

    name: str
    front: Rows
    video: Rows
    pairs: Pairs | None = None

    def __post_init__(self) -> None:
        if self.front.dim != self.video.dim:
            raise ValueError(f"front rows have {self.front.dim} dimensions, video rows {self.video.dim}")

    @property
    def dim(self) -> int:
        """D, the number of numbers in a vector."""
        return self.front.dim

    def people(self) -> list[str]:
        """The names on front and video rows together, each once, sorted by code point."""
        return sorted(set(self.front.names()) | set(self.video.names()))

    def select(self, people: Collection[str]) -> FeatureSet:
        """The rows of these people, in the same order, and the ``pairs`` among them, None where there are none.

        Raises:
            InputError: a name that is on no row.
        """
        wanted = set(people)
        unknown = sorted(wanted.difference(self.people()))
        if unknown:
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            raise InputError(f"{self.name}: no row of {shown(unknown[0])}{more}: check the names")
        sides = (self.front, self.video)
        front, video = (np.fromiter((name in wanted for name in rows.names()), bool, len(rows)) for rows in sides)
        pairs = None if self.pairs is None else self.pairs.select(front, video)
        return FeatureSet(self.name, self.front.take(front), self.video.take(video), pairs)

    def summary(self) -> str:
        """One line for logs: counts of people, references, probes and missing poses, D and dtypes."""
        dtypes = " and ".join(sorted({str(self.front.features.dtype), str(self.video.features.dtype)}))
        missing = self.front.missing_poses + self.video.missing_poses
        pairs = "" if self.pairs is None else f", {len(self.pairs)} comparisons in pairs"
        rows = f"{len(self.front)} references, {len(self.video)} probes, {missing} poses missing"
        return f"{self.name}: {len(self.people())} people, {rows}, D = {self.dim}, {dtypes}{pairs}"


def declared_kinds(sources: Iterable[object]) -> np.ndarray:
    """(n,) int8: FRONTAL or PROFILE where the source begins with ``frontal/`` or ``profile/``, else OTHER."""
    declared = {"frontal/": FRONTAL, "profile/": PROFILE}
    return np.fromiter((declared.get(str(source)[:8], OTHER) for source in sources), np.int8)


def kinds_of(declared: np.ndarray, yaw: np.ndarray, frontal_limit: float = FRONTAL_LIMIT) -> np.ndarray:
    """(n,) int8: what is declared; else FRONTAL for abs(yaw) <= 20 degrees, PROFILE beyond 45, and OTHER between the
    two or where the yaw is unknown (NaN)."""
    turn = np.abs(yaw)
    by_yaw = np.select([turn <= frontal_limit, turn > PROFILE_LIMIT], [FRONTAL, PROFILE], OTHER)
    return np.where(declared == OTHER, by_yaw, declared).astype(np.int8)


def shown(value: object) -> str:
    """A short form of any value for an error message: one line, at most 60 characters."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 60 else text[:57] + "..."


def name_fault(name: object) -> str | None:
    """What is wrong with a person's name, None if nothing.

    A name is text in any script, not empty, in one line, with no blanks at its ends: people are also listed
    in files, one name a line.

    >>> name_fault("王芳") is None, name_fault(" ")
    (True, 'is empty: give every row the name of its person')
    """
    if not isinstance(name, str):
        return f"is {shown(name)}, not text: write it in quotes"
    if not name.strip():
        return "is empty: give every row the name of its person"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        return f"{shown(name)} holds a control character, a line break or half a character: remove it"
    if name != name.strip():
        return f"{shown(name)} begins or ends with a blank: remove it"
    return None


def check_array(file: str, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Refuse what is no array of vectors: (rows, D) floats, at least one row."""
    if dtype.newbyteorder("=") not in DTYPES:
        raise InputError(f"{file}: holds {dtype.str} values: save it as float16, float32 or float64")
    if len(shape) != 2:
        raise InputError(f"{file}: has shape {shape}: save one vector a row, shape (rows, dimensions)")
    if min(shape) < 1:
        raise InputError(f"{file}: holds no vectors (shape {shape}): give at least one row")


def check_features(features: np.ndarray, file: str, first: int = 0) -> None:
    """Refuse an array that is not (rows, D) finite floats with a direction in every row.

    Reads a block of rows at a time, so that a memory map larger than memory can be checked.

    Args:
        file: what the message calls the array.
        first: number of the first row, where the array is a block of a longer one.

    Raises:
        InputError: naming the file and, where it is one row's fault, the first such row, counted from 0.
    """
    check_array(file, features.shape, features.dtype)
    step = max(1, _BLOCK_BYTES // (8 * features.shape[1]))
    for start in range(0, len(features), step):
        block = np.asarray(features[start : start + step], np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            norm = np.sqrt(np.einsum("ij,ij->i", block, block))
        bad = ~((norm >= MIN_NORM) & (norm <= MAX_NORM))  # NaN too
        if bad.any():
            i = int(np.argmax(bad))
            if not np.isfinite(block[i]).all():
                fault = "holds NaN or infinity: remove the photo or extract its vector again"
            elif not block[i].any():
                fault = "is all zeros and so has no direction: remove the photo (often one with no face found)"
            else:
                fault = f"has norm {norm[i]:.1e}, not {MIN_NORM} to {MAX_NORM}: rescale the vectors"
            raise InputError(f"{file}: row {first + start + i} {fault}")
