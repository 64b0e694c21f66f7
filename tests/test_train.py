"""train.py as a user runs it: short trainings in this process, and some as real commands."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import train
from poseid.enhancers.saving import load_enhancer, read_info
from poseid.training.losses import TERMS
from poseid.training.module import EnhancerModule
from poseid.training.override_text import quote_value, quoted
from tests.pictures import is_drawn, pixels
from tests.short_runs import ROOT, SHORT, SMALL_TRANSFORMER, command, metrics, run, same_weights, summary

pytestmark = pytest.mark.usefixtures("own_directory")


@pytest.mark.rendered
def test_a_run_leaves_what_it_promises(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lambda_id=3.0", "lambda_reconstruction=0.8") == 0
    out = capsys.readouterr().out
    assert "verdict: " in out
    assert "run directory: " in out.splitlines()[-1]
    for file in (
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "enhancer.safetensors",
        "metrics.csv",
        "report/summary.json",
        ".hydra/config.yaml",
    ):
        assert (Path("run") / file).is_file(), file
    assert is_drawn(pixels(Path("run/report/diagnosis.png").read_bytes()))
    row = metrics()[-1]
    assert float(row["weight/id"]) == 3.0
    assert float(row["weight/reconstruction"]) == pytest.approx(0.8)
    assert all(row[f"train/loss/{name}"] and row[f"val/loss/{name}"] for name in TERMS)
    said = summary()
    assert (said["validation"]["people"], said["test"]["people"]) == (7, 2)
    total = sum(float(row[f"weight/{name}"]) * float(row[f"train/loss/{name}"]) for name in TERMS)
    assert float(row["train/loss/total"]) == pytest.approx(total, rel=1e-5)
    info = read_info(Path("run/enhancer.safetensors"))
    assert info["config"]["lambda_id"] == 3.0
    assert len(info["people"]["train"]) == 15
    eer = said["test"]["sets"]["frontal_profile"]["enhanced"]["eer"]
    assert info["report"]["test"]["eer"]["enhanced"] == eer
    assert info["report"]["verdict"] == said["test"]["verdict"]
    assert info["report"]["validation"]["people"] == 7
    # No name of a person leaves with the file.
    assert "张" not in json.dumps(info, ensure_ascii=False)


def test_checkpoint_loads_bare_and_equals_what_ships() -> None:
    assert run("model.init=zero") == 0
    module = EnhancerModule.load_from_checkpoint("run/checkpoints/best.ckpt", weights_only=True)
    shipped = load_enhancer(Path("run/enhancer.safetensors")).enhancer
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    pose = torch.tensor([[60.0, 0.0, 0.0]]).expand(5, 3)
    torch.testing.assert_close(module(x, pose), shipped(x, pose).features, rtol=0, atol=0)


@pytest.mark.parametrize(
    "overrides",
    [
        ["model=pose_transformer", *SMALL_TRANSFORMER],
        ["experiment=before", *SMALL_TRANSFORMER, "model.similarity_dim=16"],
        ["experiment=historic", *SMALL_TRANSFORMER, "max_epochs=1"],
        ["loss=before"],
        ["loss=stronger", "loss.swap=true"],
        ["loss=identity_only"],
        ["schedule=two_stage", "schedule.stage1_epochs=1", "schedule.ramp_epochs=1"],
        ["schedule=progressive", "schedule.ramp_epochs=2"],
        ["trainer=cpu"],
        ["data.target=pair", "data.synthetic_people=80", "data.folds=[1,2]"],
        ["model.sides=both", "precision=bf16", "lr_identity_scale=0.1"],
        ["callbacks.early_stopping=false", "model.skip=false", "model.norm=unit"],
    ],
    ids=lambda overrides: " ".join(overrides[:2]),
)
def test_choices_train(overrides: list[str]) -> None:
    assert run(*overrides, "trainer.limit_train_batches=2") == 0
    assert all(np.isfinite(float(row["train/loss/total"])) for row in metrics())


def test_data_in_a_folder_with_files_of_names(tmp_path: Path) -> None:
    from poseid.features.folder import write_folder
    from poseid.features.synthetic import synthetic

    features = synthetic(people=20, dim=64, seed=3)
    write_folder(features, tmp_path / "数据")
    people = features.people()
    for part, names in (("train", people[:10]), ("validation", people[10:16]), ("test", people[16:])):
        (tmp_path / f"{part}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    files = [f"data.{part}_people={part}.txt" for part in ("train", "validation", "test")]
    assert run("data=folder", "data.dir=数据", *files) == 0
    assert run("data=folder", "data.dir=数据", *files, "data.test_people=train.txt", directory="second") == 2


def test_wrong_input_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    for overrides, message in (
        (["lambda_id=abc"], "lambda_id: should be a valid number, got 'abc'"),
        (["data=folder", "data.dir=nosuch"], "nosuch: does not exist"),
        (["data=folder"], "data.dir: no feature folder given"),
        (["init_from=nosuch.ckpt"], "error: init_from: nosuch.ckpt: no such file"),
        (["ckpt_path=nosuch.ckpt"], "error: ckpt_path: nosuch.ckpt: no such file"),
        (["data.folds=[77]"], "has no pairs.csv"),
        (["objective=[minimize sets.nosuch]"], "objective: "),
    ):
        assert run(*overrides) == 2, overrides
        error = capsys.readouterr().err.strip()
        assert error.startswith("error: ")
        assert message in error
        assert "\n" not in error
    assert train.main(["resume=nosuch"]) == 2
    assert "resume: nosuch is no run directory" in capsys.readouterr().err


def test_a_run_that_is_refused_leaves_nothing_behind_and_removes_nothing_of_the_users() -> None:
    assert train.main([*SHORT, "logger=csv", "lambda_id=-1"]) == 2
    assert not Path("outputs").exists()
    assert run("lambda_id=-1", directory="new.dir/run") == 2
    assert not Path("new.dir").exists()
    Path("mine/.hydra").mkdir(parents=True)
    for name in ("train.log", ".hydra/notes.txt"):
        Path("mine", name).write_text("of the user\n", encoding="utf-8")
    assert run("lambda_id=-1", directory="mine") == 2
    assert Path("mine/train.log").read_text(encoding="utf-8").startswith("of the user")
    assert Path("mine/.hydra/notes.txt").read_text(encoding="utf-8") == "of the user\n"
    assert {path.name for path in Path("mine").rglob("*")} == {".hydra", "notes.txt", "train.log"}


def test_hydra_keeps_its_own_messages_as_a_command(tmp_path: Path) -> None:
    result = command("lambda_idd=3")
    assert result.returncode == 1
    assert "Could not override 'lambda_idd'" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("value", ["C:\\data\\", "D:\\Users\\张伟\\特征 一", "it's", "a\\'b", "名字"])
def test_values_in_any_script_reach_the_configuration(value: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    text = f"data.dir={quoted(value)}" if "'" in value else quote_value(f"data.dir={value}")
    assert str(OverridesParser.create().parse_override(text).value()) == value


def test_same_seed_same_bits_other_seed_other_weights(run_dir: Path) -> None:
    for directory, seed in (("same", 0), ("other", 1)):
        assert run(f"seed={seed}", directory=directory) == 0
    assert same_weights("run", "same")
    assert not same_weights("run", "other")
    assert metrics("run") == metrics("same")


def test_wandb_disabled_and_logger_none_say_what_is_lost(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert run(logger="wandb") == 0
    assert "W&B is disabled" in capfd.readouterr().out
    assert not list(Path("run").glob("wandb/**/*.wandb"))
    assert Path("run/report/training.html").is_file()
    assert run(logger="none", directory="none") == 0
    assert "logger=none: no metrics are written" in capfd.readouterr().out
    assert not Path("none/metrics.csv").exists()
    assert not Path("none/report/training.html").exists()
    assert Path("none/report/summary.json").is_file()


@pytest.mark.parametrize(
    ("mode", "line"), [("offline", "W&B did not take all of the report"), ("online", "W&B could not start")]
)
def test_no_home_to_write_to_and_no_account_leave_the_run_whole(
    mode: str, line: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("WANDB_", "XDG_")):
            monkeypatch.delenv(name)
    # No permission holds root back, but nobody makes a directory in a file.
    Path("home").write_text("a file", encoding="utf-8")
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA"):
        monkeypatch.setenv(name, str(Path("home", "me").absolute()))
    assert run(f"logger.mode={mode}", "max_epochs=1", logger="wandb") == 0
    assert capfd.readouterr().out.count(line) == 1
    assert len(metrics()) == 1
    assert Path("run/enhancer.safetensors").is_file()
    assert Path("run/report/report.html").is_file()


def test_default_run_as_a_command() -> None:
    result = command("logger=csv", "hydra.run.dir=r")
    assert result.returncode == 0, result.stderr
    assert "synthetic people: results say nothing about real faces" in result.stdout
    assert "parameters" in result.stdout
    assert "Traceback" not in result.stderr
    made = summary(Path("r"))
    assert [made[part]["bootstrap"]["resamples"] for part in ("validation", "test")] == [100, 100]  # as asked
    assert OmegaConf.load(ROOT / "conf" / "config.yaml").resamples == 1000


def test_of_very_many_test_people_a_share_is_tested_and_the_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poseid.training.report.MOST_TESTED", 60)
    assert run("data.synthetic_people=40", "max_epochs=1") == 0
    assert summary()["test"]["people"] == 3
    assert "3 of 4 people are used for fits and evaluations" in Path("run/train.log").read_text(encoding="utf-8")
