"""doctor.html: one file that says what is in a folder and what is wrong with it, and its figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from poseid.doctor.baseline import Block
from poseid.doctor.examine import YAW_EDGES, Examination
from poseid.doctor.labels import MARGIN, TYPICAL
from poseid.doctor.text import counts, raw_words, tally
from poseid.features.rows import FRONTAL_LIMIT, PROFILE_LIMIT
from poseid.reports import sheet
from poseid.reports.format import SET_TITLES, count, percent
from poseid.reports.html import render

_FILES: tuple[tuple[str, str, sheet.Line], ...] = (("front", sheet.RAW, (0, (4, 1.5))), ("video", sheet.ENHANCED, "-"))
_ANGLES = (
    ("first angle", sheet.INK, "-", "o"),
    ("second angle", sheet.RAW, (0, (4, 2)), "s"),
    ("third angle", sheet.ENHANCED, ":", "^"),
)
_FEWEST = 30
"""A mean of fewer rows is not drawn."""
_STEP = 10


def page(summary: Block, figures: Mapping[str, sheet.Drawn]) -> str:
    """The page as HTML.

    Args:
        summary: the contents of doctor.json.
        figures: from `draw_all`.
    """
    words = raw_words(summary)
    context = {
        "summary": summary,
        "figures": figures,
        "counts": counts(summary),
        "tally": tally(summary),
        "raw_words": words[0].upper() + words[1:],
        "set_titles": SET_TITLES,
        "tenths": lambda rate: percent(rate, 1),
        "limits": (FRONTAL_LIMIT, PROFILE_LIMIT),
        "most_rows": 200,
    }
    return render("doctor.html", context)


def draw_all(examination: Examination) -> dict[str, sheet.Drawn]:
    """All figures by name: ``poses`` (yaw; similarity against each angle), ``vectors`` (scores; lengths), ``people``
    (rows of a person; own against other person)."""
    figures = {"poses": (_yaw, _angles), "vectors": (_scores, _lengths), "people": (_people, _likeness)}
    out = {}
    for name, (left, right) in figures.items():
        drawn = sheet.sheet(1, 2)
        left(drawn, examination)
        right(drawn, examination)
        out[name] = drawn.drawn()
    return out


def _sizes(values: list[NDArray[np.float32]]) -> str:
    return ", ".join(f"{count(len(rows))} {name}" for rows, (name, _, _) in zip(values, _FILES, strict=True)) + " rows"


def _histogram(axes: Axes, values: list[NDArray[np.float32]], edges: NDArray[np.float64], unit: str) -> None:
    """Values of front and video rows."""
    for rows, (name, colour, style) in zip(values, _FILES, strict=True):
        if len(rows):
            share = 100 * np.histogram(rows, edges)[0] / len(rows)
            sheet.outline(axes, share, edges, colour, style, name, alpha=0.25)
    axes.margins(y=0.12)
    sheet.legend(axes, "upper right")
    sheet.label(axes, unit, "share of the file's rows, %")


def _yaw(out: sheet.Sheet, examination: Examination) -> None:
    folder = examination.folder
    values = [folder.yaw[rows] for rows in folder.files.values()]
    values = [yaw[np.abs(yaw) <= YAW_EDGES[-1]] for yaw in values]
    axes = out.tile("Rows by yaw", f"every {_STEP} degrees; n = {_sizes(values)} of known yaw")
    if not any(map(len, values)):
        return sheet.empty_tile(axes, "no yaw is known")
    _histogram(axes, values, YAW_EDGES.astype(np.float64), "yaw, degrees")
    return sheet.yaw_axis(axes)


def _angles(out: sheet.Sheet, examination: Examination) -> None:
    drop = examination.drop
    n = len(drop.similarity)
    axes = out.tile("What each angle takes away", f"angles as they stand in the file; n = {count(n)} video rows")
    # radians and full circles are read as degrees; each angle has its own steps, up to where rows are few
    for size, (name, colour, style, marker) in zip(np.abs(drop.poses).T, _ANGLES, strict=True):
        step = np.round(size / _STEP).astype(int)
        parts = [step == at for at in np.unique(step) if (step == at).sum() >= _FEWEST]
        if len(parts) > 1:
            x, y = ([float(values[here].mean()) for here in parts] for values in (size, drop.similarity))
            axes.plot(x, y, color=colour, linestyle=style, marker=marker, markersize=4, linewidth=1.7, label=name)
    if not axes.lines:
        return sheet.empty_tile(axes, "no video row of a known, changing pose has a front row of its person")
    axes.set_xlim(left=0)
    axes.margins(y=0.14)
    sheet.legend(axes, "best")
    return sheet.label(axes, "size of the angle, degrees", "mean similarity with the front rows")


def _scores(out: sheet.Sheet, examination: Examination) -> None:
    raw, histogram = examination.raw, examination.histogram
    if histogram is None:
        return sheet.empty_tile(out.tile("Raw scores", ""), raw["reason"])
    note = f"{SET_TITLES[raw['set']]}, {count(raw['people'])} people; less overlap is better"
    axes = out.tile("Raw scores", note)
    edges = np.array(histogram["edges"])
    shares = {kind: 100 * np.array(histogram["raw"][kind]) for kind in sheet.SCORES}
    for kind, (colour, style) in sheet.SCORES.items():
        sheet.outline(axes, shares[kind], edges, colour, style, f"{kind}, n = {count(raw[kind])}", alpha=0.35)
    filled = np.flatnonzero(sum(shares.values()) > 0.02)
    axes.set_xlim(edges[filled[0]] - 0.05, edges[filled[-1] + 1] + 0.05)
    axes.set_ylim(0, 1.35 * max(float(share.max()) for share in shares.values()))
    sheet.legend(axes, "upper right")
    return sheet.label(axes, "cosine similarity", "share of comparisons, %")


def _lengths(out: sheet.Sheet, examination: Examination) -> None:
    values = [examination.lengths(name) for name, _, _ in _FILES]
    axes = out.tile("Lengths of the vectors", f"n = {_sizes(values)}")
    low, high = np.quantile(np.concatenate(values).astype(np.float64), [0.002, 0.998])
    room = max(0.05 * (high - low), 0.05 * high)
    edges = np.linspace(max(low - room, 0), high + room, 41)
    _histogram(axes, [np.clip(rows, edges[0], edges[-1]) for rows in values], edges, "length")


def _people(out: sheet.Sheet, examination: Examination) -> None:
    both = examination.folder.rows_of_people
    people = both.shape[1]
    axes = out.tile("Rows of a person", f"n = {count(people)} people, those with most rows on the left")
    if not both.any():
        return sheet.empty_tile(axes, "no row names a person")
    at = np.unique(np.linspace(0, people - 1, min(people, 2000)).astype(int))
    for (name, colour, style), rows in zip(_FILES, both, strict=True):
        axes.plot(at + 1, np.sort(rows)[::-1][at], color=colour, linestyle=style, linewidth=1.8, label=name)
    axes.set_ylim(0, 1.2 * int(both.max()))
    axes.set_xlim(0, max(people, 2))
    sheet.legend(axes, "upper right")
    return sheet.label(axes, "people, by number of rows", "rows")


def _likeness(out: sheet.Sheet, examination: Examination) -> None:
    likeness, title = examination.likeness, "Like their own person, like another"
    if likeness is None:
        return sheet.empty_tile(out.tile(title, ""), "fewer than two people have three rows")
    own, other, wrong = likeness.own, likeness.other, likeness.wrong
    note = f"{count(int(wrong.sum()))} of {count(likeness.judged)} rows are likely named wrongly"
    axes = out.tile(title, note)
    rest = sheet.subsample(np.flatnonzero(~wrong))
    axes.scatter(own[rest], other[rest], s=7, color=sheet.SOFT, alpha=0.25, linewidths=0)
    axes.scatter(own[wrong], other[wrong], s=16, color=sheet.RAW, marker="D", linewidths=0)
    low, high = float(own.min()) - 0.03, float(max(own.max(), other.max())) + 0.05
    at = np.array([low, high])
    axes.plot(
        at, np.maximum(at + MARGIN, TYPICAL * likeness.median), color=sheet.INK, linewidth=1, linestyle=sheet.DASHED
    )
    axes.set_xlim(low, high)
    axes.set_ylim(min(float(other.min()) - 0.05, 0), high)
    fewer = "" if len(own) == likeness.judged else f"\nthe {count(len(own))} rows least like their own"
    sheet.write(axes, 0.98, 0.03, f"above the dashed line: likely wrong{fewer}", sheet.SOFT, ha="right", va="bottom")
    return sheet.label(axes, "cosine with the other rows of the name", "highest cosine with another person")
