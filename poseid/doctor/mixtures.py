"""Faults of some rows among good ones: poses in another unit, one yaw for all unknown poses, a shifted zero.

Each looks like a pose of its own, and only the similarity with the person's front rows tells that it is not true: it
falls with the size of the yaw, evenly to both sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import Finding, finding
from poseid.doctor.folder import Folder
from poseid.doctor.rows import ranks
from poseid.doctor.yaw import Drop, find_centre, find_repeated
from poseid.features.rows import PROFILE_LIMIT

_RADIAN = math.pi + 1e-3
_FEWEST_SMALL, _SMALL_FALL, _SMALL_SURE = 30, -0.2, -4.0
_FEWEST, _NEAR_ROWS, _NEAR = 10, 30, 0.1
_UNLIKE, _SURE = 0.05, 2.0  # in cosine; standard errors
_SHIFTED, _FALL, _GAIN = 15.0, 0.25, 0.08


def check_scale(folder: Folder, drop: Drop) -> list[Finding]:
    """Some poses in radians, or else a shifted zero.

    Args:
        folder: with the yaw in the first column.
        drop: similarities of the sample.
    """
    yaw = folder.yaw[drop.rows]
    return [*_some_radians(folder, drop, yaw)] or [*_shifted_yaw(drop, yaw)]


def _some_radians(folder: Folder, drop: Drop, yaw: NDArray[np.float32]) -> Iterator[Finding]:
    """Among rows with no angle above π, three degrees of yaw change nothing, but three radians do."""
    video = folder.files["video"]
    small = (np.abs(drop.poses) <= _RADIAN).all(axis=1)
    n = int(small.sum())
    if not _FEWEST_SMALL <= n < len(yaw):
        return
    fall = float(ranks(np.abs(yaw[small])) @ ranks(drop.similarity[small])) / n
    if fall <= _SMALL_FALL and fall * math.sqrt(n) <= _SMALL_SURE:
        rows = np.flatnonzero((np.abs(folder.poses[video]) <= _RADIAN).all(axis=1))
        more = (
            " have no angle above π, and among them similarity falls with the size of yaw: rank correlation "
            f"{fall:+.2f} (n = {n:,}). Three degrees would change nothing"
        )
        yield folder.finding("some-radians", video.start + rows, video.stop - video.start, more, {"fall": fall})


def check_repeated_yaw(folder: Folder, drop: Drop) -> Iterator[Finding]:
    """A repeated value of rows that are not as rows turned nearly as far: less alike, or more alike than profiles."""
    video, yaw = folder.files["video"], folder.yaw[drop.rows]
    repeated = find_repeated(folder.yaw[video])
    if repeated is None:
        return
    value = repeated.value
    there, others = drop.similarity[yaw == value], np.flatnonzero(yaw != value)
    near = others[np.argsort(np.abs(yaw[others] - value), kind="stable")]
    beside = drop.similarity[near[: max(_NEAR_ROWS, round(_NEAR * len(near)))]]
    if min(len(there), len(beside)) < _FEWEST:
        return
    unlike = float(there.mean() - beside.mean()) * (1 if abs(value) > PROFILE_LIMIT else -1)
    if unlike >= max(_UNLIKE, _SURE * math.sqrt(there.var() / len(there) + beside.var() / len(beside))):
        more = (
            f" have yaw {value:.4g}; the next most frequent value has {repeated.next:,}. Their mean similarity with "
            f"front rows is {there.mean():.3f}, that of rows turned nearly as far {beside.mean():.3f}"
        )
        rows = video.start + np.flatnonzero(folder.yaw[video] == value)
        yield folder.finding("repeated-yaw", rows, video.stop - video.start, more, {"yaw": value, "unlike": unlike})


def _shifted_yaw(drop: Drop, yaw: NDArray[np.float32]) -> Iterator[Finding]:
    if not drop.enough:
        return
    centre = find_centre(yaw, drop.similarity)
    # where similarity falls from no yaw at all, the best of many is chance
    if abs(centre.shift) >= _SHIFTED and centre.fall >= max(_FALL, centre.fall_from_0 + _GAIN):
        yield finding(
            "yaw-offset",
            f"Similarity with front rows is highest near yaw {centre.shift:+.0f}: rank correlation with the distance "
            f"from it {-centre.fall:+.2f}, with the distance from 0 {-centre.fall_from_0:+.2f} (n = {len(yaw):,}).",
            {**centre._asdict(), "file": "video_metadata.json"},
        )
