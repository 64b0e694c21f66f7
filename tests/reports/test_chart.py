"""Curves over the epochs as SVG."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from poseid.reports.chart import Curve, chart


def test_a_chart_puts_its_points_where_the_axis_says() -> None:
    drawn = chart("T", "n", [0, 1, 2], [Curve("c", "enh", [0.0, 5.0, 10.0])], mark=1)
    points = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn)]
    grid = [float(y) for y in re.findall(r'class="grid" d="M\d+ ([\d.]+)H', drawn)]
    assert points[0][1] == max(grid)  # 0 is the lowest line of the grid, 10 the highest
    assert points[2][1] == min(grid)
    assert points[1][1] == pytest.approx((points[0][1] + points[2][1]) / 2)
    assert points[1][0] == pytest.approx((points[0][0] + points[2][0]) / 2)
    (mark,) = re.findall(r'class="mark" d="M([\d.]+) ', drawn)
    assert float(mark) == points[1][0]


def test_a_chart_with_gaps_constants_and_one_epoch() -> None:
    gaps = chart("T", "n", [0, 1, 2, 3], [Curve("c", "enh", [1.0, math.nan, 2.0, 3.0])], mark=None)
    (path,) = re.findall(r'class="curve enh" d="([^"]+)"', gaps)
    assert (path.count("M"), path.count("L")) == (2, 1)
    assert "mark" not in gaps
    for values in ([0.0], [0.995983960, 0.995983961, 0.995983962], [-2.0, -2.0], [1e-9]):
        drawn = chart("T", "n", range(3, 3 + len(values)), [Curve("c", "enh", values)], mark=None)
        heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', drawn)]
        assert heights
        assert all(8 < height < 210 for height in heights)
    flat = chart("T", "n", [0, 1], [Curve("c", "enh", [0.9, 0.9 + 2e-9])], None)
    assert max(map(len, re.findall(r'text-anchor="end">([^<]+)<', flat))) <= 8  # more do not fit beside the picture


def test_labels_of_an_axis_are_the_places_of_its_lines() -> None:
    drawn = chart("T", "n", [0, 1], [Curve("c", "enh", [1.0, 1.12])], mark=None)
    labels = [float(text) for text in re.findall(r'text-anchor="end">([^<]+)<', drawn)]
    steps = {round(b - a, 6) for a, b in itertools.pairwise(labels)}
    assert len(labels) > 3
    assert len(steps) == 1
