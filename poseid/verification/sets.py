"""Which rows are compared with which: `all`, `frontal_profile`, `profile_profile`, `frontal_frontal`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.sides import UnitSide

SETS: tuple[str, ...] = ("all", "frontal_profile", "profile_profile", "frontal_frontal")


@dataclass(frozen=True)
class Group:
    """Rows with unit vectors, raw and as they stand in a set."""

    raw: NDArray[np.floating]
    enhanced: NDArray[np.floating]
    person: NDArray[np.int64]
    yaw: NDArray[np.float64]

    def take(self, index: NDArray[np.intp]) -> Group:
        raw = self.raw[index]
        enhanced = raw if self.enhanced is self.raw else self.enhanced[index]
        return Group(raw, enhanced, self.person[index], self.yaw[index])


@dataclass(frozen=True)
class Part:
    """Every row of `left` against every row of `right`; without `right`, the rows of `left` among themselves,
    each unordered pair once and no row with itself."""

    left: Group
    right: Group | None

    def totals(self, people: int) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Rows of each person on the left and on the right."""
        left = np.bincount(self.left.person, minlength=people).astype(np.float64)
        if self.right is None:
            return left, None
        return left, np.bincount(self.right.person, minlength=people).astype(np.float64)


def _gather(front: UnitSide, video: UnitSide, f: NDArray[np.bool_], v: NDArray[np.bool_], form: str) -> Group:
    """Front rows in their reference form and video rows in the form asked for; equal forms stay one array."""
    one = Group(front.raw, front.reference, front.person, front.yaw)
    other = Group(video.raw, video.reference if form == "reference" else video.probe, video.person, video.yaw)
    if not f.any():
        return other.take(np.flatnonzero(v))
    one = one.take(np.flatnonzero(f))
    if not v.any():
        return one
    other = other.take(np.flatnonzero(v))
    raw = np.concatenate([one.raw, other.raw])
    unchanged = one.enhanced is one.raw and other.enhanced is other.raw
    enhanced = raw if unchanged else np.concatenate([one.enhanced, other.enhanced])
    return Group(raw, enhanced, np.concatenate([one.person, other.person]), np.concatenate([one.yaw, other.yaw]))


def set_parts(name: str, front: UnitSide, video: UnitSide) -> tuple[Part, ...]:
    """The comparisons of a set.

    Front rows stand in their reference form everywhere; video rows in their probe form, but for the frontal video
    rows of `frontal_profile`, which are its reference side.
    """
    if name == "all":
        left = Group(front.raw, front.reference, front.person, front.yaw)
        return (Part(left, Group(video.raw, video.probe, video.person, video.yaw)),)
    frontal = (front.kind == FRONTAL, video.kind == FRONTAL)
    profile = (front.kind == PROFILE, video.kind == PROFILE)
    if name == "frontal_profile":
        left = _gather(front, video, *frontal, "reference")
        return (Part(left, _gather(front, video, *profile, "probe")),)
    if name == "frontal_frontal":
        return (Part(_gather(front, video, *frontal, "probe"), None),)
    if name == "profile_profile":
        return (Part(_gather(front, video, *profile, "probe"), None),)
    raise ValueError(f"no set {name!r}: the sets are {', '.join(SETS)}")


def turned_parts(profile: Group) -> dict[str, tuple[Part, ...]]:
    """Profile rows against profile rows, turned the same way and turned opposite ways, by the sign of the yaw.

    Rows of unknown yaw, or of yaw 0, are in neither.
    """
    one, other = (profile.take(np.flatnonzero(side)) for side in (profile.yaw < 0, profile.yaw > 0))
    return {"same_way": (Part(one, None), Part(other, None)), "opposite_ways": (Part(one, other),)}
