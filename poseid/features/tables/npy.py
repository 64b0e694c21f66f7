"""npy files: read into memory or mapped, and as a stream of vectors. Never unpickles."""

from __future__ import annotations

import math
import os
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import check_array
from poseid.features.tables.pooled import Pool, Pooling
from poseid.features.tables.table import Block, Change, Columns, Table, block_rows, sample_runs

MEMORY_MAP_BYTES = 256 * 2**20  # larger npy files are memory-mapped, not read
Reader = Callable[[int, int], np.ndarray]
"""(first, end) to the rows from first to before end."""
# what numpy raises on the header of a damaged npy file, which it reads as Python's own literals
_HEADER_FAULTS = (
    *(ValueError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError, RecursionError),
    tokenize.TokenError,
)


def read_array(path: Path) -> np.ndarray:
    """An npy file as an array in this machine's byte order, memory-mapped read-only above 256 MiB where it has that
    order already. Never unpickles.

    Raises:
        InputError: no such file, no npy file, Python objects inside, cut short or with bytes after the array.
    """
    array = _array(path, MEMORY_MAP_BYTES)
    return array.astype(native(array.dtype), copy=False)


def native(dtype: np.dtype) -> np.dtype:
    """The same numbers in this machine's byte order."""
    return dtype.newbyteorder("=")


def _array(path: Path, in_memory: int) -> np.ndarray:
    try:
        with path.open("rb") as stream:
            shape, by_columns, dtype = read_header(stream, str(path))
            first, size = stream.tell(), os.fstat(stream.fileno()).st_size
            end = first + math.prod(shape) * dtype.itemsize
            if size < end:
                raise InputError(f"{path}: is damaged or cut short: save it again")
            if size > end:
                raise InputError(f"{path}: has bytes after the array: save one array alone with numpy.save")
            mapped = size > max(first, in_memory)
            values = np.memmap(path, dtype, "r", first) if mapped else np.fromfile(stream, dtype)
            return values.reshape(shape, order="F" if by_columns else "C")
    except FileNotFoundError:
        raise InputError(f"{path}: is missing: a feature folder needs it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype and a sample."""
    if columns != Columns():
        raise InputError(f"{path}: an npy file has no columns: leave out the names, give --poses FILE")
    array = _array(path, 0)
    dtype = native(array.dtype)
    check_array(str(path), array.shape, dtype)
    rows, dim = array.shape
    sample = np.concatenate([array[first:end].astype(dtype) for first, end in sample_runs(rows, sampled)])
    return Table(rows, dim, dtype, Columns(), sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The file with changed vectors, as numpy.save would write it."""
    array = _array(source, 0)
    with target.open("wb") as out:
        write_header(out, array.shape, native(array.dtype))
        for block in blocks(array.shape, _slices(array), []):
            out.write(change(*block).tobytes())


def blocks(shape: tuple[int, ...], rows: Reader, angles: Sequence[Reader]) -> Iterator[Block]:
    """The vectors that ``rows`` reads, and their poses, which ``angles`` read, three a row or one each."""
    count, dim = shape
    step = block_rows(dim)
    for first in range(0, count, step):
        end = min(first + step, count)
        block = rows(first, end)
        given = np.column_stack([read(first, end) for read in angles]) if angles else None
        yield first, np.ascontiguousarray(block, native(block.dtype)), given


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """The vectors of the templates alone: of a feature folder."""
    table = sources[0].table
    with target.open("wb") as out:
        write_header(out, (sum(len(source.first) for source in sources), table.dim), table.dtype)
        for number, source in enumerate(sources):
            array = _array(source.path, 0)
            for block in blocks(array.shape, _slices(array), []):
                out.write(pool(number, *block)[0].tobytes())


def _slices(array: np.ndarray) -> Reader:
    return lambda first, end: array[first:end]


def row_reader(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], Reader]:
    """The shape of an array in a stream, and what reads its rows, one block after the other; an array that is stored
    column by column is read in one piece."""
    shape, by_columns, dtype = read_header(stream, file)

    def read(count: int, row: tuple[int, ...]) -> np.ndarray:
        size = count * dtype.itemsize * math.prod(row)
        content = stream.read(size)
        if len(content) < size:
            raise InputError(f"{file}: is cut short: save it again")
        return np.frombuffer(content, dtype).reshape(count, *row)

    if by_columns and len(shape) > 1:
        array = read(math.prod(shape), ()).reshape(shape, order="F")
        return shape, _slices(array)
    return shape, lambda first, end: read(end - first, shape[1:])


def read_header(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether it is stored column by column, and dtype; the stream then stands at the first value."""
    start = stream.read(8)
    if start[:6] != np.lib.format.MAGIC_PREFIX:
        hint = "an npz archive" if start[:2] == b"PK" else "not an npy file"
        raise InputError(f"{file}: is {hint}: save the vectors with numpy.save")
    readers = {b"\1\0": np.lib.format.read_array_header_1_0, b"\2\0": np.lib.format.read_array_header_2_0}
    # Version 3 differs from 2 in the names of records alone, which are no vectors.
    readers[b"\3\0"] = readers[b"\2\0"]
    try:
        shape, by_columns, dtype = readers[start[6:]](stream)
    except (KeyError, *_HEADER_FAULTS):
        raise InputError(f"{file}: is damaged or cut short: save it again") from None
    if dtype.hasobject:
        raise InputError(
            f"{file}: holds Python objects, which are never loaded: save numbers, or texts with astype(str)"
        )
    # numpy takes True for a number of rows
    if dtype.itemsize == 0 or any(type(size) is not int or size < 0 for size in shape):
        raise InputError(f"{file}: is damaged or cut short: save it again")
    return shape, by_columns, dtype


def write_header(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> None:
    """The header that numpy.save writes."""
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
