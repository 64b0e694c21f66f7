"""report.html: one file that says what an evaluation found, to people who did not run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poseid.reports.folds_table import HEAD, PEOPLE, folds_rows
from poseid.reports.format import METRIC_FORMATS, SET_TITLES, between
from poseid.reports.html import NO_INTERVALS, render
from poseid.reports.sheet import Drawn
from poseid.reports.template_table import POOLING_TITLES, entries_of, frames_title, judged_templates, length_note
from poseid.verification.metrics import METRICS
from poseid.verification.operating_points import strictest
from poseid.verification.verdict import HARMS, HELPS, NO_EFFECT, NOT_JUDGED

Block = dict[str, Any]

_SET_ROWS = {
    "all": "whatever their pose",
    "frontal_profile": "every frontal row × every profile row",
    "profile_profile": "profile rows among themselves",
    "frontal_frontal": "frontal rows among themselves",
}
_ONE_IN = {"1e-2": "1 impostor in 100", "1e-3": "1 impostor in 1,000", "1e-4": "1 impostor in 10,000"}
_VERDICTS = {
    HELPS: ("good", "✓", "It helps"),
    HARMS: ("bad", "✗", "It does harm"),
    NO_EFFECT: ("mid", "○", "No effect shown"),
    NOT_JUDGED: ("mid", "○", "Not judged"),
}
_MEANINGS = {
    HELPS: "Fewer genuine pairs are rejected, and false matches at the raw threshold do not rise.",
    HARMS: "Something got worse by more than chance explains: do not use it on data like this.",
    NO_EFFECT: "These people do not show, beyond chance, that it helps. That is no proof that it does nothing.",
    NOT_JUDGED: "Without confidence intervals nothing is judged.",
}
_SIDES = {
    "probe": "probe: references stay bit for bit as enrolled, probes are enhanced",
    "both": "both: references and probes are enhanced, so a gallery has to be enhanced too",
}
_PARTS = ("cross_validation", "test", "evaluation", "validation")
_SHOWN = {"model", "guard", "sides", "data", "poses_used", "versions", "judged_by", *_PARTS}


def page(summary: Block, block: Block, figures: Mapping[str, Drawn]) -> str:
    """The page as HTML.

    Args:
        summary: the contents of summary.json; its other evaluation block, if any, is shown in short at the end.
        block: the evaluation block that is shown; it may hold the keys of the contract alone.
        figures: from :func:`poseid.reports.figures.draw_all`, made of the same block.
    """
    people, others = _parts(summary, block)
    poses = block.get("by_pose") or {"bins": [], "n": []}
    kind, sign, words = _VERDICTS[block["verdict"]]
    return render(
        "report.html",
        {
            "summary": dict.fromkeys(_SHOWN) | summary,
            "block": block,
            "folds_head": HEAD,
            "folds": folds_rows(summary.get("folds") or []),
            "figures": figures,
            "people": people,
            "verdict": {"kind": kind, "sign": sign, "words": words, "meaning": _MEANINGS[block["verdict"]]},
            # what a program adds to the summary as a plain value is worth a line
            "more_facts": {
                key.replace("_", " ").capitalize(): value
                for key, value in summary.items()
                if key not in _SHOWN and isinstance(value, (str, int, float))
            },
            "yaw_bins": _yaw_bins(block),
            "pose_names": [between(entry["from"], entry["to"]) for entry in poses["bins"]],
            "pose_columns": [c for c in range(len(poses["bins"])) if any(row[c] for row in poses["n"])],
            "metrics": _metrics(block),
            "pooled": [(frames_title(k, view, one["mean_frames"]), one) for k, view, one in entries_of(block)],
            "judged_templates": judged_templates(block),
            "words": {verdict: said for verdict, (_, _, said) in _VERDICTS.items()},
            "pooling_titles": POOLING_TITLES,
            "length_note": length_note(block),
            "others": others,
            "one_in": _ONE_IN,
            "sides": _SIDES,
            "set_titles": SET_TITLES,
            "set_rows": _SET_ROWS,
            "strictest": strictest,
            "no_intervals": NO_INTERVALS,
        },
    )


def _parts(summary: Block, block: Block) -> tuple[str, list[tuple[str, Block]]]:
    """Which people the block is about, and the other blocks of the summary; beside all folds there are none."""
    names = [name for name in _PARTS if summary.get(name)]
    # the very block first: another may be equal to it
    same = [name for name in names if summary[name] is block] + [name for name in names if summary[name] == block]
    shown = same[0] if same else "evaluation"
    others = [(name, summary[name]) for name in names if name != shown != "cross_validation"]
    return PEOPLE.get(shown, shown), others


def _metrics(block: Block) -> list[tuple[str, str, list[str | None]]]:
    """Path, title with direction, and the figures of each registered metric that has no table of its own.

    The figures are raw, enhanced and the change; None where one is not defined.
    """
    out = []
    for metric in METRICS:
        if (entry := block.get("metrics", {}).get(metric.name)) is None:
            continue
        form = METRIC_FORMATS[metric.format]
        values = [(entry[name], form.writer(name == "difference")) for name in ("raw", "enhanced", "difference")]
        cells = [None if value is None else write(value) for value, write in values]
        direction = "higher is better" if metric.higher_is_better else "lower is better"
        out.append((f"metrics.{metric.name}", f"{metric.title}{form.unit}, {direction}", cells))
    return out


def _yaw_bins(block: Block) -> list[tuple[str, Block]]:
    """Name and improvement of each bin of yaw, then of probes outside the bins where there are any."""
    gain = block["improvement"]
    bins = [(between(entry["from"], entry["to"]), entry) for entry in gain["by_yaw"]]
    more = (("Beyond ±90", gain.get("beyond_90")), ("Unknown", gain.get("yaw_unknown")))
    return [*bins, *((name, entry) for name, entry in more if entry and entry["n"])]
