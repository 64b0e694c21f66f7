"""The figure of pooled probes: FNMR over the number of frames, one line a pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from poseid.reports.format import count
from poseid.reports.sheet import DASHED, ENHANCED, RAW, RAW_LINE, SMALL, Line, Sheet, empty_tile, label, legend, sheet
from poseid.reports.template_table import POOLING_TITLES, SHOWN, common_fmr, entries_of

_STYLES: dict[str, tuple[str, Line, str]] = {
    "raw_mean": (RAW, RAW_LINE, "s"),
    "raw_length": ("#E69F00", DASHED, "D"),
    "enhanced_mean": ("#56B4E9", (0, (1, 1.2)), "^"),
    "enhanced_weighted": (ENHANCED, "-", "o"),
}
"""Colour, line and marker of each of `SHOWN`."""
_TITLES = {"profile": "Profile frames", "any": "Frames of any view"}
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
        fmr = common_fmr([one["raw_mean"]["fnmr_at_fmr"] for _, one in mine])
        if fmr is None:
            axes = out.tile(_TITLES[view], "lower is better")
            empty_tile(axes, "too few impostor comparisons for FNMR at FMR 1e-2")
            continue
        lines = {
            name: [Point(one[name]["fnmr_at_fmr"][fmr], one[name]["fnmr_at_fmr_ci95"][fmr]) for _, one in mine]
            for name in SHOWN
        }
        names = [f"template\n({one['mean_frames']:.1f})" if k is None else str(k) for k, one in mine]
        note = f"{count(max(one['templates'] for _, one in mine))} probes of {mine[0][1]['people']} people"
        template_tile(out, _TITLES[view], note, names, lines, fmr)
    return out


def template_tile(
    out: Sheet, title: str, note: str, names: Sequence[str], lines: Mapping[str, Sequence[Point]], fmr: str
) -> None:
    """One tile.

    Args:
        out: the figure.
        title: of the tile.
        note: who is pooled.
        names: of the numbers of frames.
        lines: by pooling, a point for each of the names.
        fmr: of the FNMR.
    """
    intervals = any(point.ci95 for line in lines.values() for point in line)
    axes = out.tile(title, f"{note}{'; bars: 95 % CI' if intervals else ''}; lower is better")
    positive = [point.value for line in lines.values() for point in line if point.value]
    floor = min(positive, default=1e-3) / 2
    for n, (name, line) in enumerate(lines.items()):
        colour, style, marker = _STYLES[name]
        x = np.arange(len(line)) + _SPREAD * (n - (len(lines) - 1) / 2)
        y = [np.nan if point.value is None else max(100 * point.value, 100 * floor) for point in line]
        axes.plot(
            x, y, color=colour, linestyle=style, linewidth=1.7, marker=marker, markersize=4, label=POOLING_TITLES[name]
        )
        for at, point in zip(x, line, strict=True):
            if point.ci95:
                ends = [max(100 * bound, 100 * floor) for bound in point.ci95]
                axes.plot([at, at], ends, color=colour, linewidth=1.1)
    _percent_scale(axes)
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.4, len(names) - 0.6)
    axes.grid(False, axis="x")
    legend(axes, "upper right" if len(names) > 1 else "best")
    label(axes, "frames of a probe", f"FNMR at FMR {fmr}, %")


def _percent_scale(axes: Axes) -> None:
    """A log axis with ticks at 1, 2 and 5 of each decade, and room for the legend."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low, min(high * (high / low) ** 0.15, 200))
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0, labelsize=SMALL)
