"""One picture of curves over the epochs, as SVG in HTML.

Written out rather than drawn by matplotlib: two dozen of its pictures take longer than a short training, and these
follow the browser's light or dark colours and show a point's value under the pointer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from matplotlib.ticker import MaxNLocator

WIDTH, HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 8, 8, 40
_MOST_POINTS = 80
"""With more, the points of a curve would hide it."""


@dataclass(frozen=True)
class Curve:
    """A named curve.

    Args:
        name: for the legend.
        look: a class of ``page_style``: its colour and whether it is dashed.
        values: one for each epoch; NaN is a gap.
    """

    name: str
    look: str
    values: Sequence[float]


class Point(NamedTuple):
    """A value of a curve, and its place in the picture."""

    epoch: int
    value: float
    x: float
    y: float


def chart(title: str, note: str, epochs: Sequence[int], curves: Sequence[Curve], mark: int | None) -> str:
    """A figure with title, note and legend; names and texts are escaped.

    Args:
        title: of the figure.
        note: unit and direction.
        epochs: the horizontal place of each value.
        curves: at least one; where none has a value, the figure says so.
        mark: the epoch of a dotted vertical line, or None.
    """
    head = f"<figcaption><b>{escape(title)}</b><small>{escape(note)}</small></figcaption>"
    known = [value for curve in curves for value in curve.values if math.isfinite(value)]
    if not known:
        return f"<figure>{head}<p><small>Nothing to show: too few comparisons for this figure.</small></p></figure>"
    x_ticks = MaxNLocator(6, integer=True).tick_values(epochs[0], epochs[-1])
    x_ticks = [tick for tick in x_ticks if epochs[0] <= tick <= epochs[-1]]
    low, high = min(known), max(known)
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        # A constant lies in the middle, of a scale as coarse as itself.
        low, high = low - (abs(low) or 1.0) / 2, high + (abs(high) or 1.0) / 2
    y_ticks = list(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    low, high = y_ticks[0], y_ticks[-1]
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    span = max(1, epochs[-1] - epochs[0])

    def across(epoch: float) -> float:
        return _LEFT + wide * (epoch - epochs[0]) / span

    def down(value: float) -> float:
        return _TOP + tall * (high - value) / (high - low)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}. {escape(note)}">']
    digits = max(0, -math.floor(math.log10(y_ticks[1] - y_ticks[0]) + 1e-9))
    for tick in y_ticks:
        y = down(tick)
        number = _number(tick, digits)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number}</text>')
    for tick in x_ticks:
        parts.append(f'<text x="{across(tick):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{_LEFT + wide / 2:g}" y="{HEIGHT - 5}" text-anchor="middle">finished epochs</text>')
    if mark is not None and epochs[0] <= mark <= epochs[-1]:
        parts.append(f'<path class="mark" d="M{across(mark):.1f} {_TOP}v{tall}"/>')
    for curve in curves:
        points = [
            Point(epoch, value, across(epoch), down(value)) if math.isfinite(value) else None
            for epoch, value in zip(epochs, curve.values, strict=True)
        ]
        parts += _drawn(curve, points)
    parts.append("</svg>")
    names = "".join(f'<span><i class="{curve.look}"></i>{escape(curve.name)}</span>' for curve in curves)
    return f'<figure>{head}{"".join(parts)}<p class="legend">{names}</p></figure>'


def _drawn(curve: Curve, points: Sequence[Point | None]) -> list[str]:
    """A curve as a line that breaks at its gaps, and its points, each with its value for the pointer."""
    path, after_gap = "", True
    for point in points:
        if point is not None:
            path += f"{'M' if after_gap else 'L'}{point.x:.1f} {point.y:.1f}"
        after_gap = point is None
    parts = [f'<path class="curve {curve.look}" d="{path}"/>']
    if len(points) <= _MOST_POINTS:
        parts += [
            f'<circle class="{curve.look}" cx="{point.x:.1f}" cy="{point.y:.1f}" r="2.6">'
            f"<title>{escape(curve.name)}, epoch {point.epoch}: {point.value:.5g}</title></circle>"
            for point in points
            if point is not None
        ]
    return parts


def _number(value: float, digits: int) -> str:
    """
    >>> _number(-0.0025, 4), _number(-0.0, 1), _number(1500.0, 0)
    ('−0.0025', '0.0', '1500')
    """
    return f"{value + 0.0:.{digits}f}".replace("-", "−")
