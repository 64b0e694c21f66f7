"""The figures of a report. None of them needs a screen, and any number may be drawn at once in threads."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from poseid.reports.det_figure import det_sheet
from poseid.reports.format import SET_TITLES, between, count, fixed, interval, percent, signed
from poseid.reports.sheet import (
    DASHED,
    ENHANCED,
    INK,
    RAW,
    RAW_LINE,
    SCORES,
    SOFT,
    Drawn,
    Sheet,
    empty_tile,
    label,
    legend,
    outline,
    sheet,
    subsample,
    write,
    yaw_axis,
)
from poseid.reports.template_figure import template_sheet
from poseid.verification.estimates import mean_estimate, resample_people
from poseid.verification.figure_data import MOST_RESAMPLES, GenuinePairs, genuine_pairs
from poseid.verification.operating_points import strictest
from poseid.verification.result import Evaluation

_YAW_STEP = 10
_FEWEST = 5
"""A mean of fewer comparisons is not drawn."""
_ENOUGH = 30
"""A share of fewer comparisons gets no colour."""
_UNCHANGED = "#8C8C8C"
_DARK = 0.7
"""Above this share of the darkest colour, white text reads better than black (WCAG 2)."""
_BLUES = LinearSegmentedColormap.from_list("fnmr", ["#F3F8FC", "#9CC9E3", "#2F83BA", "#083A63"])
_FORMS = ("raw", "enhanced")

Block = dict[str, Any]


def draw_all(evaluation: Evaluation) -> dict[str, Drawn]:
    """All figures of an evaluation, by file name: `diagnosis.png`, `det.png`, `scores.png`, `heatmap.png`.

    Where rows are pooled, `templates.png` too.
    """
    block = evaluation.block
    pooled = template_sheet(block)
    return {
        "diagnosis.png": diagnosis_sheet(evaluation).drawn(),
        "det.png": det_sheet(evaluation).drawn(),
        "scores.png": _scores(block).drawn(),
        "heatmap.png": _heatmap(block).drawn(),
    } | ({} if pooled is None else {"templates.png": pooled.drawn()})


def diagnosis_sheet(evaluation: Evaluation) -> Sheet:
    """What changed for genuine pairs: before and after, the improvement, and both by yaw."""
    block, pairs = evaluation.block, genuine_pairs(evaluation)
    out = sheet(2, 2)
    _before_and_after(out, pairs)
    _histogram(out, pairs, block["improvement"])
    _bars(out, block["improvement"])
    _by_yaw(out, pairs, block["bootstrap"]["resamples"])
    return out


def _before_and_after(out: Sheet, pairs: GenuinePairs) -> None:
    shown = subsample(np.arange(pairs.raw.size))
    note = f"n = {count(pairs.total)} genuine comparisons"
    if shown.size < pairs.total:
        note += f", {count(shown.size)} of them shown"
    axes = out.tile("Similarity before and after", note)
    if not shown.size:
        return empty_tile(axes, "there are no genuine comparisons")
    raw, enhanced = pairs.raw[shown], pairs.enhanced[shown]
    low = min(float(raw.min()), float(enhanced.min()))
    high = max(float(raw.max()), float(enhanced.max()))
    margin = max(0.04 * (high - low), 0.01)
    low, high = max(low - margin, -1.02), min(high + margin, 1.02)
    alpha = float(np.clip(700 / shown.size, 0.15, 0.7))
    axes.scatter(raw, enhanced, s=9, color=ENHANCED, alpha=alpha, linewidths=0)
    axes.plot([low, high], [low, high], color=INK, linewidth=1.0, linestyle=DASHED)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    write(axes, 0.03, 0.98, "above the dashed line: more\nalike than before (better)", SOFT)
    return label(axes, "cosine similarity, raw", "cosine similarity, enhanced")


def _histogram(out: Sheet, pairs: GenuinePairs, improvement: Block) -> None:
    axes = out.tile("Improvement", f"n = {count(pairs.total)} genuine comparisons; higher is better")
    gain = pairs.gain
    if not gain.size:
        return empty_tile(axes, "there are no genuine comparisons")
    # the outermost half per cent would leave the rest too narrow to be seen
    reach = max(1.15 * float(np.max(np.abs(np.quantile(gain, [0.005, 0.995])))), 1e-3)
    # an odd number of bars: what hardly changed stands in the middle one and counts for neither side
    edges = np.linspace(-reach, reach, 52)
    share = 100 * np.histogram(np.clip(gain, -reach, reach), edges)[0] / gain.size
    middle = (edges[:-1] + edges[1:]) / 2
    colours = [RAW] * 25 + [_UNCHANGED] + [ENHANCED] * 25
    axes.bar(middle, share, width=edges[1] - edges[0], color=colours, linewidth=0)
    axes.axvline(0, color=INK, linewidth=1.0)
    mean = improvement["mean"]
    axes.axvline(mean, color=INK, linewidth=1.4, linestyle=DASHED)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(0, 1.32 * float(share.max()))
    axes.xaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    text = f"mean {signed(mean)}"
    if improvement["ci95"]:
        text += f"\n95 % CI {interval(improvement['ci95'], signed)}"
    write(axes, 0.98, 0.98, f"{text}\n(dashed line)", ha="right")
    write(axes, 0.02, 0.98, "less alike: worse", RAW)
    write(axes, 0.02, 0.90, "more alike: better", ENHANCED)
    write(axes, 0.02, 0.82, "hardly changed", SOFT)
    return label(axes, "cosine enhanced − cosine raw", "share of comparisons, %")


def _bars(out: Sheet, improvement: Block) -> None:
    bins = improvement["by_yaw"]
    total = sum(entry["n"] for entry in bins)
    band = " and 95 % CI" if any(entry["ci95"] for entry in bins) else ""
    axes = out.tile("Improvement by yaw", f"mean{band} of the cosine's change, n = {count(total)}; higher is better")
    if not total:
        return empty_tile(axes, "no genuine comparison has a probe of known yaw within 90 degrees")
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
    axes.set_xticks(range(len(bins)), [f"{between(b['from'], b['to'])}\nn = {count(b['n'])}" for b in bins])
    axes.tick_params(axis="x", labelsize=7.5, length=0)
    axes.grid(False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    return label(axes, "yaw of the probe, degrees", "mean improvement")


def _by_yaw(out: Sheet, pairs: GenuinePairs, resamples: int) -> None:
    known = np.abs(pairs.yaw) <= 90
    n = count(int(known.sum())) if pairs.raw.size == pairs.total else f"a share of {count(pairs.total)}"
    band = " and 95 % CI" if resamples else ""
    note = f"mean{band} every {_YAW_STEP} degrees, n = {n} genuine; higher is better"
    axes = out.tile("Similarity against yaw", note)
    if not known.any():
        return empty_tile(axes, "no genuine comparison has a probe of known yaw within 90 degrees")
    # steps are centred on 0, so that left and right are cut alike
    step = np.round(pairs.yaw[known] / _YAW_STEP).astype(int)
    shown = [n for n in np.unique(step) if np.sum(step == n) >= _FEWEST]
    if not shown:
        return empty_tile(axes, f"no {_YAW_STEP} degrees of yaw hold {_FEWEST} genuine comparisons")
    person, at = pairs.person[known], [_YAW_STEP * n for n in shown]
    weights = resample_people(pairs.people, min(resamples, MOST_RESAMPLES), 0) if resamples else None
    # raw dashed above enhanced, so that both are seen where they agree
    for form, colour, name, style, marker, above in (
        (pairs.raw[known], RAW, "raw", RAW_LINE, "s", 4),
        (pairs.enhanced[known], ENHANCED, "enhanced", "-", "o", 3),
    ):
        means = [mean_estimate(form[step == n], person[step == n], weights) for n in shown]
        ends = np.array([mean.ci95 or [np.nan, np.nan] for mean in means])
        if not np.isnan(ends).all():
            axes.fill_between(at, ends[:, 0], ends[:, 1], color=colour, alpha=0.16, linewidth=0)
        (line,) = axes.plot(at, [float(mean.value) for mean in means], color=colour, linestyle=style, label=name)
        line.set(linewidth=1.8, zorder=above, marker=marker, markersize=3.5)
    yaw_axis(axes)
    axes.margins(y=0.12)
    legend(axes, "best")
    return label(axes, "yaw of the probe, degrees", "mean cosine similarity")


def _scores(block: Block) -> Sheet:
    out = sheet(1, 2)
    name, entry = block["headline"], block["sets"][block["headline"]]
    titles = ("Scores before", "Scores after")
    if entry is None:
        for title in titles:
            empty_tile(out.tile(title, ""), block["null_reasons"][f"sets.{name}"])
        return out
    edges = np.array(entry["histogram"]["edges"])
    shares = {(form, kind): 100 * np.array(entry["histogram"][form][kind]) for form in _FORMS for kind in SCORES}
    filled = np.flatnonzero(sum(shares.values()) > 0.02)
    low, high = edges[filled[0]] - 0.05, edges[filled[-1] + 1] + 0.05
    top = 1.4 * max(float(share.max()) for share in shares.values())
    at = strictest({fmr: point["threshold"] for fmr, point in entry["fixed_threshold"].items()})
    for form, title in zip(_FORMS, titles, strict=True):
        sizes = ", ".join(f"{count(entry[kind])} {kind}" for kind in SCORES)
        axes = out.tile(title, f"{SET_TITLES[name]}: {sizes}; less overlap is better")
        for kind, (colour, style) in SCORES.items():
            outline(axes, shares[form, kind], edges, colour, style, kind, alpha=0.35)
        if at is not None:
            point = entry["fixed_threshold"][at]
            axes.axvline(point["threshold"], color=INK, linewidth=1.3, ymax=0.74)
            text = f"line: raw threshold of FMR {at}, {fixed(point['threshold'])}"
            rates = f"FMR {percent(point[form]['fmr'])}\nFNMR {percent(point[form]['fnmr'])}"
            write(axes, 0.98, 0.98, f"{text}\n{rates}", ha="right")
        axes.set_xlim(low, high)
        axes.set_ylim(0, top)
        legend(axes, "upper left")
        label(axes, "cosine similarity", f"share per {fixed(edges[1] - edges[0])} of similarity, %")
    return out


def _heatmap(block: Block) -> Sheet:
    out = sheet(1, 2)
    poses = block["by_pose"]
    if poses["threshold"] is None or not np.sum(poses["n"]):
        reason = block["null_reasons"].get("by_pose", "no genuine comparison lies within the yaw bins")
        for form in _FORMS:
            empty_tile(out.tile(f"FNMR by pose, {form}", ""), reason)
        return out
    n = np.array(poses["n"])
    names = [between(b["from"], b["to"]) for b in poses["bins"]]
    tables = {form: np.array(poses[form], dtype=float) for form in _FORMS}
    told = n >= _ENOUGH
    top = max([float(table[told].max(initial=0.0)) for table in tables.values()]) or 1.0
    for form in _FORMS:
        note = f"at the raw threshold of FMR {poses['fmr']}; lower is better; grey: n below {_ENOUGH}"
        axes = out.tile(f"FNMR by pose, {form}", note)
        axes.grid(False)
        axes.set_facecolor("#F1F1F1")
        axes.imshow(np.ma.masked_array(tables[form], ~told), cmap=_BLUES, vmin=0, vmax=top, aspect="auto")
        for row, column in np.ndindex(n.shape):
            value, known = float(tables[form][row, column]), told[row, column]
            text = "–" if np.isnan(value) else f"{percent(value, 1)}\nn = {count(int(n[row, column]))}"
            colour = "white" if known and value > _DARK * top else INK if known else SOFT
            write(axes, column, row, text, colour, "center", "center", 7.8, at_data=True, backdrop=0)
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
