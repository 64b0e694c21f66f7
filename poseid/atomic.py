"""Files and directories that appear complete or not at all, whatever happens while they are written.

Each is written beside its place, put on the disk, and then renamed. A full disk or a killed process leaves what was
there before; a killed one also something that ends in ``.partial``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from poseid.errors import InputError


def json_text(content: Any) -> str:
    """JSON as every file that programs read has it; NaN and infinity raise ValueError."""
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """:func:`write_bytes` for a text: UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Writes a file, in place of any older one; raises as :func:`atomic_file`."""
    with atomic_file(path) as partial:
        partial.write_bytes(content)


@contextmanager
def atomic_file(path: Path, before: Callable[[Path], None] | None = None) -> Iterator[Path]:
    """A file to write, which takes its name, in place of any older one, only when all went well.

    It has another name until then, always the same, so that a killed process leaves at most one. The directory is made
    if it is missing.

    Args:
        path: the file.
        before: called with the finished file just before it is renamed.

    Raises:
        InputError: the place cannot be written to.
        OSError: the disk is full.
    """
    partial = path.with_name(f".{path.name}.partial")
    made = not path.parent.exists()
    with _making(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    try:
        yield partial
        _flush(partial)
        if before is not None:
            before(partial)
        partial.replace(path)
        _flush(path.parent)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        if made:
            with suppress(OSError):  # not empty: another file is finished
                path.parent.rmdir()
        raise


def check_new(path: Path) -> None:
    """Refuses an output directory that is there and not empty, or a file, before any work is done.

    Raises:
        InputError: one line.
    """
    with _making(path):
        if path.is_dir() and any(path.iterdir()):
            raise InputError(f"--out {path}: is there and not empty: remove it or choose another name")
        if not path.is_dir() and os.path.lexists(path):
            raise InputError(f"--out {path}: is there and no directory: choose another name")


@contextmanager
def atomic_directory(path: Path, replaces: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """A directory to write into, which takes its name only when all went well.

    Args:
        path: the directory.
        replaces: whether what is there may be replaced; asked first, and once more just before it is.

    Raises:
        InputError: as `check_new`, or the place cannot be written to.
        OSError: the disk is full.
    """
    if not replaces():
        check_new(path)
    path = path.resolve()  # a link stays one
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    old = partial.with_suffix(".old")
    with _making(path):
        partial.mkdir(parents=True)
    try:
        yield partial
        for written in (*partial.rglob("*"), partial):
            _flush(written)
        if replaced := replaces():
            path.rename(old)
        else:
            check_new(path)
            if path.is_dir():
                path.rmdir()  # empty; Windows does not rename onto a directory
        partial.rename(path)
        _flush(path.parent)
        if replaced:
            shutil.rmtree(old)
    except BaseException:
        if old.is_dir() and not path.exists():
            old.rename(path)
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def _making(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}): choose another place") from None


def _flush(path: Path) -> None:
    """Puts a file, or the names in a directory, on the disk."""
    directory = path.is_dir()
    if directory and os.name != "posix":  # a directory cannot be opened for this
        return
    handle = os.open(path, os.O_RDONLY if directory else os.O_RDWR)
    try:
        os.fsync(handle)
    except OSError:
        if not directory:  # some network file systems cannot; the file is in its place all the same
            raise
    finally:
        os.close(handle)
