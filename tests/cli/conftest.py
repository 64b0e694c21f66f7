"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import poseid
from poseid import cli
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller
from tests.single_rows import without_tracks


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature folder of 60 people, 5 folds, and a ridge fitted on it by the default split."""
    here = tmp_path_factory.mktemp("work")
    write_folder(without_tracks(synthetic(people=60, probes=8, seed=1, dim=32, comparisons=40)), here / "data")
    assert cli.main(["baseline", "ridge", "--data", str(here / "data"), "--out", str(here / "ridge")]) == 0
    return here


@pytest.fixture(scope="session")
def data(work: Path) -> FeatureSet:
    return read_folder(work / "data")


@pytest.fixture(scope="session")
def enhanced(work: Path, data: FeatureSet) -> np.ndarray:
    """The video rows, enhanced by the Python API."""
    out: np.ndarray = poseid.load(work / "ridge").enhance(data.video.features, data.video.poses)
    assert not np.allclose(out, data.video.features)
    return out
