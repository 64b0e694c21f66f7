"""Settings that must stand before torch is imported, what makes trainings cheap, and a run that several rooms read."""

import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Tests run side by side: one thread each, or they would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

Records = list[dict[str, Any]]


CTRL_C = signal.getsignal(signal.SIGINT)


@pytest.fixture(autouse=True)
def heard_ctrl_c() -> Iterator[None]:
    """Lightning leaves Ctrl-C ignored once it was stopped, and commands that later tests start inherit it."""
    signal.signal(signal.SIGINT, CTRL_C)
    yield
    signal.signal(signal.SIGINT, CTRL_C)


RENDERED = ("tests/reports/", "tests/sweeps/")


@pytest.fixture(autouse=True, scope="session")
def figures_composed_alone() -> Iterator[None]:
    """Outside the tests of figures, and commands in processes of their own, figures are composed but not rendered.

    Rendering is three quarters of what a report costs. In its place stands one colour, made of the data of all lines,
    so that figures of other data are other bytes.
    """
    from poseid.reports.sheet import Sheet

    rendered = Sheet.pixels

    def pixels(self: Sheet) -> np.ndarray:
        if os.environ["PYTEST_CURRENT_TEST"].startswith(RENDERED):
            return rendered(self)
        lines = [np.asarray(line.get_xydata()).tobytes() for axes in self.figure.axes for line in axes.lines]
        colour = np.frombuffer(zlib.crc32(b"".join(lines)).to_bytes(4, "little")[:3], np.uint8)
        rows, columns = self.subfigures.shape
        return np.full((8 * rows, 8 * columns, 3), colour)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sheet, "pixels", pixels)
        yield


@pytest.fixture
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of ``train.main`` write into a directory of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a short run; only to be read."""
    from tests.short_runs import run

    run_dir = tmp_path_factory.mktemp("finished") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py"])
        assert run(directory=run_dir.as_posix()) == 0
    return run_dir


@pytest.fixture
def run_dir(finished_run: Path, own_directory: None) -> Path:
    """A copy of it as ``run`` in the test's own directory."""
    return Path(shutil.copytree(finished_run, "run"))


@pytest.fixture(scope="session")
def wandb_records() -> Callable[[Path], Records]:
    """Reads the records of the only offline W&B run of a run directory, without an account."""

    def read(run_dir: Path) -> Records:
        (path,) = run_dir.glob("wandb/offline-run-*/*.wandb")
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    return read


@pytest.fixture(scope="session")
def logged_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a short training with W&B offline, on enough people for FMR 1e-2."""
    import train

    run_dir = tmp_path_factory.mktemp("logged") / "run"
    short = [
        "resamples=100",
        "data.synthetic_people=90",
        "data.dim=32",
        "batch_size=64",
        "max_epochs=2",
        "threads=1",
        "lambda_id=1.5",
    ]
    quick = ["trainer.limit_train_batches=2", "trainer.progress_bar=false", "trainer.accelerator=cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py"])
        logged = ["logger=wandb", "logger.mode=offline", f"hydra.run.dir={run_dir.as_posix()}"]
        assert train.main([*short, *quick, *logged]) == 0
    return run_dir
