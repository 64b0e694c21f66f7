"""The templates of rows that are too many to hold: found from their ids alone, block by block."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import shown

MEDIA, PERSON = "media_id", "person_name"
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)


@dataclass(frozen=True, eq=False)
class TemplateRuns:
    """Which template each of n rows belongs to, by runs: rows of one template that follow one another.

    Attributes:
        starts: (R,) the first row of each run.
        template: (R,) the template of each run, numbered by first rows.
        first: (T,) the first row of each template, ascending.
        last: (T,) its last row.
        frames: (T,) its number of rows.
        media_starts: (Q,) the first row of each run of one media in one template; None: each row is a media of its own.
        media_rows: (Q,) the number of rows, in all its runs, of that media.
    """

    starts: np.ndarray
    template: np.ndarray
    first: np.ndarray
    last: np.ndarray
    frames: np.ndarray
    media_starts: np.ndarray | None
    media_rows: np.ndarray | None

    def template_of(self, first: int, end: int) -> np.ndarray:
        """(end - first,) the templates of these rows."""
        found: np.ndarray = self.template[_run_of(self.starts, first, end)]
        return found

    def media_rows_of(self, first: int, end: int) -> np.ndarray | float:
        """(end - first,) number of rows of the media of each of these rows."""
        if self.media_starts is None or self.media_rows is None:
            return 1.0
        found: np.ndarray = self.media_rows[_run_of(self.media_starts, first, end)]
        return found

    def complete(self) -> np.ndarray:
        """(T,) the row with which a template and all before it are complete; never falls."""
        rows: np.ndarray = np.maximum.accumulate(self.last)
        return rows

    def most_held(self) -> int:
        """The largest number of templates that have begun and wait for a row, of their own or of one before them."""
        ready = np.searchsorted(self.complete(), self.first, side="left")
        return int((np.arange(1, len(ready) + 1) - ready).max())


def find_runs(files: Iterable[tuple[str, Iterable[dict[str, np.ndarray]]]], name: str) -> TemplateRuns:
    """The templates of the rows of files, one after the other.

    A row whose id is None is a template of its own, and a media of its own where its ``media_id`` is None.

    Args:
        files: of each the name for messages, and blocks of its columns ``name`` and, where there are such,
            ``media_id`` and ``person_name``: (k,) arrays of integers, or of texts, integers and None.
        name: of the template ids.

    Raises:
        InputError: an id that is neither text nor integer, or a template over two people; names the file and the rows.
            Also a ``media_id`` that some files have and others have not.

    >>> runs = find_runs([("f", [{"t": np.array(["b", "a", "b", None], object)}])], "t")
    >>> runs.template.tolist(), runs.first.tolist(), runs.last.tolist(), runs.frames.tolist(), runs.most_held()
    ([0, 1, 0, 2], [0, 1, 3], [2, 1, 3], [2, 1, 1], 2)
    """
    templates, media = _Runs(3), _Runs(1)
    names: list[str] = []
    offsets: list[int] = []
    has_media: bool | None = None
    rows = 0
    for file, blocks in files:
        names.append(file)
        offsets.append(rows)
        for block in blocks:
            if not len(block[name]):
                continue
            at = rows - offsets[-1]
            ids = _keys(block[name], rows, file, at, name)
            people = np.zeros(len(ids), np.uint64)
            if PERSON in block:
                known = block[PERSON]
                if known.dtype == object:
                    known = np.where(np.equal(known, ""), np.array(None, object), known)
                person = _keys(known, rows, file, at, PERSON)
                people = np.where(person[:, 0] == 0, np.uint64(0), person @ _MIX[:2] | np.uint64(1))
            templates.add(np.column_stack([ids, people]))
            if has_media not in (None, MEDIA in block):
                raise InputError(f"{file}: {MEDIA} is not in all files: save all files alike")
            has_media = MEDIA in block
            if has_media:
                shots = _keys(block[MEDIA], rows, file, at, MEDIA)
                media.add((np.column_stack([ids, shots]) @ _MIX)[:, None])
            rows += len(ids)
    starts, keys = templates.finish()
    template, heads = _numbered(keys[:, :2])
    _check_people(template, keys[:, 2], starts, names, offsets, name)
    del keys
    ends = np.append(starts[1:], rows)
    last = np.empty(len(heads), np.int64)
    last[template] = ends - 1  # of a number that stands there several times the last one stays
    frames = np.bincount(template, weights=ends - starts).astype(np.int64)
    first = starts[heads]
    if not has_media:
        return TemplateRuns(starts, template, first, last, frames, None, None)
    media_starts, media_rows = _media_rows(media, rows)
    return TemplateRuns(starts, template, first, last, frames, media_starts, media_rows)


class _Runs:
    """Rows of equal keys that follow one another, collected as runs."""

    def __init__(self, columns: int) -> None:
        self._starts: list[np.ndarray] = []
        self._keys: list[np.ndarray] = []
        self._previous = np.zeros((0, columns), np.uint64)
        self._rows = 0

    def add(self, keys: np.ndarray) -> None:
        """The (k, columns) keys of the next rows."""
        before = np.concatenate([self._previous, keys])
        changed = (before[1:] != before[:-1]).any(axis=1)
        if not self._rows and len(keys):
            changed = np.append(True, changed)
        self._starts.append(self._rows + np.flatnonzero(changed))
        self._keys.append(keys[changed])
        self._previous = before[-1:]
        self._rows += len(keys)

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """(R,) first rows and (R, columns) keys of the runs."""
        starts = np.concatenate(self._starts)
        self._starts.clear()
        keys = np.concatenate(self._keys)
        self._keys.clear()
        return starts, keys


def _run_of(starts: np.ndarray, first: int, end: int) -> np.ndarray:
    return np.searchsorted(starts, np.arange(first, end), side="right") - 1


def _numbered(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R,) numbers of equal keys by first appearance, and where each number first appears."""
    order = np.lexsort(keys.T)  # stable: equal keys stay in order
    new = np.ones(len(order), bool)
    new[1:] = False
    for column in keys.T:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    heads = order[new]
    by_first = np.argsort(heads)
    rank = np.empty(len(heads), np.int64)
    rank[by_first] = np.arange(len(heads))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.repeat(rank, np.diff(np.flatnonzero(new), append=len(order)))
    return numbers, heads[by_first]


