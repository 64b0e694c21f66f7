"""What a sweep set out to do, and the lines that finish it."""

from __future__ import annotations

import itertools
import random
import shlex
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from poseid.sweeps.analysis import read_sweep
from poseid.sweeps.commands import merged, to_evaluate, to_reproduce
from poseid.sweeps.jobs import Job
from poseid.sweeps.plan import grid
from tests.sweeps.made import start_job, write_grid, write_job, write_json, write_multirun, write_yaml


def lines(sweep: Path) -> list[str]:
    return [line for advice in read_sweep(sweep).finish for line in advice.lines]


def expanded(line: str) -> set[frozenset[str]]:
    """The jobs that Hydra makes of a line, without the arguments that are Hydra's own."""
    jobs = grid([part for part in shlex.split(line)[3:] if not part.startswith("hydra.")])
    return {frozenset(job) for job in jobs or ()}


def write_search(sweep: Path, task: list[str], n_trials: int, **call: Any) -> None:
    sweeper = {"_target_": "hydra_plugins.hydra_optuna_sweeper.optuna_sweeper.OptunaSweeper", "n_trials": n_trials}
    write_multirun(sweep, task, sweeper, **call)


def best_job(sweep: Path) -> Job:
    job = read_sweep(sweep).best_job
    assert job is not None
    return job


EVERYTHING = [dict(zip("abc", map(str, values), strict=True)) for values in itertools.product(range(3), repeat=3)]


def test_a_grid_is_hydras() -> None:
    assert grid(["a=range(1,4)", "b='x y',z", "flag=true", "c=[1,2],[3,4]"]) == tuple(
        itertools.product(("a=1", "a=2", "a=3"), ("b='x y'", "b=z"), ("flag=True",), ("c=[1,2]", "c=[3,4]"))
    )
    assert grid(["a=glob(*)"]) is None
    assert grid(["a=("]) is None


@pytest.mark.parametrize("seed", range(5))
def test_merged_lines_run_exactly_the_combinations(seed: int) -> None:
    chosen = random.Random(seed).sample(EVERYTHING, 11)
    grids = merged(chosen)
    assert len(grids) < 11
    ran = [
        dict(zip(one, values, strict=True))
        for one in grids
        for values in itertools.product(*(value.split(",") for value in one.values()))
    ]
    assert sorted(ran, key=str) == sorted(chosen, key=str)
    assert merged(EVERYTHING) == [dict.fromkeys("abc", "0,1,2")]


def test_jobs_left_of_a_grid(tmp_path: Path) -> None:
    """Of 3 × 2 jobs one failed, one was killed after an epoch, one at once, and one never began."""
    task = ["lambda_id=1,2,3", "seed=0,1", "threads=1"]
    write_multirun(tmp_path, task, hydra=["hydra.launcher.n_jobs=2", "hydra.sweep.subdir=${poseid.add:0,x}"])
    combinations = grid(task) or ()
    for number in (0, 1):
        write_job(tmp_path, number, combinations[number], 0.2)
    write_json(start_job(tmp_path, 2, combinations[2]) / "failed.json", {"message": "out of memory"})
    killed = start_job(tmp_path, 3, combinations[3])
    (killed / "checkpoints").mkdir()
    (killed / "checkpoints" / "last.ckpt").write_bytes(b"")
    (tmp_path / "4").mkdir()
    states = {int(job.name): job.state for job in read_sweep(tmp_path).jobs}
    assert states == {0: "finished", 1: "finished", 2: "failed", 3: "unfinished", 4: "unfinished", 5: "missing"}
    resume, *again = lines(tmp_path)
    assert shlex.split(resume) == ["python", "train.py", f"resume={killed}", "evaluate_test=false"]
    assert set().union(*map(expanded, again)) == {frozenset(combinations[n]) for n in (2, 4, 5)}
    for line in again:
        assert shlex.split(line)[:3] == ["python", "train.py", "-m"]
        assert "hydra.launcher.n_jobs=2" in line
        assert f"hydra.sweep.dir={tmp_path}" in line
        assert "subdir" not in line


def test_a_job_that_was_run_again_elsewhere_is_not_left(tmp_path: Path) -> None:
    write_grid(tmp_path, {"lambda_id": ["1", "2"]}, [0.1, 0.2])
    write_json(tmp_path / "1" / "failed.json", {"message": "no"})
    assert len(lines(tmp_path)) == 1
    write_job(tmp_path, 2, ["lambda_id=2", "evaluate_test=false"], 0.2)
    assert lines(tmp_path) == []
    sweep = read_sweep(tmp_path)
    assert sweep.varied == ("lambda_id",)
    assert len(sweep.unfinished) == 1


