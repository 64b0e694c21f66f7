"""The figures of a report. None of them needs a screen, and any number may be drawn at once in threads."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from poseid.verification.estimates import mean_estimate, resample_people
from poseid.verification.figure_data import HIGHEST_FMR, DetBands, GenuinePairs, det_bands, genuine_pairs
from poseid.verification.figure_tiles import (
    ENHANCED,
    FONT,
    GENUINE,
    IMPOSTOR,
    INK,
    RAW,
    SOFT,
    Drawn,
    Sheet,
    count,
    label,
    legend,
    nothing,
    percent,
    sheet,
    signed,
    write,
)
from poseid.verification.rates import MINIMUM_FALSE_MATCHES
from poseid.verification.result import Evaluation

MOST_POINTS = 5_000
"""A scatter shows no more points."""

_BAND_RESAMPLES = 200
_YAW_STEP = 10
_MOST = 0.999
"""A FNMR above is drawn here, so that it stays in sight."""
_FEWEST = 5
"""A mean of fewer comparisons is not drawn."""
_ENOUGH = 30
"""A share of fewer comparisons gets no colour."""
UNCHANGED = "#8C8C8C"
_BLUES = LinearSegmentedColormap.from_list("fnmr", ["#F3F8FC", "#9CC9E3", "#2F83BA", "#083A63"])
_PERCENTS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)

Block = dict[str, Any]


def draw_all(evaluation: Evaluation) -> dict[str, Drawn]:
    """All figures of an evaluation, by file name: `diagnosis.png`, `det.png`, `scores.png`, `heatmap.png`."""
    block = evaluation.block
    return {
        "diagnosis.png": _diagnosis(evaluation).drawn(),
        "det.png": _det(evaluation).drawn(),
        "scores.png": _scores(block).drawn(),
        "heatmap.png": _heatmap(block).drawn(),
    }


def diagnosis_figure(evaluation: Evaluation) -> Figure:
    """The four-panel diagnosis as a matplotlib figure with an offscreen canvas, for a logger."""
    return _diagnosis(evaluation).figure


def _diagnosis(evaluation: Evaluation) -> Sheet:
    block, pairs = evaluation.block, genuine_pairs(evaluation)
    out = sheet(2, 2)
    _before_and_after(out, pairs)
    _histogram(out, pairs, block["improvement"])
    _bars(out, block["improvement"])
    _by_yaw(out, pairs, block.get("bootstrap", {}).get("resamples", 0))
    return out


def _before_and_after(out: Sheet, pairs: GenuinePairs) -> None:
    shown = np.arange(pairs.raw.size)
    if shown.size > MOST_POINTS:
        shown = shown[np.linspace(0, shown.size - 1, MOST_POINTS).astype(np.intp)]
    note = f"n = {count(pairs.total)} genuine comparisons"
    if shown.size < pairs.total:
        note += f", {count(shown.size)} of them shown"
    axes = out.tile("Similarity before and after", note)
    if not shown.size:
        return nothing(axes, "there are no genuine comparisons")
    raw, enhanced = pairs.raw[shown], pairs.enhanced[shown]
    low = min(float(raw.min()), float(enhanced.min()))
    high = max(float(raw.max()), float(enhanced.max()))
    margin = max(0.04 * (high - low), 0.01)
    low, high = max(low - margin, -1.02), min(high + margin, 1.02)
    alpha = float(np.clip(700 / shown.size, 0.15, 0.7))
    axes.scatter(raw, enhanced, s=9, color=ENHANCED, alpha=alpha, linewidths=0)
    axes.plot([low, high], [low, high], color=INK, linewidth=1.0, linestyle=(0, (5, 3)))
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    write(axes, 0.03, 0.98, "above the dashed line: more\nalike than before (better)", SOFT)
    label(axes, "cosine similarity, raw", "cosine similarity, enhanced")
    return None


def _histogram(out: Sheet, pairs: GenuinePairs, improvement: Block) -> None:
    axes = out.tile("Improvement", f"n = {count(pairs.total)} genuine comparisons; higher is better")
    gain = pairs.gain
    if not gain.size:
        return nothing(axes, "there are no genuine comparisons")
    # the outermost half per cent would leave the rest too narrow to be seen
    reach = 1.15 * float(np.max(np.abs(np.quantile(gain, [0.005, 0.995]))))
    reach = max(reach, 1e-3)
    # an odd number of bars: what hardly changed stands in the middle one and counts for neither side
    edges = np.linspace(-reach, reach, 52)
    share = 100 * np.histogram(np.clip(gain, -reach, reach), edges)[0] / gain.size
    middle = (edges[:-1] + edges[1:]) / 2
    colours = [RAW] * 25 + [UNCHANGED] + [ENHANCED] * 25
    axes.bar(middle, share, width=edges[1] - edges[0], color=colours, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1.0)
    mean = improvement["mean"]
    axes.axvline(mean, color=INK, linewidth=1.4, linestyle=(0, (5, 3)))
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, 1.32 * float(share.max()))
    axes.xaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    text = f"mean {signed(mean, 4)}"
    if improvement["ci95"]:
        text += f"\n95 % CI {_between(improvement['ci95'], 4)}"
    write(axes, 0.98, 0.98, f"{text}\n(dashed line)", ha="right")
    write(axes, 0.02, 0.98, "less alike: worse", RAW)
    write(axes, 0.02, 0.90, "more alike: better", ENHANCED)
    write(axes, 0.02, 0.82, "hardly changed", SOFT)
    label(axes, "cosine enhanced − cosine raw", "share of comparisons, %")
    return None


def _bars(out: Sheet, improvement: Block) -> None:
    bins = improvement["by_yaw"]
    total = sum(entry["n"] for entry in bins)
    band = " and 95 % CI" if any(entry["ci95"] for entry in bins) else ""
    axes = out.tile("Improvement by yaw", f"mean{band} of the cosine's change, n = {count(total)}; higher is better")
    if not total:
        return nothing(axes, "no genuine comparison has a probe of known yaw within 90 degrees")
    for place, entry in enumerate(bins):
        if not entry["n"]:
            continue
        mean, ci = entry["mean"], entry["ci95"]
        axes.bar(place, mean, width=0.66, color=RAW if mean < 0 else ENHANCED, linewidth=0)
        if ci:
            axes.plot([place, place], ci, color=INK, linewidth=1.3)
            for bound in ci:
                axes.plot([place - 0.09, place + 0.09], [bound, bound], color=INK, linewidth=1.3)
    axes.axhline(0, color=INK, linewidth=1.0)
    axes.set_xlim(-0.6, len(bins) - 0.4)
    if max(abs(value) for entry in bins if entry["n"] for value in (entry["mean"], *(entry["ci95"] or []))) < 1e-4:
        axes.set_ylim(-1e-3, 1e-3)
    else:
        axes.margins(y=0.12)
    axes.set_xticks(
        range(len(bins)),
        [f"{_degrees(b['from'])} to {_degrees(b['to'])}\nn = {count(b['n'])}" for b in bins],
    )
    axes.tick_params(axis="x", labelsize=7.5, length=0)
    axes.grid(False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    label(axes, "yaw of the probe, degrees", "mean improvement")
    return None


def _by_yaw(out: Sheet, pairs: GenuinePairs, resamples: int) -> None:
    known = np.abs(pairs.yaw) <= 90
    n = count(int(known.sum())) if pairs.raw.size == pairs.total else f"a share of {count(pairs.total)}"
    band = " and 95 % CI" if resamples else ""
    note = f"mean{band} every {_YAW_STEP} degrees, n = {n} genuine; higher is better"
    axes = out.tile("Similarity against yaw", note)
    if not known.any():
        return nothing(axes, "no genuine comparison has a probe of known yaw within 90 degrees")
    # steps are centred on 0, so that left and right are cut alike
    step = np.round(pairs.yaw[known] / _YAW_STEP).astype(int)
    person = pairs.person[known]
    weights = resample_people(pairs.people, min(resamples, _BAND_RESAMPLES), 0) if resamples else None
    # raw dashed above enhanced, so that both are seen where they agree
    for form, colour, name, style, marker, above in (
        (pairs.raw[known], RAW, "raw", (0, (4, 2)), "s", 4),
        (pairs.enhanced[known], ENHANCED, "enhanced", "-", "o", 3),
    ):
        places, means, bounds = [], [], []
        for at in np.unique(step):
            here = step == at
            if here.sum() < _FEWEST:
                continue
            mean = mean_estimate(form[here], person[here], weights)
            places.append(at * _YAW_STEP)
            means.append(float(mean.value))
            bounds.append(mean.ci95 or [np.nan, np.nan])
        if not places:
            return nothing(axes, f"no {_YAW_STEP} degrees of yaw hold {_FEWEST} genuine comparisons")
        ends = np.array(bounds)
        if not np.isnan(ends).all():
            axes.fill_between(places, ends[:, 0], ends[:, 1], color=colour, alpha=0.16, linewidth=0)
        axes.plot(
            places,
            means,
            color=colour,
            linestyle=style,
            linewidth=1.8,
            marker=marker,
            markersize=3.5,
            label=name,
            zorder=above,
        )
    axes.set_xlim(-95, 95)
    axes.set_xticks([-90, -45, -15, 15, 45, 90], [_degrees(d) for d in (-90, -45, -15, 15, 45, 90)])
    axes.margins(y=0.12)
    legend(axes, "best")
    label(axes, "yaw of the probe, degrees", "mean cosine similarity")
    return None


def _det(evaluation: Evaluation) -> Sheet:
    block = evaluation.block
    out = sheet(1, 1)
    name, entry = block["headline"], block["sets"][block["headline"]]
    title = "Detection error trade-off"
    if entry is None or not entry.get("det", {}).get("fmr"):
        axes = out.tile(title, "lower left is better")
        nothing(axes, block.get("null_reasons", {}).get(f"sets.{name}", "there are no comparisons"))
        return out
    fmr = np.array(entry["det"]["fmr"])
    if np.sum(fmr <= HIGHEST_FMR) < 2:
        nothing(out.tile(title, "lower left is better"), f"{entry['impostor']} impostor comparisons make no curve")
        return out
    bands = det_bands(evaluation)
    sizes = f"{count(entry['genuine'])} genuine, {count(entry['impostor'])} impostor"
    axes = out.tile(title, f"{SET_WORDS[name]}: {sizes}; lower left is better")
    forms = (("raw", RAW, (0, (4, 2))), ("enhanced", ENHANCED, "-"))
    _draw_det(axes, entry, bands, forms, fmr)
    return out


SET_WORDS = {
    "all": "all references × all probes",
    "frontal_profile": "frontal × profile",
    "profile_profile": "profile × profile",
    "frontal_frontal": "frontal × frontal",
}


def _draw_det(
    axes: Axes, entry: Block, bands: DetBands | None, forms: tuple[tuple[str, str, Any], ...], fmr: NDArray[np.float64]
) -> None:
    shown = fmr <= HIGHEST_FMR
    curves = np.array([entry["det"][form] for form, _, _ in forms])[:, shown]
    x = fmr[shown]
    positive = curves[curves > 0]
    floor = max(0.5 / entry["genuine"], 1e-6)
    bottom = max(min(float(positive.min()) if positive.size else floor, 0.05), floor) / 1.6
    # room for the legend: a third of what is still accepted at the worst point
    top = min(max(1 - (1 - float(curves.max())) / 3, 0.25), 0.9995)
    for n, (form, colour, style) in enumerate(forms):
        if bands is not None:
            ends = getattr(bands, form)
            ok = ~np.isnan(ends[:, 0])
            under, over = (_deviate(column, bottom / 2, _MOST) for column in ends[ok].T)
            axes.fill_between(_deviate(bands.fmr[ok]), under, over, color=colour, alpha=0.16, linewidth=0)
        eer, ci = entry[form]["eer"], entry[form]["eer_ci95"]
        text = f"{form}: EER {percent(eer)}"
        if ci:
            text += f" [{percent(ci[0])[:-2]}, {percent(ci[1])[:-2]}]"
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
    if any(entry[form]["eer_ci95"] for form, _, _ in forms):
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
    label(axes, "FMR, % of impostors let in", "FNMR, % of genuine refused")


def _percent_ticks(axis: Axis, first: float, last: float, across: bool) -> None:
    """Ticks in percent on a normal-deviate scale, those left out that would touch the next one."""
    kept: list[tuple[float, str]] = []
    for rate in reversed(_PERCENTS):
        place, text = float(_deviate(np.array([rate]))[0]), f"{100 * rate:g}"
        if not first <= place <= last:
            continue
        room = 0.02 + 0.0105 * (len(text) + len(kept[-1][1])) if across and kept else 0.05
        if not kept or kept[-1][0] - place >= room * (last - first):
            kept.append((place, text))
    axis.set_ticks([place for place, _ in kept], [text for _, text in kept])


def _deviate(rate: NDArray[np.float64], low: float = 1e-7, high: float = 1 - 1e-7) -> NDArray[np.float64]:
    """The normal deviate of a rate, Φ⁻¹; rates of 0 and 1 stand at the ends."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(float(r)) for r in np.clip(rate, low, high)])


