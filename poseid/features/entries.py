"""Metadata entries of millions of rows in little memory."""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np

_AT_ONCE = 1024  # that are read


class Entries(Sequence[dict[str, Any]]):
    """JSON objects kept as their text, each read anew when it is asked for.

    As a dict of Python an entry takes some 350 bytes, and few of them are ever looked at.

    Args:
        text: UTF-8 that holds the objects; may be a memory map.
        begins, ends: (n,) where each object lies in it.

    >>> entries = Entries(b'{"n": 1}{"n": 2}', np.array([0, 8]), np.array([8, 16]))
    >>> len(entries), entries[-1], list(entries.take(np.array([1, 0, 1])))
    (2, {'n': 2}, [{'n': 2}, {'n': 1}, {'n': 2}])
    """

    def __init__(self, text: bytes | mmap.mmap, begins: np.ndarray, ends: np.ndarray) -> None:
        self._text = text
        self._begins = begins
        self._ends = ends

    def __len__(self) -> int:
        return len(self._begins)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Entries: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | Entries:
        if isinstance(index, slice):
            return Entries(self._text, self._begins[index], self._ends[index])
        entry: dict[str, Any] = json.loads(self._text[self._begins[index] : self._ends[index]].decode("utf-8"))
        return entry

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for start in range(0, len(self), _AT_ONCE):
            places = slice(start, start + _AT_ONCE)
            pairs = zip(self._begins[places].tolist(), self._ends[places].tolist(), strict=True)
            yield from json.loads(b"[%b]" % b",".join(self._text[begin:end] for begin, end in pairs))

    def take(self, rows: np.ndarray) -> Entries:
        """The entries of these row numbers, in that order; the text is shared."""
        return Entries(self._text, self._begins[rows], self._ends[rows])
