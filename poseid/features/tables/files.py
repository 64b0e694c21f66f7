"""From a file's suffix to the module that reads and writes it."""

from __future__ import annotations

from pathlib import Path

from poseid.errors import InputError
from poseid.features.tables.npy import look_npy, rewrite_npy
from poseid.features.tables.npz import look_npz, rewrite_npz
from poseid.features.tables.table import Change, Columns, Table, require

SUFFIXES = (".npy", ".npz", ".parquet", ".h5", ".hdf5")


def look(path: Path, columns: Columns, sampled: int = 4096) -> Table:
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
    try:
        match path.suffix:
            case ".npy":
                if columns.features or columns.poses:
                    raise InputError(f"{path}: an npy file has no columns: leave out the names, give --poses FILE")
                return look_npy(path, sampled)
            case ".npz":
                return look_npz(path, columns, sampled)
            case ".parquet":
                require("pyarrow", path)
                from poseid.features.tables.parquet import look_parquet

                return look_parquet(path, columns, sampled)
            case ".h5" | ".hdf5":
                require("h5py", path)
                from poseid.features.tables.hdf5 import look_hdf5

                return look_hdf5(path, columns, sampled)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    how = ": make a feature folder of it first, poseid import" if path.suffix == ".csv" else ""
    raise InputError(f"{path}: unknown kind of file{how}: give {', '.join(SUFFIXES)} or a feature folder")


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """Writes a copy of a file with other vectors, a block of rows at a time.

    Rows keep their order, vectors their dtype, and everything else in the file passes through.

    Args:
        source: a file that :func:`look` took.
        target: written, or overwritten; in the same format.
        columns: those of :func:`look`, or without poses.
        change: called for one block after the other.

    Raises:
        InputError: as ``change`` does, or the file turns out to be damaged.
    """
    match source.suffix:
        case ".npy":
            rewrite_npy(source, target, change)
        case ".npz":
            rewrite_npz(source, target, columns, change)
        case ".parquet":
            from poseid.features.tables.parquet import rewrite_parquet

            rewrite_parquet(source, target, columns, change)
        case _:
            from poseid.features.tables.hdf5 import rewrite_hdf5

            rewrite_hdf5(source, target, columns, change)
