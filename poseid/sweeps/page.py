"""sweep.html: one file that says which setting is best, how sure that is, and what to run next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from markupsafe import Markup, escape

from poseid.reports.format import fixed
from poseid.reports.html import render
from poseid.reports.sheet import Drawn
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.front import MOST_NAMED, MOST_ON_FRONT, labels, number_text
from poseid.sweeps.jobs import Job, setting_text
from poseid.sweeps.settings import difference_in_words, values_of
from poseid.sweeps.summary import conclude, counts
from poseid.training.objective import Measure


def page(sweep: Sweep, figures: Mapping[str, Drawn]) -> str:
    """The page as HTML; ``figures`` from :func:`poseid.sweeps.figures.draw_all`."""

    def own_text(job: Job) -> str:
        own = {key: value for key, value in job.given.items() if key in sweep.varied}
        return setting_text(own) if own else ""

    return render(
        "sweep.html",
        {
            "sweep": sweep,
            "figures": figures,
            "counts": counts(sweep),
            "conclusion": conclude(sweep),
            "setting_text": setting_text,
            "numbered": _numbered(sweep),
            "most_named": MOST_NAMED,
            "most_on_front": MOST_ON_FRONT,
            "heads": [_head(measure) for measure in sweep.page_columns],
            "four": partial(fixed, digits=4),
            "head_of": _head,
            "number_text": number_text,
            "own_text": own_text,
            "title_of": _title,
            "difference_in_words": difference_in_words,
        },
    )


def _title(measure: Measure) -> Markup:
    """The name of a measure, never broken within an operating point."""
    text = str(escape(measure.title)).replace("improvement", "improve&shy;ment")
    return Markup(re.sub(r"1e-\d", r'<span class="nb">\g<0></span>', text))


def _head(measure: Measure) -> Markup:
    return _title(measure) + Markup("<small>{}</small>").format(measure.direction)


def _numbered(sweep: Sweep) -> dict[str, list[tuple[str, str]]]:
    """Of each key, the values that figures show by a number, with that number."""
    found = {}
    for key in sweep.keys:
        values = values_of(sweep.settings, key)
        if renamed := [(label, value) for label, value in zip(labels(values), values, strict=True) if label != value]:
            found[key] = renamed
    return found
