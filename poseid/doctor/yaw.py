"""Whether the first angle behaves like yaw: what vectors say about poses.

All of it is measured on the rows of the sample. Turning the head lowers the similarity with the person's frontal
photos; pitch and roll, as they occur in photos, lower it far less. Two photos turned the same way are more alike than
two turned opposite ways. These hold for any recogniser that is not perfect.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import Finding, finding
from poseid.doctor.rows import ranks
from poseid.doctor.scan import Sample
from poseid.features.rows import FRONTAL_LIMIT
from poseid.verification.scores import cosines, same_person

FEWEST_ROWS, FEWEST_PEOPLE = 200, 15
"""With fewer, there is no finding."""

_ORDERS = (("first", "yaw,pitch,roll"), ("second", "pitch,yaw,roll"), ("third", "roll,pitch,yaw"))
_CLEAR_DROP, _CLEAR_RATIO = 0.25, 1.4
_NO_DROP = 0.1
_WIDE = 30.0  # degrees of |angle| that a tenth of the rows must reach before a drop is to be expected
_SIDE_MATTERS, _KNOWN_TO = 0.024, 0.010  # of the side's effect: less is none; and a standard error that can tell
_SURE, _MIRRORED = 1.6, -3.3  # standard errors
_MOST_PAIRS = 400_000
_FEWEST_REPEATED, _SHARE_REPEATED, _TIMES_THE_NEXT = 10, 0.03, 3
_SHIFTS = np.array(sorted(range(-90, 91, 5), key=abs), float)  # degrees; the first of equals is the smallest


class Repeated(NamedTuple):
    """A value that `n` rows have, more than three times as many as the next most frequent one."""

    value: float
    n: int
    next: int


def find_repeated(angle: NDArray[np.floating]) -> Repeated | None:
    """The value that far more rows have than any other, 3 % and ten at least; NaN is none.

    >>> find_repeated(np.append(np.arange(1.0, 21.0), [0.0] * 12))
    Repeated(value=0.0, n=12, next=1)
    """
    values, counts = np.unique(angle[~np.isnan(angle)], return_counts=True)
    if len(values) < 2:
        return None
    n, next = (int(count) for count in np.sort(counts)[:-3:-1])
    if n < max(_FEWEST_REPEATED, _SHARE_REPEATED * counts.sum(), _TIMES_THE_NEXT * next):
        return None
    return Repeated(float(values[counts.argmax()]), n, next)


class Centre(NamedTuple):
    """The value of an angle about which similarity falls evenly to both sides.

    Attributes:
        shift: the value, in steps of 5 degrees.
        fall: rank correlation of similarity with nearness to it.
        fall_from_0: the same with nearness to 0.
    """

    shift: float
    fall: float
    fall_from_0: float


def find_centre(angle: NDArray[np.floating], similarity: NDArray[np.float64]) -> Centre:
    """The centre of an angle, over rows of another value than a repeated one."""
    repeated = find_repeated(angle)
    if repeated is not None:
        angle, similarity = (values[angle != repeated.value] for values in (angle, similarity))
    target = ranks(similarity)
    falls = np.array([-float(ranks(np.abs(angle - shift)) @ target) for shift in _SHIFTS]) / max(len(angle), 1)
    best = int(falls.argmax())
    return Centre(float(_SHIFTS[best]), float(falls[best]), float(falls[0]))


@dataclass(frozen=True, eq=False)
class Drop:
    """How similarity with the person's front rows falls with each angle.

    Attributes:
        similarity: (n,) cosine of a video row with the mean of its person's front rows.
        rows: (n,) numbers of these rows in the folder.
        poses: (n, 3) degrees of these rows.
        people: number of people they are of.
        alone: (3,) rank correlation of similarity with the size of each angle; NaN where the angle never changes.
        joint: (3,) the same, as the coefficients of a regression on all three ranks: what each adds to the others.
    """

    similarity: NDArray[np.float64]
    rows: NDArray[np.int64]
    poses: NDArray[np.float64]
    people: int
    alone: NDArray[np.float64]
    joint: NDArray[np.float64]

    @property
    def enough(self) -> bool:
        return len(self.similarity) >= FEWEST_ROWS and self.people >= FEWEST_PEOPLE

    @property
    def tells(self) -> bool:
        """Whether angles change, and heads are turned widely enough for similarity to fall."""
        wide = self.enough and float(np.quantile(np.abs(self.poses), 0.9, axis=0).max()) >= _WIDE
        return wide and not bool(np.isnan(self.alone).all())

    @property
    def explains_nothing(self) -> bool:
        """Whether similarity falls with no angle, though it should."""
        return self.tells and float(np.nanmax(-self.alone)) < max(_NO_DROP, 3 / math.sqrt(len(self.similarity)))

    @property
    def correlations(self) -> str:
        return ", ".join("–" if math.isnan(value) else f"{value:+.2f}" for value in self.alone.round(2) + 0.0)

    @cached_property
    def likely_yaw(self) -> int:
        """The column that is the yaw, as the similarities have it: 0 unless another clearly fits better."""
        fall = -np.nan_to_num(self.joint)
        column = int(fall.argmax())
        clear = fall[column] >= max(_CLEAR_DROP, _CLEAR_RATIO * fall[0]) and self.alone[column] <= -_CLEAR_DROP
        if not (self.enough and clear):
            return 0
        # a yaw with a shifted zero, or with one value for all unknown poses, has a small drop too
        return column if -self.alone[column] > find_centre(self.poses[:, 0], self.similarity).fall else 0


def find_drop(sample: Sample, poses: NDArray[np.float32]) -> Drop:
    """The fall of genuine similarity with each angle, over video rows of known pose with front rows.

    Args:
        sample: the rows.
        poses: (k, 3) degrees of each row of the sample.
    """
    use, similarity = sample.front_similarity()
    known = ~np.isnan(poses[use]).any(axis=1)
    use, similarity = use[known], similarity[known]
    angles = poses[use].astype(np.float64)
    alone, joint = np.full(3, np.nan), np.full(3, np.nan)
    if len(use) > 3:
        size, target = np.abs(angles), ranks(similarity)
        moving = np.flatnonzero(size.std(axis=0) > 1e-3)
        if moving.size and target.std() > 0:
            size_ranks = np.column_stack([ranks(size[:, column]) for column in moving])
            alone[moving] = size_ranks.T @ target / len(target)
            joint[moving] = np.linalg.lstsq(size_ranks, target, rcond=None)[0]
    return Drop(similarity, sample.rows[use], angles, len(np.unique(sample.person[use])), alone, joint)


def check_order(drop: Drop) -> Iterator[Finding]:
    """The yaw in another column."""
    if column := drop.likely_yaw:
        angle, order = _ORDERS[column]
        spread = ", ".join(f"{value:.1f}" for value in drop.poses.std(axis=0))
        figures = {f"drop_{n + 1}": None if math.isnan(value) else float(value) for n, value in enumerate(drop.alone)}
        yield finding(
            "pose-order",
            "Rank correlation of genuine similarity with the size of the first, second and third angle: "
            f"{drop.correlations} (yaw lowers it most); spread {spread} degrees; n = {len(drop.similarity):,}. All "
            f"other checks read the {angle} angle as yaw.",
            {"column": column + 1, "n": len(drop.similarity), **figures, "angle": angle, "order": order},
        )


def check_meaning(sample: Sample, yaw: NDArray[np.float32], drop: Drop) -> Iterator[Finding]:
    """Poses that do not fit the vectors, and signs of yaw that do not.

    Args:
        sample, drop: what was found.
        yaw: (k,) degrees of each row of the sample.
    """
    if not drop.tells:
        return
    if drop.explains_nothing:
        n = len(drop.similarity)
        yield finding(
            "poses-explain-nothing",
            f"Genuine similarity does not fall with any angle: rank correlations {drop.correlations}, n = {n:,}. "
            "Yaw has −0.7 with photos of a usual recogniser.",
            {"n": n, "largest_drop": float(np.nanmax(-drop.alone))},
        )
        return
    inside = side_effect(sample, yaw)
    if inside is None:
        return
    if inside.error <= _KNOWN_TO and inside.effect + _SURE * inside.error < _SIDE_MATTERS:
        yield finding(
            "yaw-sign",
            "Two photos of a person turned the same way are as alike as two turned opposite ways: the difference is "
            f"{inside.effect:+.3f} ± {inside.error:.3f} in cosine (n = {inside.n:,} pairs); other folders have 0.04 or "
            "more. This is expected where a vector is the mean of a photo and its mirror image.",
            inside._asdict(),
        )
        return
    across = cross_effect(sample, yaw)
    if across is not None and across.effect <= _MIRRORED * across.error and inside.effect >= 2 * inside.error:
        yield finding(
            "mirrored-yaw",
            "A front row turned a little to one side is more like video rows turned to the other side: "
            f"{1000 * across.effect:+.2f} ± {1000 * across.error:.2f} thousandths of cosine a degree "
            f"(n = {across.n:,} pairs).",
            across._asdict(),
        )


class Effect(NamedTuple):
    """A slope with its standard error, clustered by person, over n pairs."""

    effect: float
    error: float
    n: int


def side_effect(sample: Sample, yaw: NDArray[np.float32]) -> Effect | None:
    """How much more alike two turned photos of a person are when turned the same way, in cosine.

    Pairs of video rows that are not frontal; how far each is turned, in steps of 10 degrees, and the first row's person
    are fixed effects. None with fewer than `FEWEST_ROWS` pairs.
    """
    turned = np.flatnonzero(~sample.front & (np.abs(yaw) > FRONTAL_LIMIT))
    a, b = _genuine_pairs(sample, turned, turned)
    a, b = a[a < b], b[a < b]
    step = np.minimum(np.abs(np.nan_to_num(yaw)) // 10, 18).astype(np.int64)
    cell = np.minimum(step[a], step[b]) * 19 + np.maximum(step[a], step[b])
    same = np.sign(yaw[a] * yaw[b]).astype(np.float64) / 2
    return _effect(sample, a, b, same, (cell, sample.person[a]))


def cross_effect(sample: Sample, yaw: NDArray[np.float32]) -> Effect | None:
    """How much similarity a degree of a front row's yaw gains with video rows turned to its side.

    Genuine pairs with video rows that are not frontal; the front row and how far the video row is turned, in steps of 5
    degrees, are fixed effects.
    """
    known = np.flatnonzero(sample.front & ~np.isnan(yaw))
    turned = np.flatnonzero(~sample.front & (np.abs(yaw) > FRONTAL_LIMIT))
    a, b = _genuine_pairs(sample, known, turned)
    step = np.minimum(np.abs(yaw[b]) // 5, 36).astype(np.int64)
    gain = np.sign(yaw[b]) * np.clip(yaw[a], -45, 45).astype(np.float64)
    return _effect(sample, a, b, gain, (a, step))


def _genuine_pairs(
    sample: Sample, left: NDArray[np.intp], right: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of a left and a right row of one person; of very many, an even share."""
    a, b = same_person(sample.person[left], sample.person[right])
    step = len(a) // _MOST_PAIRS + 1
    return left[a[::step]], right[b[::step]]


def _effect(
    sample: Sample,
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    cause: NDArray[np.float64],
    groups: tuple[NDArray[np.integer], NDArray[np.integer]],
) -> Effect | None:
    """Least squares of the cosines of pairs of one person on the cause, with fixed effects of both groupings.

    None with too few pairs or people, or where the groups leave nothing of the cause.
    """
    people, person = np.unique(sample.person[a], return_inverse=True)
    if len(a) < FEWEST_ROWS or len(people) < FEWEST_PEOPLE:
        return None
    cosine = cosines(sample.unit, sample.unit, a, b)
    codes = [np.unique(group, return_inverse=True)[1] for group in groups]
    for _ in range(5):  # the means of both groupings are subtracted by turns, until little changes
        for code in codes:
            cause, cosine = (v - (np.bincount(code, v) / np.bincount(code))[code] for v in (cause, cosine))
    weight = float(cause @ cause)
    if weight < 1e-3 * len(cause):
        return None
    slope = float(cause @ cosine) / weight
    scores = np.bincount(person, cause * (cosine - slope * cause))
    return Effect(slope, math.sqrt(float(scores @ scores)) / weight, len(cause))
