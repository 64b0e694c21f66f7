"""A stream of vectors in a member of an npz archive; the other members pass through as they are."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from poseid.errors import InputError
from poseid.features.tables.npy import blocks_of, header_bytes, read_header, read_rows
from poseid.features.tables.table import Change, Columns, Table, choose_arrays


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which members, and the first rows (a compressed member cannot be read from its middle).

    Raises:
        InputError: no npz archive, or it does not say which member holds the vectors.
    """
    with _opened(path) as archive:
        arrays = {}
        faults: dict[str, InputError] = {}  # of members that may pass through, as long as nobody asks for them
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as member:
                    try:
                        arrays[name.removesuffix(".npy")] = read_header(member, f"{path}: {name}")
                    except InputError as error:
                        faults[name.removesuffix(".npy")] = error
        for name in (*columns.features, *columns.poses, "features", "poses"):
            if name in faults:
                raise faults[name]
        chosen = choose_arrays(arrays, columns, str(path))
        where = f"{path}: {chosen.features[0]}"
        with archive.open(f"{chosen.features[0]}.npy") as member:
            (rows, dim), dtype = read_header(member, where)
            sample = read_rows(member, min(rows, sampled), (dim,), dtype, where)
    return Table(rows, dim, dtype, chosen, sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The archive with changed vectors; members keep their order, dates and compression."""
    with _opened(source) as read, zipfile.ZipFile(target, "w") as written:
        for info in read.infolist():
            copied = zipfile.ZipInfo(info.filename, info.date_time)
            copied.compress_type, copied.external_attr = info.compress_type, info.external_attr
            with written.open(copied, "w", force_zip64=True) as out:
                if info.filename == f"{columns.features[0]}.npy":
                    _change_member(read, info.filename, columns.poses, str(source), out, change)
                else:
                    with read.open(info) as member:
                        shutil.copyfileobj(member, out, 2**20)


def _change_member(
    archive: zipfile.ZipFile, name: str, poses: tuple[str, ...], file: str, out: IO[bytes], change: Change
) -> None:
    with ExitStack() as stack:
        member = stack.enter_context(archive.open(name))
        (rows, dim), dtype = read_header(member, f"{file}: {name}")
        streams = [stack.enter_context(archive.open(f"{pose}.npy")) for pose in poses]
        headers = [read_header(stream, file) for stream in streams]
        out.write(header_bytes((rows, dim), dtype))
        for first, block in blocks_of(member, rows, (dim,), dtype, f"{file}: {name}"):
            angles = [
                read_rows(stream, len(block), shape[1:], kind, file)
                for stream, (shape, kind) in zip(streams, headers, strict=True)
            ]
            out.write(change(first, block, np.column_stack(angles) if angles else None).tobytes())


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    # a name of a member can be no text
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no npz archive, or damaged ({error}): save it with numpy.savez") from None
