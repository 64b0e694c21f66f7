"""What the tests of the commands share."""

from __future__ import annotations

from pathlib import Path

import pytest

from poseid import cli
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Caller:
    return Caller(capsys)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature folder of 60 people, 5 folds, and a ridge fitted on it by the default split."""
    here = tmp_path_factory.mktemp("work")
    write_folder(synthetic(people=60, probes=8, seed=1, dim=32, comparisons=40), here / "data")
    assert cli.main(["baseline", "ridge", "--data", str(here / "data"), "--out", str(here / "ridge")]) == 0
    return here
