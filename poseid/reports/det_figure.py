"""The DET figure: FNMR against FMR over all thresholds, on normal-deviate axes."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from numpy.typing import NDArray

from poseid.reports.format import SET_TITLES, count, interval, percent, short
from poseid.reports.sheet import ENHANCED, RAW, RAW_LINE, SOFT, Line, Sheet, empty_tile, label, legend, sheet, write
from poseid.verification.figure_data import HIGHEST_FMR, DetBands, det_bands
from poseid.verification.rates import MINIMUM_FALSE_MATCHES
from poseid.verification.result import Evaluation

_MOST = 0.999
"""A FNMR above is drawn here, so that it stays in sight."""
_PERCENTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
_FORMS: tuple[tuple[str, str, Line], ...] = (("raw", RAW, RAW_LINE), ("enhanced", ENHANCED, "-"))

Block = dict[str, Any]


def det_sheet(evaluation: Evaluation) -> Sheet:
    """The DET curves of the headline set (the one that the verdict is taken on), with bands where they can be had."""
    block, out = evaluation.block, sheet(1, 1)
    name, entry = block["headline"], block["sets"][block["headline"]]
    fmr = np.array(entry["det"]["fmr"] if entry else [])
    title, note = "Detection error trade-off", "lower left is better"
    if entry is None:
        empty_tile(out.tile(title, note), block["null_reasons"][f"sets.{name}"])
    elif np.sum(fmr <= HIGHEST_FMR) < 2:
        empty_tile(out.tile(title, note), f"{entry['impostor']} impostor comparisons make no curve")
    else:
        sizes = f"{count(entry['genuine'])} genuine, {count(entry['impostor'])} impostor"
        _draw(out.tile(title, f"{SET_TITLES[name]}: {sizes}; {note}"), entry, det_bands(evaluation), fmr)
    return out


def _draw(axes: Axes, entry: Block, bands: DetBands | None, fmr: NDArray[np.float64]) -> None:
    shown = fmr <= HIGHEST_FMR
    curves = np.array([entry["det"][form] for form, _, _ in _FORMS])[:, shown]
    x = fmr[shown]
    positive = curves[curves > 0]
    floor = max(0.5 / entry["genuine"], 1e-6)
    bottom = max(min(float(positive.min()) if positive.size else floor, 0.05), floor) / 1.6
    # room for the legend: a third of what is still accepted at the worst point
    top = min(max(1 - (1 - float(curves.max())) / 3, 0.25), 0.9995)
    for n, (form, colour, style) in enumerate(_FORMS):
        if bands is not None:
            ends = getattr(bands, form)
            ok = ~np.isnan(ends[:, 0])
            under, over = (_deviate(column, bottom / 2, _MOST) for column in ends[ok].T)
            axes.fill_between(_deviate(bands.fmr[ok]), under, over, color=colour, alpha=0.16, linewidth=0)
        eer, ci = entry[form]["eer"], entry[form]["eer_ci95"]
        text = f"{form}: EER {percent(eer)}" + (f" [{interval(ci, percent)}]" if ci else "")
        y = _deviate(curves[n], bottom / 2, _MOST)
        axes.plot(_deviate(x), y, color=colour, linestyle=style, linewidth=1.9, label=text, zorder=4 - n)
        if bands is None:
            # the intervals that the tables give stand in
            for key, value in entry[form]["fnmr_at_fmr_ci95"].items():
                if value:
                    place = _deviate(np.array([float(key)]))[0] + (0.03 if n else -0.03)
                    ends = _deviate(np.array(value), bottom / 2, _MOST)
                    axes.plot([place, place], ends, color=colour, linewidth=1.3)
    left, right = float(_deviate(x[:1])[0]), float(_deviate(x[-1:])[0])
    low, high = (float(value) for value in _deviate(np.array([bottom, top])))
    equal = [min(left, low), right]
    axes.plot(equal, equal, color=SOFT, linewidth=0.9, linestyle=":", zorder=1, label="FMR = FNMR")
    said = []
    if any(entry[form]["eer_ci95"] for form, _, _ in _FORMS):
        said.append("shaded: 95 % CI" if bands is not None else "upright bars: 95 % CI")
    few = MINIMUM_FALSE_MATCHES / entry["impostor"]
    if few > x[0]:
        edge = min(float(_deviate(np.array([min(few, HIGHEST_FMR)]))[0]), right)
        axes.axvspan(left, edge, color="#EFEFEF", linewidth=0, zorder=0)
        said.append(f"grey: fewer than {MINIMUM_FALSE_MATCHES} false matches")
    write(axes, 0.02, 0.03, "\n".join(said), SOFT, va="bottom")
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    _percent_ticks(axes.xaxis, left, right, across=True)
    _percent_ticks(axes.yaxis, low, high, across=False)
    legend(axes, "upper right")
    label(axes, "FMR, % of impostors accepted", "FNMR, % of genuine rejected")


def _percent_ticks(axis: Axis, first: float, last: float, across: bool) -> None:
    """Ticks in percent on a normal-deviate scale, those left out that would touch the next one."""
    chosen: list[tuple[float, str]] = []
    for rate in reversed(_PERCENTS):
        place, text = float(_deviate(np.array([rate]))[0]), short(100 * rate)
        if not first <= place <= last:
            continue
        room = 0.02 + 0.0105 * (len(text) + len(chosen[-1][1])) if across and chosen else 0.05
        if not chosen or chosen[-1][0] - place >= room * (last - first):
            chosen.append((place, text))
    axis.set_ticks([place for place, _ in chosen], [text for _, text in chosen])


def _deviate(rate: NDArray[np.float64], low: float = 1e-7, high: float = 1 - 1e-7) -> NDArray[np.float64]:
    """The normal deviate of a rate, Φ⁻¹; rates of 0 and 1 stand at the ends."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(r)) for r in np.clip(rate, low, high)])