def test_trials_left_of_a_search(tmp_path: Path) -> None:
    task = ["sweep=[optuna,weights]", "lambda_id=1,2,3"]
    write_search(tmp_path, task, 12, hydra=["hydra.sweeper.n_trials=12"])
    for number in range(5):
        write_job(tmp_path, number, [f"lambda_id={number % 3 + 1}"], 0.2)
    write_json(start_job(tmp_path, 5, ["lambda_id=1"]) / "failed.json", {"message": "no"})
    start_job(tmp_path, 6, ["lambda_id=1"])
    (line,) = lines(tmp_path)
    want = ["python", "train.py", "-m", f"hydra.sweep.dir={tmp_path}", *task, "hydra.sweeper.n_trials=6"]
    assert shlex.split(line) == want


SECOND_CALL = "${poseid.add:7,${hydra.job.num}}"


@pytest.mark.parametrize("where", [{"hydra": [f"hydra.sweep.subdir='{SECOND_CALL}'"]}, {"subdir": SECOND_CALL}])
def test_trials_left_of_a_continued_search(where: dict[str, Any], tmp_path: Path) -> None:
    """The second call began with job 7 and was to add 6 trials."""
    write_search(tmp_path, ["a=1,2"], 6, **where)
    for number in (0, 1, 2, 3, 4, 5, 7, 8):
        write_job(tmp_path, number, ["a=1"], 0.2)
    (line,) = lines(tmp_path)
    assert line.endswith("hydra.sweeper.n_trials=4")
    for number in (9, 10, 11, 12):
        write_job(tmp_path, number, ["a=1"], 0.2)
    assert lines(tmp_path) == []


def test_damaged_multirun_yaml_does_not_hide_the_jobs(tmp_path: Path) -> None:
    write_grid(tmp_path, {"lambda_id": ["1", "2"]}, [0.2, 0.1])
    for content in ("a: [", "[]", "hydra: 3", "hydra: {overrides: {}}"):
        (tmp_path / "multirun.yaml").write_text(content, encoding="utf-8")
        sweep = read_sweep(tmp_path)
        assert [job.name for job in sweep.finished] == ["1", "0"]
        assert "multirun.yaml is damaged" in sweep.finish[0].what
    (tmp_path / "multirun.yaml").unlink()
    assert "there is no multirun.yaml" in read_sweep(tmp_path).finish[0].what


def test_the_line_of_a_job(tmp_path: Path) -> None:
    write_grid(tmp_path, {"data.dir": ["'张 伟'"], "lambda_id": ["1", "3"]}, [0.2, 0.1])
    job = best_job(tmp_path)
    arguments = shlex.split(to_reproduce(job))
    assert arguments == ["python", "train.py", "data.dir='张 伟'", "lambda_id=3", "evaluate_test=false"]
    assert OverridesParser.create().parse_overrides(arguments[2:])[0].value() == "张 伟"
    evaluate = shlex.split(to_evaluate(job).lines[0])
    assert evaluate[:5] == ["poseid", "evaluate", str(tmp_path / "1"), "--data", "some data"]


def test_the_test_people_of_a_cross_validation_are_those_of_its_folds(tmp_path: Path) -> None:
    write_grid(tmp_path, {"cv": ["5"], "lambda_id": ["1", "3"]}, [0.2, 0.1])
    config = {"cv": 5, "data": {"source": "folder", "dir": "some data", "split_seed": 7}}
    write_yaml(tmp_path / "1" / ".hydra" / "config.yaml", config)
    line = shlex.split(to_evaluate(best_job(tmp_path)).lines[0])
    wanted = ["compare", "raw", str(tmp_path / "1"), "--cv", "5", "--split-seed", "7", "--data", "some data"]
    assert line[1:10] == wanted


def test_the_line_of_a_job_names_what_its_sweep_chose(tmp_path: Path) -> None:
    job = write_job(tmp_path, 0, ["sweep=[optuna,schedule]", "lr=0.1", "loss=after"], 0.2)
    choices = {"loss": "after", "schedule": "two_stage", "sweep": "x", "experiment": None, "hydra/sweeper": "study"}
    write_yaml(job / ".hydra" / "hydra.yaml", {"hydra": {"runtime": {"choices": choices}}})
    write_search(tmp_path, ["sweep=[optuna,schedule]"], 1)
    want = "python train.py schedule=two_stage threads=2 lr=0.1 loss=after evaluate_test=false"
    assert to_reproduce(best_job(tmp_path)) == want


def test_more_repeats_of_the_best_two(tmp_path: Path) -> None:
    write_grid(tmp_path, {"lambda_id": ["1", "2", "3"], "seed": ["0", "1"]}, [0.3, 0.3, 0.1, 0.1, 0.2, 0.2])
    (line,) = read_sweep(tmp_path).next_steps[0].lines
    assert shlex.split(line)[3:] == ["lambda_id=2,3", "seed=2,3,4", f"hydra.sweep.dir={tmp_path}"]
