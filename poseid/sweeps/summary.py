"""A sweep in words: what it shows and what it does not, the table that `poseid sweep` prints, and sweep.csv."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import fmean
from typing import Literal, NamedTuple

from poseid.reports.format import aligned, ascii_text, fixed, with_interval
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.jobs import as_number, setting_text
from poseid.sweeps.settings import Estimate, Setting, difference_in_words
from poseid.training.objective import Measure

MOST_ROWS = 20
_MOST_LINES, _MOST_NAMES, _LONGEST_HEADING = 8, 3, 120


class Conclusion(NamedTuple):
    """The answer and what it rests on; good where the best setting is shown to beat every other one."""

    kind: Literal["good", "mid"]
    heading: str
    sentences: Sequence[str]


def conclude(sweep: Sweep) -> Conclusion:
    """The answer to "which setting is best?" as far as the repeats carry it."""
    best, measure = sweep.best, sweep.objectives[0]
    if best is None:
        if not sweep.settings:
            return Conclusion("mid", "No job has finished yet", ("The state of each job is listed below.",))
        why = (
            "It is null in all of them, for want of impostor comparisons: validate on more people, or take an "
            "objective that needs fewer, such as objective=['minimize sets.headline.enhanced.eer']."
        )
        return Conclusion("mid", f"No setting has a value for {measure.title}", (why,))
    estimate = best.estimate(measure.key)
    assert estimate is not None
    first = f"{measure.title} {interval(estimate)} ({measure.direction}), on validation people."
    first += _against_raw(best, measure)
    others = list(sweep.means)[1:]
    if not others:
        return Conclusion("mid", f"One setting: {best.name}", (first, "There is nothing to compare it with."))
    if max(sweep.means.values()) - min(sweep.means.values()) < 1e-12:
        why = (
            "All settings gave the same value. Check that the varied keys reach the jobs (.hydra/overrides.yaml of a "
            "job), and whether the reports say strength 0: then the raw vector ships, whatever the weights are."
        )
        return Conclusion("mid", f"All {len(others) + 1} settings came out equal", (first, why))
    differences = {setting.name: sweep.against_best[setting] for setting in others}
    said = {name: difference_in_words(each, measure.lower_is_better)[0] for name, each in differences.items()}
    undecided = [name for name, text in said.items() if text != "worse"]
    sentences = [first]
    if undecided:
        named = f": {'; '.join(undecided)}" if len(undecided) <= _MOST_NAMES else ""
        sentences.append(f"Not shown to be better than {len(undecided)} of {len(others)} others{named}.")
    else:
        sentences.append(f"Shown to be better than each of the {len(others)} others, paired by repeat.")
    if all(setting.repeats < 2 for setting in sweep.settings):
        sentences.append("No setting was repeated, so every difference may be chance: add seed=0,1,2.")
    elif "data.split_seed" not in sweep.varied:
        sentences.append(
            "The repeats change the seed alone: the intervals cover the chance of training, not that of which people "
            "validate; with data.split_seed=0,1,2 as well they cover both."
        )
    if len(sweep.objectives) > 1:
        fnmr, ratio = sweep.front_measures
        sentences.append(f"No other setting beats {len(sweep.front)} settings in both {fnmr.title} and {ratio.title}.")
    heading = f"Best{' on average' if best.repeats > 1 else ''}: {best.name}"
    if len(heading) > _LONGEST_HEADING:
        heading = f"The best of {len(sweep.means)} settings"
        sentences.insert(0, best.name)
    return Conclusion("mid" if undecided else "good", heading, sentences)


def _against_raw(best: Setting, measure: Measure) -> str:
    """What the reports of the best setting say against raw: their intervals are over people, not over seeds."""
    raw = [job.metrics[measure.raw_key] for job in best.jobs.values()] if measure.raw_key is not None else []
    known = [value for value in raw if value is not None]
    verdicts = Counter(job.verdict or "not judged" for job in best.jobs.values())
    said = ", ".join(f"{verdict} ({count} of {len(best.jobs)})" for verdict, count in verdicts.most_common())
    return f"{f' Raw vectors: {fmean(known):.4f}.' if known else ''} Verdict of its reports against raw: {said}."


def interval(estimate: Estimate | None) -> str:
    """
    >>> interval(Estimate(0.25, [0.2, 0.3], 3)), interval(Estimate(0.25, None, 1)), interval(None)
    ('0.2500 [0.2000, 0.3000]', '0.2500', '-')
    """
    if estimate is None:
        return "-"
    return ascii_text(with_interval(estimate.mean, estimate.ci95, partial(fixed, digits=4)))


def terminal_text(sweep: Sweep) -> str:
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
            said = f"{interval(difference)} {difference_in_words(difference, first.lower_is_better)[0]}"
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
    writer.writerow(map(csv_cell, ("job", "state", "reason", *sweep.varied, *keys, "verdict", "overrides")))
    for job in sweep.jobs:
        given, metrics = job.given, [job.metrics.get(key) for key in keys]
        before = (job.name, job.state, job.reason, *(given.get(key, "") for key in sweep.varied))
        numbers = ("" if value is None else repr(value) for value in metrics)
        after = (job.verdict or "", " ".join(job.overrides))
        writer.writerow([*map(csv_cell, before), *numbers, *map(csv_cell, after)])
    return out.getvalue()


def csv_cell(text: str) -> str:
    """A text that a spreadsheet takes as text, never as a formula; numbers stay as they are.

    >>> csv_cell("=cmd()"), csv_cell("-0.5"), csv_cell("after")
    ("'=cmd()", '-0.5', 'after')
    """
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and as_number(text) is None else text
