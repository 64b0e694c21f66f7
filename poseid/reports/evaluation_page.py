"""report.html: one file that says what an evaluation found, to people who did not run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from poseid.reports.format import SET_TITLES, between, count, effect, interval, percent, points, signed, times
from poseid.reports.html import NO_INTERVALS, render
from poseid.reports.sheet import Drawn
from poseid.verification.operating_points import strictest

Block = dict[str, Any]

_SET_ROWS = {
    "all": "whatever their pose",
    "frontal_profile": "every frontal row × every profile row",
    "profile_profile": "profile rows among themselves",
    "frontal_frontal": "frontal rows among themselves",
}
_ONE_IN = {"1e-2": "1 impostor in 100", "1e-3": "1 impostor in 1,000", "1e-4": "1 impostor in 10,000"}
_VERDICTS = {
    "helps": (
        "good",
        "✓",
        "It helps",
        "Fewer genuine pairs are refused, and false matches at the raw threshold do not rise.",
    ),
    "harms": (
        "bad",
        "✗",
        "It does harm",
        "Something got worse by more than chance explains: do not use it on data like this.",
    ),
    "no effect shown": (
        "mid",
        "○",
        "No effect shown",
        "These people do not show, beyond chance, that it helps. That is no proof that it does nothing.",
    ),
}
_NOT_JUDGED = ("mid", "○", "Not judged", "Without confidence intervals nothing is judged.")
_SIDES = {
    "probe": "probe: references stay bit for bit as enrolled, probes are enhanced",
    "both": "both: references and probes are enhanced, so a gallery has to be enhanced too",
}
_SHOWN = {"model", "kept", "sides", "data", "poses_used", "versions", "validation", "test", "evaluation"}


def page(summary: Block, block: Block, figures: Mapping[str, Drawn]) -> str:
    """The page as HTML.

    Args:
        summary: the contents of summary.json; its other evaluation block, if any, is shown in short at the end.
        block: the evaluation block that is shown.
        figures: from :func:`poseid.reports.figures.draw_all`, made of the same block.
    """
    people, others = _parts(summary, block)
    verdict = dict(zip(("kind", "sign", "words", "meaning"), _VERDICTS.get(block["verdict"], _NOT_JUDGED), strict=True))
    return render(
        "report.html",
        {
            "title": f"{_named(summary.get('model'))} on {_named(summary.get('data'))}",
            "summary": {"kept": None, "versions": None} | summary,
            "block": block,
            "figures": figures,
            "people": people,
            "verdict": verdict,
            "cards": _cards(block),
            "facts": _facts(summary, block, people),
            "yaw_bins": _yaw_bins(block),
            "pose_table": _pose_table(block),
            "others": [(name, other, _VERDICTS.get(other["verdict"], _NOT_JUDGED)[2]) for name, other in others],
            "one_in": _ONE_IN,
            "set_titles": SET_TITLES,
            "set_rows": _SET_ROWS,
            "strictest": strictest,
        },
    )


def _named(value: object) -> str:
    return str(value) if value not in (None, "") else "(not named)"


def _parts(summary: Block, block: Block) -> tuple[str, list[tuple[str, Block]]]:
    """Which people the block is about, and the other blocks of the summary."""
    names = [name for name in ("test", "evaluation", "validation") if summary.get(name)]
    shown = next((name for name in names if summary[name] is block), None)
    if shown is None:
        shown = next((name for name in names if summary[name] == block), "evaluation")
    others = [(name, summary[name]) for name in names if name != shown]
    return {"evaluation": "evaluated"}.get(shown, shown), others


def _cards(block: Block) -> list[Block]:
    """Four figures that tell most, each with its interval and what that says."""
    cards = []
    entry = block["sets"][block["headline"]]
    if entry is not None:
        known = strictest(entry["raw"]["fnmr_at_fmr"])
        title, difference = "Equal error rate", entry["difference"]["eer"]
        rates = [entry[form]["eer"] for form in ("raw", "enhanced")]
        if known is not None:
            title, difference = f"Genuine pairs refused at FMR {known}", entry["difference"]["fnmr_at_fmr"][known]
            rates = [entry[form]["fnmr_at_fmr"][known] for form in ("raw", "enhanced")]
        cards.append(
            _card(title, [percent(rate) for rate in rates], "lower is better", difference["ci95"], points, True)
        )
        fixed = entry["fixed_threshold"][known] if known else None
        if fixed and fixed["fmr_ratio"] is not None:
            title, ratio = f"False matches at the raw threshold of FMR {known}", [times(fixed["fmr_ratio"])]
            direction = "lower is better, 1× is unchanged"
            cards.append(_card(title, ratio, direction, fixed["fmr_ratio_ci95"], times, True, 1.0))
    gain = block["improvement"]
    if gain["mean"] is not None:
        title, direction = "Mean improvement of genuine pairs", "cosine, higher is better"
        cards.append(_card(title, [signed(gain["mean"])], direction, gain["ci95"], signed, False))
    if block["rank1"]["raw"] is not None:
        ranks = [percent(block["rank1"][form]) for form in ("raw", "enhanced")]
        cards.append(_card("Right person ranked first", ranks, "higher is better", None, points, False))
    return cards


def _card(
    title: str,
    values: list[str],
    direction: str,
    ci: list[float] | None,
    form: Callable[[float], str],
    lower_is_better: bool,
    unchanged: float = 0.0,
) -> Block:
    """One figure, or one before and one after, and lines of text with their classes."""
    lines = [(direction, "")]
    if ci:
        of, unit = ("change, ", " points") if form is points else ("", "")
        lines += [(f"{of}95 % CI {interval(ci, form)}{unit}", ""), effect(ci, lower_is_better, unchanged)]
    return {"title": title, "values": values, "lines": lines}


def _facts(summary: Block, block: Block, people: str) -> dict[str, str]:
    """Who was evaluated, and with what."""
    sides, used, bootstrap = str(summary.get("sides")), summary.get("poses_used"), block.get("bootstrap", {})
    who = "people" if people == "evaluated" else f"{people} people"
    facts = {
        "People": f"{count(block['people'])} {who}, none of them trained on",
        "References": f"{count(block['references'])} front rows",
        "Probes": f"{count(block['probes'])} video rows",
        "Data": _named(summary.get("data")),
        "Model": _named(summary.get("model")),
        "Sides": _SIDES.get(sides, sides),
        "Poses used": "(not said)"
        if used is None
        else "yes, the given poses"
        if used
        else "no: the enhancer used its own estimate",
    }
    # what a program adds to the summary as a plain value is worth a line
    facts |= {
        key.replace("_", " ").capitalize(): _named(value)
        for key, value in summary.items()
        if key not in _SHOWN and isinstance(value, (str, int, float))
    }
    versions = summary.get("versions") or {}
    facts["Versions"] = ", ".join(f"{key} {value}" for key, value in versions.items()) or "(not said)"
    if bootstrap:
        n = bootstrap.get("resamples", 0)
        facts["Intervals"] = f"{count(n)} resamples of people, seed {bootstrap.get('seed')}" if n else NO_INTERVALS
    return facts


def _yaw_bins(block: Block) -> list[tuple[str, Block]]:
    """Name and improvement of each bin of yaw, then of probes outside the bins where there are any."""
    gain = block["improvement"]
    bins = [(between(entry["from"], entry["to"]), entry) for entry in gain["by_yaw"]]
    more = (("Beyond ±90", gain.get("beyond_90")), ("Unknown", gain.get("yaw_unknown")))
    return [*bins, *((name, entry) for name, entry in more if entry and entry["n"])]


def _pose_table(block: Block) -> Block | None:
    """FNMR by pose of probe and reference, without the columns that have no reference."""
    poses = block.get("by_pose")
    if not poses or poses.get("threshold") is None:
        return None
    names = [between(entry["from"], entry["to"]) for entry in poses["bins"]]
    used = [c for c in range(len(names)) if any(row[c] for row in poses["n"])]
    note, empty = "", len(names) - len(used)
    if empty:
        note += f" {empty} of {len(names)} columns are left out: no reference has such a yaw."
    if poses.get("outside"):
        note += f" {count(poses['outside'])} comparisons lie outside the bins."
    rows = [
        (name, [(poses["raw"][r][c], poses["enhanced"][r][c], poses["n"][r][c]) for c in used])
        for r, name in enumerate(names)
    ]
    return {"columns": [names[c] for c in used], "rows": rows, "note": note}
