"""What doctor.json holds: an examination as plain numbers, strings, lists and None."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.examine import Examination
from poseid.doctor.finding import SEVERITIES
from poseid.doctor.reading import FileRows
from poseid.features.rows import FRONTAL, PROFILE

YAW_EDGES = np.arange(-95, 96, 10)
"""Of the histogram of yaw, in degrees; its middle bar is the frontal head."""

Block = dict[str, Any]


def summarise(examination: Examination, versions: Mapping[str, str]) -> Block:
    """The whole of doctor.json."""
    folder, people, sample = examination.folder, examination.people, examination.found.sample
    baseline = examination.baseline
    block = baseline.block
    paired = people.front + people.video
    return {
        "folder": folder.name,
        "versions": dict(versions),
        **{f"{severity}s": _count(examination, severity) for severity in SEVERITIES},
        "dim": folder.dim,
        "people": {
            "all": len(folder.names),
            "paired": people.paired,
            "only_front": int((people.video == 0).sum()),
            "only_video": int((people.front == 0).sum()),
            "rows_of_a_person": _quantiles(paired, (0, 0.5, 1)),
        },
        "front": _file(examination, 0),
        "video": _file(examination, 1),
        "pairs": folder.pairs,
        "raw": {
            "set": baseline.set,
            "people": baseline.people,
            "reason": baseline.reason,
            "genuine": block and block["genuine"],
            "impostor": block and block["impostor"],
            "eer": block and block["raw"]["eer"],
            "eer_ci95": block and block["raw"]["eer_ci95"],
            "by_yaw": [
                {"where": b.where, "rows": b.rows, "n": b.n, "genuine": b.genuine, "impostor": b.impostor}
                for b in baseline.by_yaw
            ],
        },
        "sample": {
            "people": sample.people,
            "front_rows": len(sample.front),
            "video_rows": len(sample.video),
            "everybody": sample.everybody,
        },
        "outlook": examination.outlook,
        "findings": [
            {
                "id": finding.id,
                "severity": finding.severity,
                "title": finding.title,
                "evidence": finding.evidence,
                "way_out": finding.way_out,
                "figures": dict(finding.figures),
                "rows": list(finding.rows),
            }
            for finding in examination.findings
        ],
    }


def _count(examination: Examination, severity: str) -> int:
    return sum(finding.severity == severity for finding in examination.findings)


def _file(examination: Examination, place: int) -> Block:
    file: FileRows = examination.read_as.files[place]
    found = (examination.found.front, examination.found.video)[place]
    yaw = file.poses[:, 0]
    known = yaw[~np.isnan(yaw)]
    return {
        "rows": len(file),
        "dtype": str(file.features.dtype),
        "unusable": int((~found.fine).sum()),
        "lengths": _quantiles(examination.lengths(place), (0.01, 0.5, 0.99)),
        "poses_known": len(known),
        "frontal": int((file.kinds == FRONTAL).sum()),
        "profile": int((file.kinds == PROFILE).sum()),
        "yaw": _quantiles(known, (0.01, 0.5, 0.99)),
        "yaw_histogram": {
            "edges": YAW_EDGES.tolist(),
            "rows": np.histogram(known, YAW_EDGES)[0].tolist(),
        },
    }


def _quantiles(values: NDArray[Any], at: tuple[float, ...]) -> list[float] | None:
    if not len(values):
        return None
    return [float(value) for value in np.quantile(values.astype(np.float64), at)]
