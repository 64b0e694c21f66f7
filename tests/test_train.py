"""train.py as a user runs it: short trainings in this process, and some as real commands."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

import train
from poseid.enhancers.saving import load_enhancer, read_info
from poseid.training.arguments import hydra_arguments
from poseid.training.callbacks import MetricsFile
from poseid.training.losses import TERMS
from poseid.training.module import EnhancerModule
from poseid.training.override_text import quote_value, quoted

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    "data.synthetic_people=24",
    "data.dim=64",
    "max_epochs=2",
    "batch_size=64",
    "threads=1",
    "trainer.progress_bar=false",
    "trainer.accelerator=cpu",
]
SMALL_TRANSFORMER = ["model.width=32", "model.heads=4", "model.mlp=32", "model.depth=1", "model.identity_dim=16"]


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])


def run(*overrides: str, logger: str = "csv", directory: str = "run") -> int:
    return train.main([*SHORT, f"logger={logger}", f"hydra.run.dir={directory}", *overrides])


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *SHORT, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        timeout=120,
        check=False,
    )


def metrics(directory: str = "run") -> list[dict[str, str]]:
    with (Path(directory) / "metrics.csv").open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def last_weights(directory: str) -> dict[str, Any]:
    return dict(torch.load(Path(directory) / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])


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
    row = metrics()[-1]
    assert float(row["weight/id"]) == 3.0
    assert float(row["weight/reconstruction"]) == pytest.approx(0.8)
    assert all(row[f"train/loss/{name}"] and row[f"val/loss/{name}"] for name in TERMS)
    summary = json.loads((Path("run/report/summary.json")).read_text(encoding="utf-8"))
    assert summary["validation"]["people"] == 7
    assert summary["test"]["people"] == 2
    total = sum(float(row[f"weight/{name}"]) * float(row[f"train/loss/{name}"]) for name in TERMS)
    assert float(row["train/loss/total"]) == pytest.approx(total, rel=1e-5)
    info = read_info(Path("run/enhancer.safetensors"))
    assert info["config"]["lambda_id"] == 3.0
    assert len(info["people"]["train"]) == 15
    eer = summary["test"]["sets"]["frontal_profile"]["enhanced"]["eer"]
    assert info["report"]["test"]["eer"]["enhanced"] == eer
    assert info["report"]["verdict"] == summary["test"]["verdict"]
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
        (["init_from=nosuch.ckpt"], "nosuch.ckpt: no such file"),
        (["ckpt_path=nosuch.ckpt"], "nosuch.ckpt: no such file"),
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
    Path("mine/.hydra").mkdir(parents=True)
    for name in ("train.log", ".hydra/notes.txt"):
        Path("mine", name).write_text("of the user\n", encoding="utf-8")
    assert run("lambda_id=-1", directory="mine") == 2
    assert Path("mine/train.log").read_text(encoding="utf-8").startswith("of the user")
    assert Path("mine/.hydra/notes.txt").read_text(encoding="utf-8") == "of the user\n"


def test_the_other_processes_of_a_resumed_run_are_let_in() -> None:
    assert run() == 0
    # what Lightning starts them with
    child = [*hydra_arguments(["resume=run", "max_epochs=9"]), "hydra.run.dir='run'"]
    assert hydra_arguments(child) == child
    assert hydra_arguments(["--cfg", "job", "hydra.run.dir=run"])
    assert run() == 2


def test_hydra_keeps_its_own_messages_as_a_command(tmp_path: Path) -> None:
    result = command("lambda_idd=3")
    assert result.returncode == 1
    assert "Could not override 'lambda_idd'" in result.stderr
    assert "Traceback" not in result.stderr


class StopAfter:
    """Makes the end of one epoch raise what Ctrl-C raises, after the checkpoint of the epoch before."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.original = MetricsFile.on_train_epoch_end

    def __call__(self, callback: MetricsFile, trainer: L.Trainer, module: L.LightningModule) -> None:
        if trainer.current_epoch == self.epoch:
            raise KeyboardInterrupt
        self.original(callback, trainer, module)


