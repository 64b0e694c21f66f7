"""The Pareto front of a sweep, drawn: FNMR against the FMR ratio at one threshold, each setting named at its point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from poseid.reports.label_placement import Box, Label, Point, Size, leader_end, place_labels
from poseid.reports.sheet import DASHED, ENHANCED, HEIGHT, INK, RAW, SOFT, Sheet, label, legend, sheet, write
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.front import Points, front_points, joined_points, number_text, point_texts, raw_point
from poseid.sweeps.repeats import Setting
from poseid.sweeps.scales import short_key

_LABEL, _PAD = 7.5, 1.0
_FEW_LINES, _LINE_HEIGHT, _TALLEST = 12, 0.09, 6.6
"""So many lines have room in a figure of the usual height; each line more adds so many inches, up to so many."""
_LONGEST = 24
"""Characters of a key that there is room for in the line below the title."""
_RADIUS, _FROM_RAW = 4.2, 2.5
"""Of a point, in points of 1/72 inch; and how many radii names stay away from the raw vectors."""
_OUTSIDE, _INSIDE = 225.0, 45.0
"""Nothing stands lower left of the front: names of its settings begin there, those of the others on the other side."""


def draw_front(sweep: Sweep) -> Sheet:
    """The settings by both figures; ``sweep.front`` must not be empty."""
    fnmr, ratio = sweep.front_measures
    points, raw = front_points(sweep), raw_point(sweep)
    texts, lines = point_texts(sweep, points), joined_points(sweep, points)
    out = sheet(1, 1, _height(list(texts.values())))
    axes = out.tile("Genuine pairs rejected, impostors accepted", _note(sweep, len(points), bool(lines)))
    for line in lines:
        axes.plot(*zip(*line, strict=True), color=SOFT, linewidth=0.8, alpha=0.5)
    _draw_points(axes, sweep.front, points, steps=not lines)
    axes.axvline(1.0, color=RAW, linewidth=1.0, linestyle=DASHED)
    if raw:
        axes.scatter([raw[0]], [raw[1]], s=60, marker="X", color=RAW, linewidths=0, zorder=4, label="raw")
    _limits(axes, [*points.values(), *([raw] if raw else [])])
    label(axes, ratio.title, fnmr.title)
    legend(axes, "upper right", columns=3)
    _name(axes, sweep, points, texts, raw)
    return out


def _note(sweep: Sweep, n: int, joined: bool) -> str:
    if not joined:
        return f"n = {n} settings; lower left is better"
    first = short_key(sweep.keys[0])
    return f"n = {n}; lower left is better; lines join equal {first if len(first) <= _LONGEST else 'first keys'}"


def _height(texts: Sequence[str]) -> float:
    more = sum(text.count("\n") + 1 for text in texts) - _FEW_LINES
    return min(HEIGHT + _LINE_HEIGHT * max(0, more), _TALLEST)


def _draw_points(axes: Axes, on_front: Sequence[Setting], points: Points, steps: bool) -> None:
    rest = np.array([point for setting, point in points.items() if setting not in on_front]).reshape(-1, 2)
    front = np.array([points[setting] for setting in on_front])
    front = front[np.argsort(front[:, 0], kind="stable")]
    named = "beaten by another" if len(rest) else None
    axes.scatter(rest[:, 0], rest[:, 1], s=26, color=SOFT, alpha=0.6, linewidths=0, label=named)
    if steps:
        axes.plot(front[:, 0], front[:, 1], color=ENHANCED, linewidth=1.2, drawstyle="steps-post", alpha=0.7)
    axes.scatter(front[:, 0], front[:, 1], s=42, color=ENHANCED, linewidths=0, zorder=3, label="Pareto front")


def _limits(axes: Axes, points: Sequence[Point]) -> None:
    """Fixes the axes, with room for labels around the points and for the legend above them."""
    x, y = np.array([*(point[0] for point in points), 1.0]), np.array([point[1] for point in points])
    for values, set_limits, below, above in ((x, axes.set_xlim, 0.25, 0.15), (y, axes.set_ylim, 0.12, 0.20)):
        low, high = float(values.min()), float(values.max())
        span = (high - low) or 0.1 * abs(high) or 0.1
        set_limits(low - below * span, high + above * span)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))


def _name(axes: Axes, sweep: Sweep, points: Points, texts: dict[Setting, str], raw: Point | None) -> None:
    """Writes the text of each setting at its point; its number where there is no room for more."""
    radius = _RADIUS * axes.figure.dpi / 72
    choices = [[_text(axes, text), _text(axes, number_text(sweep, setting))] for setting, text in texts.items()]
    labels = [
        Label(
            _pixels(axes, points[setting]),
            tuple(map(_size, each)),
            _OUTSIDE if setting in sweep.front else _INSIDE,
        )
        for setting, each in zip(texts, choices, strict=True)
    ]
    obstacles = [_around(axes, point, radius) for setting, point in points.items() if setting not in texts]
    obstacles += [_extent(found) for found in (axes.get_legend(),) if found is not None]
    # a name close to the raw vectors would be taken for theirs
    obstacles += [_around(axes, raw, _FROM_RAW * radius)] if raw else []
    placed = place_labels(labels, _extent(axes), radius, obstacles)
    for each, place, name in zip(choices, placed, labels, strict=True):
        chosen = None if place is None else each[place[0]]
        for text in each:
            if text is not chosen:
                text.remove()
        if place is not None:
            _move(axes, each[place[0]], place[1], name.point, radius)


def _text(axes: Axes, text: str) -> Text:
    """A text whose place is still open."""
    return write(axes, 0, 0, text, va="bottom", size=_LABEL, at_data=True, backdrop=_PAD)


def _move(axes: Axes, text: Text, box: Box, point: Point, radius: float) -> None:
    """Puts a text into its box, in pixels, with a line to its point where that is not next to it."""
    pad = _PAD * axes.figure.dpi / 72
    end = leader_end(point, box)
    (corner, start, stop) = axes.transData.inverted().transform([(box[0] + pad, box[1] + pad), point, end])
    text.set_position(tuple(corner))
    text.set_multialignment("right" if box[2] < point[0] else "left")
    if np.hypot(end[0] - point[0], end[1] - point[1]) > 2.2 * radius:
        axes.plot(*zip(start, stop, strict=True), color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=2)


def _pixels(axes: Axes, point: Point) -> Point:
    x, y = axes.transData.transform(point)
    return (float(x), float(y))


def _around(axes: Axes, point: Point, reach: float) -> Box:
    x, y = _pixels(axes, point)
    return (x - reach, y - reach, x + reach, y + reach)


def _size(text: Text) -> Size:
    left, bottom, right, top = _extent(text)
    pad = _PAD * text.figure.dpi / 72
    return (right - left + 2 * pad, top - bottom + 2 * pad)


def _extent(artist: Artist) -> Box:
    left, bottom, right, top = artist.get_window_extent().extents
    return (float(left), float(bottom), float(right), float(top))
