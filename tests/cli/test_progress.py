"""Progress: a line now and then without a terminal, a bar that goes away with one."""

from __future__ import annotations

import itertools
import sys

import pytest

from poseid.cli import progress as module
from poseid.cli.progress import progress


@pytest.fixture(autouse=True)
def _a_clock_of_10_seconds_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(0.0, 10.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(ticks))


def test_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(1000) as advance:
        for _ in range(10):
            advance(100)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) < 10
    assert lines[0].startswith("300 of 1,000 rows, ")
    assert lines[0].endswith(" left")


def test_without_a_total(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(None) as advance:
        for _ in range(10):
            advance(100)
    assert capsys.readouterr().err.startswith("300 rows, ")


@pytest.mark.parametrize("total", [1000, None])
def test_a_bar_on_a_terminal(
    total: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress(total) as advance:
        advance(500)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "500" in captured.err
    assert "rows/s" in captured.err
