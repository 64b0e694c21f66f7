"""The table of `poseid compare`, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poseid.verification.table import SET_TITLES

Figure = dict[str, Any]


def percent(figure: Figure) -> str:
    """
    >>> percent({"value": 0.0944, "ci95": [0.08, 0.11]}), percent({"value": None, "ci95": None})
    ('9.44 [8.00, 11.00]', '-')
    """
    return _with_interval(figure, lambda value: f"{100 * value:.2f}")


def rate(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{value:.3f}")


def rare(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{value:.5f}")


def signed_rare(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{value:+.5f}")


def times(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{value:.2f}")


def signed(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{value:+.3f}")


def signed_percent(figure: Figure) -> str:
    return _with_interval(figure, lambda value: f"{100 * value:+.2f}")


def _with_interval(figure: Figure, form: Callable[[float], str]) -> str:
    if figure["value"] is None:
        return "-"
    if figure["ci95"] is None:
        return form(figure["value"])
    return f"{form(figure['value'])} [{form(figure['ci95'][0])}, {form(figure['ci95'][1])}]"


COLUMNS: tuple[tuple[str, str, Callable[[Figure], str]], ...] = (
    ("EER %", "eer", percent),
    ("FNMR at FMR 1e-2", "fnmr_at_fmr_1e-2", rate),
    ("FNMR at FMR 1e-3", "fnmr_at_fmr_1e-3", rate),
    ("false matches at raw's 1e-3 threshold, x", "fmr_ratio_1e-3", times),
    ("profile-profile FNMR at FMR 1e-3", "profile_profile_fnmr_at_fmr_1e-3", rate),
    ("frontal-frontal EER %", "frontal_frontal_eer", percent),
    ("rank-1", "rank1", rate),
    ("mean improvement", "improvement", signed),
)
PAIRED: tuple[tuple[str, str, Callable[[Figure], str]], ...] = (
    ("EER, points of %", "eer", signed_percent),
    ("FNMR at FMR 1e-2", "fnmr_at_fmr_1e-2", signed),
    ("FNMR at FMR 1e-3", "fnmr_at_fmr_1e-3", signed),
    ("FMR at raw's 1e-3 threshold", "fmr_at_raw_threshold_1e-3", signed_rare),
    ("FNMR there", "fnmr_at_raw_threshold_1e-3", signed),
    ("profile-profile FNMR at FMR 1e-3", "profile_profile_fnmr_at_fmr_1e-3", signed),
    ("frontal-frontal EER, points of %", "frontal_frontal_eer", signed_percent),
    ("mean improvement", "improvement", signed),
)
FIXED: tuple[tuple[str, str, Callable[[Figure], str]], ...] = (
    ("FMR at raw's 1e-2 threshold", "fmr_at_raw_threshold_1e-2", rare),
    ("FNMR there", "fnmr_at_raw_threshold_1e-2", rate),
    ("FMR at raw's 1e-3 threshold", "fmr_at_raw_threshold_1e-3", rare),
    ("FNMR there", "fnmr_at_raw_threshold_1e-3", rate),
    ("FMR at raw's 1e-4 threshold", "fmr_at_raw_threshold_1e-4", rare),
    ("FNMR there", "fnmr_at_raw_threshold_1e-4", rate),
)
_NONE: Figure = {"value": None, "ci95": None}


def tables(report: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table of a report."""
    models = report["models"]
    out = [
        (
            "figures",
            [
                ["model", *(title for title, _, _ in COLUMNS), "verdict"],
                *([m["name"], *(form(m[key]) for _, key, form in COLUMNS), m["verdict"]] for m in models),
            ],
        ),
        (
            "at the raw system's thresholds, left untouched",
            [
                ["model", *(title for title, _, _ in FIXED)],
                *([m["name"], *(form(m[key]) for _, key, form in FIXED)] for m in models),
            ],
        ),
    ]
    pairs = [("raw", "against_raw")]
    if report["against"] is not None:
        pairs.append((report["against"], "against"))
    for other, key in pairs:
        rows = [
            [m["name"], *(form(m[key].get(figure, _NONE)) for _, figure, form in PAIRED)]
            for m in models
            if m["name"] != other
        ]
        if rows:
            head = ["model", *(title for title, _, _ in PAIRED)]
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
