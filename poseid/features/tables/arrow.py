"""CSV and Parquet in batches, and vectors, angles and names out of Arrow columns. Needs pyarrow (extra ``tables``).

What cannot be used raises InputError: one line that names the file and, where it is the fault of one row, that row,
counted from 0. ``first`` is the number of a batch's first row, for that line.
"""

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
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?([nN][aA][nN]|[iI][nN][fF])$"


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
        where = f"{path}: row {int(cell['row']) - 2}"  # the header is pyarrow's row 1
        if "UTF8" in cell["what"]:
            raise InputError(f"{where}: not UTF-8: save the file as UTF-8")
        number = int(cell["column"])
        name = f"column {shown(columns[number])}" if number < len(columns) else f"column number {number}"
        what = shown(cell["what"].removeprefix("value ").strip("'"))
        raise InputError(f"{where}: {name} holds {what}, not a number: correct it or name other columns")
    if width := _WIDTH.search(text):
        cells = f"{width['got']} cells, not {width['want']} as in the header"
        raise InputError(f"{path}: row {int(width['row']) - 2}: {cells}: mend the row")
    raise InputError(f"{path}: cannot be read ({shown(text)[1:-1]})")


def table_columns(path: Path) -> list[str]:
    """The names of the columns of a .csv or .parquet."""
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
    """Batches of these columns of a .csv or .parquet; of a CSV, ``numbers`` are read as float32, the others as text."""
    if path.suffix != ".csv":
        with reading(path), pq.ParquetFile(path, buffer_size=2**20) as table:
            yield from table.iter_batches(_BATCH_ROWS, columns=list(columns))
        return
    types = {name: pa.float32() if name in set(numbers) else pa.string() for name in columns}
    names = table_columns(path)
    with reading(path, names), _open_csv(path, list(columns), types) as opened:
        yield from opened


def vectors(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, D) vectors of a batch: of one column of lists, or of D columns of numbers."""
    if len(names) == 1:
        array = _as_lists(batch.column(names[0]), names[0], file, first)
        return _rows_of(_filled(array, names[0], file, first), names[0], file, first)
    remedy = ", or n/a, null and the like: remove the row or extract its vector again"
    arrays = [_filled(_numbers(batch.column(name), name, file, first), name, file, first, remedy) for name in names]
    columns = [array.to_numpy(zero_copy_only=False) for array in arrays]
    kinds = sorted({str(column.dtype) for column in columns})
    if len(kinds) > 1:
        raise InputError(f"{file}: the vector's columns have different types, {', '.join(kinds)}")
    return np.stack(columns, axis=1)


def angles_of(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, 3) float64 angles of a batch: of one column of lists, or of three columns; empty cells are NaN."""
    if len(names) == 3:
        columns = [_numbers(batch.column(name), name, file, first) for name in names]
        return np.stack([c.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) for c in columns], 1)
    if len(names) != 1:
        raise InputError(f"{file}: poses are one column of three numbers or three columns, not {len(names)}")
    array = _as_lists(batch.column(names[0]), names[0], file, first)
    angles = np.full((len(array), 3), np.nan)
    if array.null_count < len(array):
        rows = _rows_of(array.drop_null(), names[0], file, first, missing=np.nan)
        if rows.shape[1] != 3:
            raise InputError(f"{file}: {shown(names[0])} holds {rows.shape[1]} numbers a row, not three angles")
        angles[np.asarray(array.is_valid())] = rows
    return angles


def texts(batch: pa.RecordBatch, name: str | None, file: str, first: int) -> np.ndarray:
    """(n,) str of a column of text, categories or integers; empty where there is no such column."""
    if name is None:
        return np.full(len(batch), "")
    array = batch.column(name)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_integer(array.type):
        array = array.cast(pa.string())
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        raise InputError(f"{file}: {shown(name)} holds {array.type}: name a column of text or of integers")
    return np.array(_filled(array, name, file, first).to_pylist(), np.str_)


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


def _filled(array: pa.Array, name: str, file: str, first: int, remedy: str = "") -> pa.Array:
    if array.null_count:
        row = first + int(np.argmax(np.asarray(array.is_null())))
        raise InputError(f"{file}: row {row}: {shown(name)} is empty{remedy}")
    return array


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
    right = np.asarray(pc.match_substring_regex(cells, NUMBER), bool)
    if not right.all():
        at = int(np.argmin(right))
        row = int(np.searchsorted(np.asarray(lists.offsets), at, side="right")) - 1
        fault = f"{shown(name)} holds {shown(cells[at].as_py())}, not a number"
        raise InputError(f"{file}: row {first + row}: {fault}: give a column of lists of numbers, or D columns")
    sizes = pc.if_else(lists.is_valid(), pc.list_value_length(lists), 0)
    ends = np.concatenate([[0], np.cumsum(np.asarray(sizes))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), cells.cast(pa.float32()), mask=lists.is_null())


def _rows_of(array: pa.Array, name: str, file: str, first: int, missing: float | None = None) -> np.ndarray:
    """(n, D) of lists without null rows."""
    values = array.flatten()
    while is_lists(values.type):
        values = values.flatten()
    if not pa.types.is_fixed_size_list(array.type):
        sizes = np.asarray(pc.list_value_length(array))
        if (sizes != sizes[:1]).any():
            row = int(np.argmax(sizes != sizes[0]))
            fault = f"{shown(name)} holds {sizes[row]} numbers, row {first} {sizes[0]}"
            raise InputError(f"{file}: row {first + row}: {fault}: all vectors have as many")
    dim = len(values) // max(1, len(array))
    values = _numbers(values, name, file, first)
    if values.null_count and missing is None:
        row = first + int(np.argmax(np.asarray(values.is_null()))) // dim
        raise InputError(f"{file}: row {row}: {shown(name)} holds an empty number: extract the vector again")
    if values.null_count:
        values = values.cast(pa.float64()).fill_null(missing)
    return np.asarray(values.to_numpy(zero_copy_only=False)).reshape(len(array), dim)
