"""The best jobs of a sweep, against a loop over all pairs; and what is said of jobs that did not end."""

import json
from pathlib import Path

import numpy as np
import pytest

from poseid.sweeps.jobs import Job, job_directories, read_job
from poseid.sweeps.multirun import best_text, failed_jobs
from poseid.training.objective import parse_objective


@pytest.mark.parametrize("objective", [["minimize a"], ["maximize a"], ["minimize a", "maximize b"]])
def test_best_jobs_are_those_that_no_other_beats(objective: list[str], tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("data: {source: folder, dir: d}\n", encoding="utf-8")
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
    asked = parse_objective(["maximize improvement.mean"])
    text = best_text(tmp_path, [read_job(path, asked) for path in job_directories(tmp_path)], asked)
    assert "best of 4 finished jobs" in text
    assert "  job 1: improvement.mean = 0.3 (lr=1)\n    1 more with the same figures" in text
    assert f"poseid evaluate {tmp_path / '1'} --data '数据 a' --out {tmp_path / '1' / 'test'}" in text.replace('"', "'")
    assert best_text(tmp_path, [], asked).startswith("no finished job has a value")


def test_failed_and_stopped_jobs_are_told_apart_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    written_job(tmp_path / "1", 0.1)
    for number in (10, 2):
        (tmp_path / str(number) / ".hydra").mkdir(parents=True)
    (tmp_path / "2" / ".hydra" / "overrides.yaml").write_text("- seed=1\n- data.dir=名\n", encoding="utf-8")
    (tmp_path / "2" / "failed.json").write_text(json.dumps({"message": "no such people"}), encoding="utf-8")
    jobs = [read_job(path, parse_objective(["maximize improvement.mean"])) for path in job_directories(tmp_path)]
    stopped = "job 10 (): was stopped before its report"
    assert failed_jobs(jobs) == ["job 2 (seed=1 data.dir=名): no such people", stopped]
    assert failed_jobs(jobs, first=3) == [stopped]
