"""doctor.html: one file that says what is in a folder and what is wrong with it. No script, no network.

Whatever comes from the folder is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from poseid.doctor.finding import ERROR, NOTE, WARNING
from poseid.doctor.text import SET_WORDS, counts, raw_words, tally
from poseid.verification.figure_tiles import Drawn
from poseid.verification.page_parts import document, images, number, plain, section, small, table

Block = dict[str, Any]

_STYLE = """
.finding{border-top:1px solid var(--line);padding:14px 0 12px}
.finding h3{margin:0 0 .3em}
.badge{display:inline-block;border-radius:6px;padding:1px 8px;margin-right:.5em;font-size:.82rem;font-weight:600;
color:var(--mid);background:var(--midbg)}
.badge.error{color:var(--bad);background:var(--badbg)}
.badge.warning{color:var(--raw);background:var(--midbg)}
.finding code{font-size:.86rem;color:var(--soft)}
.rows{font-size:.84rem;color:var(--soft);font-variant-numeric:tabular-nums}
"""
_SHOWN_ROWS = 200
_SIGNS = {ERROR: "✗ error", WARNING: "! warning", NOTE: "○ note"}


def page(summary: Block, figures: Mapping[str, Drawn]) -> str:
    """The whole page.

    Args:
        summary: the contents of doctor.json.
        figures: from `draw_all`.
    """
    name = escape(str(summary["folder"]))
    parts = [
        f"<header><p>poseid doctor: is this folder what it says?</p><h1>{name}</h1><p>{escape(counts(summary))}</p>"
        "</header>",
        _verdict(summary),
        _cards(summary),
        _findings(summary),
        _contents(summary, figures),
        _raw(summary, figures),
        _people(figures),
        section("What training can be hoped for", f"<p>{escape(summary['outlook'])}</p>"),
        _footer(summary),
    ]
    return document(f"poseid doctor: {name}", parts, _STYLE)


def _verdict(summary: Block) -> str:
    if summary["errors"]:
        kind, words = "bad", "✗ Correct this before training"
        text = "Training would refuse the folder, or its figures would be wrong."
    elif summary["warnings"]:
        kind, words = "mid", "! Look at this before training"
        text = "Something is probably not what was meant. Training runs, and the warnings say what it would make of it."
    else:
        kind, words = "good", "✓ Nothing speaks against training"
        text = "No error and no warning. What a note says is worth knowing, and needs nothing done."
    return (
        f'<section class="verdict {kind}"><h2>{words}</h2><p>{text}</p><p><strong>{escape(tally(summary))}</strong></p>'
        "</section>"
    )


def _cards(summary: Block) -> str:
    people, raw = summary["people"], summary["raw"]
    cards = [
        ("People with front and video rows", number(people["paired"]), f"of {number(people['all'])}; only they train"),
        ("Profile rows", number(summary["video"]["profile"]), f"of {number(summary['video']['rows'])} video rows"),
    ]
    if raw["eer"] is not None:
        words = SET_WORDS[raw["set"]].replace(" x ", " × ")
        ci = ""
        if raw["eer_ci95"] is not None:
            ci = f"95 % CI {100 * raw['eer_ci95'][0]:.1f} to {100 * raw['eer_ci95'][1]:.1f}; "
        cards.append(("Raw equal error rate", f"{100 * raw['eer']:.1f} %", f"{ci}{words}; lower is better"))
    unknown = sum(summary[name]["rows"] - summary[name]["poses_known"] for name in ("front", "video"))
    rows = sum(summary[name]["rows"] for name in ("front", "video"))
    cards.append(("Poses unknown", number(unknown), f"of {number(rows)} rows"))
    body = "".join(f"<div><span>{a}</span><b>{b}</b><span>{c}</span></div>" for a, b, c in cards)
    return f'<div class="key">{body}</div>'


def _findings(summary: Block) -> str:
    if not summary["findings"]:
        return section("Findings", "<p>None.</p>")
    return section("Findings", *(_finding(finding) for finding in summary["findings"]))


def _finding(finding: Block) -> str:
    rows = finding["rows"]
    listed = ""
    if rows:
        shown = ", ".join(escape(row) for row in rows[:_SHOWN_ROWS])
        more = f" … {len(rows) - _SHOWN_ROWS:,} more in doctor.json" if len(rows) > _SHOWN_ROWS else ""
        listed = f'<details><summary>Rows</summary><p class="rows">{shown}{more}</p></details>'
    severity = finding["severity"]
    return (
        f'<div class="finding"><h3><span class="badge {severity}">{_SIGNS[severity]}</span>{escape(finding["title"])}'
        f"</h3><p>{escape(finding['evidence'])}</p><p><strong>What to do:</strong> {escape(finding['way_out'])}</p>"
        f"<code>{escape(finding['id'])}</code>{listed}</div>"
    )


def _contents(summary: Block, figures: Mapping[str, Drawn]) -> str:
    files = [summary[name] for name in ("front", "video")]
    three = small("1 %, middle, 99 %")
    rows = [
        ["Rows", *(number(file["rows"]) for file in files)],
        ["Kept as", *(escape(file["dtype"]) for file in files)],
        [f"Length{three}", *(_three(file["lengths"], 2) for file in files)],
        ["Poses known", *(number(file["poses_known"]) for file in files)],
        [f"Yaw, degrees{three}", *(_three(file["yaw"], 0) for file in files)],
        ["Frontal rows", *(number(file["frontal"]) for file in files)],
        ["Profile rows", *(number(file["profile"]) for file in files)],
    ]
    return section(
        "What is in the folder",
        table(["", "Front", "Video"], rows),
        "<p>A row is frontal or profile by its source, where that begins with frontal/ or profile/, else by |yaw| up "
        "to 20 and above 45 degrees. Of the pictures below, the right one shows which angle is the yaw: the one that "
        "takes most similarity away.</p>",
        images(figures, "poses"),
    )


def _three(values: list[float] | None, digits: int) -> str:
    return (
        "–"
        if values is None
        else ", ".join(f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−") for value in values)
    )


def _raw(summary: Block, figures: Mapping[str, Drawn]) -> str:
    raw = summary["raw"]
    rows = [
        [
            escape(entry["where"].replace("-", "−")),
            number(entry["rows"]),
            number(entry["n"]),
            *("–" if entry[key] is None else plain(entry[key]) for key in ("genuine", "impostor")),
        ]
        for entry in raw["by_yaw"]
    ]
    head = ["Yaw of the video row, degrees", "Rows", "Genuine pairs", "Mean similarity", "Of strangers"]
    sample = summary["sample"]
    part = (
        ""
        if sample["everybody"]
        else f" Comparisons are of {number(sample['people'])} people drawn at random: {number(sample['front_rows'])} "
        f"front and {number(sample['video_rows'])} video rows."
    )
    words = raw_words(summary).replace(" x ", " × ")
    return section(
        "What the raw vectors score",
        f"<p>{escape(words[0].upper() + words[1:])}. This is what an enhancer has to beat, on people that it was not "
        f"trained on.{part}</p>",
        table(head, rows, "Mean cosine of front rows with video rows, of one person and of two"),
        images(figures, "vectors"),
    )


def _people(figures: Mapping[str, Drawn]) -> str:
    return section(
        "Who is on the rows",
        "<p>The right picture shows the rows that are least like their own person: a row far above the dashed line is "
        "much more like somebody else, and probably named wrongly.</p>",
        images(figures, "people"),
    )


def _footer(summary: Block) -> str:
    version = escape(str(summary["versions"].get("poseid", "")))
    return (
        f"<footer>Made by poseid {version}. The same, for programs, is in doctor.json beside this page. What each "
        "finding means stands in docs/doctor.md.</footer>"
    )
