"""The templates of rows that are too many to hold: found from their ids alone, block by block."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from poseid.errors import InputError
from poseid.features.identifiers import encode_values, rows_of_two_people, two_people_fault
from poseid.features.templates import number_rows

MEDIA, PERSON = "media_id", "person_name"
Blocks = Callable[[], Iterable[dict[str, np.ndarray]]]
"""Reads the ids of a file from its beginning, in blocks of rows: of each of its columns (k,) values."""
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
        files: of each file the name for messages and its first row.
    """

    starts: np.ndarray
    template: np.ndarray
    first: np.ndarray
    last: np.ndarray
    frames: np.ndarray
    media_starts: np.ndarray | None
    media_rows: np.ndarray | None
    files: Sequence[tuple[str, int]]

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

    def place(self, row: int) -> str:
        """The file of a row, and its number there, for messages."""
        file, number = _at(self.files, row)
        return f"{file}: row {number}"

    def completion_row(self) -> np.ndarray:
        """(T,) the row with which a template and all before it are complete; never falls."""
        rows: np.ndarray = np.maximum.accumulate(self.last)
        return rows

    def most_held(self) -> int:
        """The largest number of templates that have begun and wait for a row, of their own or of one before them."""
        ready = np.searchsorted(self.completion_row(), self.first, side="left")
        return int((np.arange(1, len(ready) + 1) - ready).max(initial=0))


def find_runs(files: Iterable[tuple[str, Blocks]], name: str) -> TemplateRuns:
    """The templates of the rows of files, one after the other.

    A row whose id is None is a template of its own, and a media of its own where its ``media_id`` is None.

    Args:
        files: of each the name for messages, and what reads its columns ``name`` and, where there are such,
            ``media_id`` and ``person_name``: arrays of integers, or of texts, integers and None.
        name: of the template ids.

    Raises:
        InputError: an id that is neither text nor integer, or a template over two people; names the file and the rows.
            Also a ``media_id`` that some files have and others have not.

    >>> runs = find_runs([("f", lambda: [{"t": np.array(["b", "a", "b", None], object)}])], "t")
    >>> runs.template.tolist(), runs.first.tolist(), runs.last.tolist(), runs.frames.tolist(), runs.most_held()
    ([0, 1, 0, 2], [0, 1, 3], [2, 1, 3], [2, 1, 1], 2)
    """
    templates: list[tuple[np.ndarray, np.ndarray]] = []
    media: list[tuple[np.ndarray, np.ndarray]] = []
    places: list[tuple[str, int]] = []
    readers: dict[str, Blocks] = {}
    has_media: bool | None = None
    rows = 0
    for file, read in files:
        places.append((file, rows))
        readers[file] = read
        for block in read():
            if not len(block[name]):
                continue
            keys = {key: _keys(ids, rows, places[-1], key, key == PERSON != name) for key, ids in block.items()}
            ids, person = keys[name], keys.get(PERSON, np.zeros((len(block[name]), 2), np.uint64))
            people = np.where(person[:, 0] == 0, np.uint64(0), person @ _MIX[:2] | np.uint64(1))
            templates.append(_runs(np.column_stack([ids, people]), rows))
            if has_media not in (None, MEDIA in block):
                raise InputError(f"{file}: {MEDIA} is not in all files: save all files alike")
            has_media = MEDIA in block
            if has_media:
                media.append(_runs((np.column_stack([ids, keys[MEDIA]]) @ _MIX)[:, None], rows))
            rows += len(ids)
    starts, keys_of_runs = _joined(templates, 3)
    template, first_index = number_rows(keys_of_runs[:, :2].T)
    wrong = rows_of_two_people(template, keys_of_runs[:, 2])
    if wrong is not None:
        raise InputError(_two_people(starts[list(wrong)].tolist(), places, readers, name))
    del keys_of_runs
    ends = np.append(starts[1:], rows)
    last = np.empty(len(first_index), np.int64)
    last[template] = ends - 1  # of a number that stands there several times the last one stays
    frames = np.bincount(template, weights=ends - starts).astype(np.int64)
    media_starts, media_rows = _media_rows(media, rows) if has_media else (None, None)
    return TemplateRuns(starts, template, starts[first_index], last, frames, media_starts, media_rows, places)


def _runs(keys: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the (k, columns) keys of a block: (r,) the rows with which runs begin, from ``first`` on, and their keys."""
    new = np.ones(len(keys), bool)
    new[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    return first + np.flatnonzero(new), keys[new]


def _joined(runs: list[tuple[np.ndarray, np.ndarray]], columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Runs of all blocks, which the list then no longer holds."""
    starts = np.concatenate([np.empty(0, np.int64), *(starts for starts, _ in runs)])
    keys = [keys for _, keys in runs]
    runs.clear()
    return starts, np.concatenate([np.empty((0, columns), np.uint64), *keys])


def _run_of(starts: np.ndarray, first: int, end: int) -> np.ndarray:
    return np.searchsorted(starts, np.arange(first, end), side="right") - 1


def _media_rows(media: list[tuple[np.ndarray, np.ndarray]], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(Q,) first rows of the runs, and the number of rows of all runs with the key of each; there may be very many."""
    starts, keys = _joined(media, 1)
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


def _keys(ids: np.ndarray, first: int, file: tuple[str, int], name: str, blank: bool) -> np.ndarray:
    """(k, 2) uint64, equal where ids are: integers as they are, 128 bits of BLAKE2 of texts, (0, number) of None.

    Args:
        ids: (k,) integers, or objects.
        first: number of the first row.
        file: its name and the number of its first row, for messages.
        name: of the column.
        blank: whether an empty text is none.
    """
    if ids.dtype.kind in "iu":
        return np.column_stack([(1 + (ids < 0)).astype(np.uint64), ids.astype(np.uint64)])
    values = [None if blank and value == "" else value for value in ids.tolist()]
    found = encode_values(values, "template_id")
    if found.fault:
        raise InputError(f"{file[0]}: row {first - file[1] + found.wrong[0]}: {name} {found.fault}")
    number, first_index = number_rows(found.codes[None])
    digests = b"".join(_digest(values[row]) for row in first_index.tolist())
    keys: np.ndarray = np.frombuffer(digests, np.uint64).reshape(-1, 2)[number]
    none = np.flatnonzero(found.codes < 0)
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


def _at(files: Sequence[tuple[str, int]], row: int) -> tuple[str, int]:
    """The file of a row, and its number there."""
    file, first = files[bisect_right(files, row, key=lambda file: file[1]) - 1]
    return file, row - first


def _two_people(rows: Sequence[int], files: Sequence[tuple[str, int]], read: Mapping[str, Blocks], name: str) -> str:
    """The line about a template over two people; reads once more what stands on the rows."""
    places = [_at(files, row) for row in rows]
    found: list[dict[str, Any]] = []
    for file, left in places:
        for block in read[file]():
            if 0 <= left < len(block[name]):
                found.append({key: column.tolist()[left] for key, column in block.items()})
            left -= len(block[name])
    return two_people_fault(places, name, found[0][name], [ids[PERSON] for ids in found])
