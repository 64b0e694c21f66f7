"""Keys of Lightning's trainer that a run takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import train
from poseid.training.module import EnhancerModule
from tests.short_runs import command, metrics

BRIEF = [
    *(
        "max_epochs=2",
        "data.synthetic_people=24",
        "data.dim=16",
        "batch_size=16",
        "logger=csv",
        "threads=1",
        "resamples=100",
    ),
    *("trainer.progress_bar=false", "trainer.accelerator=cpu", "hydra.run.dir=run"),
]
pytestmark = pytest.mark.usefixtures("own_directory")


def run(*overrides: str) -> int:
    return train.main([*BRIEF, *overrides])


@pytest.mark.parametrize(
    ("limits", "trained_steps"), [(["max_steps=6"], 6), (["max_steps=3", "accumulate_grad_batches=2"], 3)]
)
def test_the_line_of_an_epoch_that_was_cut_short_has_no_figures_of_the_epoch_before(
    limits: list[str], trained_steps: int
) -> None:
    assert run("trainer.limit_train_batches=4", *[f"trainer.{limit}" for limit in limits]) == 0
    assert steps() == trained_steps
    whole, cut = metrics()
    assert all(whole[name] for name in ("val/selection", "val/loss/total", "phi/bias"))
    assert [name for name, value in cut.items() if value and name.startswith(("val/", "phi/"))] == ["val/selection"]
    assert cut["val/selection"] != whole["val/selection"]  # evaluated anew
    assert cut["epoch"] == "1"
    assert cut["lr"]
    assert cut["train/loss/total"] not in ("", whole["train/loss/total"])


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The video rows of each training step."""
    seen: list[list[int]] = []
    step = EnhancerModule.training_step

    def noted(self: EnhancerModule, batch: dict[str, Any], number: int) -> Any:
        seen.append(batch["row"].tolist())
        return step(self, batch, number)

    monkeypatch.setattr(EnhancerModule, "training_step", noted)
    return seen


@pytest.mark.parametrize(("value", "batches"), [("1", 1), ("true", 1), ("3", 3)])
def test_a_trial_takes_a_few_batches_and_leaves_nothing(
    value: str, batches: int, trained: list[list[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(f"trainer.fast_dev_run={value}", "callbacks.diagnosis.every_n_epochs=1") == 0
    assert len(trained) == batches
    assert "fast_dev_run: training and validation ran to their end" in capfd.readouterr().out
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("overrides", "steps_an_epoch"),
    [(["overfit_batches=3"], 3), (["overfit_batches=0.2"], 3), (["overfit_batches=1", "limit_train_batches=5"], 1)],
)
def test_overfitting_takes_the_same_batches_every_epoch_and_validates_as_ever(
    overrides: list[str], steps_an_epoch: int, trained: list[list[int]]
) -> None:
    assert run(*[f"trainer.{override}" for override in overrides]) == 0
    first, second = trained[:steps_an_epoch], trained[steps_an_epoch:]
    assert first == second
    losses = [float(line["val/loss/total"]) for line in metrics()]
    assert losses[0] != losses[1]
    assert all(line["val/eer"] for line in metrics())
    seen = len(trained)
    assert run("trainer.limit_train_batches=3", "hydra.run.dir=other") == 0
    others = trained[seen:]
    assert others[:steps_an_epoch] == first[:3]
    assert others[3:] != others[:3]


def test_overfitting_lowers_the_loss_of_its_batches() -> None:
    assert run("trainer.overfit_batches=4", "max_epochs=12", "network_after=0", "lr=0.003") == 0
    losses = [float(line["train/loss/total"]) for line in metrics()]
    assert losses[-1] < 0.9 * losses[0]


def test_a_trial_without_a_directory_of_its_own_leaves_none() -> None:
    assert train.main([item for item in BRIEF if "hydra" not in item] + ["trainer.fast_dev_run=2"]) == 0
    assert not Path("outputs").exists()


def test_a_trial_in_two_processes_ends_too() -> None:
    result = command("trainer.fast_dev_run=2", "trainer.devices=2", "logger=none", "hydra.run.dir=run")
    assert result.returncode == 0, result.stderr
    assert (result.stdout + result.stderr).count("fast_dev_run: training and validation ran to their end") == 1
    assert not Path("run").exists()


def test_a_trial_changes_no_run_that_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("max_epochs=1", "trainer.limit_train_batches=2") == 0
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file() and path.suffix != ".log"}
    for refused in (["resume=run", "max_epochs=2"], [*BRIEF[:-1], "ckpt_path=run/checkpoints/last.ckpt"]):
        assert train.main([*refused, "trainer.fast_dev_run=true"]) == 2
        assert "error: trainer.fast_dev_run: tries a new run" in capfd.readouterr().err
    for path, content in before.items():
        assert path.read_bytes() == content, path


def test_a_trial_is_for_one_run(capfd: pytest.CaptureFixture[str]) -> None:
    train.main(["-m", *BRIEF[:-1], "seed=1,2", "hydra.sweep.dir=sweep", "trainer.fast_dev_run=true"])
    assert "trainer.fast_dev_run: tries one run" in capfd.readouterr().out
    assert len(list(Path("sweep").glob("*/failed.json"))) == 2


def steps() -> int:
    return int(torch.load("run/checkpoints/last.ckpt", weights_only=True)["global_step"])


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trainer.limit_train_batches=4", "trainer.accumulate_grad_batches=2"], 4),
        (["trainer.limit_train_batches=4", "trainer.max_steps=2"], 2),
        (["trainer.limit_train_batches=4", "trainer.max_time=00:01:00:00", "trainer.deterministic=false"], 8),
    ],
)
def test_it_trains_so_many_steps(overrides: list[str], expected: int) -> None:
    assert run(*overrides) == 0
    assert steps() == expected
    assert Path("run/enhancer.safetensors").is_file()


@pytest.mark.parametrize(
    "override",
    [
        "max_steps=0",
        "max_steps=1.5",
        "overfit_batches=-1",
        "overfit_batches=1.5",
        "overfit_batches=yes",
        "fast_dev_run=-1",
        "fast_dev_run=yes",
        "fast_dev_run=0.5",
        "accumulate_grad_batches=0",
        "max_time=2h",
        "deterministic=warn",
    ],
)
def test_a_wrong_value_names_its_key(override: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(f"trainer.{override}") == 2
    assert capfd.readouterr().err.startswith(f"error: trainer.{override.partition('=')[0]}: ")
