"""What a run, a baseline and a report leave names nobody and holds no vector of a person."""

import json
from pathlib import Path

import numpy as np
import pytest

import train
from poseid.cli import main
from poseid.features.folder import read_folder, write_folder
from poseid.features.synthetic import synthetic


def spellings(name: str) -> set[bytes]:
    """A name as UTF-8, as UTF-16, and as JSON or HTML may escape it."""
    escaped = json.dumps(name)[1:-1]
    entities = name.encode("ascii", "xmlcharrefreplace").decode()
    return {name.encode("utf-8"), name.encode("utf-16-le"), escaped.encode(), entities.encode()}


@pytest.mark.usefixtures("own_directory")
def test_files_that_leave_hold_no_names_and_no_vectors() -> None:
    write_folder(synthetic(people=40, dim=32, seed=5), Path("data"))
    features = read_folder(Path("data"))
    folder = ["data=folder", "data.dir=data", "data.dim=32"]
    short = ["max_epochs=1", "threads=1", "resamples=100", "trainer.progress_bar=false", "logger.mode=offline"]
    assert train.main([*folder, *short, "hydra.run.dir=run"]) == 0
    for command in (
        ["baseline", "ridge", "--data", "data", "--out", "ridge"],
        ["evaluate", "run", "--data", "data", "--resamples", "20", "--out", "report"],
        ["compare", "raw", "run", "--data", "data", "--resamples", "20", "--out", "compared"],
    ):
        assert main(command) == 0, command
    wanted = {spelling: name for name in features.people() for spelling in spellings(name)}
    rows = np.concatenate([features.front.features, features.video.features])[::25]
    vectors = [row.astype(dtype)[:4].tobytes() for row in rows for dtype in ("<f2", "<f4", "<f8")]
    files = [path for top in ("run", "ridge", "report", "compared") for path in Path(top).rglob("*") if path.is_file()]
    assert len(files) > 15
    for path in files:
        content = path.read_bytes()
        assert not [name for spelling, name in wanted.items() if spelling in content], path
        assert not any(vector in content for vector in vectors), path