@pytest.mark.parametrize("model", [[], ["model=pose_transformer", *SMALL_TRANSFORMER]], ids=["residual", "transformer"])
def test_resumed_run_equals_uninterrupted_one_bit_for_bit(model: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    long = ["max_epochs=5", "schedule=two_stage", "schedule.stage1_epochs=1", "schedule.ramp_epochs=2", *model]
    assert run(*long, directory="whole") == 0
    handler = signal.getsignal(signal.SIGINT)
    stop = StopAfter(3)
    with monkeypatch.context() as patch:
        patch.setattr(MetricsFile, "on_train_epoch_end", lambda *given: stop(*given))
        assert run(*long, directory="parted") == 130
    signal.signal(signal.SIGINT, handler)  # Lightning leaves Ctrl-C ignored
    assert len(metrics("parted")) < 5
    assert train.main(["resume=parted"]) == 0
    whole, parted = last_weights("whole"), last_weights("parted")
    assert whole.keys() == parted.keys()
    assert all(torch.equal(whole[name], parted[name]) for name in whole)
    assert metrics("whole") == metrics("parted")
    pages = [Path(name, "report", "training.html").read_text(encoding="utf-8") for name in ("whole", "parted")]
    assert pages[0].replace("whole", "x") == pages[1].replace("parted", "x")
    a, b = load_enhancer(Path("whole/enhancer.safetensors")), load_enhancer(Path("parted/enhancer.safetensors"))
    assert all(
        torch.equal(x, y)
        for x, y in zip(a.enhancer.state_dict().values(), b.enhancer.state_dict().values(), strict=False)
    )


def test_stopped_before_the_first_checkpoint_a_resumed_run_is_the_whole_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(directory="whole") == 0
    handler = signal.getsignal(signal.SIGINT)
    stop = StopAfter(0)
    with monkeypatch.context() as patch:
        patch.setattr(MetricsFile, "on_train_epoch_end", lambda *given: stop(*given))
        assert run(directory="parted") == 130
    signal.signal(signal.SIGINT, handler)
    Path("parted/checkpoints/last.ckpt").unlink(missing_ok=True)
    assert train.main(["resume=parted"]) == 0
    whole, parted = last_weights("whole"), last_weights("parted")
    assert all(torch.equal(whole[name], parted[name]) for name in whole)


def test_going_on_from_a_checkpoint_in_a_new_directory() -> None:
    assert run(directory="first") == 0
    assert run("ckpt_path=first/checkpoints/last.ckpt", "max_epochs=3", directory="second") == 0
    assert [row["epoch"] for row in metrics("second")] == ["2"]
    assert Path("second/checkpoints/best.ckpt").is_file()


def test_a_run_that_stopped_early_trains_no_more_when_resumed() -> None:
    assert run("max_epochs=30", "callbacks.patience=1", "lr=0.5", "warmup_epochs=0") == 0
    before, rows = last_weights("run"), len(metrics())
    assert rows < 30
    assert train.main(["resume=run", "max_epochs=40"]) == 0
    assert len(metrics()) == rows
    after = last_weights("run")
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_resume_that_would_change_the_people_is_refused_and_leaves_the_run_as_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run() == 0
    before = Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8")
    assert train.main(["resume=run", "data.split_seed=7"]) == 2
    assert "would change who is trained on" in capsys.readouterr().err
    assert train.main(["resume=run", "lambda_id=-1"]) == 2
    assert Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8") == before
    assert run("seed=1") == 2  # the same directory again would overwrite the run
    assert "holds a run already" in capsys.readouterr().err
    assert Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8") == before


def test_a_finished_run_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert train.main(["resume=run"]) == 0
    assert capsys.readouterr().out.startswith("run is finished: see ")
    assert train.main(["resume=run", "lambda_id=5"]) == 2
    assert "run is finished, and lambda_id=5 would not change what it is" in capsys.readouterr().err
    assert train.main(["resume=run", "evaluate_test=false"]) == 0
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_a_longer_training_that_was_stopped_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    handler = signal.getsignal(signal.SIGINT)
    first = len(metrics())
    stop = StopAfter(first + 1)
    capfd.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(MetricsFile, "on_train_epoch_end", lambda *given: stop(*given))
        assert train.main(["resume=run", f"max_epochs={first + 3}"]) == 130
    signal.signal(signal.SIGINT, handler)
    printed = capfd.readouterr()
    assert f"resume={Path('run').absolute()} max_epochs={first + 3}" in printed.out + printed.err
    assert train.main(["resume=run", f"max_epochs={first + 3}"]) == 0
    assert len(metrics()) == first + 3
    assert train.main(["resume=run"]) == 0
    assert len(metrics()) == first + 3


def test_resume_of_a_multirun_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("run/.hydra").mkdir(parents=True)
    Path("run/.hydra/overrides.yaml").write_text("[]", encoding="utf-8")
    assert train.main(["resume=run", "-m"]) == 2
    assert "leave -m out" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["C:\\data\\", "D:\\Users\\张伟\\特征 一", "it's", "a\\'b", "名字"])
