"""The tables of pooled probes of `poseid compare`: a column for each number of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from poseid.reports.format import METRIC_FORMATS, MetricFormat, ascii_text, with_interval
from poseid.reports.template_table import POOLING_TITLES, VIEW_TITLES, common_fmr
from poseid.verification.operating_points import POINTS
from poseid.verification.template_result import GALLERIES

Block = dict[str, Any]
Place = tuple[str, ...]
"""The keys to figures within a set of ``frames``."""

_GALLERIES = dict(zip(GALLERIES, ("one frontal reference a person", "all references of a person, pooled"), strict=True))
_RAW = {name.removeprefix("raw_"): title for name, title in POOLING_TITLES.items() if name.startswith("raw")}


def template_tables(report: Block) -> list[tuple[str, list[list[str]]]]:
    """Title and rows (the first is the head) of each table; empty where nothing is pooled."""
    return [table for view in VIEW_TITLES for table in _tables_of(view, report)]


def _tables_of(view: str, report: Block) -> list[tuple[str, list[list[str]]]]:
    pooled = [(entry["k"], entry["sets"][view]) for entry in report["frames"] if view in entry["sets"]]
    pooled = [(k, one) for k, one in pooled if one["raw"]]
    if not pooled:
        return []
    columns = [_column(k, one["mean_frames"]) for k, one in pooled]
    sets = [one for _, one in pooled]
    start = f"several frames as one probe, {VIEW_TITLES[view]}: "
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
    out = []
    fmr = common_fmr(
        [{f: one["raw"]["mean"][f"fnmr_at_fmr_{f}"]["value"] for f in POINTS} for one in sets],
    )
    figures = [("eer", "EER", METRIC_FORMATS["percent"])]
    if fmr is not None:
        figures.append((f"fnmr_at_fmr_{fmr}", f"FNMR at FMR {fmr}", METRIC_FORMATS["rate"]))
    for key, title, form in figures:
        out.append((f"{start}{title}{form.unit}", _table(rows, columns, sets, key, form)))
        head = f"{start}paired differences of {title}{form.unit and ', points of %'} (below 0 is better)"
        if changes:
            out.append((head, _table(changes, columns, sets, key, form, difference=True)))
    searched: dict[str, Place] = {"raw mean": ("raw", "mean")} | {
        f"{name}, weighted": ("models", name, "weighted") for name in names
    }
    strictest, other = (f"fnir_at_fpir_{fpir}_" for fpir in ("1e-2", "1e-1"))
    known = all(one["raw"]["mean"][strictest + GALLERIES[0]]["value"] is not None for one in sets)
    table = [["", *columns]]
    for gallery, said in _GALLERIES.items():
        places = {f"{who}; {said}": place for who, place in searched.items()}
        table += _table(places, columns, sets, (strictest if known else other) + gallery, METRIC_FORMATS["rate"])[1:]
    return [*out, (f"{start}FNIR at FPIR {'1e-2' if known else '1e-1'}", table)]


def _column(k: int | None, mean_frames: float) -> str:
    if k is None:
        return f"template_id (mean {mean_frames:.1f})"
    return f"{k} frame" if k == 1 else f"{k} frames"


def _table(
    rows: Mapping[str, Place],
    columns: list[str],
    sets: list[Block],
    key: str,
    form: MetricFormat,
    difference: bool = False,
) -> list[list[str]]:
    """One figure of every row in every set."""
    write = form.writer(difference)
    table = [["", *columns]]
    for title, place in rows.items():
        cells = [title]
        for one in sets:
            figures = one
            for part in place:
                figures = figures[part]
            cells.append(with_interval(figures[key]["value"], figures[key]["ci95"], write))
        table.append([ascii_text(cell) for cell in cells])
    return table
