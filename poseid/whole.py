"""Files that appear whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """:func:`write_bytes` for a text: UTF-8, line ends as given."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Writes a file beside its place, puts it on the disk, and gives it its name, in place of any older one.

    A full disk or a killed process leaves what was there before; a killed one also a ``.part``, which the next try
    writes over.

    Raises:
        OSError: the place cannot be written to, or the disk is full.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    """Puts what was renamed in a directory on the disk."""
    if os.name == "posix":  # elsewhere a directory cannot be opened for this
        handle = os.open(path, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network file systems cannot; the file is in its place all the same
                os.fsync(handle)
        finally:
            os.close(handle)
