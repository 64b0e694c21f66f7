"""Whether the first angle behaves like yaw: what vectors say about poses.

All of it looks at the rows of the sample. Turning the head takes similarity with the person's frontal photos away;
pitch and roll, as they occur in photos, take far less. Two photos turned the same way are more alike than two turned
opposite ways. These hold for any recogniser that is not perfect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import WARNING, Finding
from poseid.doctor.reading import FileRows, Folder
from poseid.doctor.scan import Sample, SampleRows

COLUMNS = ("yaw", "pitch", "roll")
ORDERS = {1: "pitch,yaw,roll", 2: "roll,pitch,yaw"}
"""What a folder holds whose second or third angle is the yaw."""

FEWEST_ROWS, FEWEST_PEOPLE = 200, 15
"""Fewer and nothing is said."""

_CLEAR_DROP, _TIMES = 0.25, 1.4
_NO_DROP = 0.1
_WIDE = 30.0  # degrees of |angle| that a tenth of the rows must reach before a drop is to be expected
_TURNED = 20.0
_SIDE_MATTERS, _KNOWN_TO = 0.024, 0.010  # of the side's effect: less is none; and a standard error that can tell
_SURE, _MIRRORED = 1.6, -3.3  # standard errors
_MOST_PAIRS = 400_000


@dataclass(frozen=True, eq=False)
class Drop:
    """How similarity with the person's front rows falls with each angle.

    Attributes:
        similarity: (n,) cosine of a video row with the mean of its person's front rows.
        poses: (n, 3) degrees of these rows.
        people: number of people they are of.
        alone: (3,) rank correlation of similarity with the size of each angle; −1 is a clean fall, NaN: the angle never
            changes.
        joint: (3,) the same, as the coefficients of a regression on all three ranks: what each adds to the others.
    """

    similarity: NDArray[np.float64]
    poses: NDArray[np.float64]
    people: int
    alone: NDArray[np.float64]
    joint: NDArray[np.float64]

    @property
    def enough(self) -> bool:
        return len(self.similarity) >= FEWEST_ROWS and self.people >= FEWEST_PEOPLE


def find_drop(sample: Sample) -> Drop:
    """The fall of genuine similarity with each angle, over video rows of known pose with front rows."""
    front, video = sample.front, sample.video
    people = int(max(front.person.max(initial=-1), video.person.max(initial=-1))) + 1
    order = np.argsort(front.person, kind="stable")
    there, first = np.unique(front.person[order], return_index=True)
    centre = np.zeros((people, video.unit.shape[1]), np.float32)
    if len(there):
        centre[there] = np.add.reduceat(front.unit[order], first, axis=0)
    centre /= np.maximum(np.linalg.norm(centre, axis=1, keepdims=True), 1e-12)
    use = np.isin(video.person, there) & ~np.isnan(video.poses).any(axis=1)
    similarity = np.einsum("ij,ij->i", video.unit[use], centre[video.person[use]]).astype(np.float64)
    poses = video.poses[use].astype(np.float64)
    alone, joint = np.full(3, np.nan), np.full(3, np.nan)
    if len(similarity) > 3:
        size = np.abs(poses)
        moving = np.flatnonzero(size.std(axis=0) > 1e-3)
        ranks = np.column_stack([_ranks(size[:, column]) for column in moving]) if moving.size else np.empty((0, 0))
        target = _ranks(similarity)
        if moving.size and target.std() > 0:
            alone[moving] = ranks.T @ target / len(target)
            joint[moving] = np.linalg.lstsq(ranks, target, rcond=None)[0]
    return Drop(similarity, poses, len(np.unique(video.person[use])), alone, joint)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks of mean 0 and variance 1; ties share theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count + 1) / 2
    ranks: NDArray[np.float64] = rank[place] - rank[place].mean()
    return ranks / max(float(ranks.std()), 1e-12)


def likely_yaw(drop: Drop) -> int:
    """The column that is the yaw, as the similarities have it: 0 unless another clearly fits better."""
    if not drop.enough:
        return 0
    fall = -np.nan_to_num(drop.joint)
    column = int(fall.argmax())
    clear = fall[column] >= _CLEAR_DROP and fall[column] >= _TIMES * fall[0] and drop.alone[column] <= -_CLEAR_DROP
    return column if clear else 0


def with_yaw_first(folder: Folder, column: int) -> Folder:
    """The folder with this column and the first exchanged."""
    order = [column if place == 0 else 0 if place == column else place for place in range(3)]

    def change(file: FileRows) -> NDArray[np.float32]:
        return file.poses[:, order]

    return folder.with_poses(change)


def check_order(drop: Drop, column: int) -> list[Finding]:
    """The yaw in another column."""
    if column == 0:
        return []
    spread = drop.poses.std(axis=0)
    names = ("first", "second", "third")
    return [
        Finding(
            "pose-order",
            WARNING,
            f"The {names[column]} angle looks like yaw: is this {ORDERS[column].replace(',', ', ')}?",
            "Rank correlation of genuine similarity with the size of the first, second and third angle: "
            + _correlations(drop)
            + " (yaw takes most away); spread "
            + ", ".join(f"{value:.1f}" for value in spread)
            + f" degrees; n = {len(drop.similarity):,}. What follows takes the {names[column]} angle for the yaw.",
            f"Write poses as [yaw, pitch, roll], or make the folder again with poseid import … --pose-order "
            f"{ORDERS[column]}.",
            {"column": column + 1, "n": len(drop.similarity)}
            | {f"drop_{n + 1}": None if math.isnan(v) else float(v) for n, v in enumerate(drop.alone)},
        )
    ]


def _correlations(drop: Drop) -> str:
    return ", ".join("–" if math.isnan(value) else f"{value:+.2f}" for value in drop.alone.round(2) + 0.0)


def check_meaning(sample: Sample, drop: Drop) -> list[Finding]:
    """Poses that have nothing to do with the vectors, and signs of yaw that have not.

    Args:
        sample, drop: with the yaw in the first column.
    """
    if not drop.enough or float(np.quantile(np.abs(drop.poses), 0.9, axis=0).max()) < _WIDE:
        return []
    n = len(drop.similarity)
    if float(np.nanmax(-drop.alone)) < max(_NO_DROP, 3 / math.sqrt(n)):
        return [
            Finding(
                "poses-explain-nothing",
                WARNING,
                "Poses have nothing to do with the vectors",
                f"Genuine similarity does not fall with any angle: rank correlations {_correlations(drop)}, n = {n:,}. "
                "Yaw has −0.7 with photos of a usual recogniser.",
                "Are the poses in the order of the rows? Sorting one list and not the other, or a failed join, does "
                "this. If they are right, this recogniser loses nothing when a head turns, and needs no enhancer.",
                {"n": n, "largest_drop": float(np.nanmax(-drop.alone))},
            )
        ]
    return _signs(sample)


def _signs(sample: Sample) -> list[Finding]:
    inside = side_effect(sample.video)
    if inside is None:
        return []
    if inside.error <= _KNOWN_TO and inside.effect + _SURE * inside.error < _SIDE_MATTERS:
        return [
            Finding(
                "yaw-sign",
                WARNING,
                "The sign of yaw says nothing",
                f"Two photos of a person turned the same way are as alike as two turned opposite ways: the difference "
                f"is {inside.effect:+.3f} ± {inside.error:.3f} in cosine (n = {inside.n:,} pairs); other folders have "
                "0.04 or more.",
                "Do left and right turns have opposite signs in all rows, also after mirroring photos and joining "
                "sources? If vectors are means of a photo and its mirror image, this is as it must be.",
                {"effect": inside.effect, "error": inside.error, "n": inside.n},
            )
        ]
    across = cross_effect(sample)
    if across is None or across.effect > _MIRRORED * across.error or inside.effect < 2 * inside.error:
        return []
    return [
        Finding(
            "mirrored-yaw",
            WARNING,
            "Yaw has opposite signs in the two files",
            "A front row turned a little to one side is more like video rows turned to the other side: "
            f"{1000 * across.effect:+.2f} ± {1000 * across.error:.2f} thousandths of cosine a degree "
            f"(n = {across.n:,} pairs).",
            "Change the sign of yaw in one of the files. Which side is positive does not matter.",
            {"effect": across.effect, "error": across.error, "n": across.n},
        )
    ]


@dataclass(frozen=True)
class Effect:
    """A slope with its standard error, which takes the comparisons of one person for dependent."""

    effect: float
    error: float
    n: int


def side_effect(video: SampleRows) -> Effect | None:
    """How much more alike two turned photos of a person are when turned the same way, in cosine.

    Pairs of video rows of |yaw| > 20; how far each is turned, in steps of 10 degrees, and the first row's person are
    taken out. None with fewer than `FEWEST_ROWS` pairs.
    """
    turned = np.flatnonzero(np.abs(video.yaw) > _TURNED)
    a, b = _pairs(video.person[turned], video.person[turned], among=True)
    a, b = turned[a], turned[b]
    person = video.person[a]
    if len(a) < FEWEST_ROWS or len(np.unique(person)) < FEWEST_PEOPLE:
        return None
    step = np.minimum(np.abs(np.nan_to_num(video.yaw)) // 10, 18).astype(np.int64)
    cell = np.minimum(step[a], step[b]) * 19 + np.maximum(step[a], step[b])
    same = np.sign(video.yaw[a] * video.yaw[b]).astype(np.float64) / 2
    return _slope(same, _cosines(video.unit, a, video.unit, b), (cell, person), person)


def cross_effect(sample: Sample) -> Effect | None:
    """How much similarity a degree of a front row's yaw gains with video rows turned to its side.

    Genuine pairs with video rows of |yaw| > 20; the front row and how far the video row is turned, in steps of 5
    degrees, are taken out.
    """
    front, video = sample.front, sample.video
    turned = np.flatnonzero(np.abs(video.yaw) > _TURNED)
    known = np.flatnonzero(~np.isnan(front.yaw))
    a, b = _pairs(front.person[known], video.person[turned], among=False)
    a, b = known[a], turned[b]
    person = front.person[a]
    if len(a) < FEWEST_ROWS or len(np.unique(person)) < FEWEST_PEOPLE:
        return None
    step = np.minimum(np.abs(video.yaw[b]) // 5, 36).astype(np.int64)
    gain = np.sign(video.yaw[b]) * np.clip(front.yaw[a], -45, 45).astype(np.float64)
    return _slope(gain, _cosines(front.unit, a, video.unit, b), (a, step), person)


def _pairs(
    left: NDArray[np.int32], right: NDArray[np.int32], among: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of all pairs of one person, or an even share of `_MOST_PAIRS`; `among`: each unordered pair once."""
    order = np.argsort(right, kind="stable")
    start, end = (np.searchsorted(right[order], left, side=side) for side in ("left", "right"))
    total = np.cumsum(end - start)
    picks = np.arange(int(total[-1]) if total.size else 0)
    if len(picks) > _MOST_PAIRS:
        picks = picks[:: len(picks) // _MOST_PAIRS + 1]
    a = np.searchsorted(total, picks, side="right")
    b = order[start[a] + picks - (total[a] - (end - start)[a])]
    keep = a < b if among else np.ones(len(a), bool)
    return a[keep], b[keep]


def _cosines(
    left: NDArray[np.float32], a: NDArray[np.int64], right: NDArray[np.float32], b: NDArray[np.int64]
) -> NDArray[np.float64]:
    out = np.empty(len(a))
    for start in range(0, len(a), 8192):
        part = slice(start, start + 8192)
        out[part] = np.einsum("ij,ij->i", left[a[part]], right[b[part]])
    return out


def _slope(
    cause: NDArray[np.float64],
    effect: NDArray[np.float64],
    groups: tuple[NDArray[np.integer], ...],
    person: NDArray[np.integer],
) -> Effect | None:
    """Least squares with fixed effects of the groups, and a standard error clustered by person.

    None where the groups leave nothing of the cause.
    """
    cause, effect = (_within(values, groups) for values in (cause, effect))
    weight = float(cause @ cause)
    if weight < 1e-3 * len(cause):
        return None
    slope = float(cause @ effect) / weight
    scores = np.bincount(np.unique(person, return_inverse=True)[1], cause * (effect - slope * cause))
    return Effect(slope, math.sqrt(float(scores @ scores)) / weight, len(cause))


def _within(values: NDArray[np.float64], groups: tuple[NDArray[np.integer], ...]) -> NDArray[np.float64]:
    """Values with the means of all groupings taken out, by turns until little changes."""
    codes = [np.unique(group, return_inverse=True)[1] for group in groups]
    for _ in range(5):
        for code in codes:
            values = values - (np.bincount(code, values) / np.bincount(code))[code]
    return values
