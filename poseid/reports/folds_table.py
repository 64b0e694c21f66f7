"""The spread over the folds of a cross-validation, for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from poseid.reports.format import aligned, ascii_text, percent, points, signed, times, with_interval

PEOPLE = {"evaluation": "evaluated", "cross_validation": "out-of-fold test"}
"""How the people of a block of the summary are called; others by the block's name."""
HEAD = ("fold", "people", "verdict", "EER", "FNMR at FMR", "change, points", "FMR, times raw's", "improvement")


def folds_rows(folds: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row a fold, under `HEAD`; nothing where no fold was evaluated on its test people.

    Args:
        folds: the entries of ``summary.json``.
    """
    return [_row(fold) for fold in folds] if folds and "verdict" in folds[0] else []


def _row(fold: dict[str, Any]) -> tuple[str, ...]:
    eer, fnmr, fixed = fold["eer"], fold["fnmr_at_fmr"], fold["raw_threshold"]
    improvement = fold["improvement"]["mean"]
    return (
        fold["name"].removeprefix("fold ").removeprefix("folds ").removesuffix(" of pairs.csv"),
        str(fold["people"]),
        fold["verdict"],
        "–" if eer is None else f"{percent(eer['raw'], 2)} → {percent(eer['enhanced'], 2)}",
        "–" if fnmr is None else f"{fold['fmr']}: {percent(fnmr['raw'], 2)} → {percent(fnmr['enhanced'], 2)}",
        "–" if fnmr is None else with_interval(fnmr["difference"], fnmr["difference_ci95"], points),
        "–" if fixed is None else with_interval(fixed["fmr_ratio"], fixed["fmr_ratio_ci95"], times),
        "–" if improvement is None else signed(improvement),
    )


def folds_text(summary: dict[str, Any]) -> str:
    """The rows as lines, and how the model that ships follows from the folds."""
    rows = [[ascii_text(cell) for cell in row] for row in folds_rows(summary["folds"])]
    lines = ["", "the folds:", *aligned([HEAD, *rows])] if rows else [""]
    return "\n".join([*lines, f"{summary['judged_by']}."])
