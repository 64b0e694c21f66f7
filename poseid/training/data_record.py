"""What a run was begun on: a resumed run must have the same data and the same people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from poseid.atomic import write_text
from poseid.errors import InputError
from poseid.features.templates import templates_of
from poseid.training.arguments import DATA_RECORD
from poseid.training.data import FeatureDataModule

BLOCK_ROWS = 8192


def check_same_data(data: FeatureDataModule, run_dir: Path, resumed: bool) -> None:
    """Refuses to resume on other data or another split of the people; a run without a record gets one at its start.

    The folder may have another name than before: what is in it is compared.

    Raises:
        InputError: the data or the people are not those of the run, or the record is damaged.
    """
    path, record = run_dir / DATA_RECORD, data_record(data)
    if not resumed or not path.is_file():
        write_text(path, json.dumps(record, indent=1) + "\n")
        return
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
        changed = [part for part, value in record.items() if begun[part] != value]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"resume: {path}: is damaged, or of another version of poseid: begin a new run") from None
    if changed:
        raise InputError(
            f"resume: {data.feature_set.name}: its {' and '.join(changed)} are not those that {run_dir} was begun "
            "with: give them back, or begin a new run"
        )


def data_record(data: FeatureDataModule) -> dict[str, str]:
    """SHA-256 of each part of what the training uses, of every row: none can be turned back into a name or a vector.

    ``people`` is who is on which row and who trains, validates and tests.
    """
    features, split = data.feature_set, data.split
    sides = (features.front, features.video)
    templates = templates_of(features.video, f"{features.name}, video")
    parts = json.dumps([sorted(split.train), sorted(split.validation), sorted(split.test)])
    return {
        "vectors": _digest(rows.features for rows in sides),
        "poses": _digest(rows.poses for rows in sides),
        "sources": _digest(rows.declared_kinds() for rows in sides),
        "templates": _digest(templates or ()),
        "people": _digest((*(rows.people for rows in sides), np.frombuffer(parts.encode(), np.uint8))),
    }


def _digest(arrays: Iterable[np.ndarray]) -> str:
    """Of shapes, types and values; a block at a time, since the vectors may be a memory map larger than memory."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype} ".encode())
        for start in range(0, len(array), BLOCK_ROWS):
            found.update(np.ascontiguousarray(array[start : start + BLOCK_ROWS]).tobytes())
    return found.hexdigest()
