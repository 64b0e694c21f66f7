"""Checks of the poses as numbers: unit, range, what is missing. No vector is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, share
from poseid.doctor.rows import NOBODY, Folder
from poseid.features.rows import FRONTAL, OTHER, PROFILE

FEWEST_PROFILES, FEWEST_PEOPLE = 20, 5
"""Fewer profile rows, or of fewer people, are too few to train on."""

_CONSTANT = 1e-3
_NOMINAL = 8  # so few different values are no measurements
_FEW_FRONT = 0.05


def in_radians(folder: Folder) -> tuple[str, ...]:
    """The files whose poses look like radians: no value reaches π.

    Video rows must spread by more than 0.1 (6°). Frontal photos turn by little in either unit, but an estimator in
    degrees spreads by more than half a degree.
    """
    found = []
    for name, least, most in (("front", _CONSTANT, 0.5), ("video", 0.1, math.inf)):
        rows = folder.files[name]
        poses = folder.poses[rows][folder.known[rows]]
        if len(poses) < 10 or len(np.unique(poses)) <= _NOMINAL:
            continue
        spread = float(poses.std(axis=0, dtype=np.float64).max())
        if float(np.abs(poses).max()) <= math.pi + 1e-3 and least < spread < most:
            found.append(name)
    return tuple(found)


def in_degrees(folder: Folder, radians: tuple[str, ...]) -> Folder:
    """The folder with the radians of these files in degrees, and with full turns subtracted from angles beyond 180."""
    poses = folder.poses.copy()
    for name in radians:
        poses[folder.files[name]] = np.rad2deg(poses[folder.files[name]])
    if (np.abs(poses) > 180).any():
        poses = (poses + 180) % 360 - 180
    return replace(folder, poses=poses)


def check_unit(folder: Folder, radians: tuple[str, ...]) -> Iterator[Finding]:
    """Radians where degrees belong, and angles beyond 180 degrees.

    Args:
        folder: with its poses as they stand in the files.
        radians: from `in_radians`.
    """
    tops = {name: float(np.nanmax(np.abs(folder.poses[folder.files[name]]))) for name in radians}
    if tops:
        yield Finding(
            "radians",
            ERROR,
            "Poses in radians",
            "No angle reaches π: " + "; ".join(f"{name}, at most {top:.2f}" for name, top in tops.items()) + ". In "
            "degrees no head would be turned. All further checks read them as radians.",
            "Multiply the poses by 180/π, or make the folder again with poseid import … --pose-unit rad.",
            {f"largest_{name}": top for name, top in tops.items()},
        )
    for name, rows in folder.files.items():
        poses = folder.poses[rows]
        beyond = np.flatnonzero((np.abs(poses) > 180).any(axis=1))
        if not beyond.size:
            continue
        top = float(np.nanmax(np.abs(poses)))
        circle = bool(np.nanmin(poses[beyond]) > -180 and top <= 360)
        cure = "Take 360 away from angles above 180." if circle else "Check the unit and the column."
        yield Finding(
            "yaw-range",
            ERROR,
            f"Angles beyond 180 degrees in {name}_metadata.json",
            f"{share(beyond.size, len(poses))} rows, up to {top:.4g}. All further checks subtract full turns.",
            f"{cure} Yaw goes from −90 (a profile) over 0 (frontal) to 90.",
            {"n": int(beyond.size), "of": len(poses), "largest": top},
            folder.row_names(rows.start + beyond),
        )


def check_angles(folder: Folder) -> Iterator[Finding]:
    """Poses that are missing, all alike, beyond 90 degrees or one-sided; too few profiles; turned front rows."""
    yield from _missing(folder)
    yield from _behind(folder)
    yield from _video_yaw(folder.yaw[folder.files["video"]])
    yield from _turned_front(folder)
    yield from _profiles(folder)


def _missing(folder: Folder) -> Iterator[Finding]:
    # where entries and vectors differ in number, poses are not missing but cannot be told apart
    readable = np.zeros(len(folder), bool)
    for rows in folder.files.values():
        readable[rows] = (folder.person[rows] != NOBODY).any()
    total, missing = int(readable.sum()), np.flatnonzero(readable & ~folder.known)
    if not missing.size:
        return
    figures = {"n": int(missing.size), "of": total}
    if missing.size == total and (folder.declared == OTHER).all():
        yield Finding(
            "no-poses",
            WARNING,
            "No pose is known",
            f"All {total:,} poses are null, and no row says frontal/… or profile/… as its source.",
            'Estimate poses (InsightFace: face.pose), or write "source": "frontal/…" or "profile/…" into the metadata.',
            figures,
        )
        return
    yield Finding(
        "missing-poses",
        NOTE,
        "Poses that are unknown",
        f"{share(missing.size, total)} rows.",
        "The enhancer uses its own estimate for them. Figures by yaw leave them out.",
        figures,
        folder.row_names(missing),
    )


def _behind(folder: Folder) -> Iterator[Finding]:
    for name, rows in folder.files.items():
        behind = np.flatnonzero(np.abs(folder.yaw[rows]) > 90)
        total = rows.stop - rows.start
        if behind.size:
            yield Finding(
                "beyond-90",
                NOTE,
                f"Yaw beyond 90 degrees in {name}_metadata.json",
                f"{share(behind.size, total)} rows: heads turned away.",
                "Estimators are seldom right there. Figures by yaw count such rows apart.",
                {"n": int(behind.size), "of": total},
                folder.row_names(rows.start + behind),
            )


def _video_yaw(yaw: NDArray[np.float32]) -> Iterator[Finding]:
    yaw = yaw[~np.isnan(yaw)]
    if len(yaw) >= 20 and float(yaw.std()) <= _CONSTANT:
        yield Finding(
            "constant-yaw",
            WARNING,
            "All video rows have the same yaw",
            f"{len(yaw):,} rows of yaw {yaw[0]:.4g}.",
            "Write null where the pose is unknown. A 0 means a frontal head, which the enhancer does not change.",
            {"yaw": float(yaw[0]), "n": len(yaw)},
        )
    turned = int((np.abs(yaw) > 20).sum())
    if turned >= 100 and not ((yaw < -5).any() and (yaw > 5).any()):
        yield Finding(
            "one-sided-yaw",
            WARNING,
            "Heads turn one way only",
            f"Of {turned:,} rows turned by more than 20 degrees, none is turned the other way.",
            "If this is |yaw|, restore the sign. If the camera stood on one side, nothing needs to be done.",
            {"turned": turned},
        )


def _turned_front(folder: Folder) -> Iterator[Finding]:
    front = folder.files["front"]
    kinds, yaw = folder.kinds[front], folder.yaw[front]
    turned = np.flatnonzero((kinds == PROFILE) | ((kinds != FRONTAL) & ~np.isnan(yaw)))
    if not turned.size:
        return
    worst = turned[np.argsort(-np.nan_to_num(np.abs(yaw[turned])), kind="stable")]
    yield Finding(
        "front-not-frontal",
        WARNING if turned.size >= _FEW_FRONT * len(yaw) else NOTE,
        "Front rows that are not frontal",
        f"{share(turned.size, len(yaw))} rows, by their source or by |yaw| > 20 degrees; the most turned is row "
        f"{worst[0]}, yaw {yaw[worst[0]]:.0f}.",
        "Front rows are the references. Leave frontal photos there and move the others to the video file.",
        {"n": int(turned.size), "of": len(yaw)},
        folder.row_names(worst),
    )


def _profiles(folder: Folder) -> Iterator[Finding]:
    video = folder.files["video"]
    kinds = folder.kinds[video]
    if (kinds == OTHER).all() and np.isnan(folder.yaw[video]).all():
        return
    profiles = np.flatnonzero(kinds == PROFILE)
    people = len(np.unique(folder.person[video][profiles]))
    if profiles.size >= FEWEST_PROFILES and people >= FEWEST_PEOPLE:
        return
    yield Finding(
        "no-profiles",
        WARNING,
        "Hardly any profile photo",
        f"{profiles.size} video rows of {people} people are profiles (|yaw| > 45 degrees, or by their source).",
        f"Training needs at least {FEWEST_PROFILES} of {FEWEST_PEOPLE} people. If all photos are frontal, you need no "
        "enhancer.",
        {"n": int(profiles.size), "people": people},
    )
