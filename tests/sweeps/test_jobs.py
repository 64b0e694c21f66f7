"""Each job in whatever state it was left."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from poseid.sweeps.jobs import Job, job_directories, read_job
from poseid.training.objective import Measure
from tests.sweeps.made import FNMR, RATIO, TEST_FIGURE, start_job, write_job, write_json

ASKED = (Measure(FNMR, True),)


def read(path: Path) -> Job:
    return read_job(path, ASKED)


def test_a_finished_job_gives_its_validation_metrics_alone(tmp_path: Path) -> None:
    job = read(write_job(tmp_path, 3, ["loss=after", "lambda_id=3", "evaluate_test=false"], 0.25, 0.9))
    assert (job.name, job.state, job.reason, job.verdict) == ("3", "finished", "", "no effect shown")
    assert job.given == {"loss": "after", "lambda_id": "3"}
    assert job.metrics[FNMR] == 0.25
    assert job.metrics[RATIO] == 0.9
    assert job.metrics["sets.headline.enhanced.fnmr_at_fmr.1e-3"] is None
    assert TEST_FIGURE not in job.metrics.values()


def test_a_failed_job_says_why_even_beside_an_older_report(tmp_path: Path) -> None:
    path = write_job(tmp_path, 0, ["lr=-1"], 0.2)
    write_json(path / "failed.json", {"error": "InputError", "message": "lr: expected more", "overrides": []})
    job = read(path)
    assert (job.state, job.reason, job.metrics) == ("failed", "lr: expected more", {})


def test_a_job_without_a_report_says_how_far_it_came(tmp_path: Path) -> None:
    path = start_job(tmp_path, 0, ["seed=1"])
    assert read(path).state == "unfinished"
    assert "before its first epoch" in read(path).reason
    (path / "metrics.csv").write_text("epoch,lr\n0,1\n1,1\n", encoding="utf-8")
    hours_ago = time.time() - 3 * 3600
    os.utime(path / "metrics.csv", (hours_ago, hours_ago))
    assert "2 epochs done, the last one 3 hours ago" in read(path).reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "summary.json is damaged"),
        (b"", "summary.json is damaged"),
        (b"\xff\xfe", "summary.json is damaged"),
        (b"[" * 100_000, "summary.json is damaged"),
        (b"[]", "no table"),
        (b"{}", "no validation block"),
        (b'{"validation": null}', "no validation block"),
        (b'{"validation": {}}', FNMR),
        (b'{"validation": {"headline": "all", "sets": []}}', FNMR),
        (b'{"validation": {"headline": ["a"], "sets": {}}}', FNMR),
        (b'{"validation": {"headline": "all", "sets": {"all": {"enhanced": {"eer": 0.1}}}}}', FNMR),
    ],
)
def test_a_damaged_report_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    path = write_job(tmp_path, 0, ["seed=1"], 0.2)
    (path / "report" / "summary.json").write_bytes(content)
    job = read(path)
    assert job.state == "damaged"
    assert said in job.reason
    assert "\n" not in job.reason
    assert job.given == {"seed": "1"}


@pytest.mark.parametrize("value", [float("nan"), "0.2", True])
def test_metrics_that_are_no_numbers_are_damage(value: Any, tmp_path: Path) -> None:
    assert read(write_job(tmp_path, 0, [], value)).state == "damaged"


@pytest.mark.parametrize("content", ["a: [", "a: 1", "- ${", "\x00"])
def test_damaged_overrides_are_named(content: str, tmp_path: Path) -> None:
    path = write_job(tmp_path, 0, ["seed=1"], 0.2)
    (path / ".hydra" / "overrides.yaml").write_text(content, encoding="utf-8")
    job = read(path)
    assert job.state == "damaged"
    assert "overrides.yaml" in job.reason


def test_nothing_in_a_file_is_resolved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSEID_SECRET", "secret")
    job = read(write_job(tmp_path, 0, ["data.dir=${oc.env:POSEID_SECRET}"], 0.2))
    assert job.given == {"data.dir": "${oc.env:POSEID_SECRET}"}


def test_jobs_come_by_number(tmp_path: Path) -> None:
    for number in (10, 2, 0):
        start_job(tmp_path, number, [])
    (tmp_path / "7").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "8").write_text("a file", encoding="utf-8")
    (tmp_path / "named" / ".hydra").mkdir(parents=True)
    assert [path.name for path in job_directories(tmp_path)] == ["0", "2", "7", "10", "named"]