def _media_rows(media: _Runs, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) first rows of the runs, and the number of rows of all runs with the key of each; there may be very many."""
    starts, keys = media.finish()
    order = np.argsort(keys[:, 0], kind="stable")
    keys = keys[order]
    new = np.append(True, keys[1:, 0] != keys[:-1, 0])
    del keys
    counts = np.diff(starts, append=rows).astype(np.int32)
    sums = np.add.reduceat(counts[order], np.flatnonzero(new))
    group = np.cumsum(new)
    group -= 1
    counts[order] = sums[group]
    return starts, counts


def _keys(ids: np.ndarray, first: int, file: str, row: int, name: str) -> np.ndarray:
    """(k, 2) uint64, equal where ids are: integers as they are, 128 bits of BLAKE2 of texts, (0, number) of None.

    Args:
        ids: (k,) integers, or objects.
        first: number of the first row.
        file: for messages.
        row: of the file, for messages.
        name: of the column.
    """
    if ids.dtype.kind in "iu":
        return np.column_stack([(1 + (ids < 0)).astype(np.uint64), ids.astype(np.uint64)])
    changed = np.ones(len(ids), bool)
    changed[1:] = (ids[1:] != ids[:-1]).astype(bool)
    runs = np.flatnonzero(changed)
    digests = []
    for at, value in zip(runs.tolist(), ids[runs].tolist(), strict=True):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (str, int))):
            raise InputError(f"{file}: row {row + at}: {name} is {shown(value)}: give texts or integers")
        if value == "":
            raise InputError(f"{file}: row {row + at}: {name} is empty: give each row an id, or null for none")
        digests.append(_digest(value))
    keys: np.ndarray = np.frombuffer(b"".join(digests), np.uint64).reshape(-1, 2)[np.cumsum(changed) - 1]
    none = np.flatnonzero(keys[:, 0] == 0)
    keys[none, 1] = first + none
    return keys


def _digest(value: str | int | None) -> bytes:
    """
    >>> _digest(-1) == np.array([2, 2**64 - 1], np.uint64).tobytes()
    True
    """
    if value is None:
        return bytes(16)
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return struct.pack("=QQ", 1 + (value < 0), value % 2**64)
    return hashlib.blake2b(repr(value).encode("utf-8"), digest_size=16).digest()


def _check_people(
    template: np.ndarray,
    person: np.ndarray,
    starts: np.ndarray,
    files: Sequence[str],
    offsets: Sequence[int],
    name: str,
) -> None:
    """Refuses a template over two people; a person 0 is unknown."""
    known = np.flatnonzero(person != 0)
    one = np.full(int(template.max()) + 1, -1)
    one[template[known[::-1]]] = known[::-1]  # the first known run of each template
    wrong = known[person[known] != person[one[template[known]]]]
    if not wrong.size:
        return

    def place(row: int) -> str:
        file = bisect_right(offsets, row) - 1
        return f"{files[file]} row {row - offsets[file]}"

    rows = starts[[one[template[wrong[0]]], wrong[0]]].tolist()
    raise InputError(
        f"{place(rows[0])} and {place(rows[1])}: one {name} on rows of two people: "
        "give each person's templates ids of their own"
    )
