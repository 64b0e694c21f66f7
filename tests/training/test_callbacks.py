from typing import Any

import pytest

from poseid.training import module
from poseid.training.callbacks import harmful_trend
from tests.short_runs import run


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


@pytest.mark.usefixtures("own_directory")
def test_one_evaluation_before_training_and_one_an_epoch_serve_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    original, evaluations = module.quick_evaluation, []

    def counted(*given: Any) -> Any:
        evaluations.append(original(*given))
        return evaluations[-1]

    monkeypatch.setattr(module, "quick_evaluation", counted)
    assert run("trainer.limit_train_batches=1", "callbacks.diagnosis.every_n_epochs=1", logger="none") == 0
    assert len(evaluations) == 1 + 2
