"""The table of `poseid compare`, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from poseid.reports.format import SET_TITLES, ascii_text, fixed, with_interval

Figure = dict[str, Any]
"""A ``value`` and its ``ci95``, each of which may be None."""


class Column(NamedTuple):
    """A figure of a model, or of its difference from another one."""

    title: str
    key: str
    """In the report's entry of a model."""
    digits: int = 3
    sign: bool = False
    scale: float = 1.0

    def text(self, figure: Figure) -> str:
        """
        >>> Column("EER %", "eer", 2, scale=100).text({"value": 0.0944, "ci95": [0.08, 0.11]})
        '9.44 [8.00, 11.00]'
        """

        def form(value: float | None) -> str:
            return fixed(None if value is None else self.scale * value, self.digits, self.sign)

        return ascii_text(with_interval(figure["value"], figure["ci95"], form))


COLUMNS = (
    Column("EER %", "eer", 2, scale=100),
    Column("FNMR at FMR 1e-2", "fnmr_at_fmr_1e-2"),
    Column("FNMR at FMR 1e-3", "fnmr_at_fmr_1e-3"),
    Column("false matches at raw's 1e-3 threshold, x", "fmr_ratio_1e-3", 2),
    Column("profile-profile FNMR at FMR 1e-3", "profile_profile_fnmr_at_fmr_1e-3"),
    Column("frontal-frontal EER %", "frontal_frontal_eer", 2, scale=100),
    Column("rank-1", "rank1"),
    Column("mean improvement", "improvement", sign=True),
)
FIXED = tuple(
    column
    for fmr in ("1e-2", "1e-3", "1e-4")
    for column in (
        Column(f"FMR at raw's {fmr} threshold", f"fmr_at_raw_threshold_{fmr}", 5),
        Column("FNMR there", f"fnmr_at_raw_threshold_{fmr}"),
    )
)
PAIRED = (
    Column("EER, points of %", "eer", 2, sign=True, scale=100),
    Column("FNMR at FMR 1e-2", "fnmr_at_fmr_1e-2", sign=True),
    Column("FNMR at FMR 1e-3", "fnmr_at_fmr_1e-3", sign=True),
    Column("FMR at raw's 1e-3 threshold", "fmr_at_raw_threshold_1e-3", 5, sign=True),
    Column("FNMR there", "fnmr_at_raw_threshold_1e-3", sign=True),
    Column("profile-profile FNMR at FMR 1e-3", "profile_profile_fnmr_at_fmr_1e-3", sign=True),
    Column("frontal-frontal EER, points of %", "frontal_frontal_eer", 2, sign=True, scale=100),
    Column("mean improvement", "improvement", sign=True),
)
_NONE: Figure = {"value": None, "ci95": None}


def tables(report: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table of a report."""
    models = report["models"]
    out = [
        (
            "figures",
            [
                ["model", *_titles(COLUMNS), "verdict"],
                *([*_cells(m["name"], m, COLUMNS), m["verdict"]] for m in models),
            ],
        ),
        (
            "at the raw system's thresholds, left untouched",
            [["model", *_titles(FIXED)], *(_cells(m["name"], m, FIXED) for m in models)],
        ),
    ]
    pairs = [("raw", "against_raw")]
    if report["against"] is not None:
        pairs.append((report["against"], "against"))
    for other, key in pairs:
        rows = [_cells(m["name"], m[key], PAIRED) for m in models if m["name"] != other]
        if rows:
            title = f"paired differences from {other} (below 0 is better, but for improvement)"
            out.append((title, [["model", *_titles(PAIRED)], *rows]))
    return out


def _titles(columns: Sequence[Column]) -> list[str]:
    return [column.title for column in columns]


def _cells(name: str, figures: dict[str, Figure], columns: Sequence[Column]) -> list[str]:
    return [name, *(column.text(figures.get(column.key, _NONE)) for column in columns)]


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
