"""Checks of the poses as numbers: unit, range, what is missing. No vector is needed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, row_names, share
from poseid.doctor.reading import NOBODY, FileRows, Folder
from poseid.features.rows import FRONTAL, PROFILE

FEWEST_PROFILES, FEWEST_PEOPLE = 20, 5
"""Fewer profile rows, or of fewer people, and nothing is learned."""

_STILL = 1e-3
_NOMINAL = 8  # so few different values are no measurements
_FEW_FRONT = 0.05


def in_radians(folder: Folder) -> tuple[str, ...]:
    """The files whose poses look like radians: no value reaches π.

    Video rows must spread by more than 0.1 (6°). Frontal photos turn by little in either unit, but an estimator in
    degrees spreads by more than half a degree.
    """
    files = []
    for file, most, least_spread in ((folder.front, 0.5, _STILL), (folder.video, math.inf, 0.1)):
        known = file.poses[file.known]
        if len(known) < 10 or len(np.unique(known)) <= _NOMINAL:
            continue
        spread = float(known.std(axis=0, dtype=np.float64).max())
        if float(np.abs(known).max()) <= math.pi + 1e-3 and least_spread < spread < most:
            files.append(file.name)
    return tuple(files)


def to_degrees(folder: Folder, files: tuple[str, ...]) -> Folder:
    """The folder with the poses of these files taken for radians."""

    def change(file: FileRows) -> NDArray[np.float32]:
        return np.rad2deg(file.poses) if file.name in files else file.poses

    return folder.with_poses(change)


def check_unit(folder: Folder, files: tuple[str, ...]) -> list[Finding]:
    """Radians where degrees belong."""
    if not files:
        return []
    tops = {file.name: float(np.nanmax(np.abs(file.poses))) for file in folder.files if file.name in files}
    return [
        Finding(
            "radians",
            ERROR,
            "Poses in radians",
            "No angle reaches π: " + "; ".join(f"{name}, at most {top:.2f}" for name, top in tops.items()) + ". In "
            "degrees nobody would turn the head. What follows takes them for radians.",
            "Multiply the poses by 180/π, or make the folder again with poseid import … --pose-unit rad.",
            {f"largest_{name}": top for name, top in tops.items()},
        )
    ]


def check_angles(folder: Folder) -> list[Finding]:
    """Poses that are missing, all alike, beyond 90 degrees or one-sided; too few profiles; turned front rows."""
    findings = [*_missing(folder)]
    for file in folder.files:
        findings += _behind(file)
    findings += _still(folder.video)
    findings += _one_sided(folder.video)
    findings += _front(folder.front)
    findings += _profiles(folder)
    return findings


def _missing(folder: Folder) -> list[Finding]:
    # where entries and vectors differ in number, poses are not missing but cannot be told apart
    files = [file for file in folder.files if (file.person != NOBODY).any()]
    total = sum(len(file) for file in files)
    missing = total - sum(int(file.known.sum()) for file in files)
    if not missing:
        return []
    if missing == total and not any(file.sources for file in files):
        return [
            Finding(
                "no-poses",
                WARNING,
                "No pose is known",
                f"All {total:,} poses are null, and no row says frontal/… or profile/… as its source.",
                'Estimate poses (InsightFace gives face.pose), or write "source": "frontal/…" or "profile/…" into the '
                "metadata: without either nothing tells which photos are turned.",
                {"n": missing, "of": total},
            )
        ]
    rows = [name for file in files for name in row_names(file.name, np.flatnonzero(~file.known)[:500])]
    return [
        Finding(
            "missing-poses",
            NOTE,
            "Poses that are unknown",
            f"{share(missing, total)} rows.",
            "The enhancer uses its own estimate for them. Figures by yaw leave them out.",
            {"n": missing, "of": total},
            tuple(rows),
        )
    ]


def check_range(folder: Folder) -> tuple[list[Finding], Folder]:
    """Angles beyond 180 degrees, and the folder with whole turns taken out of its poses."""
    findings = []
    for file in folder.files:
        beyond = np.flatnonzero((np.abs(file.poses) > 180).any(axis=1))
        if not beyond.size:
            continue
        top = float(np.nanmax(np.abs(file.poses)))
        circle = bool(np.nanmin(file.poses[beyond]) > -180 and top <= 360)
        cure = "Take 360 away from angles above 180." if circle else "Look for another unit, or another column."
        findings.append(
            Finding(
                "yaw-range",
                ERROR,
                f"Angles beyond 180 degrees in {file.name}_metadata.json",
                f"{share(beyond.size, len(file))} rows, up to {top:.4g}. What follows has whole turns taken out.",
                f"{cure} Yaw goes from −90 (a profile) over 0 (frontal) to 90.",
                {"n": int(beyond.size), "of": len(file), "largest": top},
                row_names(file.name, beyond),
            )
        )
    if not findings:
        return [], folder
    return findings, folder.with_poses(lambda file: (file.poses + 180) % 360 - 180)


def _behind(file: FileRows) -> list[Finding]:
    behind = np.flatnonzero(np.abs(file.poses[:, 0]) > 90)
    if not behind.size:
        return []
    return [
        Finding(
            "beyond-90",
            NOTE,
            f"Yaw beyond 90 degrees in {file.name}_metadata.json",
            f"{share(behind.size, len(file))} rows: heads turned away.",
            "Estimators are seldom right there. Figures by yaw count such rows apart.",
            {"n": int(behind.size), "of": len(file)},
            row_names(file.name, behind),
        )
    ]


def _still(video: FileRows) -> list[Finding]:
    yaw = video.poses[video.known, 0]
    if len(yaw) < 20 or float(yaw.std()) > _STILL:
        return []
    return [
        Finding(
            "constant-yaw",
            WARNING,
            "All video rows have the same yaw",
            f"{len(yaw):,} rows of yaw {yaw[0]:.4g}.",
            "Write null where the pose is unknown, not 0: a 0 says that the head is frontal, and the enhancer then "
            "leaves the row as it is.",
            {"yaw": float(yaw[0]), "n": len(yaw)},
        )
    ]


def _one_sided(video: FileRows) -> list[Finding]:
    yaw = video.poses[:, 0]
    yaw = yaw[~np.isnan(yaw)]
    turned = int((np.abs(yaw) > 20).sum())
    if turned < 100 or min(int((yaw < -5).sum()), int((yaw > 5).sum())):
        return []
    return [
        Finding(
            "one-sided-yaw",
            WARNING,
            "Heads turn one way only",
            f"Of {turned:,} rows turned by more than 20 degrees, none is turned the other way.",
            "Is this |yaw|? Keep the sign: a left and a right profile are different. If the camera stood on one side, "
            "this is right.",
            {"turned": turned},
        )
    ]


def _front(front: FileRows) -> list[Finding]:
    kinds, yaw = front.kinds, np.abs(front.poses[:, 0])
    turned = np.flatnonzero((kinds == PROFILE) | ((kinds != FRONTAL) & ~np.isnan(yaw)))
    if not turned.size:
        return []
    worst = turned[np.argsort(-np.nan_to_num(yaw[turned]), kind="stable")]
    many = turned.size >= _FEW_FRONT * len(front)
    return [
        Finding(
            "front-not-frontal",
            WARNING if many else NOTE,
            "Front rows that are not frontal",
            f"{share(turned.size, len(front))} rows, by their source or by |yaw| > 20 degrees; the most turned is row "
            f"{worst[0]}, yaw {front.poses[worst[0], 0]:.0f}.",
            "Front rows are the references that others are compared with and drawn towards: keep frontal photos "
            "there and move the others to the video file.",
            {"n": int(turned.size), "of": len(front)},
            row_names("front", worst),
        )
    ]


def _profiles(folder: Folder) -> list[Finding]:
    kinds = folder.video.kinds
    if not np.isin(kinds, (FRONTAL, PROFILE)).any() and np.isnan(folder.video.poses[:, 0]).all():
        return []
    profiles = np.flatnonzero(kinds == PROFILE)
    people = len(np.unique(folder.video.person[profiles]))
    if profiles.size >= FEWEST_PROFILES and people >= FEWEST_PEOPLE:
        return []
    return [
        Finding(
            "no-profiles",
            WARNING,
            "Hardly any profile photo",
            f"{profiles.size} video rows of {people} people are profiles (|yaw| > 45 degrees, or by their source).",
            f"There is nothing to learn: at least {FEWEST_PROFILES} rows of {FEWEST_PEOPLE} people are needed. If "
            "photos are all frontal, no enhancer is needed.",
            {"n": int(profiles.size), "people": people},
        )
    ]
