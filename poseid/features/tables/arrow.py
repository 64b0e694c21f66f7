"""CSV and Parquet in batches, and vectors, angles and names out of Arrow columns. Needs pyarrow (extra ``tables``)."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from poseid.errors import InputError
from poseid.features.rows import shown

_ONLY_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_CSV_BLOCK = 8 * 2**20
_BATCH_ROWS = 8192
_SNIFFED = 2**20
_CELL = re.compile(
    r"In CSV column #(?P<column>\d+): Row #(?P<row>\d+): CSV conversion error to \w+: invalid (?P<what>.*)", re.DOTALL
)
_WIDTH = re.compile(r"CSV parse error: Row #(?P<row>\d+): Expected (?P<want>\d+) columns, got (?P<got>\d+)")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?([nN][aA][nN]|[iI][nN][fF])$"


@contextmanager
def reading(path: Path, columns: Sequence[str] = ()) -> Iterator[None]:
    """Turns what pyarrow says about a bad file into one line that names the file and the row, counted from 0."""
    try:
        yield
    except UnicodeDecodeError:
        raise InputError(f"{path}: row 0 or the header is not UTF-8: save the file as UTF-8") from None
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno in _ONLY_WRITING:
            raise  # it is not this file that is at fault
        text = str(error)
    else:
        return
    if cell := _CELL.search(text):
        # the header is pyarrow's row 1
        where = f"{path}: row {int(cell['row']) - 2}"
        if "UTF8" in cell["what"]:
            raise InputError(f"{where}: not UTF-8: save the file as UTF-8")
        number = int(cell["column"])
        name = f"column {shown(columns[number])}" if number < len(columns) else f"column number {number}"
        what = shown(cell["what"].removeprefix("value ").strip("'"))
        raise InputError(f"{where}: {name} holds {what}, not a number: correct it or name other columns")
    if width := _WIDTH.search(text):
        raise InputError(
            f"{path}: row {int(width['row']) - 2}: {width['got']} cells, not {width['want']} as in the header: "
            "mend the row"
        )
    raise InputError(f"{path}: cannot be read ({shown(text)[1:-1]})")


def table_columns(path: Path) -> list[str]:
    """The names of the columns of a .csv or .parquet.

    Raises:
        InputError: no such file, or it cannot be read.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix != ".csv":
        with reading(path):
            return list(pq.read_schema(path).names)
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    if not start.strip():
        raise InputError(f"{path}: is empty: give a header line and one line a photo")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: is UTF-16: save the file as UTF-8")
    with reading(path), _open_csv(path, None, {}) as opened:
        return list(opened.schema.names)


def table_batches(path: Path, columns: Sequence[str], numbers: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Batches of some columns of a .csv or .parquet, in the file's order.

    Args:
        path: the file.
        columns: which; they must be there.
        numbers: those that a CSV holds as numbers; the others are read as text.

    Raises:
        InputError: the file cannot be read, or a cell is not what it should be; names the row.
    """
    if path.suffix != ".csv":
        with reading(path), pq.ParquetFile(path, buffer_size=2**20) as table:
            yield from table.iter_batches(_BATCH_ROWS, columns=list(columns))
        return
    types = {name: pa.float32() if name in set(numbers) else pa.string() for name in columns}
    names = table_columns(path)
    with reading(path, names), _open_csv(path, list(columns), types) as opened:
        yield from opened


def vectors(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, D) vectors of a batch: of one column of lists, or of D columns of numbers.

    Args:
        batch: n rows.
        names: the columns.
        file: for messages.
        first: number of the batch's first row, for messages.

    Raises:
        InputError: an empty cell, lists of different lengths, or text where numbers belong; names the row.
    """
    if len(names) == 1:
        array = _as_lists(batch.column(names[0]), names[0], file, first)
        if array.null_count:
            raise InputError(f"{file}: row {first + _first(array.is_null())}: {shown(names[0])} is empty")
        return _rows_of(array, names[0], file, first)
    columns = []
    for name in names:
        array = _numbers(batch.column(name), name, file, first)
        if array.null_count:
            row = first + _first(array.is_null())
            fault = "is empty, or n/a, null and the like"
            raise InputError(f"{file}: row {row}: {shown(name)} {fault}: remove the row or extract its vector again")
        columns.append(array.to_numpy(zero_copy_only=False))
    kinds = {column.dtype for column in columns}
    if len(kinds) > 1:
        raise InputError(f"{file}: the vector's columns have different types, {', '.join(sorted(map(str, kinds)))}")
    return np.stack(columns, axis=1) if columns[0].size else np.empty((0, len(columns)), columns[0].dtype)


def angles_of(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, 3) float64 angles of a batch: of one column of lists, or of three columns; empty cells are NaN.

    Raises:
        InputError: no three numbers in a row; names it.
    """
    if len(names) == 3:
        columns = [_numbers(batch.column(name), name, file, first) for name in names]
        return np.stack([c.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) for c in columns], 1)
    if len(names) != 1:
        raise InputError(f"{file}: poses are one column of three numbers or three columns, not {len(names)}")
    array = _as_lists(batch.column(names[0]), names[0], file, first)
    angles = np.full((len(array), 3), np.nan)
    there = np.asarray(array.is_valid())
    if there.any():
        rows = _rows_of(array.drop_null(), names[0], file, first, missing=np.nan)
        if rows.shape[1] != 3:
            raise InputError(f"{file}: {shown(names[0])} holds {rows.shape[1]} numbers a row, not three angles")
        angles[there] = rows
    return angles


def texts(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    """A column as text: of text, categories or integers.

    Raises:
        InputError: another type, or an empty cell; names the row.
    """
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_integer(array.type):
        array = array.cast(pa.string())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise InputError(f"{file}: {shown(name)} holds {array.type}: name a column of text or of integers")
    if array.null_count:
        raise InputError(f"{file}: row {first + _first(array.is_null())}: {shown(name)} is empty")
    return array


def is_lists(kind: pa.DataType) -> bool:
    """Whether a column of this type holds a list of numbers in each row, a fixed-shape tensor among them."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _open_csv(path: Path, columns: list[str] | None, types: dict[str, pa.DataType]) -> pyarrow.csv.CSVStreamingReader:
    with path.open("rb") as file:
        header = file.readline(_SNIFFED)
    return pyarrow.csv.open_csv(
        path,
        # rows are counted in messages only by a single thread
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=max(",;\t", key=lambda sign: header.count(sign.encode())), newlines_in_values=True
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types, include_columns=columns, strings_can_be_null=False
        ),
    )


