"""One picture of curves over the epochs, as SVG in HTML.

Written out rather than drawn by matplotlib: two dozen of its pictures take longer than a short training, and these
follow the browser's light or dark colours and show a point's value under the pointer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from poseid.reports.format import fixed, short
from poseid.reports.html import render

_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 8, 8, 40
_MOST_POINTS = 80
"""With more, the points of a curve would hide it."""


@dataclass(frozen=True)
class Curve:
    """A named curve.

    Args:
        name: for the legend.
        style: a class of ``style.css``: its colour and whether it is dashed.
        values: one for each epoch; NaN is a gap.
    """

    name: str
    style: str
    values: Sequence[float]


def chart(title: str, note: str, epochs: Sequence[int], curves: Sequence[Curve], mark: int | None) -> Markup:
    """A figure with title, note and legend; names and texts are escaped.

    Args:
        title: of the figure.
        note: unit and direction.
        epochs: the horizontal place of each value.
        curves: at least one; where none has a value, the figure says so.
        mark: the epoch of a dotted vertical line, or None.
    """
    known = [value for curve in curves for value in curve.values if math.isfinite(value)]
    context = {"title": title, "note": note, "curves": curves, "known": bool(known)}
    if not known:
        return Markup(render("chart.html", context))
    first, last = epochs[0], epochs[-1]
    x_ticks = [tick for tick in MaxNLocator(6, integer=True).tick_values(first, last) if first <= tick <= last]
    low, high = min(known), max(known)
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        # A constant lies in the middle, of a scale as coarse as itself.
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    y_ticks = list(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    low, high = y_ticks[0], y_ticks[-1]
    step = y_ticks[1] - y_ticks[0]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(round(step, digits) - step) > 1e-6 * step:  # 0.025 takes a digit more than 0.02
        digits += 1
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across(epoch: float) -> float:
        return _LEFT + wide * (epoch - first) / max(1, last - first)

    def down(value: float) -> float:
        return _TOP + tall * (high - value) / (high - low)

    drawn = []
    for curve in curves:
        path, points = "", []
        for n, (epoch, value) in enumerate(zip(epochs, curve.values, strict=True)):
            if math.isfinite(value):
                x, y = across(epoch), down(value)
                # a line breaks at its gaps
                path += f"{'L' if n and math.isfinite(curve.values[n - 1]) else 'M'}{x:.1f} {y:.1f}"
                points.append((epoch, value, x, y))
        drawn.append((curve, path, points))
    context |= {
        "box": {"width": _WIDTH, "height": _HEIGHT, "left": _LEFT, "right": _WIDTH - _RIGHT, "top": _TOP, "tall": tall},
        "x_ticks": [(across(tick), short(tick)) for tick in x_ticks],
        "y_ticks": [(down(tick), fixed(tick, digits)) for tick in y_ticks],
        "mark": across(mark) if mark is not None and first <= mark <= last else None,
        "drawn": drawn,
        "dotted": len(epochs) <= _MOST_POINTS,
    }
    return Markup(render("chart.html", context))
