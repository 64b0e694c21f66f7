"""sweep.html: one file that says which setting is best, how sure that is, and what to run next."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup, escape

from poseid.reports.format import fixed
from poseid.reports.html import render
from poseid.reports.sheet import Drawn
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.commands import Advice, to_evaluate, to_reproduce
from poseid.sweeps.conclusion import conclude
from poseid.sweeps.differences import Change, words
from poseid.sweeps.front import MOST_NAMED, MOST_ON_FRONT, front_points, joined_points, number_text
from poseid.sweeps.importance import Importance
from poseid.sweeps.jobs import Job
from poseid.sweeps.measures import Measure
from poseid.sweeps.overrides import setting_text
from poseid.sweeps.scales import labels, values_of
from poseid.sweeps.text_table import counts

_MOST_OPEN = 12
_MOST_CHANGES = 300


def page(sweep: Sweep, figures: Mapping[str, Drawn]) -> str:
    """The page as HTML; ``figures`` from :func:`poseid.sweeps.figures.draw_all`."""
    points = front_points(sweep)
    fnmr, ratio = sweep.front_measures

    def own_text(job: Job) -> str:
        own = {key: value for key, value in job.given.items() if key in sweep.varied}
        return setting_text(own) if own else ""

    return render(
        "sweep.html",
        {
            "name": sweep.directory.resolve().name,
            "sweep": sweep,
            "figures": figures,
            "counts": counts(sweep),
            "conclusion": conclude(sweep),
            "asked": sweep.asked[0],
            "fnmr": fnmr,
            "ratio": ratio,
            "constant": setting_text(sweep.constant) if sweep.constant else "",
            "averages": [change for change in sweep.changes if change.alike is None],
            "single_changes": [change for change in sweep.changes if change.alike],
            "points": points,
            "joined": bool(joined_points(sweep, points)),
            "importance": _importance(sweep),
            "numbered": _numbered(sweep),
            "next_steps": _next_steps(sweep),
            "most_open": _MOST_OPEN,
            "most_changes": _MOST_CHANGES,
            "most_named": MOST_NAMED,
            "most_on_front": MOST_ON_FRONT,
            "heads": [_head(measure) for measure in sweep.main],
            "context_of": _context,
            "four": _four_digits,
            "head_of": _head,
            "number_text": number_text,
            "own_text": own_text,
            "title_of": _title,
            "words": words,
        },
    )


def _four_digits(value: float) -> str:
    return fixed(value, 4)


def _title(measure: Measure) -> Markup:
    """The name of a measure, never broken within an operating point."""
    text = str(escape(measure.title)).replace("improvement", "improve&shy;ment")
    return Markup(re.sub(r"1e-\d", r'<span class="nb">\g<0></span>', text))


def _head(measure: Measure) -> Markup:
    return _title(measure) + Markup("<small>{}</small>").format(measure.direction)


def _context(change: Change) -> str:
    """What else was alike on both sides of a change."""
    if change.contexts > 1:
        return f"average over {change.contexts} combinations of the other keys"
    return setting_text(change.alike) if change.alike else ""


def _importance(sweep: Sweep) -> str:
    weights = sweep.weights
    if isinstance(weights, Importance):
        return (
            "Which key matters: a random forest is asked for settings that it has not seen, and a key is shuffled. "
            f"It explains {100 * weights.explained:.0f} % of the variance of those settings."
        )
    return weights[:1].upper() + weights[1:] + "."


def _numbered(sweep: Sweep) -> dict[str, list[tuple[str, str]]]:
    """Of each key, the values that figures show by a number, with that number."""
    values = {key: values_of(sweep.settings, key) for key in sweep.keys}
    renamed = {
        key: [(label, value) for value, label in zip(each, labels(each), strict=True) if label != value]
        for key, each in values.items()
    }
    return {key: pairs for key, pairs in renamed.items() if pairs}


def _next_steps(sweep: Sweep) -> list[Advice]:
    if sweep.best_job is None:
        return []
    again = f"The best job of the best setting again (job {sweep.best_job.name}):"
    steps = [Advice(again, (to_reproduce(sweep.best_job),)), to_evaluate(sweep.best_job)]
    return [sweep.repeat, *steps] if sweep.repeat else steps
