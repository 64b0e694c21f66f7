"""Parallel coordinates of a sweep, lying down so that names and values stay readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from poseid.reports.sheet import ENHANCED, INK, SOFT, Sheet, sheet, write
from poseid.sweeps.measures import Measure
from poseid.sweeps.repeats import Setting
from poseid.sweeps.scales import Scale, scale_of

_BY_RANK = LinearSegmentedColormap.from_list("rank", [ENHANCED, "#9CC9E3", "#D8DCE0"])
_STEP, _AROUND = 0.7, 1.6
"""Inches between two axes, and above and below all of them."""


def draw_parallel(settings: Sequence[Setting], means: Sequence[float], keys: Sequence[str], measure: Measure) -> Sheet:
    """One line a setting, the best first, through its value of each key down to its figure; the better, the bluer."""
    scales = [scale_of(settings, key) for key in keys]
    y = np.array(means)
    title = measure.title if len(measure.title) < 36 else "objective"
    ends = (float(y.min()), float(y.max()))
    scales.append(Scale(title, y, ends, tuple(f"{end:.4f}" for end in ends), False))
    out = sheet(1, 1, _AROUND + _STEP * (len(scales) - 1))
    note = f"n = {len(settings)} settings; the bluer the better; {measure.direction}"
    axes = out.tile("All keys at once", note)
    axes.set_axis_off()
    heights = np.arange(len(scales))[::-1].astype(np.float64)
    x = np.stack([_across(scale) for scale in scales], axis=1)
    rank = np.linspace(1, 0, len(y))
    # the best one last, on top of the others
    lines = np.stack([x, np.broadcast_to(heights, x.shape)], axis=2)[::-1]
    axes.add_collection(LineCollection(list(lines), colors=_BY_RANK(rank), linewidths=1.2 + 1.3 * (rank == 0)))
    for scale, height in zip(scales, heights, strict=True):
        axes.plot([0, 1], [height, height], color=INK, linewidth=0.8, clip_on=False)
        write(axes, -0.13, height + 0.12, scale.title, va="bottom", weight="bold", at_data=True)
        for tick, text in zip(_across_ticks(scale), scale.texts, strict=True):
            axes.plot([tick, tick], [height - 0.06, height + 0.06], color=INK, linewidth=0.8, clip_on=False)
            write(axes, tick, height - 0.12, text, SOFT, "center", at_data=True)
    axes.set_xlim(-0.13, 1.06)
    axes.set_ylim(0, len(scales) - 1 + 0.4)
    return out


def _across(scale: Scale) -> np.ndarray:
    return _shares(scale, scale.at)


def _across_ticks(scale: Scale) -> list[float]:
    ticks: list[float] = _shares(scale, np.array(scale.ticks)).tolist()
    return ticks


def _shares(scale: Scale, values: np.ndarray) -> np.ndarray:
    """Values as shares of the axis; a single value stands in its middle."""
    ends = np.array([min(scale.ticks), max(scale.ticks)])
    values, (low, high) = (np.log10(values), np.log10(ends)) if scale.log else (values, ends)
    return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
