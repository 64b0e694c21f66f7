"""The files of a report, each appearing whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from poseid.verification.sides import Side


def write_report(summary: dict[str, Any], block: dict[str, Any], front: Side, video: Side, directory: Path) -> None:
    """Writes the whole report into a directory, made if missing: ``summary.json``.

    Args:
        summary: the contents of ``summary.json``.
        block: the evaluation block in it that the figures show.
        front, video: the sides that ``block`` was made from.
        directory: the ``report`` directory.
    """
    write_summary(summary, directory)


def write_summary(summary: dict[str, Any], directory: Path) -> None:
    """Writes ``summary.json`` (UTF-8, no NaN: what is not known is null) into a directory, made if missing."""
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file that appears whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
