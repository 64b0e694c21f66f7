"""The table of `poseid compare`, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poseid.verification.metrics import Metric, metrics_in
from poseid.verification.table import SET_TITLES

Figure = dict[str, Any]


FORMATS: dict[str, tuple[str, str, Callable[[float], float]]] = {
    "percent": (" %", ".2f", lambda value: 100 * value),
    "rate": ("", ".3f", float),
    "small": ("", ".5f", float),
    "ratio": (", x", ".2f", float),
    "signed": ("", "+.3f", float),
}
"""Of a metric's format: the unit in the title, the number's format, and the number in that unit."""


def shown(metric: Metric, figure: Figure, difference: bool = False) -> str:
    """A figure with its interval; a difference has a sign.

    >>> shown(METRICS[0], {"value": 0.0944, "ci95": [0.08, 0.11]}), shown(METRICS[0], {"value": None, "ci95": None})
    ('9.44 [8.00, 11.00]', '-')
    """
    if figure["value"] is None:
        return "-"
    _unit, form, scaled = FORMATS[metric.format]
    form = form if not difference or form.startswith("+") else f"+{form}"
    value, *bounds = (format(scaled(number), form) for number in (figure["value"], *(figure["ci95"] or ())))
    return f"{value} [{bounds[0]}, {bounds[1]}]" if bounds else value


def tables(report: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table of a report."""
    models = report["models"]
    out = []
    for title, metrics, last in (
        ("figures", metrics_in("compare"), ["verdict"]),
        ("at the raw system's thresholds, left untouched", metrics_in("raw thresholds"), []),
    ):
        head = ["model", *(f"{metric.title}{FORMATS[metric.format][0]}" for metric in metrics), *last]
        rows = [[m["name"], *(shown(one, m[one.name]) for one in metrics), *(m[key] for key in last)] for m in models]
        out.append((title, [head, *rows]))
    pairs = [("raw", "against_raw")]
    if report["against"] is not None:
        pairs.append((report["against"], "against"))
    paired = metrics_in("paired")
    head = ["model", *(metric.title + (", points of %" if metric.format == "percent" else "") for metric in paired)]
    for other, key in pairs:
        rows = [
            [m["name"], *(shown(one, m[key][one.name], True) for one in paired)] for m in models if m["name"] != other
        ]
        if rows:
            out.append((f"paired differences from {other} (below 0 is better, but for improvement)", [head, *rows]))
    return out


def heading(report: dict[str, Any]) -> list[str]:
    """Lines that say on whom, on which comparisons and with what intervals."""
    headline = report["raw"]["headline"]
    sizes = [
        f"{SET_TITLES[name]} {report['genuine'][name]} genuine and {report['impostor'][name]} impostor"
        for name in dict.fromkeys((headline, "profile_profile", "frontal_frontal"))
    ]
    lines = [
        f"{report['data']}: {report['people']} people, {report['evaluated_people']}",
        f"comparisons: {'; '.join(sizes)}. EER, FNMR and false matches without a set are of {SET_TITLES[headline]}.",
    ]
    fitted = [m["name"] for m in report["models"] if m["fitted_here"]]
    if fitted:
        groups = "; ".join(
            f"{split['name']}: {split['train']} training, {split['validation']} validation people"
            for split in report["splits"]
        )
        lines.append(f"fitted here on the other people: {', '.join(fitted)} ({groups})")
    boot = report["bootstrap"]
    if boot["resamples"]:
        lines.append(f"in brackets: 95 % intervals, {boot['resamples']} resamples of people, the same for all models")
    return lines


def plain_table(report: dict[str, Any]) -> str:
    """For a terminal: a model a block, a figure a line, since a table of intervals is too wide."""
    lines = heading(report)
    for title, rows in tables(report):
        head, *body = rows
        lines += ["", title]
        width = max(len(cell) for cell in head)
        widths = [max(len(row[0]), *(len(cell) for cell in row[1:])) for row in body]
        lines.append(
            "  ".join(["".ljust(width), *(row[0].ljust(w) for row, w in zip(body, widths, strict=True))]).rstrip()
        )
        for n in range(1, len(head)):
            cells = [row[n].ljust(w) for row, w in zip(body, widths, strict=True)]
            lines.append("  ".join([head[n].ljust(width), *cells]).rstrip())
    lines.append("")
    lines += [f"{m['name']}: {m['verdict']}. {m['reason']}" for m in report["models"] if m["name"] != "raw"]
    return "\n".join(lines)


def markdown(report: dict[str, Any]) -> str:
    """The same as Markdown, a model a row."""
    lines = [f"{line}  " for line in heading(report)]
    for title, rows in tables(report):
        cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        lines += ["", f"**{title}**", "", "| " + " | ".join(cells[0]) + " |", "|" + "---|" * len(cells[0])]
        lines += ["| " + " | ".join(row) + " |" for row in cells[1:]]
    lines.append("")
    lines += [f"- {m['name']}: {m['verdict']}. {m['reason']}" for m in report["models"] if m["name"] != "raw"]
    return "\n".join(lines) + "\n"
