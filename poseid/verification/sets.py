"""Which rows are compared with which: `all`, `frontal_profile`, `profile_profile`, `frontal_frontal`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.embeddings import EmbeddingSet

SETS: tuple[str, ...] = ("all", "frontal_profile", "profile_profile", "frontal_frontal")


@dataclass(frozen=True)
class Group:
    """Rows with unit vectors, raw and as they stand in a set."""

    raw: NDArray[np.floating]
    enhanced: NDArray[np.floating]
    person: NDArray[np.integer]
    yaw: NDArray[np.floating]

    def take(self, index: NDArray[np.intp]) -> Group:
        raw = self.raw[index]
        enhanced = raw if self.enhanced is self.raw else self.enhanced[index]
        return Group(raw, enhanced, self.person[index], self.yaw[index])


@dataclass(frozen=True)
class ComparisonBlock:
    """Every row of `left` against every row of `right`; without `right`, the rows of `left` among themselves,
    each unordered pair once and no row with itself."""

    left: Group
    right: Group | None


def _group(front: EmbeddingSet, video: EmbeddingSet, kind: int, form: str) -> Group:
    """Rows of a kind: front rows as references, video rows in the form asked for; equal forms stay one array."""
    groups = [
        Group(rows.raw, getattr(rows, name), rows.person, rows.yaw).take(np.flatnonzero(rows.kind == kind))
        for rows, name in ((front, "reference"), (video, form))
        if np.any(rows.kind == kind)
    ]
    if not groups:
        return Group(video.raw[:0], video.raw[:0], video.person[:0], video.yaw[:0])
    if len(groups) == 1:
        return groups[0]
    raw, person, yaw = (np.concatenate([getattr(one, name) for one in groups]) for name in ("raw", "person", "yaw"))
    unchanged = all(one.enhanced is one.raw for one in groups)
    return Group(raw, raw if unchanged else np.concatenate([one.enhanced for one in groups]), person, yaw)


def set_blocks(name: str, front: EmbeddingSet, video: EmbeddingSet) -> tuple[ComparisonBlock, ...]:
    """The comparisons of a set, of normalized rows.

    Front rows stand in their reference form everywhere; video rows in their probe form, but for the frontal video
    rows of `frontal_profile`, which are its reference side.
    """
    if name == "all":
        left = Group(front.raw, front.reference, front.person, front.yaw)
        return (ComparisonBlock(left, Group(video.raw, video.probe, video.person, video.yaw)),)
    if name == "frontal_profile":
        return (ComparisonBlock(_group(front, video, FRONTAL, "reference"), _group(front, video, PROFILE, "probe")),)
    kind = {"frontal_frontal": FRONTAL, "profile_profile": PROFILE}[name]
    return (ComparisonBlock(_group(front, video, kind, "probe"), None),)


def yaw_sign_blocks(profile: Group) -> dict[str, tuple[ComparisonBlock, ...]]:
    """Profile rows against profile rows: yaws of the same sign, and of opposite signs.

    Rows of unknown yaw, or of yaw 0, are in neither.
    """
    one, other = (profile.take(np.flatnonzero(side)) for side in (profile.yaw < 0, profile.yaw > 0))
    return {
        "same": (ComparisonBlock(one, None), ComparisonBlock(other, None)),
        "opposite": (ComparisonBlock(one, other),),
    }
