"""What `poseid sweep` prints, and sweep.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from poseid.reports.format import aligned
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.conclusion import conclude, interval
from poseid.sweeps.jobs import as_number, setting_text
from poseid.sweeps.settings import words

MOST_ROWS = 20
_MOST_LINES = 8


def text(sweep: Sweep) -> str:
    """The whole output, in characters that any terminal shows."""
    lines = [counts(sweep)]
    if sweep.constant:
        lines.append(f"every job: {setting_text(sweep.constant)}")
    if sweep.settings:
        conclusion = conclude(sweep)
        lines += ["", *_table(sweep), "", conclusion.heading, *conclusion.sentences]
    if sweep.unfinished:
        lines += ["", *_most([f"job {job.name} {job.state}: {job.reason}" for job in sweep.unfinished])]
    for advice in (*sweep.finish, *sweep.next_steps):
        lines += ["", advice.what, *(f"  {line}" for line in _most(advice.lines))]
    return "\n".join(_printable(line) for line in lines)


def counts(sweep: Sweep) -> str:
    """How many jobs are in which state, and how many settings they make."""
    states = [job.state for job in sweep.jobs]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(("finished", *states))]
    made = len(sweep.settings)
    return f"{len(states)} jobs: {', '.join(parts)}; {made} setting{'' if made == 1 else 's'} with a finished job"


def _table(sweep: Sweep) -> list[str]:
    first, (fnmr, ratio) = sweep.objectives[0], sweep.front_measures
    columns = dict.fromkeys((*sweep.objectives, fnmr, ratio))
    rows = [["", "n", *(measure.title for measure in columns), "from the best", "setting"]]
    for setting in sweep.settings[:MOST_ROWS]:
        said = ""
        if setting in sweep.against_best:
            difference = sweep.against_best[setting]
            said = f"{interval(difference)} {words(difference, first.lower_is_better)[0]}"
        estimates = [interval(setting.estimate(measure.key)) for measure in columns]
        rows.append(["*" if setting in sweep.front else "", str(setting.repeats), *estimates, said, setting.name])
    lines = aligned(rows)
    if len(sweep.settings) > MOST_ROWS:
        lines.append(f"... and {len(sweep.settings) - MOST_ROWS} more settings in sweep.html and sweep.csv")
    return [
        *lines,
        f"validation people; {first.title}: {first.direction}; [95 % interval over n repeats]; "
        "from the best: paired by repeat",
        f"* no other setting beats it in both {fnmr.title} and {ratio.title}",
    ]


def _most(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"... and {more} more in sweep.html"] if more > 0 else [])]


def _printable(line: str) -> str:
    """What a terminal might take as a command is shown as its code.

    >>> _printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


def csv_text(sweep: Sweep) -> str:
    """One row a job in the order of the page; metrics in full, empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [measure.key for measure in sweep.csv_columns]
    writer.writerow(map(cell, ("job", "state", "reason", *sweep.varied, *keys, "verdict", "overrides")))
    for job in sweep.jobs:
        given, metrics = job.given, [job.metrics.get(key) for key in keys]
        texts = (job.name, job.state, job.reason, *(given.get(key, "") for key in sweep.varied))
        numbers = ("" if value is None else repr(value) for value in metrics)
        writer.writerow([*map(cell, texts), *numbers, cell(job.verdict or ""), cell(" ".join(job.overrides))])
    return out.getvalue()


def cell(text: str) -> str:
    """A text that a spreadsheet takes as text, never as a formula; numbers stay as they are.

    >>> cell("=cmd()"), cell("-0.5"), cell("after")
    ("'=cmd()", '-0.5', 'after')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and as_number(text) is None else text
