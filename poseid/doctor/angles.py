"""Checks of the poses as numbers: unit, range, what is missing. No vector is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import WARNING, Figures, Finding, finding
from poseid.doctor.folder import NOBODY, Folder
from poseid.features.rows import FRONTAL, FRONTAL_LIMIT, OTHER, PROFILE, PROFILE_LIMIT

FEWEST_PROFILES, FEWEST_PEOPLE = 20, 5
"""Fewer profile rows, or of fewer people, are too few to train on."""

_CONSTANT = 1e-3
_NOMINAL = 8  # so few different values are no measurements
_FEW_FRONT = 0.05
_FEWEST_FRONT, _SHIFTED_FRONT, _TOGETHER = 20, 12.0, 0.75  # rows; degrees; share of the rows near to their median


def read_angles(folder: Folder) -> tuple[Folder, list[Finding]]:
    """The folder with its poses in degrees of at most 180, and what that took: radians, full turns."""
    poses, radians, findings = folder.poses.copy(), {}, []
    for name, rows in folder.files.items():
        if (top := _largest_radian(name, folder.poses[rows][folder.known[rows]])) is not None:
            radians[name] = top
            poses[rows] = np.rad2deg(poses[rows])
    if radians:
        tops = "; ".join(f"{name}, at most {top:.2f}" for name, top in radians.items())
        evidence = (
            f"No angle reaches π: {tops}. In degrees no head would be turned. All other checks read them as radians."
        )
        findings.append(finding("radians", evidence, {f"largest_{name}": top for name, top in radians.items()}))
    for name, rows in folder.files.items():
        size = np.abs(folder.poses[rows])
        beyond = np.flatnonzero((size > 180).any(axis=1))
        if beyond.size:
            top = float(np.nanmax(size))
            more = f", up to {top:.4g}. All other checks subtract full turns"
            figures: Figures = {"largest": top, "file": f"{name}_metadata.json"}
            findings.append(folder.finding("yaw-range", rows.start + beyond, len(size), more, figures))
    if (np.abs(poses) > 180).any():
        poses = (poses + 180) % 360 - 180
    return replace(folder, poses=poses), findings


def _largest_radian(name: str, poses: NDArray[np.float32]) -> float | None:
    """The largest angle of a file, if its poses look like radians: no value reaches π.

    Video rows must spread by more than 0.1 (6°). Frontal photos turn by little in either unit, but an estimator in
    degrees spreads by more than half a degree.
    """
    if len(poses) < 10 or len(np.unique(poses)) <= _NOMINAL:
        return None
    least, most = {"front": (_CONSTANT, 0.5), "video": (0.1, math.inf)}[name]
    top, spread = float(np.abs(poses).max()), float(poses.std(axis=0, dtype=np.float64).max())
    return top if top <= math.pi + 1e-3 and least < spread < most else None


def check_angles(folder: Folder) -> Iterator[Finding]:
    """Poses that are missing, all alike, beyond 90 degrees or one-sided; too few profiles; turned front rows."""
    yield from _missing(folder)
    for name, rows in folder.files.items():
        behind = np.flatnonzero(np.abs(folder.yaw[rows]) > 90)
        if behind.size:
            total, file = rows.stop - rows.start, {"file": f"{name}_metadata.json"}
            yield folder.finding("beyond-90", rows.start + behind, total, ": heads turned away", file)
    yield from _video_yaw(folder.yaw[folder.files["video"]])
    yield from _turned_front(folder)
    yield from _profiles(folder)


def _missing(folder: Folder) -> Iterator[Finding]:
    # where entries and vectors differ in number, poses are not missing but cannot be told apart
    readable = np.zeros(len(folder), bool)
    for rows in folder.files.values():
        readable[rows] = (folder.person[rows] != NOBODY).any()
    total, missing = int(readable.sum()), np.flatnonzero(readable & ~folder.known)
    if missing.size and missing.size == total and (folder.declared == OTHER).all():
        evidence = f"All {total:,} poses are null, and no row says frontal/… or profile/… as its source."
        yield finding("no-poses", evidence, {"n": total, "of": total})
    elif missing.size:
        yield folder.finding("missing-poses", missing, total)


def _video_yaw(yaw: NDArray[np.float32]) -> Iterator[Finding]:
    yaw = yaw[~np.isnan(yaw)]
    if len(yaw) >= 20 and float(yaw.std()) <= _CONSTANT:
        evidence = f"{len(yaw):,} rows of yaw {yaw[0]:.4g}."
        yield finding("constant-yaw", evidence, {"yaw": float(yaw[0]), "n": len(yaw)})
    turned = int((np.abs(yaw) > FRONTAL_LIMIT).sum())
    if turned >= 100 and not ((yaw < -5).any() and (yaw > 5).any()):
        evidence = f"{turned:,} rows are turned by more than {FRONTAL_LIMIT:g} degrees, none of them the other way."
        yield finding("one-sided-yaw", evidence, {"turned": turned})


def _turned_front(folder: Folder) -> Iterator[Finding]:
    front = folder.files["front"]
    kinds, yaw = folder.kinds[front], folder.yaw[front]
    known = yaw[~np.isnan(yaw)]
    middle = float(np.median(known)) if len(known) >= _FEWEST_FRONT else 0.0
    if abs(middle) >= _SHIFTED_FRONT and (np.abs(known - middle) <= FRONTAL_LIMIT).mean() >= _TOGETHER:
        yield finding(
            "yaw-offset",
            f"The median yaw of {len(known):,} front rows is {middle:+.0f}.",
            {"shift": middle, "n": len(known), "file": "front_metadata.json"},
        )
        return
    turned = np.flatnonzero((kinds == PROFILE) | ((kinds != FRONTAL) & ~np.isnan(yaw)))
    if turned.size:
        worst = turned[np.argsort(-np.nan_to_num(np.abs(yaw[turned])), kind="stable")]
        more = (
            f", by their source or by |yaw| > {FRONTAL_LIMIT:g} degrees; the most turned is row {worst[0]}, yaw "
            f"{yaw[worst[0]]:.0f}"
        )
        severity = WARNING if turned.size >= _FEW_FRONT * len(yaw) else None
        yield folder.finding("front-not-frontal", worst, len(yaw), more, severity=severity)


def _profiles(folder: Folder) -> Iterator[Finding]:
    video = folder.files["video"]
    kinds = folder.kinds[video]
    if (kinds == OTHER).all() and np.isnan(folder.yaw[video]).all():
        return
    profiles = np.flatnonzero(kinds == PROFILE)
    people = len(np.unique(folder.person[video][profiles]))
    if profiles.size < FEWEST_PROFILES or people < FEWEST_PEOPLE:
        needed = {"needed_rows": FEWEST_PROFILES, "needed_people": FEWEST_PEOPLE}
        yield finding(
            "no-profiles",
            f"{profiles.size} video rows of {people} people are profiles (|yaw| > {PROFILE_LIMIT:g} degrees, or by "
            "their source).",
            {"n": int(profiles.size), "people": people, **needed},
        )
