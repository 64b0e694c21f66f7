"""sweep.csv: every job, every varied key, the key figures."""

from __future__ import annotations

import csv
import io

from poseid.sweeps.analysis import Sweep
from poseid.sweeps.overrides import as_number


def csv_text(sweep: Sweep) -> str:
    """One row a job in the order of the page; figures in full, empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [measure.key for measure in sweep.measures]
    writer.writerow([cell(text) for text in ("job", "state", "reason", *sweep.varied, *keys, "verdict", "overrides")])
    for job in sweep.jobs:
        given = job.given
        values = (given.get(key, "") for key in sweep.varied)
        figures = [job.figures.get(key) for key in keys]
        texts = (job.name, job.state, job.reason, *values)
        last = (job.verdict or "", " ".join(job.overrides))
        writer.writerow(
            [*map(cell, texts), *("" if figure is None else repr(figure) for figure in figures), *map(cell, last)]
        )
    return out.getvalue()


def cell(text: str) -> str:
    """A text that a spreadsheet takes as text, never as a formula; numbers stay as they are.

    >>> cell("=cmd()"), cell("-0.5"), cell("after")
    ("'=cmd()", '-0.5', 'after')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and as_number(text) is None else text
