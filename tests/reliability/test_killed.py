"""SIGKILL at random moments: going on ends in the same bits as never stopping, and no final name is truncated."""

from __future__ import annotations

import csv
import json
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import chdir, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from poseid.features.folder import read_folder, write_folder
from poseid.features.synthetic import synthetic
from poseid.sweeps.analysis import read_sweep
from poseid.sweeps.jobs import job_directories, read_overrides

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("POSEID_KILLS", "5"))
TRAINING = [
    "data.synthetic_people=24",
    "data.dim=64",
    "max_epochs=4",
    "batch_size=64",
    "threads=1",
    "resamples=100",
    "logger=csv",
    "trainer.progress_bar=false",
    "trainer.accelerator=cpu",
    "callbacks.diagnosis.every_n_epochs=0",
    "hydra.run.dir=run",
]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")]


def start(here: Path, *command: str) -> subprocess.Popen[bytes]:
    here.mkdir(exist_ok=True)
    with (here.parent / f"{here.name}.log").open("ab") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.Popen(
            [sys.executable, *command], cwd=here, env=environment, stdout=log, stderr=log, start_new_session=True
        )


def finished(here: Path, *command: str) -> float:
    """Runs a command to its end; returns the seconds that it took."""
    began = time.monotonic()
    assert start(here, *command).wait(timeout=600) == 0, (here.parent / f"{here.name}.log").read_text(encoding="utf-8")
    return time.monotonic() - began


def killed(process: subprocess.Popen[bytes], until: float, watched: Path | None) -> bool:
    """Kills a process at a moment, or as soon as something new is written in ``watched``; False if it had ended."""

    def written() -> list[tuple[str, int, int]]:
        found = []
        for path in watched.rglob("*") if watched is not None and watched.is_dir() else ():
            try:
                found.append((path.name, path.stat().st_size, path.stat().st_mtime_ns))
            except FileNotFoundError:  # renamed meanwhile
                found.append((path.name, -1, 0))
        return sorted(found)

    before = written()
    while process.poll() is None and time.monotonic() < until and (watched is None or written() == before):
        time.sleep(0.001)
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a process that has ended
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
    return process.wait() == -signal.SIGKILL


def check_whole(directory: Path) -> int:
    """Opens every file with a final name; returns how many there are."""
    count = 0
    for path in sorted(directory.rglob("*")):
        if not path.is_file() or path.name.endswith((".part", ".partial")) or ".partial" in str(path.parent):
            continue
        count += 1
        match path.suffix:
            case ".ckpt":
                assert torch.load(path, weights_only=True)["state_dict"], path
            case ".safetensors":
                assert load_file(path), path
            case ".json":
                assert json.loads(path.read_text(encoding="utf-8")), path
            case ".csv":
                assert path.read_bytes().endswith(b"\n"), path
                assert len({len(row) for row in csv.reader(path.read_text(encoding="utf-8").splitlines())}) == 1, path
            case ".html" | ".svg":
                assert path.read_text(encoding="utf-8").rstrip().endswith((">",)), path
            case ".png":
                assert path.read_bytes()[-8:-4] == b"IEND", path
            case ".npy":
                assert len(np.load(path, mmap_mode="r", allow_pickle=False)), path
    return count


