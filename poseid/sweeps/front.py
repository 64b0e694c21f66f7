"""The Pareto front of a sweep: FNMR against the FMR ratio at one threshold, each setting numbered at its point."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from poseid.reports.format import SPACE
from poseid.reports.sheet import DASHED, ENHANCED, HEIGHT, RAW, SOFT, Sheet, label, legend, sheet, write
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.settings import Setting, values_of

MOST_NUMBERED, MOST_ON_FRONT = 16, 32
"""With more settings than the first number, those on the front alone are numbered; of these at most the second."""
_LONGEST_VALUE, _LONGEST_KEY = 14, 40
"""Longest value and key that a figure shows, in characters."""
_SIZE, _LINE, _LINE_HEIGHT = 7.5, 64, 0.15
"""Of the names: size of the text in points, characters of a line, and height of a line in inches."""
_RADIUS, _GAPS = 4.2, (1.7, 2.6, 3.6)
"""Of a point, in points of 1/72 inch; and the distances of its number from its middle, in radii."""
_TURNS = (0, 45, -45, 90, -90, 135, -135, 180)
_OUTSIDE, _INSIDE = 225, 45
"""Degrees. Nothing stands lower left of the front: numbers of its settings stand there, others on the other side."""

Point = tuple[float, float]


def draw_front(sweep: Sweep) -> Sheet:
    """The settings by both metrics, and their names; ``sweep.front`` must not be empty."""
    fnmr, ratio = sweep.front_measures
    points, raw = sweep.front_points, _raw_point(sweep)
    x, y = np.array([*points.values()]).T
    x_limits, y_limits = _limits(x, 0.12), _limits(y, 0.20)
    numbered = _numbered(sweep)
    names = [line for setting in numbered for line in _name(sweep, setting)]
    out = sheet(1, 2, max(HEIGHT, 1.0 + _LINE_HEIGHT * len(names)))
    note = f"n = {len(points)} settings; lower left is better"
    if raw and not (x_limits[0] <= raw[0] <= x_limits[1] and y_limits[0] <= raw[1] <= y_limits[1]):
        # with it the settings would be one blob
        note += f"; raw is outside, at ({raw[0]:g}, {raw[1]:.3f})"
        raw = None
    axes = out.tile("False non-matches against false matches", note)
    rest = np.array([point for setting, point in points.items() if setting not in sweep.front]).reshape(-1, 2)
    front = np.array(sorted(points[setting] for setting in sweep.front))
    beaten = "beaten by another" if len(rest) else None
    axes.scatter(rest[:, 0], rest[:, 1], s=26, color=SOFT, alpha=0.6, linewidths=0, label=beaten)
    axes.plot(*front.T, color=ENHANCED, linewidth=1.2, drawstyle="steps-post", alpha=0.7)
    axes.scatter(front[:, 0], front[:, 1], s=42, color=ENHANCED, linewidths=0, zorder=3, label="Pareto front")
    axes.axvline(1.0, color=RAW, linewidth=1.0, linestyle=DASHED)
    if raw:
        axes.scatter([raw[0]], [raw[1]], s=60, marker="X", color=RAW, linewidths=0, zorder=4, label="raw")
    axes.set(xlim=x_limits, ylim=y_limits)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    label(axes, ratio.title, fnmr.title)
    legend(axes, "upper right", columns=3)
    _write_numbers(axes, sweep, numbered, raw)
    beside = out.tile("The settings", "numbers as in the table of all settings; without lambda_")
    beside.set_axis_off()
    write(beside, -0.16, 1.0, "\n".join(names), size=_SIZE, backdrop=0)
    return out


def _limits(values: NDArray[np.float64], above: float) -> Point:
    """The ends of an axis, with room for numbers around the points and, ``above`` as a share, for the legend."""
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 0.1 * abs(high) or 0.1
    return low - 0.12 * span, high + above * span


def _write_numbers(axes: Axes, sweep: Sweep, numbered: Sequence[Setting], raw: Point | None) -> None:
    """The number of each setting beside its point; none where it would cover another number or a point."""
    radius = _RADIUS * axes.figure.dpi / 72
    points = {setting: axes.transData.transform(point) for setting, point in sweep.front_points.items()}
    taken = [_around(point, radius, radius) for point in points.values()]
    if raw:
        taken.append(_around(axes.transData.transform(raw), radius, radius))
    taken += [found.get_window_extent() for found in (axes.get_legend(),) if found is not None]
    for setting in numbered:
        text = write(axes, 0, 0, number_text(sweep, setting).removeprefix("no. "), ha="center", va="center", size=_SIZE)
        size = text.get_window_extent()
        first = _OUTSIDE if setting in sweep.front else _INSIDE
        angles = np.deg2rad(np.add(first, _TURNS))
        steps = [gap * radius * np.array([np.cos(angle), np.sin(angle)]) for gap in _GAPS for angle in angles]
        boxes = [_around(points[setting] + step, size.width / 2, size.height / 2) for step in steps]
        box = next((one for one in boxes if not one.count_overlaps(taken)), None)
        if box is None:
            text.remove()
            continue
        taken.append(box)
        x, y = axes.transAxes.inverted().transform(((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2))
        text.set_position((float(x), float(y)))


def _around(middle: np.ndarray, across: float, up: float) -> Bbox:
    return Bbox.from_extents(middle[0] - across, middle[1] - up, middle[0] + across, middle[1] + up)


def _raw_point(sweep: Sweep) -> Point | None:
    """The raw vectors: a ratio of 1, and their FNMR at this threshold."""
    key = sweep.front_measures[0].raw_key
    known = [value for job in sweep.finished if key and (value := job.metrics[key]) is not None]
    return (1.0, fmean(known)) if known else None


def _numbered(sweep: Sweep) -> list[Setting]:
    """The settings that are numbered, in the order of their numbers."""
    chosen = list(sweep.front_points)
    if len(chosen) > MOST_NUMBERED:
        chosen = sweep.front[:: -(-len(sweep.front) // MOST_ON_FRONT)]
    return sorted(chosen, key=sweep.settings.index)


def number_text(sweep: Sweep, setting: Setting) -> str:
    """Its row in the table of all settings."""
    return f"no. {sweep.settings.index(setting) + 1}"


def _name(sweep: Sweep, setting: Setting) -> list[str]:
    """The number and the values of a setting in lines."""
    parts = []
    for key in sweep.keys:
        values = values_of(sweep.settings, key)
        if len(values) > 1:
            # a line ends between keys, never between a key and its value
            part = f"{short_key(key)} {labels(values)[values.index(setting.value(key))]}"
            parts.append(part.replace(" ", SPACE))
    text = f"{sweep.settings.index(setting) + 1}:  {', '.join(parts)}"
    lines = textwrap.wrap(text, _LINE, subsequent_indent="      ", break_on_hyphens=False)
    return [line.replace(SPACE, " ") for line in lines]


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
