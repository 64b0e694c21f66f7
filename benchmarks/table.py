"""The table that every benchmark of speed prints: a case, ours, the reference, what is compared, and its goal."""

from __future__ import annotations

_ROW = "{:<78} {:>11} {:>11} {:>10} {:>12} {:>7}"
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
    met = not (least is not None and not figure >= least) and not (most is not None and not figure <= most)
    shown = f"{figure:.0f}" if abs(figure) >= 100 else f"{figure:.2f}"
    return _ROW.format(case, ours, reference, f"{shown}{unit}", goal, "" if met else "missed")
