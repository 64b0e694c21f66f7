"""Reading text files."""

from __future__ import annotations

from pathlib import Path

from poseid.errors import InputError


def read_text(path: Path, remedy: str = "") -> str:
    """A file in UTF-8 as text, without its byte order mark; InputError, with ``remedy``, where it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}){remedy}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: not UTF-8: save the file as UTF-8") from None
