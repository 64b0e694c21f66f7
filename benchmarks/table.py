"""The table that every benchmark of speed prints: a case, ours, the reference, what is compared, and its goal."""

from __future__ import annotations

_ROW = "{:<66} {:>11} {:>11} {:>9} {:>9} {:>7}"
HEADING = _ROW.format("case", "ours", "reference", "figure", "goal", "")


def row(
    case: str,
    ours: str,
    reference: str,
    figure: float,
    unit: str = "x",
    least: float | None = None,
    most: float | None = None,
) -> str:
    """One line.

    Args:
        case: what was measured.
        ours: our seconds or memory, as text.
        reference: the same of what it is compared with, or "".
        figure: what the goal is about, such as a ratio of the two.
        unit: of the figure.
        least: the goal, where high is good.
        most: the goal, where low is good; neither: a figure without a goal.
    """
    goal = f">= {least:g}{unit}" if least is not None else f"<= {most:g}{unit}" if most is not None else ""
    missed = (least is not None and figure < least) or (most is not None and figure > most)
    return _ROW.format(case, ours, reference, f"{figure:.3g}{unit}", goal, "missed" if missed else "")
