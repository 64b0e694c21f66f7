"""The tables of pooled probes of `poseid compare`: a column for each number of frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from poseid.reports.format import METRIC_FORMATS, ascii_text, with_interval
from poseid.reports.template_table import POOLING_TITLES, VIEW_TITLES, common_fmr
from poseid.verification.operating_points import POINTS
from poseid.verification.template_result import GALLERIES

Block = dict[str, Any]
Table = tuple[str, list[list[str]]]
"""Title and rows, the first of them the head."""
LeftOut = tuple[str, str]
"""A figure that no model has, and why."""
Place = tuple[str, ...]
"""The keys to figures within a set of ``frames``."""

_GALLERIES = dict(zip(GALLERIES, ("one frontal reference a person", "all references of a person, pooled"), strict=True))
_RAW = {name.removeprefix("raw_"): title for name, title in POOLING_TITLES.items() if name.startswith("raw")}


def template_tables(report: Block) -> tuple[list[Table], list[LeftOut]]:
    """The tables, and what they leave out; both empty where nothing is pooled."""
    found = [_tables_of(view, report) for view in VIEW_TITLES]
    return [one for tables, _ in found for one in tables], [one for _, left_out in found for one in left_out]


def _tables_of(view: str, report: Block) -> tuple[list[Table], list[LeftOut]]:
    pooled = [(entry["k"], entry["sets"][view]) for entry in report["frames"] if view in entry["sets"]]
    named = [(_column(k, one["mean_frames"]), one) for k, one in pooled]
    sets = {k: one for k, one in named if one["raw"]}
    raw_means = {k: one["raw"]["mean"] for k, one in sets.items()}
    tables: list[Table] = []
    left_out = [(f"{VIEW_TITLES[view]}, {k}", one["null_reasons"][""]) for k, one in named if not one["raw"]]

    names = [model["name"] for model in report["models"] if model["name"] != "raw"]
    rows: dict[str, Place] = {title: ("raw", key) for key, title in _RAW.items()} | {
        f"{name}, {pooling}": ("models", name, pooling) for name in names for pooling in ("mean", "weighted")
    }
    changes: dict[str, Place] = {}
    for name in names:
        here, said = ("models", name), f"{name}, weighted, less "
        changes |= {said + title: (*here, "against_raw", key) for key, title in _RAW.items()}
        changes[said + "its mean"] = (*here, "against_mean")
        if report["against"] not in (None, name):
            changes[f"{said}{report['against']}, weighted"] = (*here, "against")
    searched: dict[str, Place] = {"raw mean": ("raw", "mean")}
    searched |= {f"{name}, weighted": ("models", name, "weighted") for name in names}

    fnmrs = [{f: one[f"fnmr_at_fmr_{f}"]["value"] for f in POINTS} for one in raw_means.values()]
    fmr = common_fmr(fnmrs) or POINTS[-1]
    known = all(one[f"fnir_at_fpir_1e-2_{GALLERIES[0]}"]["value"] is not None for one in raw_means.values())
    fpir = "1e-2" if known else "1e-1"
    galleries = {f"; {said}": f"fnir_at_fpir_{fpir}_{gallery}" for gallery, said in _GALLERIES.items()}
    rate, percent = METRIC_FORMATS["rate"], METRIC_FORMATS["percent"]
    for title, form, keys, places, differences in (
        ("EER", percent, {"": "eer"}, rows, changes),
        (f"FNMR at FMR {fmr}", rate, {"": f"fnmr_at_fmr_{fmr}"}, rows, changes),
        (f"FNIR at FPIR {fpir}", rate, galleries, searched, {}),
    ):
        first = next(iter(keys.values()))
        null = {k: one[first] for k, one in raw_means.items() if one[first]["value"] is None}
        shown = {k: one for k, one in sets.items() if k not in null}
        if null:
            some = f" ({', '.join(null)})" if shown else ""
            why = next(iter(null.values())).get("reason", "not defined")
            left_out.append((f"{title} of {VIEW_TITLES[view]}{some}", why))
        change = f"paired differences of {title}{form.unit and ', points of %'} (below 0 is better)"
        for head, of, difference in ((title + form.unit, places, False), (change, differences, True)):
            if shown and of:
                start = f"several frames as one probe, {VIEW_TITLES[view]}: "
                tables.append((start + head, _table(keys, of, shown, form.writer(difference))))
    return tables, left_out


def _column(k: int | None, mean_frames: float) -> str:
    if k is None:
        return f"template_id (mean {mean_frames:.1f})"
    return f"{k} frame" if k == 1 else f"{k} frames"


def _table(
    keys: Mapping[str, str],
    places: Mapping[str, Place],
    sets: Mapping[str, Block],
    write: Callable[[float | None], str],
) -> list[list[str]]:
    """The figures of every place in every set; keys by what is added to the name of a row."""
    table = [["", *sets]]
    for added, key in keys.items():
        for name, place in places.items():
            figures = [reduce(lambda block, part: block[part], (*place, key), one) for one in sets.values()]
            table.append([name + added, *(with_interval(one["value"], one["ci95"], write) for one in figures)])
    return [[ascii_text(cell) for cell in row] for row in table]
