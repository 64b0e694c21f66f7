"""Directories and files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from poseid.errors import InputError
from poseid.whole import sync_directory


def check_new(path: Path) -> None:
    """Refuses an output directory that is there and not empty, or a file, before any work is done.

    Raises:
        InputError: one line.
    """
    if path.is_dir():
        if any(path.iterdir()):
            raise InputError(f"--out {path}: is there and not empty: remove it or choose another name")
    elif path.exists() or path.is_symlink():
        raise InputError(f"--out {path}: is there and no directory: choose another name")


@contextmanager
def whole_directory(path: Path, replaces: str | None = None) -> Iterator[Path]:
    """A directory to write into, which takes its name only when all went well.

    It is made beside its place and renamed at the end; after an error, or Ctrl-C, nothing is left.

    Args:
        path: the directory.
        replaces: a directory that holds a file of this name is replaced by the new one, None for none.

    Raises:
        InputError: as `check_new`, or the place cannot be written to.
    """
    replaced = replaces is not None and (path / replaces).is_file()
    if not replaced:
        check_new(path)
    path = path.absolute()
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be made ({error.strerror}): choose another place") from None
    try:
        yield partial
        old = partial.with_suffix(".old")
        if replaced:
            path.rename(old)
        else:
            check_new(path)
            if path.is_dir():
                path.rmdir()  # empty; Windows does not rename onto a directory
        partial.rename(path)
        if replaced:
            shutil.rmtree(old)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def whole_file(path: Path, before: Callable[[Path], None]) -> Iterator[Path]:
    """A file to write, which takes its name, in place of any older one, only when all went well.

    It lies beside its place under a name that the next try writes over, so that a killed process leaves at most
    one; it is on the disk before it is renamed.

    Args:
        path: the file.
        before: called with the finished file just before it is renamed.

    Raises:
        InputError: the place cannot be written to.
    """
    partial = path.with_name(f".{path.name}.partial")
    made = not path.parent.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise InputError(f"--out {path}: cannot be made ({error.strerror}): choose another place") from None
    try:
        yield partial
        with partial.open("r+b") as written:
            os.fsync(written.fileno())
        before(partial)
        partial.replace(path)
        sync_directory(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        if made:
            with suppress(OSError):  # not empty: another file is finished
                path.parent.rmdir()
        raise


@contextmanager
def whole_files(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Files of one directory to write, which take their names only when all of them are there.

    Raises:
        InputError: one of them is there already, or the place cannot be written to.
    """
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: is there already: remove it or choose another name")
    place = paths[0].absolute().parent
    try:
        place.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{paths[0].name}.", suffix=".partial", dir=place))
    except OSError as error:
        raise InputError(f"{paths[0]}: cannot be made ({error.strerror}): choose another place") from None
    try:
        written = tuple(partial / path.name for path in paths)
        yield written
        for file, path in zip(written, paths, strict=True):
            file.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
