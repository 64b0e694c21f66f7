"""Every case of bad input: status 2, one line on stderr, nothing written."""

from __future__ import annotations

import json
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import train
from poseid import cli
from poseid.features.folder import read_folder, write_folder
from poseid.features.synthetic import synthetic
from poseid.features.templates import templates_of
from tests.corpus import arrays, commands, folders, models, overrides, pooling, tables
from tests.corpus.cases import CASES, DIM, vectors

SUBJECTS = (arrays, commands, folders, models, overrides, pooling, tables)  # their import fills CASES
HYDRAS_OWN = {".hydra", "train.log"}  # what Hydra writes of a call before the job begins


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("good")
    write_folder(synthetic(people=12, probes=4, seed=1, dim=DIM), here / "data")
    np.save(here / "x.npy", vectors())
    assert cli.main(["baseline", "ridge", "--data", str(here / "data"), "--out", str(here / "fitted")]) == 0
    for suffix in ("safetensors", "onnx"):
        assert cli.main(["export", str(here / "fitted"), "--out", str(here / f"ridge.{suffix}")]) == 0
    shutil.rmtree(here / "fitted")
    return here


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", CASES)
def test_it_is_one_line_and_nothing_is_written(
    name: str,
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    here = tmp_path / "here"
    shutil.copytree(good, here)
    monkeypatch.chdir(here)
    program, *arguments = CASES[name](here)
    monkeypatch.setattr(sys, "argv", ["train.py"])
    before = contents(tmp_path)
    handlers = list(logging.root.handlers)
    capfd.readouterr()
    status = train.main(arguments) if program == "train" else cli.main(arguments)
    err = capfd.readouterr().err
    logging.root.handlers[:] = handlers  # Hydra's write to a stream that is closed after the test
    assert status == 2, err
    assert err.startswith("error: "), err
    assert err.count("\n") == 1, err
    assert "unexpected" not in err
    shown = [warning for warning in recwarn if not issubclass(warning.category, DeprecationWarning | ResourceWarning)]
    assert not [str(warning.message) for warning in shown]  # they would be on stderr outside a test
    after = contents(tmp_path)
    if program == "train":
        after = {
            path: content for path, content in after.items() if path in before or not HYDRAS_OWN & {*Path(path).parts}
        }
    assert after == before
    assert not (here / "sprung").exists()
    assert program == "train" or not (here / "out").exists()


def test_rows_without_a_template_are_read(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids on some rows only are no fault: the other rows are templates of their own."""
    shutil.copytree(good / "data", tmp_path / "data")
    path = tmp_path / "data" / "video_metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    for row, entry in enumerate(content["metadata"]):
        for key in ("template_id", "media_id", "frame"):
            entry.pop(key, None)
        if row % 4 < 2:
            entry["template_id"] = row // 4
    path.write_text(json.dumps(content), encoding="utf-8")
    data = read_folder(tmp_path / "data")
    found = templates_of(data.video, "video")
    assert found is not None
    assert found.template[:8].tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
    assert cli.main(["doctor", str(tmp_path / "data")]) == 0
    assert "bad-ids" not in capsys.readouterr().out
