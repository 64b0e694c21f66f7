"""Keys of Lightning's trainer that a run takes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import torch

import train
from tests.short_runs import metrics

BRIEF = [
    *("max_epochs=2", "data.synthetic_people=24", "data.dim=16", "batch_size=16", "logger=csv", "threads=1"),
    *("trainer.progress_bar=false", "trainer.accelerator=cpu", "hydra.run.dir=run"),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["train.py"])


def run(*overrides: str) -> int:
    handlers = list(logging.root.handlers)
    status = train.main([*BRIEF, *overrides])
    logging.root.handlers[:] = handlers
    return status


@pytest.mark.parametrize(
    "limits",
    [["max_steps=6"], ["max_steps=7", "accumulate_grad_batches=1"], ["max_steps=3", "accumulate_grad_batches=2"]],
)
def test_the_line_of_an_epoch_that_was_cut_short_has_no_figures_of_the_epoch_before(limits: list[str]) -> None:
    assert run("trainer.limit_train_batches=4", *[f"trainer.{limit}" for limit in limits]) == 0
    whole, cut = metrics()
    assert all(whole[name] for name in ("val/selection", "val/loss/total", "phi/bias"))
    assert [name for name, value in cut.items() if value and name.startswith(("val/", "phi/"))] == ["val/selection"]
    assert cut["val/selection"] != whole["val/selection"]  # evaluated anew
    assert cut["epoch"] == "1"
    assert cut["lr"]
    assert cut["train/loss/total"] not in ("", whole["train/loss/total"])


def steps() -> int:
    return int(torch.load("run/checkpoints/last.ckpt", weights_only=True)["global_step"])


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trainer.limit_train_batches=4"], 8),
        (["trainer.limit_train_batches=4", "trainer.accumulate_grad_batches=2"], 4),
        (["trainer.limit_train_batches=4", "trainer.max_steps=6"], 6),
        (["trainer.limit_train_batches=4", "trainer.max_steps=2"], 2),
        (["trainer.limit_train_batches=4", "trainer.max_time=00:01:00:00", "trainer.deterministic=false"], 8),
    ],
)
def test_it_trains_so_many_steps(overrides: list[str], expected: int) -> None:
    assert run(*overrides) == 0
    assert steps() == expected
    assert Path("run/enhancer.safetensors").is_file()


@pytest.mark.parametrize(
    "override", ["max_steps=0", "max_steps=1.5", "accumulate_grad_batches=0", "max_time=2h", "deterministic=warn"]
)
def test_a_wrong_value_names_its_key(override: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(f"trainer.{override}") == 2
    assert capfd.readouterr().err.startswith(f"error: trainer.{override.partition('=')[0]}: ")
