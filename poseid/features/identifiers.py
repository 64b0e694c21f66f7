"""Identifiers in metadata: ``template_id`` and ``media_id``, texts or integers, and ``frame``, an integer."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from poseid.features.metadata import Problem
from poseid.features.rows import TableEntries, column_of, shown

KEYS = ("template_id", "media_id", "frame")
"""Optional keys of a metadata entry: the template and the media that a row belongs to, and its number in the clip."""
_ROWS_AT_ONCE = 65_536


class Identifiers(NamedTuple):
    """The values of one of `KEYS` on n rows."""

    codes: np.ndarray
    """(n,) int64: equal values have the same number, 0 … in the order of their first rows; −1 where there is none."""
    wrong: np.ndarray
    """Rows whose value cannot be used, ascending."""
    fault: str
    """What is wrong with the first of them; empty where nothing is."""


def encode_values(values: Sequence[Any], key: str) -> Identifiers:
    """Numbers n values; None is no value.

    >>> encode_values(["b", 7, None, "b", "7"], "template_id").codes
    array([ 0,  1, -1,  0,  2])
    >>> encode_values([None, 1.5], "frame")[1:]
    (array([1]), 'is 1.5: write an integer (in pandas the type Int64), or null where there is none')
    """
    allowed = (int, np.integer) if key == "frame" else (str, int, np.integer)
    kinds = {kind for kind in set(map(type, values)) if kind is bool or not issubclass(kind, (*allowed, type(None)))}
    codes: defaultdict[Any, int] = defaultdict(count().__next__, {None: -1})
    numbers = np.fromiter(map(codes.__getitem__, () if kinds else values), np.int64)  # a new value gets the next number
    if kinds or "" in codes:
        wrong = [row for row, value in enumerate(values) if type(value) in kinds or value == ""]
        return Identifiers(np.full(len(values), -1), np.array(wrong), value_fault(values[wrong[0]], key))
    return Identifiers(numbers, np.empty(0, np.int64), "")


def encode_key(entries: Sequence[dict[str, Any]], key: str) -> Identifiers | None:
    """Numbers the values of a key in n entries; None where no entry has it.

    A table is not turned into objects of Python, so that ten million rows take seconds.
    """
    if isinstance(entries, TableEntries):
        column = entries.arrow(key)
        if column is None:
            return None
        from poseid.features.tables.id_columns import encode_column

        return encode_column(column, key)
    values = column_of(entries, key)
    return None if values is None else encode_values(values, key)


def value_fault(value: object, key: str) -> str:
    """What is wrong with a value that is none."""
    if isinstance(value, str) and not value:
        return "is empty: write null where there is none"
    what = "an integer" if key == "frame" else "a text or an integer"
    how = " (in pandas the type Int64)" if isinstance(value, float) else ""
    return f"is {shown(value)}: write {what}{how}, or null where there is none"


def rows_of_two_people(codes: np.ndarray, people: np.ndarray) -> tuple[int, int] | None:
    """The first row of a template whose first row is another person's, after that first row; None if there is none.

    Args:
        codes: (n,) numbers of templates from 0, −1 for rows without one.
        people: (n,) names, or numbers, empty or 0 where it is not known whose row it is; such rows are not compared.
    """
    rows = np.flatnonzero((codes >= 0) & (people != people.dtype.type()))
    first = np.empty(int(codes.max(initial=-1)) + 1, np.int64)
    first[codes[rows[::-1]]] = rows[::-1]  # of several rows the last one written stays: the first
    rows = rows[first[codes[rows]] != rows]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        other = first[codes[some]]
        wrong = people[some] != people[other]
        if wrong.any():
            at = int(np.argmax(wrong))
            return int(other[at]), int(some[at])
    return None


def place_of(files: Sequence[tuple[str, int]], row: int) -> tuple[str, int]:
    """The file of a row of several files, and its number there; of each file the name and its first row."""
    file, first = files[bisect_right(files, row, key=lambda file: file[1]) - 1]
    return file, row - first


def two_people_fault(places: Sequence[tuple[object, int]], key: str, template: object, people: Iterable[object]) -> str:
    """The line about a template over two people, on two rows of files."""
    (file, row), (other, second) = places
    where = f"{file}: rows {row} and {second}" if file == other else f"{file}: row {row} and {other}: row {second}"
    what = f"{key} {shown(template)} stands on rows of two people, {' and '.join(map(shown, people))}"
    return f"{where}: {what}: give each person's templates ids of their own"


def find_id_problems(entries: Sequence[dict[str, Any]], people: np.ndarray, path: Path) -> list[Problem]:
    """What cannot be used of `KEYS` in the metadata of one side: of each key, and a template over two people."""
    problems = []
    for key in KEYS:
        found = encode_key(entries, key)
        if found is None:
            continue
        if found.fault:
            message = f"{path}: row {found.wrong[0]}: {key} {found.fault}"
            problems.append(Problem("bad-ids", path, message, tuple(found.wrong.tolist())))
        elif key == "template_id" and (rows := rows_of_two_people(found.codes, people)) is not None:
            places = [(path, row) for row in rows]
            message = two_people_fault(places, key, entries[rows[1]][key], people[list(rows)].tolist())
            problems.append(Problem("template-of-two-people", path, message, rows))
    return problems
