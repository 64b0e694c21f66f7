"""What `poseid sweep` prints, and sweep.csv."""

from __future__ import annotations

import csv
import io

from poseid.reports.format import aligned
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.commands import Advice, to_evaluate, to_reproduce
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
        shown = [f"job {job.name} {job.state}: {job.reason}" for job in sweep.unfinished]
        lines += ["", *_most(shown)]
    for advice in (*sweep.finish, *([sweep.repeat] if sweep.repeat else [])):
        lines += ["", *_advice(advice)]
    if sweep.best_job is not None:
        lines += ["", f"The best job again (job {sweep.best_job.name}):", f"  {to_reproduce(sweep.best_job)}"]
        lines += ["", *_advice(to_evaluate(sweep.best_job))]
    return "\n".join(_printable(line) for line in lines)


def counts(sweep: Sweep) -> str:
    """How many jobs are in which state, and how many settings they make."""
    states = [job.state for job in sweep.jobs]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(("finished", *states))]
    made = len(sweep.settings)
    return f"{len(states)} jobs: {', '.join(parts)}; {made} setting{'' if made == 1 else 's'} with a finished job"


def _table(sweep: Sweep) -> list[str]:
    first, (fnmr, ratio) = sweep.asked[0], sweep.front_measures
    columns = (*sweep.asked, *(measure for measure in (fnmr, ratio) if measure not in sweep.asked))
    head = ["", "n", *(measure.title for measure in columns), "from the best", "setting"]
    rows = []
    for setting in sweep.settings[:MOST_ROWS]:
        star = "*" if setting in sweep.front else ""
        figures = [interval(setting.estimate(measure.key)) for measure in columns]
        said = ""
        if setting in sweep.against_best:
            difference = sweep.against_best[setting]
            said = f"{interval(difference)} {words(difference, first.lower_is_better)[0]}"
        rows.append([star, str(setting.repeats), *figures, said, setting.name])
    lines = aligned([head, *rows])
    if len(sweep.settings) > MOST_ROWS:
        lines.append(f"... and {len(sweep.settings) - MOST_ROWS} more settings in sweep.html and sweep.csv")
    lines.append(
        f"validation people; {first.title}: {first.direction}; [95 % interval over n repeats]; "
        "from the best: paired by repeat"
    )
    lines.append(f"* no other setting beats it in both {fnmr.title} and {ratio.title}")
    return lines


def _advice(advice: Advice) -> list[str]:
    return [advice.what, *(f"  {line}" for line in _most(list(advice.lines)))]


def _most(lines: list[str]) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], *([f"... and {more} more in sweep.html"] if more > 0 else [])]


def _printable(line: str) -> str:
    """What a terminal might take as a command is shown as its code.

    >>> _printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in line)


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