def _scores(block: Block) -> Sheet:
    out = sheet(1, 2)
    name, entry = block["headline"], block["sets"][block["headline"]]
    forms = (("raw", "Scores before"), ("enhanced", "Scores after"))
    if entry is None or "histogram" not in entry:
        for _, title in forms:
            nothing(out.tile(title, ""), block.get("null_reasons", {}).get(f"sets.{name}", "there are no comparisons"))
        return out
    edges = np.array(entry["histogram"]["edges"])
    shares = {(form, kind): 100 * np.array(entry["histogram"][form][kind]) for form, _ in forms for kind in _KINDS}
    filled = np.flatnonzero(sum(shares.values()) > 0.02)
    low, high = edges[filled[0]] - 0.05, edges[filled[-1] + 1] + 0.05
    top = 1.4 * max(float(share.max()) for share in shares.values())
    at = next((label for label in ("1e-3", "1e-2") if entry["fixed_threshold"][label]["threshold"] is not None), None)
    for form, title in forms:
        sizes = ", ".join(f"{count(entry[kind])} {kind}" for kind in _KINDS)
        axes = out.tile(title, f"{SET_WORDS[name]}: {sizes}; less overlap is better")
        for kind, (colour, style) in _KINDS.items():
            share = shares[form, kind]
            axes.stairs(share, edges, fill=True, color=colour, alpha=0.35, linewidth=0)
            axes.stairs(share, edges, color=colour, linewidth=1.5, linestyle=style, label=kind)
        if at is not None:
            fixed = entry["fixed_threshold"][at]
            axes.axvline(fixed["threshold"], color=INK, linewidth=1.3, ymax=0.74)
            threshold = f"{fixed['threshold']:.3f}".replace("-", "−")
            text = f"line: raw threshold of FMR {at}, {threshold}"
            rates = f"FMR {percent(fixed[form]['fmr'])}\nFNMR {percent(fixed[form]['fnmr'])}"
            write(axes, 0.98, 0.98, f"{text}\n{rates}", ha="right")
        axes.set_xlim(low, high)
        axes.set_ylim(0, top)
        legend(axes, "upper left")
        label(axes, "cosine similarity", f"share per {edges[1] - edges[0]:.3f} of similarity, %")
    return out


