"""What the command prints: the figures, then the findings, errors first."""

from __future__ import annotations

import textwrap

from poseid.doctor.baseline import Block
from poseid.doctor.finding import NOTE, SEVERITIES
from poseid.reports.format import SET_TITLES, aligned, ascii_text

_WIDTH = 100


def report_text(summary: Block) -> str:
    """doctor.json as lines in plain characters."""
    lines = [f"{summary['folder']}: {counts(summary)}", ""]
    head = ("", "rows", "dtype", "length (1 %, median, 99 %)", "poses known", "frontal", "profile")
    rows: list[tuple[str, ...]] = [head]
    for name in ("front", "video"):
        file = summary[name]
        lengths = "-" if file["lengths"] is None else ", ".join(f"{value:.3g}" for value in file["lengths"])
        n, *numbers = (f"{file[key]:,}" for key in ("rows", "poses_known", "frontal", "profile"))
        rows.append((name, n, file["dtype"], lengths, *numbers))
    lines += aligned(rows, right=True)
    raw = summary["raw"]
    lines += ["", f"raw vectors: {raw_words(summary)}"]
    rows = [("yaw of the video row", "rows", "genuine pairs", "mean similarity", "of impostors")]
    for entry in raw["by_yaw"]:
        means = ("-" if entry[key] is None else f"{entry[key]:.3f}" for key in ("genuine", "impostor"))
        rows.append((entry["where"], f"{entry['rows']:,}", f"{entry['n']:,}", *means))
    lines += aligned(rows, right=True)
    lines += ["", *textwrap.wrap(f"what to expect: {summary['outlook']}", _WIDTH), "", tally(summary)]
    for finding in summary["findings"]:
        severity = finding["severity"] if finding["severity"] == NOTE else finding["severity"].upper()
        lines += ["", *textwrap.wrap(f"{severity} {finding['id']}: {finding['title']}", _WIDTH)]
        lines += textwrap.wrap(finding["evidence"], _WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += textwrap.wrap(finding["remedy"], _WIDTH, initial_indent="  -> ", subsequent_indent="     ")
    return ascii_text("\n".join(lines))


def counts(summary: Block) -> str:
    """The sizes in one line."""
    people = summary["people"]
    pairs = "" if summary["pairs"] is None else f", {summary['pairs']:,} listed comparisons"
    return (
        f"{people['all']:,} people ({people['paired']:,} with front and video rows), "
        f"{summary['front']['rows']:,} front and {summary['video']['rows']:,} video rows of {summary['dim']} numbers"
        f"{pairs}"
    )


def raw_words(summary: Block) -> str:
    """The equal error rate in words, or why there is none."""
    raw = summary["raw"]
    if raw["eer"] is None:
        return f"no equal error rate, because {raw['reason']}"
    ci = "" if raw["eer_ci95"] is None else f" [{100 * raw['eer_ci95'][0]:.1f}, {100 * raw['eer_ci95'][1]:.1f}]"
    return (
        f"equal error rate {100 * raw['eer']:.1f} %{ci}, {SET_TITLES[raw['set']]}, {raw['people']:,} people, "
        f"{raw['genuine']:,} genuine and {raw['impostor']:,} impostor comparisons"
    )


def tally(summary: Block) -> str:
    """How many findings of each severity.

    >>> tally({"errors": 1, "warnings": 0, "notes": 2, "findings": [1, 2, 3]})
    '1 error, 0 warnings, 2 notes'
    """
    if not summary["findings"]:
        return "nothing found"
    numbers = [(summary[f"{severity}s"], severity) for severity in SEVERITIES]
    return ", ".join(f"{n} {severity}{'' if n == 1 else 's'}" for n, severity in numbers)
