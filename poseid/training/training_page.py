"""report/training.html: the curves of a training for the browser, from the files that every run leaves."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from poseid.atomic import write_text
from poseid.enhancers.saving import read_checkpoint
from poseid.reports.chart import Curve, chart
from poseid.reports.html import render
from poseid.training.metric_names import ALL
from poseid.training.panels import SECTIONS, Panel

PAGE = "training.html"
OTHERS = ("enh", "third", "fourth", "fifth", "sixth")
"""The styles of curves that stand for nothing but themselves."""


@dataclass(frozen=True)
class Curves:
    """What a run logged over its epochs.

    Args:
        epochs: finished epochs at each point.
        values: a list as long as ``epochs`` for each metric; NaN where there is none.
        selected: finished epochs of the selected checkpoint, 0 for the state before training; None without one.
    """

    epochs: list[int]
    values: dict[str, list[float]]
    selected: int | None


def write_training_page(run_dir: Path, ships: str | None) -> Path | None:
    """Writes ``report/training.html`` of a run; returns its path, or None where no epoch has been logged.

    Args:
        run_dir: of the run.
        ships: what its report says of how much of the correction ships, or None.
    """
    curves = read_curves(run_dir)
    if curves is None:
        return None
    path = run_dir / "report" / PAGE
    path.parent.mkdir(exist_ok=True)
    write_text(path, training_page(run_dir.name, curves, ships))
    return path


def read_curves(run_dir: Path) -> Curves | None:
    """The rows of ``metrics.csv``, led by the figures before training in ``best.ckpt``; None without rows."""
    metrics, best = run_dir / "metrics.csv", run_dir / "checkpoints" / "best.ckpt"
    rows: Sequence[Mapping[str, str]] = []
    if metrics.is_file():
        with metrics.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
    if not rows:
        return None
    state = read_checkpoint(best)["callbacks"]["BestCheckpoint"] if best.is_file() else {}
    initial = state.get("initial", {})
    first = int(rows[0]["epoch"])
    epochs = [first, *(int(row["epoch"]) + 1 for row in rows)]
    values = {name: [initial.get(name, math.nan), *(float(row.get(name) or math.nan) for row in rows)] for name in ALL}
    return Curves(epochs, values, state.get("epochs"))


def training_page(name: str, curves: Curves, ships: str | None) -> str:
    """The page as HTML: a section of pictures for each of ``panels.SECTIONS``."""
    scores = curves.values["val/selection"]
    selected = curves.selected if curves.selected in curves.epochs else None
    context = {
        "name": name,
        "ships": ships,
        "finished": curves.epochs[-1],
        "selected": selected,
        "before_training": selected == curves.epochs[0],
        "score": None if selected is None else scores[curves.epochs.index(selected)],
        "first_score": scores[0],
        "sections": [(one, [_picture(panel, curves) for panel in one.panels]) for one in SECTIONS],
    }
    return render("training.html", context)


def _picture(panel: Panel, curves: Curves) -> Markup:
    others = iter(OTHERS)
    drawn = [Curve(name, _style(metric, name) or next(others), curves.values[metric]) for metric, name in panel.curves]
    return chart(panel.title, panel.note, curves.epochs, drawn, curves.selected)


def _style(metric: str, name: str) -> str | None:
    """The style that a meaning has in every picture: what is learnt from, and what the raw vectors score."""
    return "seen" if metric.startswith("train/") else "raw" if "raw" in name else None
