"""SIGKILL in the folds of a cross-validation: going on ends in the same bytes as never stopping."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.reliability.test_killed import ROOT, TRAINING, check_whole, finished, killed, start

CV = [*TRAINING, "cv=3"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")]


def going_on(run: Path) -> list[str]:
    begun = (run / ".hydra" / "overrides.yaml").is_file() and (run / "fold_0").is_dir()
    return ["resume=run"] if begun else CV


def test_cross_validation(tmp_path: Path) -> None:
    train, here = str(ROOT / "train.py"), tmp_path / "stopped"
    duration = finished(tmp_path / "whole", train, *CV)
    run, whole = here / "run", tmp_path / "whole" / "run"
    draw, kills = random.Random(4), 0
    for share in (0.4, 0.3, 0.5):  # in the first folds, and once more where each of them left it
        process = start(here, train, *going_on(run))
        kills += killed(process, time.monotonic() + share * draw.uniform(0.8, 1.2) * duration, None)
        check_whole(here)
    assert kills, "no run could be stopped"
    if not (run / "finished.json").is_file():
        finished(here, train, *going_on(run))
    for directory in ("", "fold_0", "fold_1", "fold_2"):
        for file in ("enhancer.safetensors", "metrics.csv", "report/summary.json", "report/scores.png"):
            assert (run / directory / file).read_bytes() == (whole / directory / file).read_bytes(), (directory, file)
