"""Which model made which file from which input: _enhanced.jsonl, one line a finished file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECORD = "_enhanced.jsonl"
"""Named so that readers of a directory of Parquet shards pass it over."""


def model_digest(model: str) -> str:
    """SHA-256 of the files that a MODEL is read from; "raw" is its own."""
    path = Path(model)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path] if path.is_file() else []
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() if files else model


class Record:
    """The record of one output: append-only, so that a killed process loses at most the line it was writing."""

    def __init__(self, path: Path, by: Mapping[str, Any]) -> None:
        """
        Args:
            path: of the record.
            by: the model and the options that decide what it makes.
        """
        self.path = path
        self._by = by
        self._lines: dict[str, dict[str, Any]] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        self._cut = not text.endswith("\n") and text != ""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._lines[entry["file"]] = entry
            except (ValueError, TypeError, KeyError):
                continue  # cut short when a process was killed

    def done(self, target: Path, inputs: Mapping[str, Path]) -> bool:
        """Whether ``target`` is there as this model made it from these inputs as they are now."""
        return target.is_file() and self._lines.get(target.name) == self._entry(target.name, target, inputs)

    def add(self, name: str, written: Path, inputs: Mapping[str, Path]) -> None:
        """Puts on the disk that ``written``, soon named ``name``, is finished."""
        entry = self._entry(name, written, inputs)
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n" * self._cut + json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._cut = False
        self._lines[name] = entry

    def _entry(self, name: str, written: Path, inputs: Mapping[str, Path]) -> dict[str, Any]:
        made_from = {role: {"name": path.name, **_stamp(path)} for role, path in inputs.items()}
        return {"file": name, "output": _stamp(written), "inputs": made_from, "by": dict(self._by)}


def _stamp(path: Path) -> dict[str, int]:
    """Size and time of a file: enough to see that it was written anew."""
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
