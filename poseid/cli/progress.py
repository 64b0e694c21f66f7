"""How far a long command is, on stderr: a bar on a terminal, elsewhere a line every 30 seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

_SECONDS = 30.0


@contextmanager
def progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """Yields a function to call with the number of rows just done.

    Args:
        total: how many rows there are, None where that is not known.
    """
    began = last = time.monotonic()
    done = 0
    with _bar(total) if sys.stderr.isatty() else nullcontext() as bar:

        def advance(rows: int) -> None:
            nonlocal done, last
            done += rows
            now = time.monotonic()
            if bar is not None:
                bar.update(bar.task_ids[0], completed=done, description=pace(done, total, now - began))
            elif now - last >= _SECONDS:
                last = now
                print(pace(done, total, now - began), file=sys.stderr, flush=True)

        yield advance


def _bar(total: int | None) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(BarColumn(), TextColumn("{task.description}"), console=Console(stderr=True), transient=True)
    bar.add_task("", total=total)
    return bar


def pace(done: int, total: int | None, seconds: float) -> str:
    """
    >>> pace(1000, 4000, 2.0)
    '1,000 of 4,000 rows, 500 rows/s, 0:06 left'
    """
    rate = done / max(seconds, 1e-9)
    if total is None:
        return f"{done:,} rows, {rate:,.0f} rows/s"
    left = round((total - done) / max(rate, 1e-9))
    return f"{done:,} of {total:,} rows, {rate:,.0f} rows/s, {left // 60}:{left % 60:02d} left"
