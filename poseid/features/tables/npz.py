"""A stream of vectors in a member of an npz archive; the other members pass through as they are."""

from __future__ import annotations

import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from poseid.errors import InputError
from poseid.features.tables.npy import change_rows, native, read_header, row_reader
from poseid.features.tables.table import Change, Columns, Table, choose_arrays


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which members, and the first rows (a compressed member cannot be read from its middle)."""
    with _opened(path) as archive:
        arrays = {}
        faults: dict[str, InputError] = {}  # of members that may pass through, as long as nobody asks for them
        for file in archive.namelist():
            name = file.removesuffix(".npy")
            if name != file:
                with archive.open(file) as member:
                    try:
                        shape, _, dtype = read_header(member, f"{path}: {file}")
                        arrays[name] = (shape, native(dtype))
                    except InputError as error:
                        faults[name] = error
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
    names = [f"{name}.npy" for name in (*columns.features, *columns.poses)]
    with _opened(source) as read, zipfile.ZipFile(target, "w") as written:
        for info in read.infolist():
            copied = zipfile.ZipInfo(info.filename, info.date_time)
            copied.compress_type, copied.external_attr = info.compress_type, info.external_attr
            with ExitStack() as stack, written.open(copied, "w", force_zip64=True) as out:
                if info.filename == names[0]:
                    (shape, rows), *angles = (
                        row_reader(stack.enter_context(read.open(name)), f"{source}: {name}") for name in names
                    )
                    change_rows(shape, rows, [reader for _, reader in angles], out, change)
                else:
                    shutil.copyfileobj(stack.enter_context(read.open(info)), out, 2**20)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    # a name of a member can be no text
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no npz archive, or damaged ({error}): save it with numpy.savez") from None
