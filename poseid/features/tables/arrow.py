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
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from poseid.errors import InputError, shortened
from poseid.features.rows import shown
from poseid.features.tables.table import suffix_of

_ONLY_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
_CSV_BLOCK = 8 * 2**20
_BATCH_ROWS = 8192
_SNIFFED = 2**20
_SEPARATOR = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=(.)"?')  # Excel's first line
_NUMPYS = (  # numpy's own repr, such as np.float32(0.1) and array([0.1, 0.2], dtype=float32), without what is around
    (r"\b(?:np|numpy)\.float(?:16|32|64)\(([^()]*)\)", r"\1"),
    (r"^\s*array\(\[([^()]*)\](?:,\s*dtype=float(?:16|32|64))?\)\s*$", r"[\1]"),
)
_CELL = re.compile(
    r"In CSV column #(?P<column>\d+): Row #(?P<row>\d+): CSV conversion error to \w+: invalid (?P<what>.*)", re.DOTALL
)
_WIDTH = re.compile(r"CSV parse error: Row #(?P<row>\d+): Expected (?P<want>\d+) columns, got (?P<got>\d+)")
NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[+-]?([nN][aA][nN]|[iI][nN][fF])$"


@contextmanager
def reading(path: Path, columns: Sequence[str] = (), header: int = 1) -> Iterator[None]:
    """Turns what pyarrow says about a bad file into one line that names the file and the row, counted from 0 below the
    line ``header`` of a CSV with these columns."""
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
        where = f"{path}: row {int(cell['row']) - header - 1}"
        if "UTF8" in cell["what"]:
            raise InputError(f"{where}: not UTF-8: save the file as UTF-8")
        number = int(cell["column"])
        name = f"column {shown(columns[number])}" if number < len(columns) else f"column number {number}"
        what = shown(cell["what"].removeprefix("value ").strip("'"))
        raise InputError(f"{where}: {name} holds {what}, not a number: correct it or name other columns")
    if width := _WIDTH.search(text):
        cells = f"{width['got']} cells, not {width['want']} as in the header"
        raise InputError(f"{path}: row {int(width['row']) - header - 1}: {cells}: mend the row")
    raise InputError(f"{path}: cannot be read ({shortened(text)})")


def table_columns(path: Path) -> list[str]:
    """The names of the columns of a .csv or .parquet, and of those in structs as struct.name."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if suffix_of(path) != ".csv":
        with reading(path):
            return schema_columns(pq.read_schema(path))
    return [_bare(name) for name in _sniff(path).names]


def schema_columns(schema: pa.Schema) -> list[str]:
    """The names of the columns, and of those in structs as struct.name."""
    structs = [field for field in schema if pa.types.is_struct(field.type)]
    return [*schema.names, *(f"{field.name}.{inner.name}" for field in structs for inner in field.type)]


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column by its name, or one in a struct as struct.name."""
    if name in batch.schema.names:
        return batch.column(name)
    struct, _, inner = name.partition(".")
    return pc.struct_field(batch.column(struct), inner)


