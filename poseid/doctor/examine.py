"""The examination of a folder: everything is measured once, then each check gives its findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.angles import check_angles, read_angles
from poseid.doctor.baseline import Block, measure
from poseid.doctor.duplicates import check_duplicates
from poseid.doctor.finding import SEVERITIES, Finding
from poseid.doctor.folder import Folder
from poseid.doctor.labels import Likeness, check_labels, find_likeness
from poseid.doctor.mixtures import check_repeated_yaw, check_scale
from poseid.doctor.people import check_people, outlook
from poseid.doctor.recognisers import check_recognisers
from poseid.doctor.scan import Advance, Scan, scan
from poseid.doctor.vectors import check_length_sign, check_vectors
from poseid.doctor.yaw import Drop, check_meaning, check_order, find_drop
from poseid.errors import InputError
from poseid.features.rows import FRONTAL, OTHER, PROFILE

PASSES = 2
"""How often every vector is read."""

YAW_EDGES = np.arange(-95, 96, 10)
"""Of the histogram of yaw, in degrees: its middle bar is centred on 0."""


@dataclass(frozen=True, eq=False)
class Examination:
    """A folder and what was found.

    Attributes:
        folder: with its poses as they were read: degrees, the yaw first.
        found: from the pass over all vectors.
        drop: the fall of similarity with each angle, in the order in which they stand in the files.
        likeness: of rows and people; None where nobody has enough rows.
        raw: what the raw vectors score, as in doctor.json.
        histogram: of these scores.
        findings: errors first.
    """

    folder: Folder
    found: Scan
    drop: Drop
    likeness: Likeness | None
    raw: Block
    histogram: Block | None
    findings: tuple[Finding, ...]

    def lengths(self, file: str) -> NDArray[np.float32]:
        """Lengths of the usable rows of the ``front`` or ``video`` file."""
        rows = self.folder.files[file]
        return self.found.lengths[rows][self.found.usable[rows]]


def examine(folder: Folder, findings: list[Finding], advance: Advance) -> Examination:
    """Runs all checks.

    Args:
        folder, findings: from `open_folder`.
        advance: told the number of rows just read; each row is read `PASSES` times.

    Raises:
        InputError: a file has no row that can be used.
    """
    folder, faults_of_angles = read_angles(folder)
    found = scan(folder, advance)
    for name, columns in found.columns.items():
        if not columns.rows:
            raise InputError(f"{name}_feature.npy: no row has a direction (all are zero or NaN): extract them again")
    sample = found.sample
    drop = find_drop(sample, folder.poses[sample.rows])
    findings = [*findings, *faults_of_angles, *check_vectors(folder, found), *check_people(folder), *check_order(drop)]
    order = [0, 1, 2]
    order[0], order[drop.likely_yaw] = drop.likely_yaw, 0
    folder = replace(folder, poses=folder.poses[:, order])
    findings += check_angles(folder)
    disagreements = [*check_recognisers(sample, folder.kinds[sample.rows])]
    if drop.explains_nothing and (folder.declared == OTHER).all():
        # frontal rows are told by wrong poses: the two groups of a person may be its frontal and its turned photos
        disagreements = [finding for finding in disagreements if finding.id != "mixed-recognisers"]
    findings += disagreements
    if not disagreements:  # else no similarity says anything about poses or lengths
        scale = check_scale(folder, drop)
        findings += [*check_length_sign(found), *check_repeated_yaw(folder, drop), *scale]
        if not scale:  # else signs of yaw are wrong in many rows
            findings += check_meaning(sample, folder.yaw[sample.rows], drop)
    findings += check_duplicates(folder, found)
    likeness = find_likeness(folder, found, advance)
    findings += check_labels(folder, likeness)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Examination(folder, found, drop, likeness, *measure(folder, sample), tuple(findings))


def summarise(examination: Examination, versions: Mapping[str, str]) -> Block:
    """The contents of doctor.json: plain numbers, strings, lists and None."""
    folder, sample = examination.folder, examination.found.sample
    rows, severities = folder.rows_of_people, [finding.severity for finding in examination.findings]
    return {
        "folder": folder.name,
        "versions": dict(versions),
        **{f"{severity}s": severities.count(severity) for severity in SEVERITIES},
        "dim": folder.dim,
        "people": {
            "all": len(folder.names),
            "paired": folder.paired,
            "only_front": int((rows[1] == 0).sum()),
            "only_video": int((rows[0] == 0).sum()),
            "rows_of_a_person": _quantiles(rows.sum(axis=0), (0, 0.5, 1)),
        },
        **{name: _file(examination, name) for name in folder.files},
        "pairs": folder.pairs,
        "raw": examination.raw,
        "sample": {
            "people": len(np.unique(sample.person)),
            "front_rows": int(sample.front.sum()),
            "video_rows": int((~sample.front).sum()),
            "everybody": sample.everybody,
        },
        "outlook": outlook(folder.paired),
        "findings": [asdict(finding) for finding in examination.findings],
    }


def _file(examination: Examination, name: str) -> Block:
    folder, rows = examination.folder, examination.folder.files[name]
    kinds, yaw = folder.kinds[rows], folder.yaw[rows]
    known = yaw[~np.isnan(yaw)]
    return {
        "rows": len(yaw),
        "dtype": str(folder.arrays[name].dtype),
        "unusable": int((~examination.found.usable[rows]).sum()),
        "lengths": _quantiles(examination.lengths(name)),
        "poses_known": len(known),
        "frontal": int((kinds == FRONTAL).sum()),
        "profile": int((kinds == PROFILE).sum()),
        "yaw": _quantiles(known),
        "yaw_histogram": {"edges": YAW_EDGES.tolist(), "rows": np.histogram(known, YAW_EDGES)[0].tolist()},
    }


def _quantiles(values: NDArray[np.generic], at: tuple[float, ...] = (0.01, 0.5, 0.99)) -> list[float] | None:
    return np.quantile(values.astype(np.float64), at).tolist() if len(values) else None
