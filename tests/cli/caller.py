"""Calls of the ``poseid`` command in the tests' process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from poseid import cli


class Caller:
    """Calls the command, and reads what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and stderr."""
        self.capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        captured = self.capsys.readouterr()
        return status, captured.out, captured.err

    def done(self, *arguments: object) -> str:
        """The output of a call that must end with status 0."""
        status, out, err = self(*arguments)
        assert status == 0, out + err
        return out

    def refused(self, *arguments: object) -> str:
        """The one line of a call that must end with status 2 and print nothing else."""
        status, out, err = self(*arguments)
        assert (status, out) == (2, ""), out + err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err


def write_lines(path: Path, lines: list[str]) -> Path:
    """Writes a file of lines."""
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def summary_of(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    return content


def contents(directory: Path) -> dict[str, bytes]:
    """The files of a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
