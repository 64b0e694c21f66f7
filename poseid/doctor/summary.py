"""What doctor.json holds: an examination as plain numbers, strings, lists and None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.examine import Examination
from poseid.doctor.finding import SEVERITIES
from poseid.features.rows import FRONTAL, PROFILE

YAW_EDGES = np.arange(-95, 96, 10)
"""Of the histogram of yaw, in degrees; its middle bar is the frontal head."""

Block = dict[str, Any]


def summarise(examination: Examination, versions: Mapping[str, str]) -> Block:
    """The contents of doctor.json."""
    folder, people, sample = examination.folder, examination.people, examination.found.sample
    baseline, severities = examination.baseline, [finding.severity for finding in examination.findings]
    block = baseline.block
    return {
        "folder": folder.name,
        "versions": dict(versions),
        **{f"{severity}s": severities.count(severity) for severity in SEVERITIES},
        "dim": folder.dim,
        "people": {
            "all": len(folder.names),
            "paired": people.paired,
            "only_front": int((people.video == 0).sum()),
            "only_video": int((people.front == 0).sum()),
            "rows_of_a_person": _quantiles(people.front + people.video, (0, 0.5, 1)),
        },
        **{name: _file(examination, name) for name in folder.files},
        "pairs": folder.pairs,
        "raw": {
            "set": baseline.set,
            "people": baseline.people,
            "reason": baseline.reason,
            "genuine": block and block["genuine"],
            "impostor": block and block["impostor"],
            "eer": block and block["raw"]["eer"],
            "eer_ci95": block and block["raw"]["eer_ci95"],
            "by_yaw": [asdict(entry) for entry in baseline.by_yaw],
        },
        "sample": {
            "people": len(np.unique(sample.person)),
            "front_rows": int(sample.front.sum()),
            "video_rows": int((~sample.front).sum()),
            "everybody": sample.everybody,
        },
        "outlook": examination.outlook,
        "findings": [
            {
                "id": finding.id,
                "severity": finding.severity,
                "title": finding.title,
                "evidence": finding.evidence,
                "remedy": finding.remedy,
                "figures": dict(finding.figures),
                "rows": list(finding.rows),
            }
            for finding in examination.findings
        ],
    }


def _file(examination: Examination, name: str) -> Block:
    folder, found = examination.folder, examination.found
    rows = folder.files[name]
    kinds, yaw = folder.kinds[rows], folder.yaw[rows]
    known = yaw[~np.isnan(yaw)]
    return {
        "rows": len(yaw),
        "dtype": str(folder.arrays[name].dtype),
        "unusable": int((~found.fine[rows]).sum()),
        "lengths": _quantiles(examination.lengths(name), (0.01, 0.5, 0.99)),
        "poses_known": len(known),
        "frontal": int((kinds == FRONTAL).sum()),
        "profile": int((kinds == PROFILE).sum()),
        "yaw": _quantiles(known, (0.01, 0.5, 0.99)),
        "yaw_histogram": {"edges": YAW_EDGES.tolist(), "rows": np.histogram(known, YAW_EDGES)[0].tolist()},
    }


def _quantiles(values: NDArray[Any], at: tuple[float, ...]) -> list[float] | None:
    if not len(values):
        return None
    return [float(value) for value in np.quantile(values.astype(np.float64), at)]
