"""The pictures of doctor.html, in the style of the report."""

from __future__ import annotations

from typing import Any

import numpy as np

from poseid.doctor.examine import Examination
from poseid.doctor.labels import MARGIN, TYPICAL
from poseid.doctor.summary import YAW_EDGES
from poseid.reports.format import SET_TITLES, count
from poseid.reports.sheet import (
    DASHED,
    ENHANCED,
    INK,
    RAW,
    SCORES,
    SOFT,
    Drawn,
    Line,
    Sheet,
    empty_tile,
    label,
    legend,
    outline,
    sheet,
    subsample,
    write,
    yaw_axis,
)

_FILES: tuple[tuple[str, str, Line], ...] = (("front", RAW, (0, (4, 1.5))), ("video", ENHANCED, "-"))
_ANGLES = (("first angle", INK, "-", "o"), ("second angle", RAW, (0, (4, 2)), "s"), ("third angle", ENHANCED, ":", "^"))
_FEWEST = 30
"""A mean of fewer rows is not drawn."""
_STEP = 10


def draw_all(examination: Examination, summary: dict[str, Any]) -> dict[str, Drawn]:
    """All figures by name: ``poses`` (yaw; similarity against each angle), ``vectors`` (scores; lengths), ``people``
    (rows of a person; own against other person)."""
    return {
        "poses": _poses(examination, summary).drawn(),
        "vectors": _vectors(examination).drawn(),
        "people": _people(examination).drawn(),
    }


def _poses(examination: Examination, summary: dict[str, Any]) -> Sheet:
    out = sheet(1, 2)
    known = {name: sum(summary[name]["yaw_histogram"]["rows"]) for name, _, _ in _FILES}
    sizes = ", ".join(f"{count(n)} {name}" for name, n in known.items())
    axes = out.tile("Rows by yaw", f"every {_STEP} degrees; n = {sizes} rows of known yaw")
    if not any(known.values()):
        empty_tile(axes, "no yaw is known")
    else:
        for name, colour, style in _FILES:
            if known[name]:
                share = 100 * np.array(summary[name]["yaw_histogram"]["rows"]) / known[name]
                outline(axes, share, YAW_EDGES.astype(np.float64), colour, style, name, alpha=0.25)
        yaw_axis(axes)
        axes.margins(y=0.12)
        legend(axes, "upper right")
        label(axes, "yaw, degrees", "share of the file's rows, %")
    _against_angles(out, examination)
    return out


def _against_angles(out: Sheet, examination: Examination) -> None:
    drop = examination.drop
    n = len(drop.similarity)
    axes = out.tile("What each angle takes away", f"angles as they stand in the file; n = {count(n)} video rows")
    drawn = False
    # radians and whole circles are read as degrees; each angle has its own steps, up to where rows are few
    for column, (name, colour, style, marker) in enumerate(_ANGLES):
        size = np.abs(drop.poses[:, column]) if n else np.empty(0)
        step = np.round(size / _STEP).astype(int)
        places, means = [], []
        for at in np.unique(step):
            here = step == at
            if here.sum() >= _FEWEST:
                places.append(float(size[here].mean()))
                means.append(float(drop.similarity[here].mean()))
        if len(places) > 1:
            drawn = True
            axes.plot(
                places, means, color=colour, linestyle=style, marker=marker, markersize=4, linewidth=1.7, label=name
            )
    if not drawn:
        return empty_tile(axes, "no video row of a known, changing pose has a front row of its person")
    axes.set_xlim(left=0)
    axes.margins(y=0.14)
    legend(axes, "best")
    label(axes, "size of the angle, degrees", "mean similarity with the front rows")
    return None