_KINDS: dict[str, tuple[str, Any]] = {"genuine": (GENUINE, "-"), "impostor": (IMPOSTOR, (0, (4, 1.5)))}


def _heatmap(block: Block) -> Sheet:
    out = sheet(1, 2)
    poses = block.get("by_pose") or {}
    forms = (("raw", "FNMR by pose, raw"), ("enhanced", "FNMR by pose, enhanced"))
    if poses.get("threshold") is None or not np.sum(poses["n"]):
        reason = block.get("null_reasons", {}).get("by_pose", "no genuine comparison lies within the yaw bins")
        for _, title in forms:
            nothing(out.tile(title, ""), reason)
        return out
    n = np.array(poses["n"])
    names = [f"{_degrees(b['from'])} to {_degrees(b['to'])}" for b in poses["bins"]]
    tables = {form: np.array(poses[form], dtype=float) for form, _ in forms}
    told = n >= _ENOUGH
    top = max([float(table[told].max(initial=0.0)) for table in tables.values()]) or 1.0
    for form, title in forms:
        note = f"at the raw threshold of FMR {poses['fmr']}; lower is better; grey: n below {_ENOUGH}"
        axes = out.tile(title, note)
        axes.grid(False)
        axes.set_facecolor("#F1F1F1")
        axes.imshow(np.ma.masked_array(tables[form], ~told), cmap=_BLUES, vmin=0, vmax=top, aspect="auto")
        for row, column in np.ndindex(n.shape):
            value = tables[form][row, column]
            empty = np.isnan(value)
            dark = told[row, column] and _luminance(_BLUES(value / top)) < 0.18
            axes.text(
                column,
                row,
                "–" if empty else f"{100 * value:.1f} %\nn = {count(int(n[row, column]))}",
                ha="center",
                va="center",
                fontsize=7.8,
                color="white" if dark else INK if told[row, column] else SOFT,
                fontfamily=FONT,
                linespacing=1.4,
            )
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), [name.replace(" to ", "\nto ") for name in names])
        axes.tick_params(labelsize=7.5, length=0)
        axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
        axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
        axes.grid(True, which="minor", color="white", linewidth=2)
        axes.tick_params(which="minor", length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        label(axes, "yaw of the reference, degrees", "yaw of the probe, degrees")
    return out


def _degrees(value: float) -> str:
    """
    >>> _degrees(-45), _degrees(15)
    ('−45', '15')
    """
    return f"{value:g}".replace("-", "−")


def _luminance(colour: Iterable[float]) -> float:
    """Relative luminance of an sRGB colour, from 0 to 1; below 0.18 white text reads better than black (WCAG 2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in list(colour)[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _between(bounds: list[float], digits: int) -> str:
    return f"{signed(bounds[0], digits)} to {signed(bounds[1], digits)}"
