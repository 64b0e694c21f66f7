"""The examination of a folder: everything is measured once, then each check gives its findings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.angles import check_angles, check_unit, in_degrees, in_radians
from poseid.doctor.baseline import Baseline, measure
from poseid.doctor.duplicates import check_duplicates, find_duplicates
from poseid.doctor.finding import SEVERITIES, Finding
from poseid.doctor.labels import Likeness, check_labels, find_likeness
from poseid.doctor.outlook import outlook
from poseid.doctor.people import People, check_people, count_people
from poseid.doctor.recognisers import check_recognisers, find_links
from poseid.doctor.rows import Folder
from poseid.doctor.scan import Advance, Scan, scan
from poseid.doctor.vectors import check_vectors
from poseid.doctor.yaw import Drop, check_meaning, check_order, find_drop, likely_yaw
from poseid.errors import InputError

PASSES = 2
"""How often every vector is read."""


@dataclass(frozen=True, eq=False)
class Examination:
    """A folder and what was found.

    Attributes:
        folder: with its poses as they were read: degrees, the yaw first.
        found: from the pass over all vectors.
        people: rows of each.
        drop: the fall of similarity with each angle, in the order in which they stand in the files.
        likeness: of rows and people; None where nobody has enough rows.
        baseline: what the raw vectors score.
        outlook: what can be expected of training.
        findings: the gravest first.
    """

    folder: Folder
    found: Scan
    people: People
    drop: Drop
    likeness: Likeness | None
    baseline: Baseline
    outlook: str
    findings: tuple[Finding, ...]

    def lengths(self, file: str) -> NDArray[np.float32]:
        """Lengths of the usable rows of the ``front`` or ``video`` file."""
        rows = self.folder.files[file]
        return self.found.lengths[rows][self.found.fine[rows]]


def examine(folder: Folder, findings: list[Finding], advance: Advance) -> Examination:
    """Runs all checks.

    Args:
        folder, findings: from `open_folder`.
        advance: told the number of rows just read; each row is read `PASSES` times.

    Raises:
        InputError: a file has no row that can be used.
    """
    radians = in_radians(folder)
    findings = [*findings, *check_unit(folder, radians)]
    folder = in_degrees(folder, radians)
    found = scan(folder, advance)
    for name, columns in found.columns.items():
        if not columns.rows:
            raise InputError(f"{name}_feature.npy: no row has a direction (all are zero or NaN): extract them again")
    people, sample = count_people(folder), found.sample
    drop = find_drop(sample, folder.poses[sample.rows])
    findings += [*check_vectors(folder, found), *check_people(folder, people), *check_order(drop)]
    order = [0, 1, 2]
    order[0], order[likely_yaw(drop)] = order[likely_yaw(drop)], order[0]
    folder = replace(folder, poses=folder.poses[:, order])
    findings += check_angles(folder)
    disagreements = [*check_recognisers(sample, find_links(sample, folder.kinds[sample.rows]))]
    findings += disagreements
    if not disagreements:  # else no similarity says anything about poses
        findings += check_meaning(sample, folder.yaw[sample.rows], drop)
    findings += check_duplicates(folder, find_duplicates(folder, found))
    likeness = find_likeness(folder, found, advance)
    findings += check_labels(folder, likeness)
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    baseline = measure(folder, sample)
    return Examination(folder, found, people, drop, likeness, baseline, outlook(people.paired), tuple(findings))
