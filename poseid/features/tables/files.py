"""From a file's suffix to the module that reads and writes it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from poseid.errors import InputError
from poseid.features.tables.table import Change, Columns, Table, require

FORMATS = {
    ".npy": ("npy", "numpy"),
    ".npz": ("npz", "numpy"),
    ".parquet": ("parquet", "pyarrow"),
    ".h5": ("hdf5", "h5py"),
    ".hdf5": ("hdf5", "h5py"),
}
"""Suffix to a module of this package, with the functions ``inspect`` and ``rewrite``, and the package that it needs."""
SUFFIXES = tuple(FORMATS)


def inspect_file(path: Path, columns: Columns, sampled: int = 4096) -> Table:
    """What a file of vectors holds.

    Args:
        path: .npy, .npz, .parquet, .h5 or .hdf5.
        columns: as the user named them; an npy file has none.
        sampled: how many vectors to bring along at most.

    Raises:
        InputError: one line that names the file and says what is wrong with it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix not in FORMATS:
        how = ": make a feature folder of it first, poseid import" if path.suffix == ".csv" else ""
        raise InputError(f"{path}: unknown kind of file{how}: give {', '.join(SUFFIXES)} or a feature folder")
    try:
        table: Table = _module(path).inspect(path, columns, sampled)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    return table


def rewrite_file(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """Writes a copy of a file with other vectors, a block of rows at a time.

    Rows keep their order, vectors their dtype, and everything else in the file passes through.

    Args:
        source: a file that :func:`inspect_file` took.
        target: written, or overwritten; in the same format.
        columns: those of :func:`inspect_file`, or without poses.
        change: called for one block after the other.

    Raises:
        InputError: as ``change`` does, or the file turns out to be damaged.
    """
    _module(source).rewrite(source, target, columns, change)


def _module(path: Path) -> Any:
    name, package = FORMATS[path.suffix]
    require(package, path)
    return importlib.import_module(f"poseid.features.tables.{name}")
