"""The spread over the folds of a cross-validation, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poseid.reports.format import aligned_within, ascii_text, fixed, points, times, with_interval

PEOPLE = {"evaluation": "evaluated", "cross_validation": "out-of-fold test"}
"""How the people of a block of the summary are called; others by the block's name."""
HEAD = ("fold", "people", "verdict", "FNMR at FMR, or EER, %", "change, points", "FMR, times raw's")


def folds_rows(folds: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row a fold, under `HEAD`; nothing where no fold was evaluated on its test people.

    Args:
        folds: the entries of ``summary.json``.
    """
    return [_row(fold) for fold in folds] if folds and "verdict" in folds[0] else []


def _row(fold: dict[str, Any]) -> tuple[str, ...]:
    at, rate, at_raw = fold["fmr"], fold["fnmr_at_fmr"], fold["raw_threshold"]
    if rate is None:
        at, rate = "EER", fold["eer"]
    return (
        fold["name"].removeprefix("fold ").removeprefix("folds ").removesuffix(" of pairs.csv"),
        str(fold["people"]),
        fold["verdict"],
        "–" if rate is None else f"{at}: {fixed(100 * rate['raw'], 2)} → {fixed(100 * rate['enhanced'], 2)}",
        "–" if rate is None else with_interval(rate["difference"], rate["difference_ci95"], points),
        "–" if at_raw is None else with_interval(at_raw["fmr_ratio"], at_raw["fmr_ratio_ci95"], times),
    )


def folds_text(summary: dict[str, Any]) -> str:
    """The rows as lines, and how the model that ships follows from the folds."""
    rows = [[ascii_text(cell) for cell in row] for row in folds_rows(summary["folds"])]
    lines = ["", "the folds:", *aligned_within([HEAD, *rows])] if rows else [""]
    return "\n".join([*lines, f"{summary['judged_by']}."])
