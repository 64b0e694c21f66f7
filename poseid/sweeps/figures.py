"""The figures of a sweep, drawn as those of a report: without a screen, nothing in them but our text and numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator

from poseid.reports.sheet import ENHANCED, SOFT, Drawn, Sheet, label, sheet
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.front import draw_front, drawable_key, labels
from poseid.sweeps.jobs import as_number
from poseid.sweeps.settings import t_interval, values_of

_MOST_VALUES, _SEVERAL_POWERS = 10, 100
"""A key with more numbers than that is drawn along a scale, a logarithmic one if the largest is that much larger."""


def draw_all(sweep: Sweep) -> dict[str, Drawn]:
    """The figures that a sweep has enough for, by file name: ``pareto.png``, ``effects.png``."""
    figures = {}
    if sweep.front:
        figures["pareto.png"] = draw_front(sweep).drawn()
    if sweep.keys and len(sweep.means) > 1:
        figures["effects.png"] = draw_effects(sweep).drawn()
    return figures


def draw_effects(sweep: Sweep) -> Sheet:
    """One tile a key: each setting by its value, and the mean of the settings with each value."""
    columns = min(2, len(sweep.keys))
    out = sheet(-(-len(sweep.keys) // columns), columns)
    for key in sweep.keys:
        _one_key(out, sweep, key)
    return out


def _one_key(out: Sheet, sweep: Sweep, key: str) -> None:
    """Values stand side by side in their order; of a key with many numbers, where the numbers are."""
    given, y = [setting.value(key) for setting in sweep.means], np.array([*sweep.means.values()])
    values, objective = values_of(sweep.means, key), sweep.objectives[0]
    numbers = [number for value in values if (number := as_number(value)) is not None]
    axes = out.tile(drawable_key(key), f"n = {len(y)} settings; {objective.direction}")
    if len(numbers) == len(values) > _MOST_VALUES:
        axes.scatter([float(value) for value in given], y, s=18, color=SOFT, alpha=0.5, linewidths=0)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        if 0 < numbers[0] < numbers[-1] / _SEVERAL_POWERS:
            axes.set_xscale("log")
    else:
        at, texts = np.array([values.index(value) for value in given]), labels(values)
        axes.scatter(at, y, s=18, color=SOFT, alpha=0.5, linewidths=0)
        for x in range(len(values)):
            # the mean of the settings with a value, and its interval where there are two or more
            estimate, beside = t_interval(y[at == x].tolist()), x + 0.16
            if estimate.ci95 is not None:
                axes.plot([beside, beside], estimate.ci95, color=ENHANCED, linewidth=2.0, solid_capstyle="butt")
            axes.scatter([beside], [estimate.mean], s=44, color=ENHANCED, linewidths=0, zorder=3)
        axes.set_xticks(range(len(values)), texts, parse_math=False)
        axes.set_xlim(-0.5, len(values) - 0.5)
        axes.tick_params(axis="x", labelrotation=30 if sum(map(len, texts)) > 34 else 0)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    label(axes, "", objective.title if len(objective.title) < 36 else "objective")
