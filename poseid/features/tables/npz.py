"""A stream of vectors in a member of an npz archive; the other members pass through as they are."""

from __future__ import annotations

import math
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from poseid.errors import InputError
from poseid.features.tables.npy import blocks, native, read_header, row_reader, write_header
from poseid.features.tables.pooled import (
    FRAMES,
    WEIGHT,
    Arrays,
    Pool,
    Pooling,
    check_ids,
    ids_of_array,
    row_arrays,
)
from poseid.features.tables.table import Block, Change, Columns, Table, choose_arrays

_IDS = 16_384
_BLOCK_BYTES = 32 * 2**20


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which members, and the first rows (a compressed member cannot be read from its middle)."""
    with _opened(path) as archive:
        arrays, faults = _headers(archive, path)
        for name in (*columns.features, *columns.poses, "features", "poses"):
            if name in faults:
                raise faults[name]
        chosen = choose_arrays(arrays, columns, str(path))
        (name,) = chosen.features
        (rows, dim), dtype = arrays[name]
        with archive.open(f"{name}.npy") as member:
            _, read = row_reader(member, f"{path}: {name}")
            sample = read(0, min(rows, sampled)).astype(dtype)
    return Table(rows, dim, dtype, chosen, sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The archive with changed vectors; members keep their order, dates and compression."""
    (name,) = columns.features
    with _opened(source) as read, zipfile.ZipFile(target, "w") as written:
        for info in read.infolist():
            with written.open(_copied(info), "w", force_zip64=True) as out:
                if info.filename != f"{name}.npy":
                    _copy(read, info, out)
                    continue
                write_header(out, *_headers(read, source)[0][name])
                for block in _blocks(read, source, columns):
                    out.write(change(*block).tobytes())


def column_names(path: Path) -> list[str]:
    """The names of the arrays."""
    with _opened(path) as archive:
        return [file.removesuffix(".npy") for file in archive.namelist() if file.endswith(".npy")]


def read_ids(path: Path, names: Sequence[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """Blocks of arrays of ids."""
    with _opened(path) as archive, ExitStack() as stack:
        readers = {
            name: row_reader(stack.enter_context(archive.open(f"{name}.npy")), f"{path}: {name}")[1] for name in names
        }
        check_ids(_headers(archive, path)[0], names, rows, str(path))
        for first in range(0, rows, _IDS):
            end = min(first + _IDS, rows)
            yield {name: ids_of_array(read(first, end), str(path), name) for name, read in readers.items()}


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """One archive: vectors pooled, of each other array with as many rows the first of each template."""
    found = []
    for source in sources:
        with _opened(source.path) as archive:
            found.append(_headers(archive, source.path)[0])
    arrays = row_arrays(found, sources)
    (name,) = sources[0].table.columns.features
    added: list[tuple[np.ndarray, ...]] = []
    with _opened(sources[0].path) as first, zipfile.ZipFile(target, "w") as written:
        compression = first.getinfo(f"{name}.npy").compress_type
        for info in first.infolist():
            array = info.filename.removesuffix(".npy")
            with written.open(_copied(info), "w", force_zip64=True) as out:
                if array == info.filename or array not in arrays:
                    _copy(first, info, out)
                    continue
                write_header(out, *arrays[array])
                for number, source in enumerate(sources):
                    if array != name:
                        _write_first(source, array, arrays[array][1], out)
                        continue
                    with _opened(source.path) as archive:
                        for block in _blocks(archive, source.path, source.table.columns):
                            features, *more = pool(number, *block)
                            out.write(features.tobytes())
                            added.append(tuple(more))
        for title, parts in zip((FRAMES, WEIGHT), zip(*added, strict=True), strict=True):
            column = np.concatenate(parts)
            made = zipfile.ZipInfo(f"{title}.npy", first.getinfo(f"{name}.npy").date_time)
            made.compress_type = compression
            with written.open(made, "w", force_zip64=True) as out:
                write_header(out, column.shape, column.dtype)
                out.write(column.tobytes())


def _blocks(archive: zipfile.ZipFile, path: Path, columns: Columns) -> Iterator[Block]:
    with ExitStack() as stack:
        names = [f"{name}.npy" for name in (*columns.features, *columns.poses)]
        (shape, rows), *angles = (row_reader(stack.enter_context(archive.open(n)), f"{path}: {n}") for n in names)
        yield from blocks(shape, rows, [reader for _, reader in angles])


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, out: IO[bytes]) -> None:
    with archive.open(info) as member:
        shutil.copyfileobj(member, out, 2**20)


def _write_first(source: Pooling, name: str, dtype: np.dtype, out: IO[bytes]) -> None:
    """The rows of an array with which a template begins."""
    with _opened(source.path) as archive, archive.open(f"{name}.npy") as member:
        (rows, *row), read = row_reader(member, f"{source.path}: {name}")
        step = max(1, _BLOCK_BYTES // max(1, dtype.itemsize * math.prod(row)))
        for first in range(0, rows, step):
            end = min(first + step, rows)
            out.write(read(first, end)[source.begins(first, end)].astype(dtype, copy=False).tobytes())


def _headers(archive: zipfile.ZipFile, path: Path) -> tuple[Arrays, dict[str, InputError]]:
    """Shapes and dtypes of the arrays that can be read, and what is wrong with the others, which may pass through."""
    arrays: Arrays = {}
    faults: dict[str, InputError] = {}
    for file in archive.namelist():
        name = file.removesuffix(".npy")
        if name != file:
            with archive.open(file) as member:
                try:
                    shape, _, dtype = read_header(member, f"{path}: {file}")
                    arrays[name] = (shape, native(dtype))
                except InputError as error:
                    faults[name] = error
    return arrays, faults


def _copied(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    """A member of the same name, date and compression."""
    copied = zipfile.ZipInfo(info.filename, info.date_time)
    copied.compress_type, copied.external_attr = info.compress_type, info.external_attr
    return copied


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    # a name of a member can be no text
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no npz archive, or damaged ({error}): save it with numpy.savez") from None