def _vectors(examination: Examination) -> Sheet:
    out = sheet(1, 2)
    baseline = examination.baseline
    if baseline.block is None or baseline.set is None:
        empty_tile(out.tile("Raw scores", ""), baseline.reason or "there are no comparisons")
    else:
        block = baseline.block
        on = f"{SET_TITLES[baseline.set]}, {count(baseline.people)} people"
        axes = out.tile("Raw scores", f"{on}; less overlap is better")
        edges = np.array(block["histogram"]["edges"])
        shares = {kind: 100 * np.array(block["histogram"]["raw"][kind]) for kind in SCORES}
        for kind, (colour, style) in SCORES.items():
            outline(axes, shares[kind], edges, colour, style, f"{kind}, n = {count(block[kind])}", alpha=0.35)
        filled = np.flatnonzero(sum(shares.values()) > 0.02)
        axes.set_xlim(edges[filled[0]] - 0.05, edges[filled[-1] + 1] + 0.05)
        axes.set_ylim(0, 1.35 * max(float(share.max()) for share in shares.values()))
        legend(axes, "upper right")
        label(axes, "cosine similarity", "share of comparisons, %")
    lengths = [examination.lengths(name) for name, _, _ in _FILES]
    sizes = ", ".join(f"{count(len(values))} {name}" for values, (name, _, _) in zip(lengths, _FILES, strict=True))
    axes = out.tile("Lengths of the vectors", f"n = {sizes} rows")
    joined = np.concatenate(lengths).astype(np.float64)
    low, high = np.quantile(joined, [0.002, 0.998])
    room = max(0.05 * (high - low), 0.05 * high)
    edges = np.linspace(max(low - room, 0), high + room, 41)
    for values, (name, colour, style) in zip(lengths, _FILES, strict=True):
        share = 100 * np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
        outline(axes, share, edges, colour, style, name, alpha=0.25)
    axes.margins(y=0.12)
    legend(axes, "upper right")
    label(axes, "length", "share of the file's rows, %")
    return out


def _people(examination: Examination) -> Sheet:
    out = sheet(1, 2)
    people = examination.people
    axes = out.tile("Rows of a person", f"n = {count(len(people.front))} people, those with most rows on the left")
    top = 0
    for (name, colour, style), rows in zip(_FILES, (people.front, people.video), strict=True):
        descending = np.sort(rows)[::-1]
        places = np.unique(np.linspace(0, len(descending) - 1, min(len(descending), 2000)).astype(int))
        if len(places):
            top = max(top, int(descending[0]))
            axes.plot(places + 1, descending[places], color=colour, linestyle=style, linewidth=1.8, label=name)
    if top:
        axes.set_ylim(0, 1.2 * top)
        axes.set_xlim(0, max(len(people.front), 2))
        legend(axes, "upper right")
        label(axes, "people, by number of rows", "rows")
    else:
        empty_tile(axes, "no row names a person")
    _likeness(out, examination)
    return out


def _likeness(out: Sheet, examination: Examination) -> None:
    likeness = examination.likeness
    title = "Like their own person, like another"
    if likeness is None:
        return empty_tile(out.tile(title, ""), "fewer than two people have three rows")
    wrong = likeness.wrong
    n = len(wrong)
    shown = subsample(np.flatnonzero(~wrong))
    note = f"{count(int(wrong.sum()))} of {count(likeness.judged)} rows are likely named wrongly"
    axes = out.tile(title, note)
    axes.scatter(likeness.own[shown], likeness.other[shown], s=7, color=SOFT, alpha=0.25, linewidths=0)
    flagged = np.flatnonzero(wrong)
    axes.scatter(likeness.own[flagged], likeness.other[flagged], s=16, color=RAW, marker="D", linewidths=0)
    low = float(likeness.own.min()) - 0.03
    high = float(max(likeness.own.max(), likeness.other.max())) + 0.05
    at = np.array([low, high])
    axes.plot(at, np.maximum(at + MARGIN, TYPICAL * likeness.median), color=INK, linewidth=1, linestyle=DASHED)
    axes.set_xlim(low, high)
    axes.set_ylim(min(float(likeness.other.min()) - 0.05, 0), high)
    fewer = "" if n == likeness.judged else f"\nthe {count(n)} rows least like their own"
    write(axes, 0.98, 0.03, f"above the dashed line: likely wrong{fewer}", SOFT, ha="right", va="bottom")
    label(axes, "cosine with the other rows of the name", "highest cosine with another person")
    return None
