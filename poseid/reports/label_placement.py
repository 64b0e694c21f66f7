"""Labels beside the points of a figure: none covers another one, a point, or runs outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""
Placed = tuple[int, Box] | None
"""Which of its sizes a label has, and its box; None where there is no room for any."""

_GAPS = (0.5, 1.5, 3.0, 5.0, 7.5, 10.0, 13.0, 16.0, 20.0, 24.0, 29.0, 34.0, 40.0)
"""Between a point and its label, in radii of a point; the nearest is tried first."""
_TURNS = (0, 22, -22, 45, -45, 67, -67, 90, -90, 112, -112, 135, -135, 158, -158, 180)
"""Degrees from the direction that is wanted."""
_FAR = 3.0
_FAR_TURNS = (0, 12, -12, 25, -25, 65, -65, 78, -78, 90, -90, 102, -102, 115, -115, 155, -155, 168, -168, 180)
"""Beyond the gap `_FAR` a leader along an axis, 45 degrees from a diagonal, could be taken for a line of the grid."""
_STEP, _BREADTH, _BEGIN = 0.7, 0.4, 1.2
"""In radii of a point: between two checked points of a leader, what stays free around them, and how far from its own
point a leader begins to count."""
_ORDERS: tuple[Callable[[Point], float], ...] = (lambda _: 0.0, lambda p: -p[1], lambda p: p[1], lambda p: -p[0])
"""In which labels are placed: as given, from the top, from the bottom, from the right."""


@dataclass(frozen=True)
class Label:
    """A label that is to be placed.

    Args:
        point: what it belongs to, (x, y).
        sizes: (width, height); where there is no room for the first one, the next is tried.
        wanted: the direction from the point that is tried first, in degrees; 0 is right, 90 up.
    """

    point: Point
    sizes: tuple[tuple[float, float], ...]
    wanted: float


def place_labels(labels: Sequence[Label], area: Box, radius: float, obstacles: Sequence[Box] = ()) -> list[Placed]:
    """The nearest free box for each label.

    They are placed one after another, in a few orders, of which the one with the most first sizes counts. A leader,
    the straight line from a point to its box, crosses no other box, point or leader.

    Args:
        labels: in the order of the result.
        area: where they may stand.
        radius: of a point; no label covers a point.
        obstacles: other boxes that are not to be covered.

    >>> place_labels([Label((5, 5), ((40, 2), (4, 2)), 0)], (0, 0, 20, 10), 1)
    [(1, (6.5, 4.0, 10.5, 6.0))]
    """
    points = np.array([label.point for label in labels], dtype=np.float64).reshape(-1, 2)
    occupied = np.vstack([_around(points, radius), np.array(obstacles, dtype=np.float64).reshape(-1, 4)])
    results = []
    for order in _ORDERS:
        placed: list[Placed] = [None] * len(labels)
        taken = occupied
        for n in sorted(range(len(labels)), key=lambda n: order(labels[n].point)):
            placed[n] = found = _nearest_free(labels[n], area, radius, taken)
            if found is not None:
                leader = _around(_leader(labels[n].point, found[1], radius), _BREADTH * radius)
                taken = np.vstack([taken, [found[1]], leader])
        results.append(placed)
        if _missed(placed) == 0:
            break
    return min(results, key=_missed)


def leader_end(point: Point, box: Box) -> Point:
    """Where the leader of a point meets its box: the nearest point of the box."""
    return (min(max(point[0], box[0]), box[2]), min(max(point[1], box[1]), box[3]))


def _missed(placed: Sequence[Placed]) -> int:
    """How far a result is from every label in its first size."""
    return sum(len(placed) if each is None else each[0] for each in placed)


def _nearest_free(label: Label, area: Box, radius: float, occupied: NDArray[np.float64]) -> Placed:
    for n, size in enumerate(label.sizes):
        for box in _candidates(label, size, radius):
            inside = box[0] >= area[0] and box[1] >= area[1] and box[2] <= area[2] and box[3] <= area[3]
            if not inside or _overlap(np.array([box]), occupied):
                continue
            if not _overlap(_around(_leader(label.point, box, radius), 0.0), occupied):
                return n, box
    return None


def _candidates(label: Label, size: tuple[float, float], radius: float) -> Iterator[Box]:
    for gap in _GAPS:
        for turn in _FAR_TURNS if gap >= _FAR else _TURNS:
            angle = np.deg2rad(label.wanted + turn)
            across, up = float(np.cos(angle)), float(np.sin(angle))
            reach = (1 + gap) * radius
            # towards a side, the middle of that side is next to the point; towards a corner, the corner
            x = label.point[0] + reach * across + size[0] / 2 * min(max(1.5 * across, -1), 1)
            y = label.point[1] + reach * up + size[1] / 2 * min(max(1.5 * up, -1), 1)
            yield (x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)


def _around(points: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """(n, 4) boxes with these points in their middle."""
    return np.hstack([points - radius, points + radius])


def _overlap(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    """Whether any two share more than an edge. A box without a size is a point."""
    a, b = boxes[:, None], others[None]
    return bool(np.all((a[..., :2] < b[..., 2:]) & (b[..., :2] < a[..., 2:]), axis=2).any())


def _leader(point: Point, box: Box, radius: float) -> NDArray[np.float64]:
    """(n, 2) points along the leader, up to the box."""
    start, end = np.array(point, dtype=np.float64), np.array(leader_end(point, box))
    steps = 2 + int(np.hypot(*(end - start)) / (_STEP * radius))
    along = start + np.linspace(0, 1, steps)[:, None] * (end - start)
    return np.asarray(along[np.abs(along - start).max(axis=1) > _BEGIN * radius])
