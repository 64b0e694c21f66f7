"""What a run leaves with W&B, read back from its offline files."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest

import train
from poseid.training.callbacks import MetricsFile
from poseid.training.metric_names import ALL, VALIDATION
from poseid.training.wandb_run import log_report
from tests.short_runs import stopped_after, summary
from tests.training.small import SHORT_RUN

Records = list[dict[str, Any]]
SHORT = [*SHORT_RUN, "trainer.limit_train_batches=1", "logger=wandb"]


@pytest.fixture(scope="module")
def records(logged_run: Path, wandb_records: Callable[[Path], Records]) -> Records:
    return wandb_records(logged_run)


def of(records: Records, kind: str) -> Records:
    return [record[kind] for record in records if kind in record]


def merged(records: Records) -> dict[str, Any]:
    return {key: value for one in of(records, "summary") for key, value in one["update"].items()}


def test_the_config_is_the_whole_configuration_and_nothing_else(logged_run: Path, records: Records) -> None:
    from omegaconf import OmegaConf

    (begun,) = of(records, "run")
    logged = begun["config"]["update"]
    logged.pop("_wandb")
    saved = OmegaConf.to_container(OmegaConf.load(logged_run / ".hydra" / "config.yaml"), resolve=True)
    assert logged == saved
    assert logged["lambda_id"] == 1.5
    later = [key for update in of(records, "config") for key in update["update"]]
    assert set(later) <= {"_wandb"}
    assert {"data=synthetic", "loss=recommended", "model=residual"} <= set(begun["tags"])
    assert "data.synthetic_people=90" in begun["display_name"]


def test_every_metric_has_its_axis_and_its_summary(records: Records) -> None:
    defined = {metric["name"]: metric for metric in of(records, "metric")}
    assert set(defined) == {"epoch", *ALL}
    assert all(defined[name]["step_metric"] == "epoch" for name in ALL)
    for name, kind in (
        ("train/loss/similarity_protection", "min"),
        ("val/fnmr_at_fmr_1e-2", "min"),
        ("val/improvement/mean", "max"),
        ("val/improvement/yaw_45_90", "max"),
        ("val/rank1", "max"),
        ("weight/similarity_protection", "last"),
        ("val/fmr_limit", "last"),
    ):
        assert defined[name]["summary"] == {kind: True}, name


def test_the_history_has_every_metric_at_every_epoch(records: Records) -> None:
    for epoch in (0, 1):
        items = [entry["item"] for entry in of(records, "history") if entry["item"].get("epoch") == epoch]
        assert {name for item in items for name in item} >= set(ALL)


def test_the_end_of_a_run_stands_in_it(logged_run: Path, records: Records) -> None:
    said = summary(logged_run)
    logged = merged(records)
    assert logged["test"]["verdict"] == said["test"]["verdict"]
    assert logged["validation"]["improvement"]["mean"] == said["validation"]["improvement"]["mean"]
    without = {"val/selection", "val/fnir_at_fpir_1e-2"}  # which needs 3,000 probes
    assert {name.replace("val/", "shipped/") for name in VALIDATION if name not in without} <= set(logged)
    headline = said["validation"]["sets"][said["validation"]["headline"]]
    assert logged["shipped/fnmr_at_fmr_1e-2"] == headline["enhanced"]["fnmr_at_fmr"]["1e-2"]
    fixed = next(at for fmr in ("1e-3", "1e-2") if (at := headline["fixed_threshold"][fmr])["fmr_ratio"] is not None)
    assert logged["shipped/fnmr_at_raw_threshold"] == fixed["enhanced"]["fnmr"]
    assert logged["shipped/fmr_ratio"] == fixed["fmr_ratio"]
    assert logged["shipped/fnmr_limit"] == headline["raw"]["fnmr_at_fmr"]["1e-2"]
    (artifact,) = (artifact for artifact in of(records, "artifact") if artifact["type"] == "model")
    assert [entry["path"] for entry in artifact["manifest"]["contents"]] == ["enhancer.safetensors"]
    assert [entry["exit_code"] for entry in of(records, "exit")] == [0]


def test_media_are_the_diagnosis_and_the_table_by_yaw(logged_run: Path, records: Records) -> None:
    items = [entry["item"] for entry in of(records, "history")]
    captions = [item["diagnosis.captions"] for item in items if "diagnosis.captions" in item]
    assert captions == [["after 0 epochs"], ["after 2 epochs"], ["what ships, on test people"]]
    (table,) = logged_run.glob("wandb/offline-run-*/files/media/table/improvement_by_yaw*.json")
    rows = json.loads(table.read_text(encoding="utf-8"))["data"]
    said = summary(logged_run)
    wanted = [
        [part, entry["from"], entry["to"], entry["n"], entry["mean"], *(entry["ci95"] or (None, None))]
        for part in ("validation", "test")
        for entry in said[part]["improvement"]["by_yaw"]
    ]
    assert rows == wanted


@pytest.mark.usefixtures("own_directory")
def test_a_job_that_breaks_is_marked_failed_and_the_next_one_is_not(
    monkeypatch: pytest.MonkeyPatch, wandb_records: Callable[[Path], Records]
) -> None:
    original, calls = MetricsFile.on_train_epoch_end, 0

    def break_once(callback: MetricsFile, trainer: L.Trainer, module: L.LightningModule) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("broken on purpose")
        original(callback, trainer, module)

    monkeypatch.setattr(MetricsFile, "on_train_epoch_end", break_once)
    assert train.main(["-m", *SHORT, "hydra.sweep.dir=sweep", "lambda_id=1,2"]) == 1
    for job, code in (("0", 1), ("1", 0)):
        found = wandb_records(Path("sweep") / job)
        assert [entry["exit_code"] for entry in of(found, "exit")] == [code]
        (begun,) = of(found, "run")
        assert begun["run_group"] == "sweep"
        assert begun["config"]["update"]["lambda_id"] == int(job) + 1
    assert "broken on purpose" in Path("sweep/0/failed.json").read_text(encoding="utf-8")


@pytest.mark.usefixtures("own_directory")
def test_ctrl_c_marks_the_run_failed_and_leaves_its_curves(wandb_records: Callable[[Path], Records]) -> None:
    with stopped_after(1):
        assert train.main([*SHORT, "max_epochs=3", "hydra.run.dir=run"]) == 130
    assert [entry["exit_code"] for entry in of(wandb_records(Path("run")), "exit")] == [1]
    assert "1 epoch is finished" in Path("run/report/training.html").read_text(encoding="utf-8")


def test_a_report_that_wandb_does_not_take_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    class Logger:
        lost = False

        @property
        def experiment(self) -> None:
            raise PermissionError("read-only home\nand more")

    log_report(Logger(), Path("run"), {})  # type: ignore[arg-type]
    (line,) = caplog.messages
    assert line == f"W&B did not take all of the report (read-only home): it stands in {Path('run/report')}"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds W&B's process in /proc")
@pytest.mark.usefixtures("own_directory")
def test_a_wandb_process_that_was_ended_is_one_line_and_the_next_job_has_its_own(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], wandb_records: Callable[[Path], Records]
) -> None:
    original, calls = MetricsFile.on_train_epoch_end, 0

    def end_wandb_once(callback: MetricsFile, trainer: L.Trainer, module: L.LightningModule) -> None:
        nonlocal calls
        calls += 1
        original(callback, trainer, module)
        if calls == 1:
            children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
            (service,) = (
                int(pid) for pid in children if "wandb" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
            )
            os.kill(service, signal.SIGKILL)

    monkeypatch.setattr(MetricsFile, "on_train_epoch_end", end_wandb_once)
    assert train.main(["-m", *SHORT, "hydra.sweep.dir=sweep", "lambda_id=1,2", "max_epochs=3"]) == 0
    printed = capfd.readouterr()
    lines = [line for line in (printed.out + printed.err).splitlines() if line.startswith("W&B ")]
    assert lines[-1].endswith("metrics.csv is complete all the same")
    assert len(lines) <= 2  # gone, not finished
    assert [(Path("sweep") / job / "report" / "summary.json").is_file() for job in "01"] == [True, True]
    assert [entry["exit_code"] for entry in of(wandb_records(Path("sweep/1")), "exit")] == [0]
