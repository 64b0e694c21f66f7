"""What stands in for a figure that is not rendered (see conftest.py)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from matplotlib.axes import Axes

from poseid.reports.sheet import sheet


@pytest.mark.parametrize(
    "draw",
    [
        lambda axes, value: axes.plot([0, value]),
        lambda axes, value: axes.scatter([0], [value]),
        lambda axes, value: axes.fill_between([0, 1], [0, value]),
        lambda axes, value: axes.stairs([1, value]),
        lambda axes, value: axes.imshow([[0, value]]),
        lambda axes, value: axes.text(0.5, 0.5, str(value)),
    ],
    ids=["line", "points", "band", "histogram", "image", "text"],
)
def test_figures_of_other_data_are_other_bytes(draw: Callable[[Axes, float], object]) -> None:
    found = set()
    for value in (1, 2, 2):
        figure = sheet(1, 1)
        draw(figure.tile("title", "note"), value)
        found.add(figure.drawn().png)
    assert len(found) == 2
