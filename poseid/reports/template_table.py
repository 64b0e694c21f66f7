"""Pooled probes as text: the lines below the table of an evaluation, and the names that pages and figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poseid.reports.format import aligned, percent
from poseid.verification.operating_points import POINTS
from poseid.verification.template_result import POOLINGS

Block = dict[str, Any]

POOLING_TITLES = {name: name.replace("_", " ").replace("length squared", "length²") for name in POOLINGS}
SHOWN = tuple(name for name in POOLINGS if name != "raw_length_squared")
"""The poolings of a figure and of the terminal's table."""
_VIEW_TITLES = {"profile": "profile", "any": "any view"}


def frames_title(k: int | None, view: str, mean_frames: float | None = None) -> str:
    """What is pooled.

    >>> frames_title(4, "profile"), frames_title(1, "any"), frames_title(None, "any", 6.25)
    ('4 profile frames', '1 frame of any view', 'template_id, any view, 6.2 frames on average')
    """
    if k is None:
        return f"template_id, {_VIEW_TITLES[view]}" + (
            "" if mean_frames is None else f", {mean_frames:.1f} frames on average"
        )
    frames = "frame" if k == 1 else "frames"
    return f"{k} profile {frames}" if view == "profile" else f"{k} {frames} of any view"


def entries_of(block: Block) -> list[tuple[int | None, str, Block]]:
    """k, view and SET of everything pooled in an evaluation block, profile first."""
    found = [(entry["k"], view, one) for entry in block.get("frames", []) for view, one in entry["sets"].items()]
    return sorted(found, key=lambda one: one[1] != "profile")


def common_fmr(figures: Sequence[Block]) -> str | None:
    """FMR 1e-3, or 1e-2 where one of the ``fnmr_at_fmr`` is null there; None where one is null at both.

    >>> common_fmr([{"1e-2": 0.2, "1e-3": 0.4}, {"1e-2": 0.2, "1e-3": None}])
    '1e-2'
    """
    return next((fmr for fmr in POINTS if figures and all(one[fmr] is not None for one in figures)), None)


def judged_templates(block: Block) -> tuple[str, Block] | None:
    """What the verdict on templates is taken from: by template_id where there are ids; profile; of most frames."""
    found = entries_of(block)
    if not found:
        return None
    k, view, one = max(found, key=lambda of: (of[0] is None, of[1] == "profile", of[0] or 0))
    return frames_title(k, view, one["mean_frames"]), one


def length_note(block: Block) -> str:
    """Says so where all raw vectors have one length."""
    if any(one["length_carries_nothing"] for _, _, one in entries_of(block)):
        return "All vectors have one length: length carries nothing here, and pooling by length is the mean."
    return ""


def template_lines(block: Block) -> list[str]:
    """A row for each number of frames and view, with its verdict; nothing where nothing is pooled."""
    found = [(k, view, one) for k, view, one in entries_of(block) if one["genuine"] is not None]
    if not found:
        return []
    fmr = common_fmr([one["raw_mean"]["fnmr_at_fmr"] for _, _, one in found])

    def rate(rates: Block) -> str:
        return percent(rates["eer"] if fmr is None else rates["fnmr_at_fmr"][fmr], 2)

    rows = [("one probe is", *(POOLING_TITLES[name] for name in SHOWN), "verdict")]
    rows += [
        (frames_title(k, view, one["mean_frames"]), *(rate(one[name]) for name in SHOWN), one["verdict"])
        for k, view, one in found
    ]
    title = f"several frames as one probe: {'EER' if fmr is None else f'FNMR at FMR {fmr}'}, lower is better"
    note = length_note(block)
    return ["", title, *(f"  {line}" for line in aligned(rows, right=True)), *([note] if note else [])]


def template_verdict(block: Block) -> list[str]:
    """The verdict rule applied to templates, the line below the headline's."""
    judged = judged_templates(block)
    if judged is None:
        return []
    title, one = judged
    return [f"verdict on templates ({title}): {one['verdict']}. {one['reason']}"]