def table_batches(path: Path, columns: Sequence[str], numbers: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Batches of these columns of a .csv or .parquet; of a CSV, ``numbers`` are read as float32, the others as text."""
    if suffix_of(path) != ".csv":
        with reading(path), pq.ParquetFile(path, buffer_size=2**20) as table:
            yield from table.iter_batches(_BATCH_ROWS, columns=list(columns))
        return
    sniffed = _sniff(path)
    there = {_bare(name): name for name in sniffed.names}
    kinds = {there[name]: pa.string() for name in columns}
    if not sniffed.numpys:
        kinds |= {there[name]: pa.float32() for name in numbers}
    with reading(path, list(there), sniffed.header), _open_csv(path, sniffed, kinds) as opened:
        for batch in opened:
            arrays = [_after_blank(array) if sniffed.blanks else array for array in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


class _Csv(NamedTuple):
    """How a CSV is written: its delimiter, the line of its header, the names there as they are, whether blanks follow
    delimiters, and whether numbers stand in numpy's own repr."""

    delimiter: str
    header: int
    names: list[str]
    blanks: bool
    numpys: bool


def _sniff(path: Path) -> _Csv:
    with path.open("rb") as file:
        start = file.read(_SNIFFED)
    if not start.strip():
        raise InputError(f"{path}: is empty: give a header line and one line a photo")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: is UTF-16: save the file as UTF-8")
    first = start.splitlines()[0]
    said = _SEPARATOR.fullmatch(first)
    header = 2 if said else 1
    with reading(path, (), header):
        delimiter = said[1].decode() if said else max(",;\t", key=lambda sign: first.count(sign.encode()))
        sniffed = _Csv(delimiter, header, [], False, b"np.float" in start)
        with _open_csv(path, sniffed, {}) as opened:
            names = list(opened.schema.names)
    return sniffed._replace(names=names, blanks=any(name.startswith(" ") for name in names))


def _bare(name: str) -> str:
    """The name of a column without blanks around it and the quotes that stand behind one."""
    bare = name.strip()
    return bare[1:-1] if bare != name and len(bare) > 1 and bare[0] == bare[-1] == '"' else bare


def _after_blank(array: pa.Array) -> pa.Array:
    """Texts without the blank that follows a delimiter, and without the quotes behind it."""
    if not pa.types.is_string(array.type):
        return array
    return pc.replace_substring_regex(pc.replace_substring_regex(array, "^ +", ""), '^"([^"]*)"$', r"\1")


def vectors(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, D) vectors of a batch: of one column of lists, or of D columns of numbers."""
    if len(names) == 1:
        array = _as_lists(column_of(batch, names[0]), names[0], file, first)
        return _rows_of(_filled(array, names[0], file, first), names[0], file, first)
    remedy = ", or n/a, null and the like: remove the row or extract its vector again"
    arrays = [_filled(_numbers(column_of(batch, name), name, file, first), name, file, first, remedy) for name in names]
    columns = [array.to_numpy(zero_copy_only=False) for array in arrays]
    kinds = sorted({str(column.dtype) for column in columns})
    if len(kinds) > 1:
        raise InputError(f"{file}: the vector's columns have different types, {', '.join(kinds)}")
    return np.stack(columns, axis=1)


def angles_of(batch: pa.RecordBatch, names: Sequence[str], file: str, first: int) -> np.ndarray:
    """(n, 3) float64 angles of a batch: of one column of lists, or of three columns; empty cells are NaN."""
    if len(names) == 3:
        columns = [_numbers(column_of(batch, name), name, file, first) for name in names]
        return np.stack([c.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False) for c in columns], 1)
    if len(names) != 1:
        raise InputError(f"{file}: poses are one column of three numbers or three columns, not {len(names)}")
    array = _as_lists(column_of(batch, names[0]), names[0], file, first)
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
    array = decoded(column_of(batch, name))
    if pa.types.is_integer(array.type):
        array = array.cast(pa.string())
    if not is_text(array.type):
        raise InputError(f"{file}: {shown(name)} holds {array.type}: name a column of text or of integers")
    return np.array(_filled(array, name, file, first).to_pylist(), np.str_)


def ids_of(batch: pa.RecordBatch, name: str) -> np.ndarray:
    """(n,) integers of a column, or its values, None where there is none, as objects."""
    array = decoded(batch.column(name))
    if pa.types.is_integer(array.type) and not array.null_count:
        return np.asarray(array.to_numpy(zero_copy_only=False))
    values = np.empty(len(array), object)
    values[:] = array.to_pylist()
    return values


def decoded(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A column of categories as their values, any other as it is."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of this type holds a text in each row."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_lists(kind: pa.DataType) -> bool:
    """Whether a column of this type holds a list of numbers in each row, a fixed-shape tensor among them."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return bool(pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _open_csv(path: Path, written: _Csv, kinds: dict[str, pa.DataType]) -> pyarrow.csv.CSVStreamingReader:
    """The columns of these kinds; all, if none are named."""
    nulls = [*pyarrow.csv.ConvertOptions().null_values, " "]  # the blank that follows a delimiter is no number
    return pyarrow.csv.open_csv(
        path,
        # rows are counted in messages only by a single thread
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK, skip_rows=written.header - 1),
        parse_options=pyarrow.csv.ParseOptions(delimiter=written.delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=kinds, include_columns=list(kinds), null_values=nulls, strings_can_be_null=False
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
    value, row = "no rows", 0
    if is_text(kind):
        cells = pc.utf8_trim_whitespace(_without_numpy(array))
        cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)
        right = np.asarray(pc.fill_null(pc.match_substring_regex(cells, NUMBER), True), bool)
        if right.all() and len(array):
            return cells.cast(pa.float32())
        row = int(np.argmin(right)) if len(array) else 0
    if len(array):
        value = f"row {first + row}: {shown(array[row].as_py())}"
    raise InputError(f"{file}: {shown(name)} holds {kind}, not numbers ({value}): name other columns")


def _as_lists(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    if isinstance(array.type, pa.BaseExtensionType):
        array = array.storage
    if is_text(array.type):
        return _parsed(array, name, file, first)
    if not is_lists(array.type):
        raise InputError(f"{file}: {shown(name)} holds {array.type}: give a column of lists of numbers, or D columns")
    return array


def _parsed(array: pa.Array, name: str, file: str, first: int) -> pa.Array:
    """Cells such as "[0.1, 0.2]" or "0.1 0.2" to lists; an empty cell is null."""
    bare = pc.utf8_trim(_without_numpy(array), characters="[]() \t\r\n")
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


def _without_numpy(array: pa.Array) -> pa.Array:
    for pattern, number in _NUMPYS:
        array = pc.replace_substring_regex(array, pattern, number)
    return array


def _rows_of(array: pa.Array, name: str, file: str, first: int, missing: float | None = None) -> np.ndarray:
    """(n, D) of lists without null rows."""
    while is_lists((values := array.flatten()).type):  # each vector in one more list
        sizes = np.asarray(pc.list_value_length(array))
        if (sizes != 1).any():
            row = int(np.argmax(sizes != 1))
            fault = f"{shown(name)} holds {sizes[row]} lists"
            raise InputError(f"{file}: row {first + row}: {fault}: give each vector a row of its own")
        inner = values.storage if isinstance(values.type, pa.BaseExtensionType) else values
        array = _filled(inner, name, file, first)
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
