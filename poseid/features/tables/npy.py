"""npy files: read into memory or mapped, and as a stream of vectors. Never unpickles."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import check_array
from poseid.features.tables.table import Change, Columns, Table, block_rows, sample_runs

MEMORY_MAP_BYTES = 256 * 2**20  # larger npy files are memory-mapped, not read
# what numpy raises on the header of a damaged npy file, which it reads as Python's own literals
NPY_FAULTS = (
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    OverflowError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


def read_array(path: Path) -> np.ndarray:
    """An npy file as an array, memory-mapped read-only above 256 MiB. Never unpickles.

    Raises:
        InputError: no such file, no npy file, Python objects inside, cut short or with bytes after the array.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise InputError(f"{path}: is missing: a feature folder needs it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if start[:6] != b"\x93NUMPY":
        hint = "an npz archive" if start[:2] == b"PK" else "not an npy file"
        raise InputError(f"{path}: is {hint}: save the vectors with numpy.save")
    try:
        with np.errstate(over="ignore"):  # of a shape that lies; its size is compared below
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except NPY_FAULTS as error:
        if "object" in str(error).lower():
            raise InputError(f"{path}: holds Python objects, which are never loaded: save floats") from None
        raise InputError(f"{path}: is damaged or cut short: save it again") from None
    if not isinstance(mapped, np.memmap):
        return np.asarray(mapped)
    if size != mapped.offset + mapped.nbytes:
        raise InputError(f"{path}: has bytes after the array: save one array alone with numpy.save")
    return mapped if size > MEMORY_MAP_BYTES else np.array(mapped)


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype and a sample.

    Raises:
        InputError: no such file, no npy file of vectors, cut short, or with bytes after the array.
    """
    if columns != Columns():
        raise InputError(f"{path}: an npy file has no columns: leave out the names, give --poses FILE")
    with path.open("rb") as file:
        shape, dtype = read_header(file, str(path))
        check_array(str(path), shape, dtype)
        rows, dim = shape
        start, row_bytes = file.tell(), dim * dtype.itemsize
        size = os.fstat(file.fileno()).st_size
        if size != start + rows * row_bytes:
            fault = "is cut short" if size < start + rows * row_bytes else "has bytes after the array"
            raise InputError(f"{path}: {fault}: save one array alone with numpy.save")
        parts = []
        for first, end in sample_runs(rows, sampled):
            file.seek(start + first * row_bytes)
            parts.append(read_rows(file, end - first, (dim,), dtype, str(path)))
    return Table(rows, dim, dtype, Columns(), np.concatenate(parts))


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The file with changed vectors, as numpy.save would write it."""
    with source.open("rb") as read, target.open("wb") as written:
        (rows, dim), dtype = read_header(read, str(source))
        written.write(header_bytes((rows, dim), dtype))
        for first, block in blocks_of(read, rows, (dim,), dtype, str(source)):
            written.write(change(first, block, None).tobytes())


def blocks_of(
    stream: IO[bytes], rows: int, row: tuple[int, ...], dtype: np.dtype, file: str
) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first row, block of rows) of an array whose header has been read."""
    step = block_rows(row[0] if row else 1)
    for first in range(0, rows, step):
        yield first, read_rows(stream, min(step, rows - first), row, dtype, file)


def read_rows(stream: IO[bytes], count: int, row: tuple[int, ...], dtype: np.dtype, file: str) -> np.ndarray:
    """The next ``count`` rows of shape ``row``."""
    size = count * dtype.itemsize * int(np.prod(row))
    content = stream.read(size)
    if len(content) < size:
        raise InputError(f"{file}: is cut short: save it again")
    return np.frombuffer(content, dtype).reshape(count, *row)


def read_header(stream: IO[bytes], file: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of an npy array; the stream then stands at its first value.

    Raises:
        InputError: no npy file, Python objects inside, or columns stored one after the other.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, by_columns, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise ValueError
    except NPY_FAULTS:
        raise InputError(f"{file}: is not an npy file, or damaged: save the vectors with numpy.save") from None
    if dtype.hasobject:
        raise InputError(f"{file}: holds Python objects, which are never loaded: save floats")
    if by_columns and len(shape) > 1:
        raise InputError(f"{file}: is stored column by column: save numpy.ascontiguousarray(vectors)")
    return shape, dtype


def header_bytes(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The header that numpy.save writes."""
    out = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, description)
    return out.getvalue()
