"""The best jobs of a sweep, against a loop over all pairs; and what is said of jobs that did not end."""

import json
from pathlib import Path

import numpy as np
import pytest

from poseid.training.multirun import Job, best_jobs, best_text, failed_jobs, write_failure


@pytest.mark.parametrize("objective", [["minimize a"], ["maximize a"], ["minimize a", "maximize b"]])
def test_best_jobs_are_those_that_no_other_beats(objective: list[str]) -> None:
    drawn = np.random.default_rng(0).integers(0, 6, (40, len(objective))).astype(float)
    jobs = [Job(Path(str(n)), [], tuple(values)) for n, values in enumerate(drawn.tolist())]
    signs = [1 if entry.startswith("minimize") else -1 for entry in objective]

    def beats(one: Job, other: Job) -> bool:
        pairs = [(sign * a, sign * b) for sign, a, b in zip(signs, one.values, other.values, strict=True)]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    unbeaten = [job for job in jobs if not any(beats(other, job) for other in jobs)]
    best = best_jobs(jobs, objective)
    assert {job.values for job in best} == {job.values for job in unbeaten}
    assert len({job.values for job in best}) == len(best)
    assert all(min(int(j.directory.name) for j in jobs if j.values == b.values) == int(b.directory.name) for b in best)


def written_job(directory: Path, eer: float | None, source: str = "folder") -> None:
    (directory / ".hydra").mkdir(parents=True)
    (directory / "report").mkdir()
    (directory / ".hydra" / "overrides.yaml").write_text(f"- data.dir=d\n- lr={directory.name}\n", encoding="utf-8")
    config = f"data:\n  source: {source}\n  dir: 数据 a\n"
    (directory / ".hydra" / "config.yaml").write_text(config, encoding="utf-8")
    block = {"validation": {"improvement": {"mean": eer}}}
    (directory / "report" / "summary.json").write_text(json.dumps(block), encoding="utf-8")


def test_the_best_job_is_told_with_its_one_look_at_the_test_people(tmp_path: Path) -> None:
    for number, value in enumerate((0.1, 0.3, None, 0.3, 0.2)):
        written_job(tmp_path / str(number), value)
    (tmp_path / "5" / ".hydra").mkdir(parents=True)  # begun, and no more
    text = best_text(tmp_path, ["maximize improvement.mean"])
    assert "best of 4 finished jobs" in text
    assert "  job 1: improvement.mean = 0.3 (lr=1)\n    1 more with the same figures" in text
    assert f"poseid evaluate {tmp_path / '1'} --data '数据 a' --out {tmp_path / '1' / 'test'}" in text.replace('"', "'")
    assert best_text(tmp_path / "nothing", ["maximize improvement.mean"]).startswith("no finished job has a value")


def test_failed_and_stopped_jobs_are_told_apart_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    written_job(tmp_path / "1", 0.1)
    for number in (10, 2):
        (tmp_path / str(number)).mkdir()
    write_failure(tmp_path / "2", ValueError("no such people"), ["seed=1", "data.dir=名"])
    assert failed_jobs(tmp_path) == [
        "job 2 (seed=1 data.dir=名): no such people",
        "job 10 (): was stopped before its report",
    ]
    assert failed_jobs(tmp_path, first=3) == ["job 10 (): was stopped before its report"]
