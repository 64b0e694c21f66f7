"""Pooling of files: ids are read without the vectors, and the rows of each template become one row of one new file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import shown
from poseid.features.tables.table import Table, find_columns, format_module, listed
from poseid.features.template_runs import MEDIA, PERSON

FRAMES, WEIGHT = "frames", "weight"
"""The columns that a pooled file has more: the number of rows of each template, int64, and its weight, float32."""

Pool = Callable[[int, int, np.ndarray, "np.ndarray | None"], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""(number of the file, its row, (n, D) vectors, (n, 3) angles as they stand in the file or None) to the templates that
are complete: (k, D) vectors of the same dtype, (k,) frames, (k,) weight."""

Arrays = dict[str, tuple[tuple[int, ...], np.dtype]]
"""Name to (shape, dtype)."""


@dataclass(frozen=True, eq=False)
class Pooling:
    """A file of which rows are pooled.

    Attributes:
        path: of the file.
        table: what it holds, as :func:`poseid.features.tables.table.inspect_file` says.
        first: (k,) its rows with which a template begins, ascending.
    """

    path: Path
    table: Table
    first: np.ndarray

    def begins(self, first: int, end: int) -> np.ndarray:
        """The rows from ``first`` to ``end`` with which a template begins, counted from ``first``."""
        low, high = np.searchsorted(self.first, [first, end])
        rows: np.ndarray = self.first[low:high] - first
        return rows


def read_ids(path: Path, name: str, rows: int) -> Iterator[dict[str, np.ndarray]]:
    """Blocks of the column ``name`` and, where there are such, of ``media_id`` and ``person_name``.

    Raises:
        InputError: no such column, or one that holds neither texts nor integers.
    """
    module = format_module(path)
    if not hasattr(module, "read_ids"):
        raise InputError(f"{path}: files of this format have no ids: pool .npz, .parquet, .h5 or a feature folder")
    blocks: Iterator[dict[str, np.ndarray]] = module.read_ids(
        path, id_columns(name, module.column_names(path), path), rows
    )
    yield from blocks


def id_columns(name: str, have: Sequence[str], path: Path) -> list[str]:
    """The column ``name`` of a file or key of metadata and, where there are such, ``media_id`` and ``person_name``.

    Raises:
        InputError: no such column; one that is there twice; or one that pooling adds.
    """
    wanted = find_columns((name,), have, str(path))
    if len(wanted) != 1:
        raise InputError(f"{path}: --pool {name}: names {len(wanted)} columns: name one of {listed(have)}")
    twice = next((column for column in have if have.count(column) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: the column {shown(twice)} is there twice: give each its own name")
    taken = next((column for column in (FRAMES, WEIGHT) if column in have), None)
    if taken is not None:
        raise InputError(f"{path}: has a column {shown(taken)}, which pooling adds: give it another name")
    return [*wanted, *(column for column in (MEDIA, PERSON) if column in have and column != name)]


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """Writes one file with a row for each template of files of one format, in the order of their first rows.

    Vectors are what ``pool`` gives, everything else is that of the template's first row; what has no rows is that of
    the first file. Two columns are added: :data:`FRAMES` and :data:`WEIGHT`.

    Raises:
        InputError: as ``pool`` does, or the files do not have the same columns.
    """
    format_module(sources[0].path).write_pooled(sources, target, pool)


def row_arrays(found: Sequence[Arrays], sources: Sequence[Pooling]) -> Arrays:
    """The arrays of one pooled file, of files whose arrays are ``found``: those with a row for each vector.

    Raises:
        InputError: a file does not have those of the first one, of the same shape and dtype but for the rows and for
            the width of texts.
    """
    total = sum(len(source.first) for source in sources)
    merged: Arrays = {}
    for arrays, source in zip(found, sources, strict=True):
        of_rows = {n: a for n, a in arrays.items() if a[0][:1] == (source.table.rows,)}
        if not merged:
            merged = {name: ((total, *shape[1:]), dtype) for name, (shape, dtype) in of_rows.items()}
        other = next(iter(merged.keys() ^ of_rows.keys()), None)
        if other is not None:
            raise InputError(f"{source.path}: the array {shown(other)} is not in all files, a row for each vector")
        for name, (shape, dtype) in of_rows.items():
            (_, *row), before = merged[name]
            texts = dtype.kind in "US" and dtype.kind == before.kind
            if tuple(row) != shape[1:] or (dtype != before and not texts):
                fault = f"rows of {shape[1:]} {dtype}, in {sources[0].path.name} {tuple(row)} {before}"
                raise InputError(f"{source.path}: {name}: has {fault}: save all files alike")
            if texts:
                merged[name] = (total, *row), np.result_type(dtype, before)
    return merged


def ids_of_array(values: np.ndarray, file: str, name: str) -> np.ndarray:
    """Integers, or values as objects, of a block of an array.

    Raises:
        InputError: bytes that are no UTF-8.
    """
    if values.dtype.kind in "iu":
        return values
    try:
        if values.dtype.kind == "S":
            values = np.char.decode(values, "utf-8")
        if values.dtype == object:  # h5py gives texts as bytes
            texts = [value.decode("utf-8") if isinstance(value, bytes) else value for value in values.tolist()]
            values = np.array(texts, object)
    except UnicodeDecodeError:
        raise InputError(f"{file}: {name}: not UTF-8: save the texts as UTF-8") from None
    return values.astype(object)


def check_ids(
    arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]], names: Sequence[str], rows: int, file: str
) -> None:
    """Refuses arrays that do not have a value for each row."""
    for name in names:
        shape = arrays[name][0]
        if shape != (rows,):
            raise InputError(f"{file}: {name}: has shape {shape}: ids of {rows} vectors are ({rows},)")
