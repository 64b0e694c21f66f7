"""Runs that were stopped and go on, and trainings that begin from the weights of another run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import train
from poseid.enhancers.saving import load_enhancer
from poseid.training.arguments import hydra_arguments
from tests.short_runs import ROOT, SHORT, SMALL_TRANSFORMER, last_weights, metrics, run, same_weights, stopped_after

pytestmark = pytest.mark.usefixtures("own_directory")


def test_the_other_processes_of_a_resumed_run_are_let_in(run_dir: Path) -> None:
    # what Lightning starts them with
    child = [*hydra_arguments(["resume=run", "max_epochs=9"]), "hydra.run.dir='run'"]
    assert hydra_arguments(child) == child
    assert hydra_arguments(["--cfg", "job", "hydra.run.dir=run"])
    assert run() == 2


@pytest.mark.parametrize("model", [[], ["model=pose_transformer", *SMALL_TRANSFORMER]], ids=["residual", "transformer"])
def test_resumed_run_equals_uninterrupted_one_bit_for_bit(model: list[str]) -> None:
    long = ["max_epochs=5", "schedule=two_stage", "schedule.stage1_epochs=1", "schedule.ramp_epochs=2", *model]
    assert run(*long, directory="whole") == 0
    with stopped_after(3):
        assert run(*long, directory="parted") == 130
    assert len(metrics("parted")) < 5
    assert train.main(["resume=parted"]) == 0
    assert same_weights("whole", "parted")
    assert metrics("whole") == metrics("parted")
    pages = [Path(name, "report", "training.html").read_text(encoding="utf-8") for name in ("whole", "parted")]
    assert pages[0].replace("whole", "x") == pages[1].replace("parted", "x")
    a, b = load_enhancer(Path("whole/enhancer.safetensors")), load_enhancer(Path("parted/enhancer.safetensors"))
    assert all(
        torch.equal(x, y)
        for x, y in zip(a.enhancer.state_dict().values(), b.enhancer.state_dict().values(), strict=False)
    )


def test_stopped_before_the_first_checkpoint_a_resumed_run_is_the_whole_run(run_dir: Path) -> None:
    with stopped_after(0):
        assert run(directory="parted") == 130
    Path("parted/checkpoints/last.ckpt").unlink(missing_ok=True)
    assert train.main(["resume=parted"]) == 0
    assert same_weights("run", "parted")


def test_going_on_from_a_checkpoint_in_a_new_directory(run_dir: Path) -> None:
    assert run("ckpt_path=run/checkpoints/last.ckpt", "max_epochs=3", directory="second") == 0
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
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8")
    assert train.main(["resume=run", "data.split_seed=7"]) == 2
    assert "would change who is trained on" in capsys.readouterr().err
    assert train.main(["resume=run", "lambda_id=-1"]) == 2
    assert Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8") == before
    assert run("seed=1") == 2  # the same directory again would overwrite the run
    assert "holds a run already" in capsys.readouterr().err
    assert Path("run/.hydra/overrides.yaml").read_text(encoding="utf-8") == before


def test_a_finished_run_is_left_as_it_is(run_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    capsys.readouterr()
    assert train.main(["resume=run"]) == 0
    assert capsys.readouterr().out.startswith("run is finished: see ")
    assert train.main(["resume=run", "lambda_id=5"]) == 2
    assert "run is finished, and lambda_id=5 would not change what it is" in capsys.readouterr().err
    assert train.main(["resume=run", "evaluate_test=false"]) == 0
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_a_longer_training_that_was_stopped_is_gone_on_with(run_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = len(metrics())
    capfd.readouterr()
    with stopped_after(first + 1):
        assert train.main(["resume=run", f"max_epochs={first + 3}"]) == 130
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


def test_init_from_takes_weights_only() -> None:
    assert run("model.init=zero", directory="first") == 0
    for source in ("first/checkpoints/best.ckpt", "first/enhancer.safetensors"):
        new = source.rsplit(".", 1)[-1]
        names = ("gate_slope", "gate_centre", "gate_full", "gate_unknown", "weight_length", "weight_yaw")
        still = ["lr=1e-9", *(f"model.phi.{name}.lr=0" for name in names)]
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
