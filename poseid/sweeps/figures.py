"""The figures of a sweep, drawn as those of a report: without a screen, nothing in them but our text and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from poseid.reports.sheet import ENHANCED, INK, SOFT, Drawn, Sheet, label, sheet, write
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.front import draw_front, drawable_key, labels
from poseid.sweeps.importance import Importance
from poseid.sweeps.jobs import as_number
from poseid.sweeps.settings import Setting, t_interval, values_of

_BY_RANK = LinearSegmentedColormap.from_list("rank", [ENHANCED, "#9CC9E3", "#D8DCE0"])
_STEP, _AROUND = 0.7, 1.6
"""Inches between two axes, and above and below all of them."""
_MOST_VALUES, _SEVERAL_POWERS = 10, 100
"""A key with more numbers than that is drawn along a scale, a logarithmic one if the largest is that much larger."""


@dataclass(frozen=True)
class Scale:
    """The axis of a key.

    Args:
        title: the key, as a figure can show it.
        at: (settings,) where each setting stands.
        ticks: where something is written.
        texts: what, as many as ticks.
        even: values stand at 0, 1, 2 … in their order; else where the numbers are.
        log: numbers of several powers of ten.
    """

    title: str
    at: NDArray[np.float64]
    ticks: tuple[float, ...]
    texts: tuple[str, ...]
    even: bool = True
    log: bool = False

    def shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as shares of the axis; a single value stands in its middle."""
        ends = np.array([min(self.ticks), max(self.ticks)])
        values, (low, high) = (np.log10(values), np.log10(ends)) if self.log else (values, ends)
        return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)


def scale_of(settings: Sequence[Setting], key: str) -> Scale:
    """The axis of a key: its values in order, or a scale of numbers where there are many."""
    values, title = values_of(settings, key), drawable_key(key)
    numbers = [number for value in values if (number := as_number(value)) is not None]
    if len(values) > _MOST_VALUES and len(numbers) == len(values):
        at = np.array([float(setting.value(key)) for setting in settings])
        low, high = numbers[0], numbers[-1]
        log = low > 0 and high / low > _SEVERAL_POWERS
        return Scale(title, at, (low, high), (f"{low:.4g}", f"{high:.4g}"), False, log)
    at = np.array([float(values.index(setting.value(key))) for setting in settings])
    return Scale(title, at, tuple(map(float, range(len(values)))), tuple(labels(values)))


def draw_all(sweep: Sweep) -> dict[str, Drawn]:
    """The figures that a sweep has enough for, by file name: ``pareto.png``, ``effects.png``, ``parallel.png``."""
    figures = {}
    if sweep.front:
        figures["pareto.png"] = draw_front(sweep).drawn()
    if sweep.keys and len(sweep.means) > 1:
        figures["effects.png"] = _effects(sweep).drawn()
        figures["parallel.png"] = _parallel(sweep).drawn()
    return figures


def _effects(sweep: Sweep) -> Sheet:
    """One tile a key: the mean of the settings with each value; at the end the importance of the keys."""
    tiles = len(sweep.keys) + isinstance(sweep.importance, Importance)
    columns = min(2, tiles)
    out = sheet(-(-tiles // columns), columns)
    for key in sweep.keys:
        _one_key(out, sweep, key)
    if isinstance(sweep.importance, Importance):
        _importance(out, sweep.importance)
    return out


def _one_key(out: Sheet, sweep: Sweep, key: str) -> None:
    scale, y = scale_of([*sweep.means], key), np.array([*sweep.means.values()])
    axes = out.tile(scale.title, f"n = {len(y)} settings; {sweep.objectives[0].direction}")
    axes.scatter(scale.at, y, s=18, color=SOFT, alpha=0.5, linewidths=0)
    if scale.even:
        for x in np.unique(scale.at):
            # the mean of the settings with a value, and its interval where there are two or more
            estimate = t_interval(y[scale.at == x].tolist())
            at = x + 0.16
            if estimate.ci95 is not None:
                axes.plot([at, at], estimate.ci95, color=ENHANCED, linewidth=2.0, solid_capstyle="butt")
            axes.scatter([at], [estimate.mean], s=44, color=ENHANCED, linewidths=0, zorder=3)
        axes.set_xticks(scale.ticks, scale.texts, parse_math=False)
        axes.set_xlim(-0.5, len(scale.ticks) - 0.5)
        axes.tick_params(axis="x", labelrotation=30 if sum(map(len, scale.texts)) > 34 else 0)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
        if scale.log:
            axes.set_xscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    label(axes, "", _short_title(sweep))


def _short_title(sweep: Sweep) -> str:
    """The first objective, as there is room for it."""
    title = sweep.objectives[0].title
    return title if len(title) < 36 else "objective"


def _importance(out: Sheet, found: Importance) -> None:
    axes = out.tile("Which key matters", f"held out: the keys explain {100 * found.explained:.0f} % of the variance")
    heights = range(len(found.drops))[::-1]
    axes.barh(heights, [*found.drops.values()], height=0.55, color=ENHANCED)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks([])
    for height, key in zip(heights, found.drops, strict=True):
        # a name of its own line: names of keys are too long for the margin
        write(axes, 0.0, height + 0.32, f" {drawable_key(key)}", va="baseline", at_data=True, backdrop=0)
    axes.set_ylim(-0.6, len(heights) - 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    label(axes, "error that shuffling it adds, in variances", "")


def _parallel(sweep: Sweep) -> Sheet:
    """Parallel coordinates, lying down so that names and values stay readable on a phone.

    One line a setting, the best first, through its value of each key down to its objective; the better, the bluer.
    """
    y = np.array([*sweep.means.values()])
    ends = (float(y.min()), float(y.max()))
    scales = [scale_of([*sweep.means], key) for key in sweep.keys]
    scales.append(Scale(_short_title(sweep), y, ends, tuple(f"{end:.4f}" for end in ends), False))
    out = sheet(1, 1, _AROUND + _STEP * (len(scales) - 1))
    axes = out.tile("All keys at once", f"n = {len(y)} settings; the bluer the better; {sweep.objectives[0].direction}")
    axes.set_axis_off()
    heights = np.arange(len(scales))[::-1].astype(np.float64)
    x = np.stack([scale.shares(scale.at) for scale in scales], axis=1)
    rank = np.linspace(1, 0, len(y))
    # the best one last, on top of the others
    lines = np.stack([x, np.broadcast_to(heights, x.shape)], axis=2)[::-1]
    axes.add_collection(LineCollection(list(lines), colors=_BY_RANK(rank), linewidths=1.2 + 1.3 * (rank == 0)))
    for scale, height in zip(scales, heights, strict=True):
        axes.plot([0, 1], [height, height], color=INK, linewidth=0.8, clip_on=False)
        write(axes, -0.13, height + 0.12, scale.title, va="bottom", weight="bold", at_data=True)
        for tick, text in zip(scale.shares(np.array(scale.ticks)).tolist(), scale.texts, strict=True):
            axes.plot([tick, tick], [height - 0.06, height + 0.06], color=INK, linewidth=0.8, clip_on=False)
            write(axes, tick, height - 0.12, text, SOFT, "center", at_data=True)
    axes.set_xlim(-0.13, 1.06)
    axes.set_ylim(0, len(scales) - 1 + 0.4)
    return out
