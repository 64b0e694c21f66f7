"""npy files: read into memory or mapped, and as a stream of vectors. Never unpickles."""

from __future__ import annotations

import math
import os
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import check_array
from poseid.features.tables.pooled import Pool, Pooling
from poseid.features.tables.table import Change, Columns, Table, block_rows, sample_runs

MEMORY_MAP_BYTES = 256 * 2**20  # larger npy files are memory-mapped, not read
# what numpy raises on the header of a damaged npy file, which it reads as Python's own literals
_HEADER_FAULTS = (
    *(ValueError, EOFError, SyntaxError, TypeError, OverflowError, MemoryError, RecursionError),
    tokenize.TokenError,
)


def read_array(path: Path) -> np.ndarray:
    """An npy file as an array, memory-mapped read-only above 256 MiB. Never unpickles.

    Raises:
        InputError: no such file, no npy file, Python objects inside, cut short or with bytes after the array.
    """
    return _array(path, MEMORY_MAP_BYTES)


def _array(path: Path, in_memory: int) -> np.ndarray:
    try:
        with path.open("rb") as stream:
            shape, by_columns, dtype = _header(stream, str(path))
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
    check_array(str(path), array.shape, array.dtype)
    if not array.flags.c_contiguous:
        raise InputError(f"{path}: is stored column by column: save numpy.ascontiguousarray(vectors)")
    rows, dim = array.shape
    sample = np.concatenate([np.asarray(array[first:end]) for first, end in sample_runs(rows, sampled)])
    return Table(rows, dim, array.dtype, Columns(), sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The file with changed vectors, as numpy.save would write it."""
    with source.open("rb") as read, target.open("wb") as written:
        change_array([read], written, change, str(source))


def change_array(streams: Sequence[IO[bytes]], target: IO[bytes], change: Change, file: str) -> None:
    """Changes the vectors of the first stream; the others hold their angles, three a row or one each."""
    headers = [read_header(stream, file) for stream in streams]
    (rows, dim), dtype = headers[0]
    write_header(target, (rows, dim), dtype)
    step = block_rows(dim)
    for first in range(0, rows, step):
        block, *angles = (
            read_rows(stream, min(step, rows - first), shape[1:], kind, file)
            for stream, (shape, kind) in zip(streams, headers, strict=True)
        )
        target.write(change(first, block, np.column_stack(angles) if angles else None).tobytes())


def pool_array(streams: Sequence[IO[bytes]], number: int, pool: Pool, file: str) -> Iterator[tuple[np.ndarray, ...]]:
    """What ``pool`` gives for the vectors of the first stream of file ``number``, with the angles of the others."""
    headers = [read_header(stream, file) for stream in streams]
    rows, dim = headers[0][0]
    step = block_rows(dim)
    for first in range(0, rows, step):
        block, *angles = (
            read_rows(stream, min(step, rows - first), shape[1:], kind, file)
            for stream, (shape, kind) in zip(streams, headers, strict=True)
        )
        yield pool(number, first, block, np.column_stack(angles) if angles else None)


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """The vectors of the templates alone: of a feature folder."""
    table = sources[0].table
    with target.open("wb") as out:
        write_header(out, (sum(len(source.first) for source in sources), table.dim), table.dtype)
        for number, source in enumerate(sources):
            with source.path.open("rb") as stream:
                for features, *_ in pool_array([stream], number, pool, str(source.path)):
                    out.write(features.tobytes())


def read_rows(stream: IO[bytes], count: int, row: tuple[int, ...], dtype: np.dtype, file: str) -> np.ndarray:
    """The next ``count`` rows of shape ``row``."""
    size = count * dtype.itemsize * math.prod(row)
    content = stream.read(size)
    if len(content) < size:
        raise InputError(f"{file}: is cut short: save it again")
    return np.frombuffer(content, dtype).reshape(count, *row)


def read_header(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of an array of rows; the stream then stands at its first value."""
    shape, by_columns, dtype = _header(stream, file)
    if by_columns and len(shape) > 1:
        raise InputError(f"{file}: is stored column by column: save numpy.ascontiguousarray(vectors)")
    return shape, dtype


def _header(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    start = stream.read(8)
    if start[:6] != np.lib.format.MAGIC_PREFIX:
        hint = "an npz archive" if start[:2] == b"PK" else "not an npy file"
        raise InputError(f"{file}: is {hint}: save the vectors with numpy.save")
    readers = {b"\1\0": np.lib.format.read_array_header_1_0, b"\2\0": np.lib.format.read_array_header_2_0}
    try:
        shape, by_columns, dtype = readers[start[6:]](stream)
    except (KeyError, *_HEADER_FAULTS):
        raise InputError(f"{file}: is damaged or cut short: save it again") from None
    if dtype.hasobject:
        raise InputError(
            f"{file}: holds Python objects, which are never loaded: save numbers, or texts with astype(str)"
        )
    if dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise InputError(f"{file}: is damaged or cut short: save it again")
    return shape, by_columns, dtype


def write_header(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> None:
    """The header that numpy.save writes."""
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, description)
