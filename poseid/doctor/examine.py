"""The whole examination of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.angles import check_angles, check_range, check_unit, in_radians, to_degrees
from poseid.doctor.baseline import Baseline, measure
from poseid.doctor.duplicates import check_doubles, find_doubles
from poseid.doctor.finding import Finding, by_severity
from poseid.doctor.labels import Likeness, check_labels, find_likeness
from poseid.doctor.outlook import outlook
from poseid.doctor.people import People, check_people, count_people
from poseid.doctor.reading import Folder, open_folder
from poseid.doctor.recognisers import check_recognisers, find_links
from poseid.doctor.scan import Advance, Scan, scan
from poseid.doctor.vectors import check_vectors
from poseid.doctor.yaw import Drop, check_meaning, check_order, find_drop, likely_yaw, with_yaw_first
from poseid.errors import InputError

PASSES = 2
"""How often every vector is read."""


@dataclass(frozen=True, eq=False)
class Examination:
    """A folder and what was found.

    Attributes:
        folder: with its poses as they stand in the files.
        read_as: with its poses as they were taken: degrees, the yaw first.
        found: from the pass over all vectors.
        people: rows of each.
        drop: the fall of similarity with each angle, in the order in which they stand in the files.
        likeness: of rows and people; None where nobody has enough rows.
        baseline: what the raw vectors score.
        outlook: what training can be hoped for.
        findings: the gravest first.
    """

    folder: Folder
    read_as: Folder
    found: Scan
    people: People
    drop: Drop
    likeness: Likeness | None
    baseline: Baseline
    outlook: str
    findings: tuple[Finding, ...]

    def lengths(self, file: int) -> NDArray[np.float32]:
        """Lengths of the usable rows of the front (0) or video (1) file."""
        lengths = (self.found.front, self.found.video)[file].lengths
        return lengths[~np.isnan(lengths)]


def examine(folder: Folder, findings: list[Finding], advance: Advance) -> Examination:
    """Looks at everything.

    Args:
        folder, findings: from `open_folder`.
        advance: told the number of rows just read; each row is read `PASSES` times.

    Raises:
        InputError: a file has no row that can be used.
    """
    radians = in_radians(folder)
    findings = [*findings, *check_unit(folder, radians)]
    out_of_range, read_as = check_range(to_degrees(folder, radians))
    findings += out_of_range
    found = scan(read_as, advance)
    for name, one in (("front", found.front), ("video", found.video)):
        if not one.fine.any():
            raise InputError(f"{name}_feature.npy: no row has a direction (all are zero or NaN): extract them again")
    findings += check_vectors(read_as, found)
    people = count_people(folder)
    findings += check_people(folder, people)
    drop = find_drop(found.sample)
    column = likely_yaw(drop)
    findings += check_order(drop, column)
    sample, turned = found.sample, drop
    if column:
        read_as = with_yaw_first(read_as, column)
        sample = sample.with_poses(read_as)
        turned = find_drop(sample)
    findings += check_angles(read_as)
    strangers = check_recognisers(find_links(sample))
    findings += strangers
    if not strangers:  # else no similarity says anything about poses
        findings += check_meaning(sample, turned)
    findings += check_doubles(folder, find_doubles(folder, found))
    likeness = find_likeness(folder, found, advance)
    findings += check_labels(folder, likeness)
    baseline = measure(sample, read_as.video.poses[:, 0])
    return Examination(
        folder,
        read_as,
        found,
        people,
        drop,
        likeness,
        baseline,
        outlook(people.paired),
        tuple(by_severity(findings)),
    )


def examine_folder(path: Path) -> Examination:
    """`open_folder` and `examine` in one."""
    folder, findings = open_folder(path)
    return examine(folder, findings, lambda rows: None)
