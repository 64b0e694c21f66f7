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


@pytest.mark.parametrize(
    ("total", "first", "last"), [(1000, "300 of 1,000 rows, ", " left"), (None, "300 rows, ", "/s")]
)
def test_a_line_now_and_then(total: int | None, first: str, last: str, capsys: pytest.CaptureFixture[str]) -> None:
    with progress(total) as advance:
        for _ in range(10):
            advance(100)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) < 10
    assert lines[0].startswith(first)
    assert lines[0].endswith(last)


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
