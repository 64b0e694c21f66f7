"""The figure of pooled probes: FNMR over the number of frames, one line a pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from poseid.reports.format import count
from poseid.reports.sheet import DASHED, ENHANCED, RAW, RAW_LINE, Line, Sheet, empty_tile, label, legend, sheet
from poseid.reports.template_table import POOLING_TITLES, SHOWN, VIEW_TITLES, common_fmr, entries_of

_STYLES: dict[str, tuple[str, Line, str]] = {
    "raw_mean": (RAW, RAW_LINE, "s"),
    "raw_length": ("#E69F00", DASHED, "D"),
    "enhanced_mean": ("#56B4E9", (0, (1, 1.2)), "^"),
    "enhanced_weighted": (ENHANCED, "-", "o"),
}
"""Colour, line and marker of each of `SHOWN`."""
_SPREAD = 0.045
"""Between the points of two poolings, so that their intervals do not cover each other."""


class Point(NamedTuple):
    """A rate and its interval; None where there is none."""

    value: float | None
    ci95: Sequence[float] | None


def template_sheet(block: dict[str, Any]) -> Sheet | None:
    """A tile a view: raw and enhanced rows, pooled as `SHOWN`; None where nothing is pooled."""
    found = entries_of(block)
    views = list(dict.fromkeys(view for _, view, _ in found))
    if not views:
        return None
    out = sheet(1, len(views))
    for view in views:
        mine = [(k, one) for k, of, one in found if of == view and one["genuine"] is not None]
        mine.sort(key=lambda one: (one[0] is None, one[0]))
        fmr = common_fmr([one["raw_mean"]["fnmr_at_fmr"] for _, one in mine])
        if fmr is None:
            axes = out.tile(VIEW_TITLES[view].capitalize(), "lower is better")
            empty_tile(axes, "too few impostor comparisons for FNMR at FMR 1e-2")
            continue
        lines = {
            name: [Point(one[name]["fnmr_at_fmr"][fmr], one[name]["fnmr_at_fmr_ci95"][fmr]) for _, one in mine]
            for name in SHOWN
        }
        names = [f"template_id\n(mean {one['mean_frames']:.1f})" if k is None else str(k) for k, one in mine]
        note = f"up to {count(max(one['templates'] for _, one in mine))} probes a point"
        template_tile(out, VIEW_TITLES[view].capitalize(), note, names, lines, fmr)
    return out


def template_tile(
    out: Sheet, title: str, note: str, names: Sequence[str], lines: Mapping[str, Sequence[Point]], fmr: str
) -> None:
    """One tile.

    Args:
        out: the figure.
        title: of the tile.
        note: who is pooled.
        names: of the numbers of frames, which are joined by lines, then of what is no number.
        lines: by pooling, a point for each of the names.
        fmr: of the FNMR.
    """
    intervals = any(point.ci95 for line in lines.values() for point in line)
    axes = out.tile(title, f"{note}{'; bars: 95 % CI' if intervals else ''}; lower is better")
    points = [point for line in lines.values() for point in line]
    shown = _rates(points)
    right = _rates([point for line in lines.values() for point in line[len(line) // 2 :]])
    # Rates of 0, and intervals that reach far below the rates, end at the bottom.
    bottom = max(min(shown, default=1e-3), min((point.value for point in points if point.value), default=1e-3) / 4)
    joined = sum(name.isdigit() for name in names)
    for n, (name, line) in enumerate(lines.items()):
        colour, style, marker = _STYLES[name]
        x = np.arange(len(line)) + _SPREAD * (n - (len(lines) - 1) / 2)
        y = np.array([np.nan if point.value is None else 100 * max(point.value, bottom) for point in line])
        (drawn,) = axes.plot(x[:joined], y[:joined], color=colour, linestyle=style, linewidth=1.7)
        drawn.set(marker=marker, markersize=4, label=POOLING_TITLES[name])
        axes.plot(x[joined:], y[joined:], color=colour, linestyle="none", marker=marker, markersize=4)
        for at, point in zip(x, line, strict=True):
            if point.ci95:
                ends = [100 * max(bound, bottom / 10) for bound in point.ci95]
                axes.plot([at, at], ends, color=colour, linewidth=1.1)
    _percent_scale(axes, 85 * bottom, 100 * max(shown, default=1.0), 100 * max(right, default=1.0))
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.4, len(names) - 0.6)
    axes.grid(False, axis="x")
    legend(axes, "upper right" if len(names) > 1 else "best")
    label(axes, "frames of a probe", f"FNMR at FMR {fmr}, %")


def _rates(points: Sequence[Point]) -> list[float]:
    """Rates and bounds above 0."""
    return [rate for point in points for rate in (point.value, *(point.ci95 or ())) if rate]


def _percent_scale(axes: Axes, low: float, highest: float, highest_right: float) -> None:
    """A log axis with ticks at 1, 2 and 5 of each decade, more of them on a short one.

    Room is left above the highest point, and for the legend above the highest one on the right.
    """
    axes.set_yscale("log")
    high = low * max((highest / low) ** (1 / 0.95), (highest_right / low) ** (1 / 0.66))
    ticks = [step * 10.0**power for power in range(-7, 3) for step in (1, 2, 5)]
    if sum(low <= tick <= high for tick in ticks) < 3:
        ticks = [step * 10.0**power for power in range(-7, 3) for step in (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)]
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= min(high, 100)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
