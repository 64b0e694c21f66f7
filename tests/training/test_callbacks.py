from pathlib import Path
from typing import Any

import pytest

import train
from poseid.training import module
from poseid.training.callbacks import harmful_trend


def test_a_fall_over_three_diagnoses_is_said() -> None:
    assert "similarity" in (harmful_trend([0.5, 0.42, 0.40, 0.37], [None] * 4) or "")


def test_a_rise_of_false_matches_is_said_only_above_raw() -> None:
    assert "false matches" in (harmful_trend([0.4] * 3, [1.0, 1.1, 1.3]) or "")
    assert harmful_trend([0.4] * 3, [0.5, 0.7, 0.9]) is None


def test_no_trend() -> None:
    assert harmful_trend([0.42, 0.37], [1.0, 1.5]) is None  # two diagnoses are none
    assert harmful_trend([0.42, 0.37, 0.40], [1.5, 1.1, 1.3]) is None  # up and down
    assert harmful_trend([0.4201, 0.4200, 0.4199], [1.06, 1.061, 1.062]) is None  # too small
    assert harmful_trend([None, None, None], [None, None, None]) is None


def test_one_evaluation_before_training_and_one_an_epoch_serve_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, looks = module.quick_evaluation, 0

    def counted(*given: Any) -> Any:
        nonlocal looks
        looks += 1
        return original(*given)

    monkeypatch.setattr(module, "quick_evaluation", counted)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py"])
    short = ["data.synthetic_people=24", "data.dim=32", "trainer.limit_train_batches=1", "threads=1", "max_epochs=2"]
    quiet = ["trainer.progress_bar=false", "trainer.accelerator=cpu", "logger=none", "hydra.run.dir=run"]
    assert train.main([*short, *quiet, "callbacks.diagnosis.every_n_epochs=1"]) == 0
    assert looks == 1 + 2
