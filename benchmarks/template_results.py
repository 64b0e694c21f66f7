"""Several frames as one probe: tables and a figure of comparisons by `poseid compare --frames`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from poseid.reports.compare_table import markdown_table
from poseid.reports.format import count
from poseid.reports.sheet import sheet
from poseid.reports.template_compare_table import template_tables
from poseid.reports.template_figure import Point, template_tile
from poseid.reports.template_table import SHOWN, common_fmr
from poseid.verification.operating_points import POINTS

FRAMES = "1,2,4,8"


def template_text(compared: Path, names: dict[str, str]) -> str:
    """The tables of pooled probes of a comparison as Markdown, without those of the EER's differences.

    compared  the directory that `poseid compare` wrote
    names     what the models are called in the tables
    """
    report = _report(compared, names)
    tables = [(title, rows) for title, rows in template_tables(report)[0] if "differences of EER" not in title]
    lines = [f"`{report['data']}`, {report['people']} people, {report['evaluated_people']}:"]
    for title, rows in tables:
        lines += ["", *markdown_table(title, rows)]
    return "\n".join(lines)


def template_picture(compared: list[Path], model: str, names: dict[str, str], file: Path) -> None:
    """FNMR over the number of profile frames, a tile a comparison.

    model  the one whose poolings are shown beside raw's
    """
    out = sheet(1, len(compared))
    for directory in compared:
        report = _report(directory, names)
        sets = [(entry["k"], entry["sets"]["profile"]) for entry in report["frames"] if "profile" in entry["sets"]]
        sets = [(k, one) for k, one in sets if k is not None and one["raw"]]
        fmr = common_fmr([{f: one["raw"]["mean"][f"fnmr_at_fmr_{f}"]["value"] for f in POINTS} for _, one in sets])
        assert fmr is not None
        lines = {}
        for pooling in SHOWN:
            form, kind = pooling.split("_", 1)
            forms = [one["raw"] if form == "raw" else one["models"][model] for _, one in sets]
            figures = [one[kind][f"fnmr_at_fmr_{fmr}"] for one in forms]
            lines[pooling] = [Point(rate["value"], rate["ci95"]) for rate in figures]
        note = f"profile frames, {count(report['people'])} people"
        template_tile(out, report["data"], note, [str(k) for k, _ in sets], lines, fmr)
    file.write_bytes(out.drawn().png)


def _report(compared: Path, names: dict[str, str]) -> dict[str, Any]:
    """compare.json with other names of models."""
    text = (compared / "compare.json").read_text(encoding="utf-8")
    for old, new in names.items():
        text = text.replace(json.dumps(old), json.dumps(new))
    report: dict[str, Any] = json.loads(text)
    return report
