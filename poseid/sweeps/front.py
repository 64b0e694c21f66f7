"""The Pareto front of a sweep: FNMR against the FMR ratio at one threshold, each setting named at its point."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from poseid.reports.format import SPACE
from poseid.reports.label_placement import Box, Label, Point, leader_end, place_labels
from poseid.reports.sheet import DASHED, ENHANCED, HEIGHT, INK, RAW, SOFT, Sheet, label, legend, sheet, write
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.settings import Setting, values_of

MOST_NAMED, MOST_ON_FRONT = 16, 32
"""With more settings than the first number, those on the front alone are named; of these not more than the second."""
_LINE, _MOST_LINES = 24, 3
"""Characters of a line of a name, and how many lines it may take; a longer one is replaced by a number."""

_LONGEST_VALUE, _LONGEST_KEY = 14, 40
"""Longest value and key that a figure shows, in characters."""
_LABEL, _PAD = 7.5, 1.0
_FEW_LINES, _LINE_HEIGHT, _TALLEST = 12, 0.09, 6.6
"""So many lines have room in a figure of the usual height; each line more adds so many inches, up to so many."""
_RADIUS, _FROM_RAW = 4.2, 2.5
"""Of a point, in points of 1/72 inch; and how many radii names stay away from the raw vectors."""
_OUTSIDE, _INSIDE = 225.0, 45.0
"""Nothing stands lower left of the front: names of its settings begin there, those of the others on the other side."""


def draw_front(sweep: Sweep) -> Sheet:
    """The settings by both metrics; ``sweep.front`` must not be empty."""
    fnmr, ratio = sweep.front_measures
    points, raw = sweep.front_points, _raw_point(sweep)
    texts = _point_texts(sweep)
    more = sum(text.count("\n") + 1 for text in texts.values()) - _FEW_LINES
    out = sheet(1, 1, min(HEIGHT + _LINE_HEIGHT * max(0, more), _TALLEST))
    note = f"n = {len(points)} settings; lower left is better"
    axes = out.tile("False non-matches against false matches", note)
    rest = np.array([point for setting, point in points.items() if setting not in sweep.front]).reshape(-1, 2)
    front = np.array(sorted(points[setting] for setting in sweep.front))
    named = "beaten by another" if len(rest) else None
    axes.scatter(rest[:, 0], rest[:, 1], s=26, color=SOFT, alpha=0.6, linewidths=0, label=named)
    axes.plot(*front.T, color=ENHANCED, linewidth=1.2, drawstyle="steps-post", alpha=0.7)
    axes.scatter(front[:, 0], front[:, 1], s=42, color=ENHANCED, linewidths=0, zorder=3, label="Pareto front")
    axes.axvline(1.0, color=RAW, linewidth=1.0, linestyle=DASHED)
    if raw:
        axes.scatter([raw[0]], [raw[1]], s=60, marker="X", color=RAW, linewidths=0, zorder=4, label="raw")
    _limits(axes, [*points.values(), *([raw] if raw else [])])
    label(axes, ratio.title, fnmr.title)
    legend(axes, "upper right", columns=3)
    _write_names(axes, sweep, texts, raw)
    return out


def _limits(axes: Axes, points: Sequence[Point]) -> None:
    """Fixes the axes, with room for labels around the points and for the legend above them."""
    x, y = np.array(points).T
    for values, set_limits, below, above in (
        (np.append(x, 1.0), axes.set_xlim, 0.25, 0.15),
        (y, axes.set_ylim, 0.12, 0.20),
    ):
        low, high = float(values.min()), float(values.max())
        span = (high - low) or 0.1 * abs(high) or 0.1
        set_limits(low - below * span, high + above * span)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))


def _write_names(axes: Axes, sweep: Sweep, texts: dict[Setting, str], raw: Point | None) -> None:
    """Writes the text of each setting at its point; its number where there is no room for more."""
    radius, pad = _RADIUS * axes.figure.dpi / 72, _PAD * axes.figure.dpi / 72
    pixels = {setting: _pixels(axes, point) for setting, point in sweep.front_points.items()}
    choices = {
        setting: [
            write(axes, 0, 0, text, va="bottom", size=_LABEL, at_data=True, backdrop=_PAD)
            for text in (name, number_text(sweep, setting))
        ]
        for setting, name in texts.items()
    }
    wanted = [
        Label(
            pixels[setting],
            tuple((right - left + 2 * pad, top - bottom + 2 * pad) for left, bottom, right, top in map(_extent, each)),
            _OUTSIDE if setting in sweep.front else _INSIDE,
        )
        for setting, each in choices.items()
    ]
    obstacles = [_around(point, radius) for setting, point in pixels.items() if setting not in texts]
    obstacles += [_extent(found) for found in (axes.get_legend(),) if found is not None]
    # a name close to the raw vectors would be taken for theirs
    obstacles += [_around(_pixels(axes, raw), _FROM_RAW * radius)] if raw else []
    placed = place_labels(wanted, _extent(axes), radius, obstacles)
    for setting, place in zip(texts, placed, strict=True):
        chosen = None if place is None else choices[setting][place[0]]
        for text in choices[setting]:
            if text is not chosen:
                text.remove()
        if chosen is not None and place is not None:
            _move(axes, chosen, place[1], pixels[setting], radius)


def _move(axes: Axes, text: Text, box: Box, point: Point, radius: float) -> None:
    """Puts a text into its box, in pixels, with a line to its point where that is not next to it."""
    pad = _PAD * axes.figure.dpi / 72
    end = leader_end(point, box)
    (corner, start, stop) = axes.transData.inverted().transform([(box[0] + pad, box[1] + pad), point, end])
    text.set_position(tuple(corner))
    text.set_multialignment("right" if box[2] < point[0] else "left")
    if math.dist(end, point) > 2.2 * radius:
        axes.plot(*zip(start, stop, strict=True), color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=2)


def _pixels(axes: Axes, point: Point) -> Point:
    x, y = axes.transData.transform(point)
    return (float(x), float(y))


def _around(point: Point, radius: float) -> Box:
    return (point[0] - radius, point[1] - radius, point[0] + radius, point[1] + radius)


def _extent(artist: Artist) -> Box:
    left, bottom, right, top = artist.get_window_extent().extents
    return (float(left), float(bottom), float(right), float(top))


def _raw_point(sweep: Sweep) -> Point | None:
    """The raw vectors: a ratio of 1, and their FNMR at this threshold."""
    key = sweep.front_measures[0].raw_key
    known = [value for job in sweep.finished if key and (value := job.metrics[key]) is not None]
    return (1.0, fmean(known)) if known else None


def _point_texts(sweep: Sweep) -> dict[Setting, str]:
    """What is written at the points, those of the front first: names in lines, or numbers where they are too long."""
    named = [*sweep.front, *sweep.front_points]
    if len(sweep.front_points) > MOST_NAMED:
        named = sweep.front[:: -(-len(sweep.front) // MOST_ON_FRONT)]
    return {setting: _name(sweep, setting) or number_text(sweep, setting) for setting in named}


def number_text(sweep: Sweep, setting: Setting) -> str:
    """Its row in the table of all settings."""
    return f"no. {sweep.settings.index(setting) + 1}"


def _name(sweep: Sweep, setting: Setting) -> str | None:
    """The values of a setting in lines, broken between keys alone; None where they take too many lines."""
    parts = []
    for key in sweep.keys:
        values = values_of(sweep.settings, key)
        if len(values) > 1:
            parts.append(f"{short_key(key)} {labels(values)[values.index(setting.value(key))]}".replace(" ", SPACE))
    lines = textwrap.wrap(", ".join(parts), _LINE, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace(SPACE, " ") if 0 < len(lines) <= _MOST_LINES else None


def drawable_key(key: str) -> str:
    return key if _drawable(key, _LONGEST_KEY) else "a key in another script"


def short_key(key: str) -> str:
    """A key as a figure can show it where there is little room.

    >>> short_key("lambda_impostor_protection"), short_key("model.rank")
    ('impostor_protection', 'model.rank')
    """
    return drawable_key(key).removeprefix("lambda_")


def labels(values: Sequence[str]) -> list[str]:
    """Values as a figure can show them: long ones, and those that its font may lack, by their place.

    >>> labels(["0.3", "数据"])
    ['0.3', 'no. 2']
    """
    return [value if _drawable(value, _LONGEST_VALUE) else f"no. {n}" for n, value in enumerate(values, start=1)]


def _drawable(text: str, longest: int) -> bool:
    return text.isascii() and text.isprintable() and 0 < len(text) <= longest