def test_values_in_any_script_reach_the_configuration(value: str) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    text = f"data.dir={quoted(value)}" if "'" in value else quote_value(f"data.dir={value}")
    assert str(OverridesParser.create().parse_override(text).value()) == value


def test_same_seed_same_bits_other_seed_other_weights() -> None:
    for directory, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert run(f"seed={seed}", directory=directory) == 0
    a, b, c = (last_weights(name) for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not all(torch.equal(a[name], c[name]) for name in a)
    assert metrics("a") == metrics("b")


def test_init_from_takes_weights_only() -> None:
    assert run("model.init=zero", directory="first") == 0
    for source in ("first/checkpoints/best.ckpt", "first/enhancer.safetensors"):
        new = source.rsplit(".", 1)[-1]
        still = ["lr=1e-9", *(f"model.phi.gate_{name}.lr=0" for name in ("slope", "centre", "full", "unknown"))]
        again = [f"init_from={source}", "model.init=zero", "max_epochs=1", "warmup_epochs=0"]
        assert run(*again, *still, directory=new) == 0
        first, second = (load_enhancer(Path(d) / "enhancer.safetensors").enhancer for d in ("first", new))
        for (name, one), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
            if name != "strength":  # chosen anew
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
        assert len(metrics(new)) == 1
    for key in ("init_from", "ckpt_path"):
        # Weights that have seen the people of another split would make them look unseen.
        source = "first/checkpoints/last.ckpt"
        assert run(f"{key}={source}", "model.init=zero", "data.split_seed=3", directory=f"leak-{key}") == 2


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


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently on Windows")
def test_ctrl_c_as_a_command_ends_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = [*SHORT, "max_epochs=5000", "callbacks.early_stopping=false", "logger=csv", "hydra.run.dir=stopped"]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    last = tmp_path / "stopped" / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 90
    while not last.is_file() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "To go on: python train.py resume=" in output
    assert "Traceback" not in output
    assert last.is_file()


def test_default_run_as_a_command() -> None:
    result = command("logger=csv", "hydra.run.dir=r")
    assert result.returncode == 0, result.stderr
    assert "synthetic people: results say nothing about real faces" in result.stdout
    assert "parameters" in result.stdout
    assert "Traceback" not in result.stderr


def test_of_very_many_test_people_a_share_is_tested_and_the_log_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poseid.training.report.MOST_TESTED", 60)
    assert run("data.synthetic_people=40", "max_epochs=1") == 0
    summary = json.loads(Path("run/report/summary.json").read_text(encoding="utf-8"))
    assert summary["test"]["people"] == 3
    assert "3 of 4 people are used for fits and evaluations" in Path("run/train.log").read_text(encoding="utf-8")
