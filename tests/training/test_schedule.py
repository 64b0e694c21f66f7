import pytest

from poseid.training.schedule import Schedule

FINAL = {"id": 2.0, "pose": 0.3, "contrast": 0.0}


def test_constant_is_the_final_weights() -> None:
    assert [Schedule({"name": "constant"}).weights(epoch, FINAL) for epoch in (0, 7)] == [FINAL, FINAL]
    assert Schedule({"name": "constant"}).end_of_ramp() == 0


def test_two_stage() -> None:
    schedule = Schedule({"name": "two_stage", "stage1_epochs": 3, "stage1_lambda_id": 5.0, "ramp_epochs": 4})
    for epoch in range(3):
        assert schedule.weights(epoch, FINAL) == {"id": 5.0, "pose": 0.0, "contrast": 0.0}
    assert schedule.weights(4, FINAL) == pytest.approx({"id": 4.25, "pose": 0.075, "contrast": 0.0})
    assert schedule.weights(7, FINAL) == FINAL == schedule.weights(99, FINAL)
    assert schedule.end_of_ramp() == 7


def test_two_stage_without_ramp_switches_at_once() -> None:
    schedule = Schedule({"name": "two_stage", "stage1_epochs": 2, "ramp_epochs": 0})
    assert schedule.weights(1, FINAL)["id"] == 5.0
    assert schedule.weights(2, FINAL) == FINAL


def test_progressive_moves_identity_alone() -> None:
    schedule = Schedule({"name": "progressive", "start_lambda_id": 1.0, "ramp_epochs": 10})
    assert schedule.weights(0, FINAL) == {"id": 1.0, "pose": 0.3, "contrast": 0.0}
    assert schedule.weights(5, FINAL)["id"] == pytest.approx(1.5)
    assert schedule.weights(10, FINAL) == FINAL
    assert schedule.end_of_ramp() == 10
