"""Directories that appear whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from poseid.errors import InputError


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
def whole_directory(path: Path) -> Iterator[Path]:
    """A directory to write into, which takes its name only when all went well.

    It is made beside its place and renamed at the end; after an error, or Ctrl-C, nothing is left.

    Raises:
        InputError: as `check_new`, or the place cannot be written to.
    """
    check_new(path)
    path = path.absolute()
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"--out {path}: cannot be made ({error.strerror}): choose another place") from None
    try:
        yield partial
        check_new(path)
        if path.is_dir():
            path.rmdir()  # empty; Windows does not rename onto a directory
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
