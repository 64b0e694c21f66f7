"""A full disk and a read-only place: one line, nothing half-written, earlier outputs as they were."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseid import cli
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from tests.reliability.test_killed import check_whole
from tests.short_runs import run_process

DIM = 64
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None,
    reason="mounts a small disk, which needs Linux and its administrator",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature folder, files of its vectors, a table of photos and a baseline, on an ordinary disk."""
    here = tmp_path_factory.mktemp("inputs")
    features = synthetic(people=40, probes=8, seed=1, dim=DIM)
    write_folder(features, here / "faces")
    vectors = features.video.features
    np.save(here / "v.npy", vectors)
    np.savez(here / "v.npz", features=vectors)
    columns = {"features": pa.FixedSizeListArray.from_arrays(vectors.ravel(), DIM)}
    pq.write_table(pa.table(columns), here / "v.parquet")
    with h5py.File(here / "v.h5", "w") as file:
        file["features"] = vectors
    video = zip(features.video.people, features.video.poses, vectors, strict=True)
    cells = [[name, *pose, *row] for name, pose, row in video]
    head = ["who", "yaw", "pitch", "roll", *(f"f{i}" for i in range(DIM))]
    lines = "\n".join(",".join(map(str, row)) for row in [head, *cells])
    (here / "photos.csv").write_text(lines + "\n", encoding="utf-8")
    assert cli.main(["baseline", "ridge", "--data", str(here / "faces"), "--out", str(here / "ridge")]) == 0
    return here


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A small disk, of 16 KiB unless the test says otherwise, with a file on it."""
    size = getattr(request, "param", "16k")
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        (place / "earlier.txt").write_bytes(b"kept" * 1000)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def content(place: Path) -> dict[str, bytes]:
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


COMMANDS = [
    "enhance {ridge} {v.npy} --no-pose --out {disk}/out.npy",
    "enhance {ridge} {v.npz} --no-pose --out {disk}/out.npz",
    "enhance {ridge} {v.parquet} --no-pose --out {disk}/out.parquet",
    "enhance {ridge} {v.h5} --no-pose --out {disk}/out.h5",
    "enhance {ridge} {faces} --out {disk}/faces",
    "evaluate raw --data {faces} --resamples 0 --out {disk}/report",
    "compare raw {ridge} --data {faces} --resamples 0 --out {disk}/compared",
    "import {photos.csv} --feature-columns f0..f63 --person who --pose yaw,pitch,roll --out {disk}/faces",
    "doctor {faces} --out {disk}/doctor",
    "baseline wccn --data {faces} --out {disk}/wccn",
    "synthetic --people 60 --out {disk}/made",
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.split()[:3]))
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_a_command_leaves_what_was_there(
    command: str, fault: str, inputs: Path, disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    before = content(disk)
    arguments = [
        str(inputs / word[1:-1]) if word.startswith("{") and word.endswith("}") else word.replace("{disk}", str(disk))
        for word in command.split()
    ]
    assert cli.main(arguments) in ((1,) if fault == "full" else (1, 2))
    printed = capfd.readouterr()
    errors = [line for line in printed.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, printed.err
    assert ("No space left" if fault == "full" else "Read-only") in errors[0]
    assert "Traceback" not in printed.err
    assert content(disk) == before
    assert [path.name for path in disk.iterdir()] == ["earlier.txt"]


@pytest.mark.slow
@pytest.mark.parametrize("disk", ["16k", "600k", "1m", "2m"], indirect=True)
def test_training_on_a_full_disk_ends_with_one_line_and_what_is_there_is_whole(inputs: Path, disk: Path) -> None:
    before = content(disk)
    (error,) = failing_training(inputs, disk)
    assert "No space left" in error
    after = content(disk)
    assert {name: after[name] for name in before} == before
    check_whole(disk)


def test_training_in_a_read_only_place_is_one_line(inputs: Path, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    (error,) = failing_training(inputs, disk)
    assert "takes no files" in error
    assert [path.name for path in disk.iterdir()] == ["earlier.txt"]


def failing_training(inputs: Path, disk: Path) -> list[str]:
    """The lines that tell what is wrong with a run on a disk."""
    arguments = ["data=folder", f"data.dir='{inputs / 'faces'}'", f"data.dim={DIM}", f"hydra.run.dir='{disk / 'run'}'"]
    quick = [
        "max_epochs=2",
        "logger=csv",
        "threads=1",
        "resamples=100",
        "trainer.progress_bar=false",
        "trainer.accelerator=cpu",
    ]
    done = run_process([sys.executable, str(ROOT / "train.py"), *arguments, *quick], inputs)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("error: ")]