def same_bits(one: object, other: object, where: str) -> None:
    """Compares what a checkpoint holds, down to every number."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert isinstance(other, dict)
        assert list(one) == list(other), where
        for key in one:
            same_bits(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert isinstance(other, (list, tuple))
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            same_bits(a, b, f"{where}[{i}]")
    elif isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other), where
    else:
        assert one == other, where


def going_on(run: Path, training: list[str]) -> list[str]:
    """The arguments that go on with a run, or begin it where it was stopped before it could be gone on with."""
    again = (run / ".hydra" / "overrides.yaml").is_file() and (run / "checkpoints").is_dir()
    return ["resume=run"] if again else training


@pytest.mark.parametrize("processes", [1, 2])
def test_training(processes: int, tmp_path: Path) -> None:
    train = str(ROOT / "train.py")
    training = [*TRAINING, f"trainer.devices={processes}"]
    duration = finished(tmp_path / "whole", train, *training)
    draw = random.Random(0)
    here, run = tmp_path / "stopped", tmp_path / "stopped" / "run"
    kills = 0
    for attempt in range(4 * KILLS):
        process = start(here, train, *going_on(run, training))
        # every second time while something is written, such as a checkpoint
        watched = run if attempt % 2 else None
        if killed(process, time.monotonic() + draw.uniform(0.3, 0.9) * duration, watched):
            kills += 1
            check_whole(here)
        else:
            assert process.returncode == 0
            shutil.rmtree(run)  # it was over before its moment came: another run
        if kills == KILLS:
            break
    assert kills, "no run could be stopped"
    finished(here, train, *going_on(run, training))
    whole = tmp_path / "whole" / "run"
    assert (run / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()
    for name in ("best.ckpt", "last.ckpt"):
        one, other = (torch.load(d / "checkpoints" / name, weights_only=True) for d in (whole, run))
        same_bits(one["state_dict"], other["state_dict"], name)
        same_bits(one["optimizer_states"], other["optimizer_states"], name)
        assert (one["epoch"], one["global_step"]) == (other["epoch"], other["global_step"])
    weights = [load_file(directory / "enhancer.safetensors") for directory in (whole, run)]
    same_bits(*weights, "enhancer.safetensors")
    with safe_open(run / "enhancer.safetensors", framework="pt") as opened:
        assert opened.metadata()
    check_whole(here)
    assert not [path for path in run.rglob("*") if path.name.endswith((".part", ".partial"))]


def test_evaluate_and_export_are_whole_or_absent(tmp_path: Path) -> None:
    write_folder(synthetic(people=20, probes=6, seed=1, dim=32), tmp_path / "data")
    names = "\n".join(read_folder(tmp_path / "data").people())
    (tmp_path / "people.txt").write_text(names + "\n", encoding="utf-8")
    draw = random.Random(1)
    here = tmp_path / "at"
    command = ["-m", "poseid", "evaluate", "raw", "--data", "../data", "--resamples", "200", "--out"]
    duration = finished(here, *command, "whole")
    for attempt in range(KILLS):
        watched = here if attempt % 2 else None
        process = start(here, *command, f"out{attempt}")
        moment = time.monotonic() + draw.uniform(0.4, 1.0) * duration
        was_killed = killed(process, moment, watched)
        left = here / f"out{attempt}"
        if left.exists():
            assert {path.name for path in left.rglob("*")} == {path.name for path in (here / "whole").rglob("*")}
        else:
            assert was_killed
        check_whole(here)


def test_enhance_of_shards(tmp_path: Path) -> None:
    here = tmp_path / "at"
    (here / "in").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for shard in range(4):
        np.save(here / "in" / f"{shard}.npy", generator.standard_normal((60_000, 128)).astype(np.float32))
    write_folder(synthetic(people=20, probes=6, seed=1, dim=128), here / "data")
    finished(here, "-m", "poseid", "baseline", "ridge", "--data", "data", "--out", "ridge")
    command = ["-m", "poseid", "enhance", "ridge", "in", "--resume", "--out"]
    duration = finished(here, *command, "whole")
    draw = random.Random(2)
    for attempt in range(KILLS):
        process = start(here, *command, "out")
        killed(process, time.monotonic() + draw.uniform(0.3, 1.0) * duration, here / "out" if attempt % 2 else None)
        check_whole(here / "out")
    finished(here, *command, "out")
    names = {f"{shard}.npy" for shard in range(4)}
    assert {path.name for path in (here / "out").iterdir()} == {*names, "_enhanced.jsonl"}
    for name in names:
        assert (here / "out" / name).read_bytes() == (here / "whole" / name).read_bytes()


def test_a_sweep_is_finished_by_the_lines_that_it_is_told(tmp_path: Path) -> None:
    train = str(ROOT / "train.py")
    quick = [argument for argument in TRAINING if not argument.startswith("hydra.run.dir")]
    call = ["-m", *quick, "lambda_id=1,2,3"]
    here = tmp_path / "stopped"
    duration = finished(tmp_path / "whole", train, *call, "hydra.sweep.dir=sweep")
    draw = random.Random(3)
    process = start(here, train, *call, "hydra.sweep.dir=sweep")
    # once there is a job, something is left to go on with
    while process.poll() is None and not list(here.glob("sweep/*/.hydra/overrides.yaml")):
        time.sleep(0.01)
    assert killed(process, time.monotonic() + draw.uniform(0.1, 0.7) * duration, None)
    for attempt in range(KILLS + 6):
        left = told(here)
        if not left:
            break
        python, script, *arguments = shlex.split(left[0])
        assert (python, script) == ("python", "train.py")
        if attempt < KILLS:
            process = start(here, train, *arguments)
            if not killed(process, time.monotonic() + draw.uniform(0.2, 0.8) * duration, None):
                assert process.returncode == 0
            check_whole(here)
        else:
            finished(here, train, *arguments)
    assert told(here) == []
    whole, stopped = by_weight(tmp_path / "whole" / "sweep"), by_weight(here / "sweep")
    assert whole.keys() == stopped.keys() == {"lambda_id=1", "lambda_id=2", "lambda_id=3"}
    for weight, job in whole.items():
        assert (job / "metrics.csv").read_bytes() == (stopped[weight] / "metrics.csv").read_bytes()
        same_bits(*(load_file(one / "enhancer.safetensors") for one in (job, stopped[weight])), weight)


def told(here: Path) -> list[str]:
    """The lines that `poseid sweep` tells to finish a sweep with."""
    with chdir(here):
        return [line for advice in read_sweep(Path("sweep")).finish for line in advice.lines]


def by_weight(sweep: Path) -> dict[str, Path]:
    """The finished jobs of a sweep by their override of lambda_id."""
    return {
        override: job
        for job in job_directories(sweep)
        if (job / "report" / "summary.json").is_file()
        for override in read_overrides(job)
        if override.startswith("lambda_id=")
    }
