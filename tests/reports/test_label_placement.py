"""Labels beside the points of a figure."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from poseid.reports.label_placement import Box, Label, leader_end, place_labels


def overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("seed", range(4))
def test_labels_cover_nothing_and_stay_inside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [(x, y) for x, y in rng.uniform(20, 380, size=(25, 2)).tolist()]
    points.append(points[0])  # two settings with the same figures
    labels = [Label(point, ((90.0, 20.0), (20.0, 8.0)), 45.0) for point in points]
    area, taken = (0.0, 0.0, 400.0, 400.0), (300.0, 360.0, 400.0, 400.0)
    placed = place_labels(labels, area, 4, [taken])
    assert placed == place_labels(labels, area, 4, [taken])
    found = [(label, place[1]) for label, place in zip(labels, placed, strict=True) if place is not None]
    assert len(found) > 20
    assert all(0 <= left < right <= 400 and 0 <= low < top <= 400 for _, (left, low, right, top) in found)
    assert not [pair for pair in itertools.combinations([box for _, box in found] + [taken], 2) if overlap(*pair)]
    assert not [box for _, box in found for x, y in points if overlap(box, (x - 4, y - 4, x + 4, y + 4))]
    for label, box in found:
        middle = tuple((np.array(label.point) + leader_end(label.point, box)) / 2)
        assert not [other for _, other in found if overlap(other, (*middle, *middle))]
