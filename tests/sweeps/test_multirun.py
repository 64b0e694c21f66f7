"""The best jobs of a sweep, against a loop over all pairs; and what is said of jobs that did not end."""

from pathlib import Path

import numpy as np
import pytest

from poseid.sweeps.jobs import Job, job_directories, read_job
from poseid.sweeps.multirun import best_text, failed_jobs
from poseid.training.objective import parse_objective
from tests.sweeps.made import FNMR, OBJECTIVE, start_job, write_job, write_json

ASKED = parse_objective(OBJECTIVE)


@pytest.mark.parametrize("objective", [["minimize a"], ["maximize a"], ["minimize a", "maximize b"]])
def test_best_jobs_are_those_that_no_other_beats(objective: list[str], tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).integers(0, 6, (40, len(objective))).astype(float)
    values = [tuple(row) for row in drawn.tolist()]
    signs = [1 if entry.startswith("minimize") else -1 for entry in objective]

    def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        pairs = [(sign * a, sign * b) for sign, a, b in zip(signs, one, other, strict=True)]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    unbeaten = {one for one in values if not any(beats(other, one) for other in values)}
    jobs = [
        Job(str(n), tmp_path, (), "finished", metrics=dict(zip("ab", row, strict=False)))
        for n, row in enumerate(values)
    ]
    text = best_text(tmp_path, jobs, parse_objective(objective))
    named = [int(line.split()[1].rstrip(":")) for line in text.splitlines() if line.startswith("  job ")]
    assert named == sorted(values.index(one) for one in unbeaten)  # of equal jobs the first


def test_the_best_job_is_named_with_its_one_evaluation_on_the_test_people(tmp_path: Path) -> None:
    for number, value in enumerate((0.3, 0.1, None, 0.1, 0.2)):
        write_job(tmp_path, number, ["data.dir=d", f"lr={number}"], value)
    start_job(tmp_path, 5, [])
    text = best_text(tmp_path, [read_job(path, ASKED) for path in job_directories(tmp_path)], ASKED)
    assert "best of 4 finished jobs" in text
    assert f"  job 1: {FNMR} = 0.1 (lr=1)\n    1 more with the same values" in text
    line = f"poseid evaluate {tmp_path / '1'} --data 'some data' --out {tmp_path / '1' / 'test'}"
    assert line in text.replace('"', "'")
    assert best_text(tmp_path, [], ASKED).startswith("no finished job has a value")


def test_failed_and_stopped_jobs_are_told_apart_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_job(tmp_path, 1, [], 0.1)
    start_job(tmp_path, 10, [])
    write_json(start_job(tmp_path, 2, ["seed=1", "data.dir=名"]) / "failed.json", {"message": "no such people"})
    jobs = [read_job(path, ASKED) for path in job_directories(tmp_path)]
    stopped = "job 10 (): was stopped before its report"
    assert failed_jobs(jobs) == ["job 2 (seed=1 data.dir=名): no such people", stopped]
    assert failed_jobs(jobs, first=3) == [stopped]
