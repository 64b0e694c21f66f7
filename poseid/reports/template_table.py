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
ONE_LENGTH = "All vectors have one length: length carries nothing here, and pooling by length is the mean."
VIEW_TITLES = {"profile": "profile frames", "any": "frames of any view"}


def frames_title(k: int | None, view: str, mean_frames: float) -> str:
    """What is pooled.

    >>> frames_title(4, "profile", 4.0), frames_title(1, "any", 1.0), frames_title(None, "profile", 6.25)
    ('4 profile frames', '1 frame of any view', 'profile frames of a template_id (mean 6.2)')
    """
    frames = "frame" if k == 1 else "frames"
    if k is None:
        return f"{'profile ' if view == 'profile' else ''}{frames} of a template_id (mean {mean_frames:.1f})"
    return f"{k} profile {frames}" if view == "profile" else f"{k} {frames} of any view"


def entries_of(block: Block) -> list[tuple[int | None, str, Block]]:
    """k, view and SET of everything pooled in an evaluation block, profile first."""
    found = [(entry["k"], view, one) for entry in block.get("frames", []) for view, one in entry["sets"].items()]
    return sorted(found, key=lambda one: one[1] != "profile")


def common_fmr(figures: Sequence[Block]) -> str | None:
    """FMR 1e-3, or 1e-2 where one of the ``fnmr_at_fmr`` is null there; None where all are null at both.

    >>> common_fmr([{"1e-2": 0.2, "1e-3": 0.4}, {"1e-2": 0.2, "1e-3": None}])
    '1e-2'
    """
    preferred, other = POINTS
    if figures and all(one[preferred] is not None for one in figures):
        return preferred
    return other if any(one[other] is not None for one in figures) else None


def judged_templates(block: Block) -> tuple[str, Block] | None:
    """What the verdict on templates is taken from: by template_id where there are ids; profile; of most frames."""
    found = entries_of(block)
    if not found:
        return None
    k, view, one = max(found, key=lambda of: (of[0] is None, of[1] == "profile", of[0] or 0))
    return frames_title(k, view, one["mean_frames"]), one


def length_note(block: Block) -> str:
    """Says so where all raw vectors have one length."""
    return ONE_LENGTH if any(one["length_carries_nothing"] for _, _, one in entries_of(block)) else ""


def template_lines(block: Block) -> list[str]:
    """For each view a table with a row for each number of frames, and its verdict; nothing where nothing is pooled."""
    lines = []
    for view, title in VIEW_TITLES.items():
        found = [(k, one) for k, of, one in entries_of(block) if of == view and one["genuine"] is not None]
        if not found:
            continue
        fmr = common_fmr([one["raw_mean"]["fnmr_at_fmr"] for _, one in found])
        head = "EER" if fmr is None else f"FNMR at FMR {fmr}"
        rows = [("one probe is", *(POOLING_TITLES[name] for name in SHOWN), "verdict")]
        for k, one in found:
            rates = [one[name]["eer"] if fmr is None else one[name]["fnmr_at_fmr"][fmr] for name in SHOWN]
            shown = (percent(rate, 2) for rate in rates)
            rows.append((frames_title(k, view, one["mean_frames"]), *shown, one["verdict"]))
        table = [f"  {line}" for line in aligned(rows, right=True)]
        lines += ["", f"several frames as one probe, {title}: {head}, lower is better", *table]
    note = length_note(block)
    return [*lines, note] if lines and note else lines


def template_verdict(block: Block) -> list[str]:
    """The verdict rule applied to templates, the line below the headline's."""
    judged = judged_templates(block)
    if judged is None:
        return []
    title, one = judged
    return [f"verdict on templates, {title}: {one['verdict']}. {one['reason']}"]


def frames_left_out(k: int) -> str:
    """Why nothing is pooled for a number of frames that was asked for."""
    return f"warning: --frames {k}: left out, since fewer than two people have {k} video rows (of one template_id)"
