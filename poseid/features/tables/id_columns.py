"""Arrow columns of ``template_id``, ``media_id`` and ``frame``, see :mod:`poseid.features.identifiers`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from poseid.errors import InputError
from poseid.features.identifiers import (
    KEYS,
    Identifiers,
    place_of,
    rows_of_two_people,
    two_people_fault,
    value_fault,
)
from poseid.features.rows import shown
from poseid.features.tables.arrow import NUMBER, decoded, is_text, reading
from poseid.features.tables.table import find_columns

_INTEGER = r"^-?[0-9]{1,18}$"
_WHOLE = r"^[+-]?[0-9]+$"
_REMEDY = "write integers (in pandas the type Int64, which may have empty cells) or texts"


def find_id_columns(
    written: Mapping[str, str], have: Sequence[str], taken: Collection[str], file: str
) -> dict[str, str]:
    """The column of each of `KEYS` that the table has: the one written, else the one named as the key.

    Args:
        written: column by key; an empty one means that the key is left out.
        have: the columns of the table.
        taken: the columns of the vectors; a column named as a key is not used where it is one of them.
    """
    usual = {key: key for key in KEYS if key in have and key not in taken}
    found = {key: column for key, column in (usual | dict(written)).items() if column}
    for column in found.values():
        find_columns([column], have, file)
    return found


def checked_ids(
    parts: Sequence[pa.Array], key: str, name: str, people: np.ndarray, files: Sequence[tuple[str, int]]
) -> list[str | int | None]:
    """The ids of all n rows of a table; None where a cell is empty.

    Text is an id as it stands, unless all of the column are numbers and some have a decimal point; a ``frame`` in text
    is read as an integer.

    Args:
        parts: of the column.
        key: one of `KEYS`.
        name: of the column.
        people: (n,) the person on each row.
        files: of each part file its name and its first row, for messages.

    Raises:
        InputError: neither text nor integers, or some parts one and some the other; such numbers, a frame that is no
            integer, or a template over two people.
    """
    column = _joined(parts, name, files)
    if is_text(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
        whole = _matches(column, _INTEGER if key == "frame" else _WHOLE)
        if not whole.all() and (key == "frame" or _matches(column, NUMBER).all()):
            row = int(np.argmin(whole))
            fault = f"{shown(name)} is {shown(column[row].as_py())}, not an integer"
            remedy = "write integers, or name another column" if key == "frame" else _REMEDY
            file, row = place_of(files, row)
            raise InputError(f"{file}: row {row}: {fault}: {remedy}")
        column = column.cast(pa.int64()) if key == "frame" else column
    if key == "template_id" and (rows := rows_of_two_people(encode_column(column, key).codes, people)) is not None:
        places = [place_of(files, row) for row in rows]
        raise InputError(two_people_fault(places, key, column[rows[1]].as_py(), people[list(rows)].tolist()))
    values: list[str | int | None] = column.to_pylist()
    return values


def _joined(parts: Sequence[pa.Array], name: str, files: Sequence[tuple[str, int]]) -> pa.ChunkedArray:
    """The parts as one column of text, integers or null."""
    column = pa.chunked_array([], pa.null())
    for part in parts:
        file, _ = place_of(files, len(column))
        with reading(Path(file)):
            ids = decoded(part)
            ids.validate(full=True)  # text that is not UTF-8
        if not (is_text(ids.type) or pa.types.is_integer(ids.type) or pa.types.is_null(ids.type)):
            raise InputError(f"{file}: {shown(name)} holds {ids.type}: {_REMEDY}")
        tables = [pa.table({name: some}) for some in (column, ids)]
        try:
            column = pa.concat_tables(tables, promote_options="permissive")[name]
        except pa.ArrowException:
            fault = f"{shown(name)} holds {ids.type}, in the part files before it {column.type}"
            raise InputError(f"{file}: {fault}: save all alike, as integers of one type or as texts") from None
    return column


def encode_column(column: pa.ChunkedArray, key: str) -> Identifiers:
    """:func:`poseid.features.identifiers.encode_values` of a column, null where there is no value."""
    column = decoded(column)
    text = key != "frame" and is_text(column.type)
    wrong = np.empty(0, np.int64)
    if text:
        wrong = np.flatnonzero(np.asarray(pc.equal(column, "").fill_null(False)))
    elif not (pa.types.is_integer(column.type) or pa.types.is_null(column.type)):
        wrong = np.flatnonzero(np.asarray(column.is_valid()))
    if wrong.size:
        return Identifiers(np.full(len(column), -1), wrong, value_fault(column[int(wrong[0])].as_py(), key))
    encoded = column.dictionary_encode()  # all chunks share one dictionary; unify_dictionaries is slow for many ids
    codes = [np.asarray(chunk.indices.fill_null(-1), np.int64) for chunk in encoded.chunks]
    return Identifiers(np.concatenate(codes), wrong, "")


def _matches(column: pa.ChunkedArray, pattern: str) -> np.ndarray:
    """(n,) whether each text is of this form; true where it is null."""
    return np.asarray(pc.match_substring_regex(column, pattern).fill_null(True), bool)
