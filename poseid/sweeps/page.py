"""sweep.html: one file that says which setting is best, how sure that is, and what to run next.

No script, no network: styles and images lie inside. Whatever comes from the jobs is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from poseid.sweeps.analysis import Sweep
from poseid.sweeps.commands import Advice, to_evaluate, to_reproduce
from poseid.sweeps.conclusion import conclude, figure
from poseid.sweeps.differences import Change, words
from poseid.sweeps.estimates import Estimate
from poseid.sweeps.front import MOST_NAMED, MOST_ON_FRONT, front_points, joined_points, number_text
from poseid.sweeps.importance import Importance
from poseid.sweeps.jobs import Job
from poseid.sweeps.measures import Measure
from poseid.sweeps.overrides import setting_text
from poseid.sweeps.repeats import Setting
from poseid.sweeps.scales import labels, values_of
from poseid.sweeps.text_table import counts
from poseid.verification.figure_tiles import Drawn
from poseid.verification.page_parts import document, images, section, signed, small, table

_STYLE = """
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--head);border-radius:8px;padding:10px 12px;
margin:.4em 0 1em;font-size:.86rem;line-height:1.5}
code{overflow-wrap:anywhere}
.say{display:block;white-space:normal}
thead small{white-space:normal}
"""
_MOST_OPEN = 12
_MOST_CHANGES = 300


def page(sweep: Sweep, figures: Mapping[str, Drawn]) -> str:
    """The whole page; ``figures`` from :func:`poseid.sweeps.figures.draw_all`."""
    title = escape(sweep.directory.resolve().name)
    parts = [
        f"<header><p>poseid: a sweep, on validation people</p><h1>{title}</h1><p>{escape(counts(sweep))}</p></header>",
        _conclusion(sweep),
        _left_over(sweep),
        _settings(sweep),
        _changes(sweep),
        _front(sweep, figures),
        _effects(sweep, figures),
        _best(sweep),
        _jobs(sweep),
        _how_to_read(),
        "<footer>Made by poseid. The same figures, for programs, are in sweep.csv beside this page.</footer>",
    ]
    return document(f"poseid sweep: {title}", [part for part in parts if part], _STYLE)


def _conclusion(sweep: Sweep) -> str:
    conclusion = conclude(sweep)
    text = "".join(f"<p>{escape(sentence)}</p>" for sentence in conclusion.sentences)
    return f'<section class="verdict {conclusion.kind}"><h2>{escape(conclusion.heading)}</h2>{text}</section>'


def _left_over(sweep: Sweep) -> str:
    """Jobs that are not finished, and how to finish the sweep."""
    if not sweep.unfinished and not sweep.finish:
        return ""
    rows = [
        f"<dt>Job {escape(job.name)}</dt><dd>{escape(job.state)}: {escape(job.reason)}{_own(sweep, job)}</dd>"
        for job in sweep.unfinished
    ]
    shown = f"<dl>{''.join(rows)}</dl>" if rows else ""
    return section("Not finished", shown, *map(_advice, sweep.finish))


def _settings(sweep: Sweep) -> str:
    if not sweep.settings:
        return ""
    first = sweep.asked[0]
    head = ["Setting", *map(_head, sweep.main), "From the best" + small(_title(first))]
    rows = []
    for setting in sweep.settings:
        star = " ★" if setting in sweep.front else ""
        repeats = small(f"{number_text(sweep, setting)}; n = {setting.repeats}")
        figures = [_estimate(setting.estimate(measure.key)) for measure in sweep.main]
        rows.append([escape(setting.name) + star + repeats, *figures, _from_best(sweep, setting)])
    constant = f"<p>In every job: <code>{escape(setting_text(sweep.constant))}</code></p>" if sweep.constant else ""
    return section(
        "All settings",
        f"<p>Sorted by {_title(first)}. Under each mean stands its 95 % interval over the repeats. ★ no other "
        "setting beats it in both figures of the front below.</p>",
        constant,
        _folded(table(head, rows[:_MOST_OPEN]), table(head, rows[_MOST_OPEN:]), len(rows) - _MOST_OPEN, "settings"),
    )


def _folded(shown: str, rest: str, more: int, what: str) -> str:
    return shown + (f"<details><summary>{more} more {what}</summary>{rest}</details>" if more > 0 else "")


def _title(measure: Measure) -> str:
    """The name of a measure, never broken within an operating point."""
    text = escape(measure.title).replace("improvement", "improve&shy;ment")
    return re.sub(r"1e-\d", r'<span class="nb">\g<0></span>', text)


def _head(measure: Measure) -> str:
    return _title(measure) + small(measure.direction)


def _own(sweep: Sweep, job: Job) -> str:
    """The overrides that not all jobs have, as a small line."""
    own = {key: value for key, value in job.given.items() if key in sweep.varied}
    return small(escape(setting_text(own))) if own else ""


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–" + small("null in a repeat")
    return _figure(estimate.mean) + ("" if estimate.ci95 is None else small(" to ".join(map(_figure, estimate.ci95))))


def _figure(value: float | None) -> str:
    return "–" if value is None else figure(value).replace("-", "−")


def _difference(difference: Estimate) -> str:
    return signed(difference.mean) + (
        "" if difference.ci95 is None else small(" to ".join(signed(bound) for bound in difference.ci95))
    )


def _said(difference: Estimate | None, measure: Measure) -> str:
    text, kind = words(difference, measure.lower_is_better)
    return f'<span class="say">{small(text, kind)}</span>'


def _from_best(sweep: Sweep, setting: Setting) -> str:
    if sweep.best is None:
        return "–"
    if setting is sweep.best:
        return small("the best")
    difference = sweep.against_best[setting]
    if difference is None:
        return _said(difference, sweep.asked[0])
    fewer = small(f"n = {difference.n}") if difference.n < setting.repeats else ""
    return _difference(difference) + fewer + _said(difference, sweep.asked[0])


def _changes(sweep: Sweep) -> str:
    averages = [change for change in sweep.changes if change.alike is None]
    if not averages:
        return ""
    first = sweep.asked[0]
    head = ["Change", "Difference", "Repeats", "What it says"]
    rows = [_change(change, first) for change in averages]
    single = [change for change in sweep.changes if change.alike]
    each = [_change(change, first) for change in single[:_MOST_CHANGES]]
    what = "changes, each in its own setting" if len(single) <= _MOST_CHANGES else f"changes, {_MOST_CHANGES} of them"
    below = f"below zero is {'better' if first.lower_is_better else 'worse'}"
    return section(
        "One change at a time",
        f"<p>What changing one key does to {_title(first)}, all else alike: the same other keys, the same seed and the "
        f"same people on both sides; {below}. Where the interval holds zero, a difference is not shown; that is no "
        "proof that there is none.</p>",
        table(head, rows),
        _folded("", table(head, each), len(single), what),
        "<p>One in 20 such intervals misses the truth by chance alone.</p>",
    )


def _change(change: Change, measure: Measure) -> list[str]:
    where = setting_text(change.alike) if change.alike else ""
    if change.contexts > 1:
        where = f"average over {change.contexts} combinations of the other keys"
    name = f"{escape(change.key)}: {escape(change.before)} → {escape(change.after)}" + small(escape(where))
    return [name, _difference(change.difference), str(change.difference.n), _said(change.difference, measure)]


def _front(sweep: Sweep, figures: Mapping[str, Drawn]) -> str:
    if not sweep.front:
        return ""
    fnmr, ratio = sweep.front_measures
    head = ["Setting on the front", "Repeats", _head(ratio), _head(fnmr)]
    rows = [
        [
            escape(setting.name) + small(number_text(sweep, setting)),
            str(setting.repeats),
            *(_estimate(setting.estimate(measure.key)) for measure in (ratio, fnmr)),
        ]
        for setting in sweep.front
    ]
    return section(
        "Refused genuine pairs against false matches",
        "<p>Down: fewer genuine pairs are refused. Left: fewer impostors are let in. Both are counted at the threshold "
        "of the raw vectors, which nobody has to change. The FMR ratio is the number of impostors let in, divided by "
        "that of the raw vectors: right of the dashed line there are more than before. A loss weight often makes one "
        "figure better and the other one worse: on the front stand the settings that no other one beats in both.</p>",
        f"<p>{_names(sweep)}</p>",
        images(figures, "pareto.png", "one"),
        _folded(table(head, rows[:_MOST_OPEN]), table(head, rows[_MOST_OPEN:]), len(rows) - _MOST_OPEN, "settings"),
    )


def _names(sweep: Sweep) -> str:
    """What is written at the points of the front, and which of them are joined."""
    points = front_points(sweep)
    named = "Each point has the name of its setting"
    if len(points) > MOST_NAMED:
        named = f"With more than {MOST_NAMED} settings, only points on the front have names, at most {MOST_ON_FRONT}"
    said = (
        f"{named}, without lambda_; where a name has no room stands the number of its row in the table of all settings."
    )
    if joined_points(sweep, points):
        first, second = map(escape, sweep.keys)
        said += f" A grey line joins settings of equal {first}: along it only {second} changes."
    return said


def _effects(sweep: Sweep, figures: Mapping[str, Drawn]) -> str:
    if "effects.png" not in figures:
        return ""
    places = [
        f"{escape(key)}: "
        + ", ".join(
            f"{label} = <code>{escape(value)}</code>"
            for value, label in zip(values, labels(values), strict=True)
            if label != value
        )
        for key in sweep.keys
        if labels(values := values_of(sweep.settings, key)) != values
    ]
    weights = sweep.weights
    said = (
        f"Which key matters: a random forest is asked for settings that it has not seen, and a key is shuffled. "
        f"It explains {100 * weights.explained:.0f} % of the variance of those settings."
        if isinstance(weights, Importance)
        else weights[:1].upper() + weights[1:] + "."
    )
    return section(
        "Effect of each key",
        "<p>Each dot is a setting, the mean over its repeats. Blue: the mean of all settings with that value, and its "
        "95 % interval over settings; it holds whatever else those settings differ in, so the paired differences above "
        "are the sharper answer.</p>",
        images(figures, "effects.png"),
        f"<p>{escape(said)}</p>",
        images(figures, "parallel.png", "one"),
        *(f"<p>{place}</p>" for place in places),
    )


def _best(sweep: Sweep) -> str:
    if sweep.best_job is None:
        return ""
    made = f"The best job of the best setting again (job {sweep.best_job.name}):"
    steps = [Advice(made, (to_reproduce(sweep.best_job),)), to_evaluate(sweep.best_job)]
    return section(
        "What to run next",
        *([_advice(sweep.repeat)] if sweep.repeat else []),
        *map(_advice, steps),
        "<p>The best of many looks better than it is: it was chosen on these people. The test people, looked at once, "
        "say what it is worth.</p>",
    )


def _advice(advice: Advice) -> str:
    lines = f"<pre>{escape(chr(10).join(advice.lines))}</pre>" if advice.lines else ""
    return f"<p>{escape(advice.what)}</p>{lines}"


def _jobs(sweep: Sweep) -> str:
    if not sweep.finished:
        return ""
    head = ["Job", *map(_head, sweep.main), "Verdict"]
    rows = [
        [
            escape(job.name) + _own(sweep, job),
            *(_figure(job.figures[measure.key]) for measure in sweep.main),
            f'<span class="say">{escape(job.verdict or "–")}</span>',
        ]
        for job in sweep.finished
    ]
    return section("All finished jobs", _folded("", table(head, rows), len(rows), "jobs").replace(" more ", " "))


def _how_to_read() -> str:
    return section(
        "How to read this",
        "<p>FNMR is the share of genuine pairs that are refused, FMR the share of impostors that get in. All figures "
        "are of validation people: they choose among settings. Nothing here has looked at the test people.</p>",
        "<p>Jobs that differ only in seed or data.split_seed are repeats of one setting. A mean of n repeats has "
        "Student's 95 % interval; one job has none. Where people are split anew, n counts the splits: seeds on the "
        "same people are averaged first.</p>",
        "<p>A difference is paired: the same seed and the same people on both sides, so that what they share falls "
        "out. The best of many settings was chosen for looking best, so its lead is flattered.</p>",
    )
