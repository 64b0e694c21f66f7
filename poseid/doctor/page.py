"""doctor.html: one file that says what is in a folder and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poseid.doctor.finding import ERROR, NOTE, WARNING
from poseid.doctor.text import counts, raw_words, tally
from poseid.reports.format import SET_TITLES, count, fixed, interval, percent
from poseid.reports.html import render
from poseid.reports.sheet import Drawn

Block = dict[str, Any]

_MOST_ROWS = 200
_SIGNS = {ERROR: "✗ error", WARNING: "! warning", NOTE: "○ note"}


def page(summary: Block, figures: Mapping[str, Drawn]) -> str:
    """The page as HTML.

    Args:
        summary: the contents of doctor.json.
        figures: from `draw_all`.
    """
    words = raw_words(summary)
    context = {
        "summary": summary,
        "figures": figures,
        "files": [summary["front"], summary["video"]],
        "counts": counts(summary),
        "tally": tally(summary),
        "raw": words[0].upper() + words[1:],
        "cards": _cards(summary),
        "signs": _SIGNS,
        "most_rows": _MOST_ROWS,
        "three": _three,
    }
    return render("doctor.html", context)


def _cards(summary: Block) -> list[tuple[str, str, str]]:
    """Title, figure and what it is of."""
    people, video, raw = summary["people"], summary["video"], summary["raw"]
    files = [summary["front"], video]
    cards = [
        ("People with front and video rows", count(people["paired"]), f"of {count(people['all'])}; only they train"),
        ("Profile rows", count(video["profile"]), f"of {count(video['rows'])} video rows"),
    ]
    if raw["eer"] is not None:
        ci = "" if raw["eer_ci95"] is None else f"95 % CI {interval(raw['eer_ci95'], _tenths)}; "
        cards.append(("Raw equal error rate", _tenths(raw["eer"]), f"{ci}{SET_TITLES[raw['set']]}; lower is better"))
    unknown = sum(file["rows"] - file["poses_known"] for file in files)
    return [*cards, ("Poses unknown", count(unknown), f"of {count(sum(file['rows'] for file in files))} rows")]


def _tenths(rate: float) -> str:
    return percent(rate, 1)


def _three(values: list[float] | None, digits: int) -> str:
    return "–" if values is None else ", ".join(fixed(value, digits) for value in values)
