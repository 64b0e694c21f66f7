"""What a run was begun on: a resumed run must have the same data and the same people."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from poseid.atomic import write_text
from poseid.errors import InputError
from poseid.features.fingerprint import digest
from poseid.training.arguments import DATA_RECORD
from poseid.training.data import FeatureDataModule


def check_same_data(data: FeatureDataModule, run_dir: Path, resumed: bool) -> None:
    """Refuses to resume on other data or another split of the people; a run without a record gets one at its start.

    The folder may have another name than before: what is in it is compared.

    Raises:
        InputError: the data or the people are not those of the run, or the record is damaged.
    """
    path = run_dir / DATA_RECORD
    if not resumed or not path.is_file():
        write_text(path, json.dumps(data_record(data), indent=1) + "\n")
        return
    try:
        begun = json.loads(path.read_text(encoding="utf-8"))
        parts = [part for part, value in data_record(data).items() if begun[part] != value]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"resume: {path}: is damaged: begin a new run") from None
    if parts:
        raise InputError(
            f"resume: {data.feature_set.name}: its {parts[0]} are not those that {run_dir} was begun with: "
            "give them back, or begin a new run"
        )


def data_record(data: FeatureDataModule) -> dict[str, str]:
    """A digest of the rows, and one of who is in which part; neither holds a name."""
    split = data.split
    people = json.dumps([sorted(split.train), sorted(split.validation), sorted(split.test)])
    salt = digest(data.feature_set)
    return {"rows": salt, "people": hashlib.sha256(f"{salt}\n{people}".encode()).hexdigest()}
