"""The figures of a sweep, drawn as those of a report: without a screen, nothing in them but our text and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from poseid.reports.sheet import ENHANCED, INK, SOFT, Drawn, Sheet, label, sheet, write
from poseid.sweeps.analysis import Sweep
from poseid.sweeps.estimates import t_interval
from poseid.sweeps.front_figure import draw_front
from poseid.sweeps.importance import Importance
from poseid.sweeps.measures import Measure
from poseid.sweeps.parallel import draw_parallel
from poseid.sweeps.repeats import Setting
from poseid.sweeps.scales import scale_of


def draw_all(sweep: Sweep) -> dict[str, Drawn]:
    """The figures that a sweep has enough for, by file name: ``pareto.png``, ``effects.png``, ``parallel.png``."""
    means = sweep.means
    figures = {}
    if sweep.front:
        figures["pareto.png"] = draw_front(sweep).drawn()
    if sweep.keys and len(means) > 1:
        figures["effects.png"] = _effects(sweep, list(means), list(means.values())).drawn()
        figures["parallel.png"] = draw_parallel(list(means), list(means.values()), sweep.keys, sweep.asked[0]).drawn()
    return figures


def _effects(sweep: Sweep, settings: Sequence[Setting], means: Sequence[float]) -> Sheet:
    """One tile a key: the mean of the settings with each value; at the end the importance of the keys."""
    tiles = len(sweep.keys) + isinstance(sweep.weights, Importance)
    columns = min(2, tiles)
    out = sheet(-(-tiles // columns), columns)
    for key in sweep.keys:
        _one_way(out, key, settings, means, sweep.asked[0])
    if isinstance(sweep.weights, Importance):
        _importance(out, sweep.weights)
    return out


def _one_way(out: Sheet, key: str, settings: Sequence[Setting], means: Sequence[float], measure: Measure) -> None:
    scale = scale_of(settings, key)
    axes = out.tile(scale.title, f"n = {len(settings)} settings; {measure.direction}")
    y = np.array(means)
    axes.scatter(scale.at, y, s=18, color=SOFT, alpha=0.5, linewidths=0)
    if scale.even:
        _means(axes, scale.at, y)
        axes.set_xticks(scale.ticks, scale.texts, parse_math=False)
        axes.set_xlim(-0.5, len(scale.ticks) - 0.5)
        axes.tick_params(axis="x", labelrotation=30 if sum(map(len, scale.texts)) > 34 else 0)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
        if scale.log:
            axes.set_xscale("log")
    axes.yaxis.set_major_locator(MaxNLocator(6))
    label(axes, "", measure.title if len(measure.title) < 36 else "objective")


def _means(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """The mean of each place, with its interval where there are two or more."""
    for place in np.unique(x):
        estimate = t_interval(y[x == place].tolist())
        at = place + 0.16
        if estimate.ci95 is not None:
            axes.plot([at, at], estimate.ci95, color=ENHANCED, linewidth=2.0, solid_capstyle="butt")
        axes.scatter([at], [estimate.mean], s=44, color=ENHANCED, linewidths=0, zorder=3)


def _importance(out: Sheet, weights: Importance) -> None:
    axes = out.tile("Which key matters", f"held out: the keys explain {100 * weights.explained:.0f} % of the variance")
    places = np.arange(len(weights.keys))[::-1]
    axes.barh(places, weights.drops, height=0.55, color=ENHANCED)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks([])
    for place, key in zip(places, weights.keys, strict=True):
        # a name of its own line: names of keys are too long for the margin
        write(axes, 0.0, place + 0.32, f" {key}", va="baseline", at_data=True, backdrop=0)
    axes.set_ylim(-0.6, len(places) - 0.2)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    label(axes, "error that shuffling it adds, in variances", "")
