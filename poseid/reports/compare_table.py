"""The table of `poseid compare`, for a terminal and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from poseid.reports.format import METRIC_FORMATS, SET_TITLES, aligned_within, ascii_text, with_interval
from poseid.reports.template_compare_table import template_tables
from poseid.reports.template_table import ONE_LENGTH, frames_left_out
from poseid.verification.metrics import Metric, Place, metrics_in


def cell(metric: Metric, figure: dict[str, Any], difference: bool = False) -> str:
    """A figure, its ``value`` and ``ci95`` (each may be None), as text; a difference has a sign.

    >>> from poseid.verification.metrics import METRICS
    >>> cell(METRICS[0], {"value": 0.0944, "ci95": [0.08, 0.11]}), cell(METRICS[0], {"value": None, "ci95": None})
    ('9.44 [8.00, 11.00]', '-')
    """
    return ascii_text(with_interval(figure["value"], figure["ci95"], METRIC_FORMATS[metric.format].writer(difference)))


def directions(metrics: Sequence[Metric]) -> str:
    """Which sign of a difference is better.

    >>> from poseid.verification.metrics import METRICS
    >>> directions([metric for metric in METRICS if metric.name in ("eer", "rank1")])
    'below 0 is better; above 0 for rank-1'
    """
    rising = ", ".join(metric.title for metric in metrics if metric.higher_is_better)
    return f"below 0 is better{f'; above 0 for {rising}' if rising else ''}"


def tables(report: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table of a report, of the figures that a model has."""
    models, out = report["models"], []
    for title, metrics, last in (
        ("figures", _known(report, "compare"), ["verdict"]),
        ("at the raw system's thresholds, left untouched", _known(report, "raw thresholds"), []),
    ):
        if not metrics:
            continue
        head = ["model", *(f"{metric.title}{METRIC_FORMATS[metric.format].unit}" for metric in metrics), *last]
        rows = [[m["name"], *(cell(one, m[one.name]) for one in metrics), *(m[key] for key in last)] for m in models]
        out.append((title, [head, *rows]))
    pairs = [("raw", "against_raw")] + ([(report["against"], "against")] if report["against"] is not None else [])
    paired = _known(report, "paired")
    head = ["model", *(metric.title + (", points of %" if metric.format == "percent" else "") for metric in paired)]
    for other, key in pairs:
        rows = [
            [m["name"], *(cell(one, m[key][one.name], True) for one in paired)] for m in models if m["name"] != other
        ]
        if rows and paired:
            out.append((f"paired differences from {other} ({directions(paired)})", [head, *rows]))
    return out


def _known(report: dict[str, Any], place: Place) -> list[Metric]:
    return [one for one in metrics_in(place) if any(model[one.name]["value"] is not None for model in report["models"])]


def left_out(report: dict[str, Any]) -> Iterator[str]:
    """What no table shows, since it is not defined for any model or nobody has so many rows: a line for each reason."""
    places: tuple[Place, ...] = ("compare", "raw thresholds", "paired")
    null = {one.name: one for place in places for one in metrics_in(place) if one not in _known(report, place)}
    reasons: dict[str, list[str]] = {}
    for title, why in [
        *((one.title, report["models"][0][name].get("reason", "not defined")) for name, one in null.items()),
        *template_tables(report)[1],
    ]:
        reasons.setdefault(why, []).append(title)
    yield from (ascii_text(f"left out: {', '.join(titles)}: {why}") for why, titles in reasons.items())
    yield from map(frames_left_out, report["frames_left_out"])


def heading(report: dict[str, Any]) -> list[str]:
    """Lines that say on whom, on which comparisons and with what intervals."""
    headline = report["raw"]["headline"]
    titles = {name: ascii_text(title) for name, title in SET_TITLES.items()}
    sizes = [
        f"{titles[name]} {report['genuine'][name]} genuine and {report['impostor'][name]} impostor"
        for name in dict.fromkeys((headline, "profile_profile", "frontal_frontal"))
    ]
    lines = [
        f"{report['data']}: {report['people']} people, {report['evaluated_people']}",
        f"comparisons: {'; '.join(sizes)}. EER, FNMR and false matches without a set are of {titles[headline]}.",
    ]
    fitted = [m["name"] for m in report["models"] if m["fitted_here"]]
    if fitted:
        groups = "; ".join(
            f"{split['name']}: {split['train']} training, {split['validation']} validation people"
            for split in report["splits"]
        )
        lines.append(f"fitted here on the other people: {', '.join(fitted)} ({groups})")
    if any(one["length_carries_nothing"] for entry in report["frames"] for one in entry["sets"].values()):
        lines.append(ONE_LENGTH)
    boot = report["bootstrap"]
    if boot["resamples"]:
        lines.append(f"in brackets: 95 % intervals, {boot['resamples']} resamples of people, the same for all models")
    return lines


def plain_table(report: dict[str, Any]) -> str:
    """For a terminal: a model a block, a figure a line, since a table of intervals is too wide."""
    lines = heading(report)
    for title, rows in tables(report):
        names, *figures = zip(*rows, strict=True)
        lines += ["", title, *aligned_within([("", *names[1:]), *figures])]
    for title, rows in template_tables(report)[0]:
        lines += ["", *textwrap.wrap(title, 100), *aligned_within(rows)]
    return "\n".join([*lines, "", *left_out(report), "", *_verdicts(report)])


def markdown(report: dict[str, Any]) -> str:
    """The same as Markdown, a model a row."""
    lines = [f"{line}  " for line in heading(report)]
    for title, rows in [*tables(report), *template_tables(report)[0]]:
        lines += ["", *markdown_table(title, rows)]
    return "\n".join([*lines, "", *(f"- {line}" for line in (*left_out(report), *_verdicts(report)))]) + "\n"


def markdown_table(title: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table whose first row is its head.

    >>> markdown_table("figures", [["model", "EER"], ["raw", "9"]])
    ['**figures**', '', '| model | EER |', '|---|---|', '| raw | 9 |']
    """
    head, *rest = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [f"**{title}**", "", head, "|" + "---|" * len(rows[0]), *rest]


def _verdicts(report: dict[str, Any]) -> list[str]:
    return [f"{m['name']}: {m['verdict']}. {m['reason']}" for m in report["models"] if m["name"] != "raw"]
