"""The files of a report, each written atomically."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from poseid.atomic import json_text, write_bytes, write_text
from poseid.verification.result import Evaluation


def write_report(summary: dict[str, Any], evaluation: Evaluation, directory: Path) -> None:
    """Writes all files of a report into a directory, made if missing.

    ``summary.json`` (no NaN: what is not known is null), ``report.html`` (one file: no script, no network, images
    inside), ``diagnosis.png``, ``det.png``, ``scores.png`` and ``heatmap.png``; where rows are pooled
    ``templates.png``.

    Args:
        summary: the contents of ``summary.json``.
        evaluation: what the page and the figures show; ``summary`` holds its block.
        directory: the ``report`` directory.
    """
    # the numbers first: they are what a long run must not lose
    directory.mkdir(parents=True, exist_ok=True)
    write_text(directory / "summary.json", json_text(summary))
    # a second of matplotlib is spared whoever wants the summary alone
    from poseid.reports.evaluation_page import page
    from poseid.reports.figures import draw_all

    figures = draw_all(evaluation)
    for name, drawn in figures.items():
        write_bytes(directory / name, drawn.png)
    write_text(directory / "report.html", page(summary, evaluation.block, figures))
