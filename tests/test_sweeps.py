"""Multiruns as a user runs them: grids one after another and side by side, failed jobs, and Optuna killed half-way."""

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file

import train
from poseid.enhancers.saving import read_info
from poseid.sweeps.analysis import read_sweep
from tests.short_runs import ROOT, run_process, summary

SHORT = [
    "-m",
    "data.synthetic_people=24",
    "data.dim=64",
    "max_epochs=1",
    "trainer.limit_train_batches=2",
    "trainer.accelerator=cpu",
    "trainer.progress_bar=false",
    "threads=1",
    "resamples=100",
]
GRID = ["loss=before,after", "lambda_id=1,2,3"]
JOBS = [(loss, weight) for loss in ("before", "after") for weight in (1, 2, 3)]


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of 2 × 3 jobs, one after another, with W&B offline."""
    directory = tmp_path_factory.mktemp("grid") / "weights"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["train.py"])
        arguments = [*SHORT, *GRID, "logger=wandb", "logger.mode=offline", f"hydra.sweep.dir='{directory}'"]
        assert train.main(arguments) == 0
        yield directory


def command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "train.py"), *SHORT, *arguments]


def assert_same_results(one: Path, other: Path) -> None:
    assert (one / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    assert summary(one) == summary(other)
    a, b = (load_file(job / "enhancer.safetensors") for job in (one, other))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_every_job_has_a_directory_and_a_wandb_run_of_its_own(
    grid: Path, wandb_records: Callable[[Path], list[dict[str, Any]]]
) -> None:
    assert sorted(path.name for path in grid.iterdir() if path.is_dir()) == list("012345")
    ids = set()
    for number, (loss, weight) in enumerate(JOBS):
        records = wandb_records(grid / str(number))
        (begun,) = (entry["run"] for entry in records if "run" in entry)
        ids.add(begun["run_id"])
        assert begun["run_group"] == "weights"
        assert begun["display_name"] == f"loss={loss} lambda_id={weight}"
        assert begun["config"]["update"]["lambda_id"] == weight
        assert f"loss={loss}" in begun["tags"]
        history = json.dumps([entry for entry in records if "history" in entry])
        assert "train/loss/similarity_protection" in history
        defined = [entry["metric"]["name"] for entry in records if "metric" in entry]
        assert {"val/selection", "train/loss/similarity_protection"} <= set(defined)
        assert [entry["exit"]["exit_code"] for entry in records if "exit" in entry] == [0]
    assert len(ids) == 6


def test_every_job_has_the_same_people_and_looks_at_no_test_people(grid: Path) -> None:
    people = [read_info(grid / str(number) / "enhancer.safetensors")["people"] for number in range(6)]
    assert all(one == people[0] for one in people)
    assert people[0]["test"]
    assert all(summary(grid / str(number))["test"] is None for number in range(6))


@pytest.mark.slow
def test_side_by_side_through_joblib_gives_the_same_bits(grid: Path, tmp_path: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    arguments = [*GRID, "sweep=joblib", "logger=wandb", "logger.mode=offline", "hydra.sweep.dir=side"]
    done = run_process(command(*arguments), tmp_path)
    assert done.returncode == 0, done.stderr
    for number in range(6):
        assert_same_results(grid / str(number), tmp_path / "side" / str(number))
        assert len(list((tmp_path / "side" / str(number) / "wandb").glob("offline-run-*"))) == 1
    assert "of 6 finished jobs of side" in done.stdout or "no finished job" in done.stdout


@pytest.mark.parametrize(
    ("choice", "plugin"),
    [
        pytest.param("submitit_local", "hydra_submitit_launcher", marks=pytest.mark.slow),
        pytest.param("ray", "hydra_ray_launcher", marks=pytest.mark.ray),
    ],
)
def test_jobs_of_a_cluster_give_the_same_bits(choice: str, plugin: str, grid: Path, tmp_path: Path) -> None:
    pytest.importorskip(f"hydra_plugins.{plugin}")
    done = run_process(
        command("loss=after", "lambda_id=1,2", f"sweep={choice}", "logger=csv", "hydra.sweep.dir=cluster"), tmp_path
    )
    assert done.returncode == 0, done.stderr
    for number in range(2):
        assert_same_results(grid / str(3 + number), tmp_path / "cluster" / str(number))


@pytest.mark.usefixtures("own_directory")
def test_one_failed_job_of_six_is_named_and_a_second_call_adds_jobs(capfd: pytest.CaptureFixture[str]) -> None:
    options = ["logger=csv", "hydra.sweep.dir=sweep", "objective=[minimize sets.headline.enhanced.eer]"]
    assert train.main([*SHORT, *options, "data.min_yaw=5,30", "data.max_yaw=20,60,90"]) == 1
    out = capfd.readouterr().out
    (line,) = (line for line in out.splitlines() if "failed: " in line and "job failed" not in line)
    assert "failed: job 3 (" in line
    assert "data.min_yaw=30 data.max_yaw=20): data.min_yaw: 30 is not below" in line
    assert "1 job(s) of sweep failed; the others are complete" in out
    assert json.loads(Path("sweep/3/failed.json").read_text(encoding="utf-8"))["error"] == "InputError"
    rates = {n: summary(Path("sweep") / str(n)) for n in (0, 1, 2, 4, 5)}
    eer = {n: block["validation"]["sets"]["frontal_profile"]["enhanced"]["eer"] for n, block in rates.items()}
    best = min(eer, key=lambda n: (eer[n], n))
    assert "best of 5 finished jobs of sweep, on validation people:" in out
    assert f"  job {best}: sets.headline.enhanced.eer = {eer[best]:.6g} (data.min_yaw=" in out
    before = {path: path.read_bytes() for path in Path("sweep").glob("[0-5]/**/*") if path.is_file()}
    assert train.main([*SHORT, *options, "data.max_yaw=50"]) == 0
    out = capfd.readouterr().out
    assert "failed: " not in out  # it speaks of its own jobs
    assert "best of 6 finished jobs of sweep" in out
    assert summary(Path("sweep/6"))["test"] is None
    assert {path: path.read_bytes() for path in before} == before
    Path("sweep/6/finished.json").unlink()  # as if it had been killed before its last file
    assert train.main(["resume=sweep/6"]) == 0  # by itself it leaves the test people alone too
    assert summary(Path("sweep/6"))["test"] is None


@pytest.mark.usefixtures("own_directory")
def test_sweep_without_m_and_an_objective_that_is_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["sweep=joblib", "hydra.run.dir=run"]) == 2
    assert capsys.readouterr().err == "error: sweep: chooses how a multirun runs; add -m\n"
    assert train.main(["-m", "objective=[smallest eer]", "hydra.sweep.dir=sweep"]) == 2
    assert capsys.readouterr().err.startswith("error: objective: expected 'minimize KEY'")
    assert train.main(["-m", "objective=[minimize sets.nosuch]", "hydra.sweep.dir=sweep"]) == 2
    assert capsys.readouterr().err.startswith("error: objective: the validation block has no sets.nosuch")
    assert not Path("sweep").exists()


def finished_trials(database: Path) -> int:
    """How many trials of a study are complete, read beside whoever writes it; 0 before there is one."""
    if not database.is_file():
        return 0
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
            return int(opened.execute("SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0])
    except sqlite3.OperationalError:  # its tables are being made
        return 0


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_optuna_killed_half_way_goes_on_and_its_front_is_the_tables(tmp_path: Path) -> None:
    optuna = pytest.importorskip("optuna")
    pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
    # An untrained network of another seed each time: figures that differ, for a front of more than one trial.
    call = [
        "sweep=optuna_pareto",
        "data.synthetic_people=40",
        "model.skip=false",
        "model.init=random",
        f"seed=choice({','.join(str(seed) for seed in range(40))})",
        "logger=csv",
        "hydra.sweep.dir=pareto",
    ]
    sweep, database = tmp_path / "pareto", tmp_path / "pareto" / "optuna.db"
    with (tmp_path / "log.txt").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command(*call, "hydra.sweeper.n_trials=12"), cwd=tmp_path, stdout=log, stderr=log, start_new_session=True
        )
        deadline = time.monotonic() + 300
        while finished_trials(database) < 6 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        done = finished_trials(database)
        assert 6 <= done < 12, (tmp_path / "log.txt").read_text(encoding="utf-8")
        # What `poseid sweep` says is left to do is done.
        (advice,) = (advice for advice in read_sweep(sweep).finish if "trials are left" in advice.what)
        assert advice.what == f"{12 - done} of 12 trials are left:"
        _python, script, *arguments = shlex.split(advice.lines[0])
        assert script == "train.py"
        subprocess.run(
            [sys.executable, str(ROOT / script), *arguments], cwd=tmp_path, stdout=log, stderr=log, check=True
        )
    study = optuna.load_study(study_name="sweep", storage=f"sqlite:///{database}")
    states = [trial.state.name for trial in study.trials]
    assert states.count("COMPLETE") == 12
    assert set(states) <= {"COMPLETE", "FAIL"}
    table = [tuple(trial.values) for trial in study.trials if trial.state.name == "COMPLETE"]
    assert len(set(table)) > 3
    # Each trial stands in the directory of its number, with the figures that it reported.
    for trial in study.trials:
        if trial.state.name == "COMPLETE":
            headline = summary(sweep / str(trial.number))["validation"]["sets"]["frontal_profile"]
            figures = (
                headline["fixed_threshold"]["1e-2"]["enhanced"]["fnmr"],
                headline["fixed_threshold"]["1e-2"]["fmr_ratio"],
            )
            assert tuple(trial.values) == figures
    front = {a for a in table if not any(b[0] <= a[0] and b[1] <= a[1] and b != a for b in table)}
    written = yaml.safe_load((sweep / "optimization_results.yaml").read_text(encoding="utf-8"))
    assert {tuple(solution["values"]) for solution in written["solutions"]} == front
    printed = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert f"{len(front)} that no other job beats" in printed