def _first(mask: pa.Array) -> int:
    return int(np.argmax(np.asarray(mask)))


def _numbers(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    kind = array.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        return array
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return array.cast(pa.float64())
    value = f"row {first}: {shown(array[0].as_py())}" if len(array) else "no rows"
    raise InputError(f"{file}: {shown(name)} holds {kind}, not numbers ({value}): name other columns")


def _as_lists(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        return _parsed(array, name, file, first)
    if not is_lists(array.type):
        raise InputError(f"{file}: {shown(name)} holds {array.type}: give a column of lists of numbers, or D columns")
    return array


def _parsed(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    """Cells such as "[0.1, 0.2]" or "0.1 0.2" to lists; an empty cell is null."""
    bare = pc.utf8_trim(array, characters="[]() \t\r\n")
    lists = pc.split_pattern_regex(pc.if_else(pc.equal(bare, ""), pa.scalar(None, bare.type), bare), r"[\s,;]+")
    cells = lists.flatten()
    right = np.asarray(pc.match_substring_regex(cells, _NUMBER), bool)
    if not right.all():
        at = int(np.argmin(right))
        row = int(np.searchsorted(np.asarray(lists.offsets), at, side="right")) - 1
        raise InputError(
            f"{file}: row {first + row}: {shown(name)} holds {shown(cells[at].as_py())}, not a number: "
            "give a column of lists of numbers, or D columns"
        )
    offsets = pc.if_else(lists.is_valid(), pc.list_value_length(lists), 0)
    ends = np.concatenate([[0], np.cumsum(np.asarray(offsets))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), cells.cast(pa.float32()), mask=lists.is_null())


def _rows_of(array: pa.Array, name: str, file: str, first: int, missing: float | None = None) -> np.ndarray:
    """(n, D) of lists without null rows."""
    values = array.flatten()
    while is_lists(values.type):
        values = values.flatten()
    lengths = np.asarray(pc.list_value_length(array)) if not pa.types.is_fixed_size_list(array.type) else None
    if lengths is not None and len(lengths) and (lengths != lengths[0]).any():
        row = int(np.argmax(lengths != lengths[0]))
        raise InputError(
            f"{file}: row {first + row}: {shown(name)} holds {lengths[row]} numbers, row {first} {lengths[0]}: "
            "all vectors have one length"
        )
    dim = len(values) // len(array) if len(array) else 0
    values = _numbers(values, name, file, first)
    if values.null_count:
        if missing is None:
            row = first + _first(values.is_null()) // dim
            raise InputError(f"{file}: row {row}: {shown(name)} holds an empty number: extract the vector again")
        values = values.cast(pa.float64()).fill_null(missing)
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(array), dim)
