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


def data_of(axes: Any) -> Iterator[bytes]:
    """What is drawn in axes: lines, patches, images, collections of points and paths, texts."""
    yield from (np.asarray(line.get_xydata()).tobytes() for line in axes.lines)
    yield from (np.asarray(patch.get_verts()).tobytes() for patch in axes.patches)
    yield from (np.asarray(image.get_array()).tobytes() for image in axes.images)
    for drawn in axes.collections:
        yield np.asarray(drawn.get_offsets()).tobytes()
        yield from (np.asarray(path.vertices).tobytes() for path in drawn.get_paths())
    yield from (f"{text.get_text()} {text.get_position()}".encode() for text in axes.texts)


@pytest.fixture(autouse=True, scope="session")
def figures_composed_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Figures are composed but not rendered, save in the tests of figures, in those marked `rendered`, and in commands.

    Rendering is three quarters of what a report costs. In its place stands one colour, made of what is drawn, so that
    figures of other data are other bytes.
    """
    from poseid.reports.sheet import Sheet

    rendered = Sheet.pixels
    marked = [f"{item.nodeid} (" for item in request.session.items if item.get_closest_marker("rendered")]

    def pixels(self: Sheet) -> np.ndarray:
        if os.environ["PYTEST_CURRENT_TEST"].startswith((*RENDERED, *marked)):
            return rendered(self)
        drawn = [part for axes in self.figure.axes for part in data_of(axes)]
        colour = np.frombuffer(zlib.crc32(b"".join(drawn)).to_bytes(4, "little")[:3], np.uint8)
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
