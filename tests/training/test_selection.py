"""Which weights ship: the best epoch or the state before training, when it stops, and what the guard takes back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from poseid.enhancers.enhancer import Enhancer
from poseid.enhancers.inference import enhance_arrays
from poseid.enhancers.residual import ResidualEnhancer
from poseid.evaluation import evaluate_enhancer
from poseid.features.synthetic import synthetic
from poseid.training import selection
from poseid.training.fitting import Episodes, Fitter, fit_on, training_rows
from poseid.training.losses import TERMS
from poseid.training.module import EnhancerModule
from poseid.training.selection import (
    BIAS_SHIFTS,
    STRENGTH_FACTORS,
    BestCheckpoint,
    Guarded,
    HeldOut,
    PatienceAfterRamp,
    guard,
    hold_out,
)
from tests.training import small

TRAIN = synthetic(people=120, dim=64, seed=0)
VALIDATION = synthetic(people=100, dim=64, seed=1)
OUTSIDE = [HeldOut(None, VALIDATION)]
STANDING_STILL = {**small.RIDGE, "phi": {name: {**entry, "lr": 0.0} for name, entry in small.PHI.items()}}


class Trainer:
    """Only what BestCheckpoint asks of Lightning's trainer when it saves."""

    def __init__(self) -> None:
        self.saved: list[Path] = []

    def save_checkpoint(self, path: Path, weights_only: bool) -> None:
        assert not weights_only  # a checkpoint to go on from, not the weights alone
        self.saved.append(path)


def offered(*scores: float) -> tuple[BestCheckpoint, int]:
    best, trainer = BestCheckpoint(Path("best.ckpt")), Trainer()
    for epochs, score in enumerate(scores):
        best._update(trainer, score, epochs)  # type: ignore[arg-type]
    return best, len(trainer.saved)


def test_the_lowest_ships_and_of_equals_the_first() -> None:
    for scores, epochs, saved in (
        ((0.200, 0.180, 0.1799, 0.1799), 2, 3),
        ((0.200, 0.1999999, 0.3), 1, 2),
        ((0.200, 0.200, 0.3), 0, 1),
        ((-0.1, -0.2, -0.15), 1, 2),
    ):
        best, written = offered(*scores)
        assert (best.epochs, written, best.score) == (epochs, saved, min(scores))


def test_a_score_that_is_no_number_never_ships() -> None:
    best, saved = offered(0.2, float("nan"), 0.1)
    assert (best.epochs, saved) == (2, 2)


def test_a_score_without_its_file_is_forgotten(tmp_path: Path) -> None:
    state: dict[str, Any] = {"score": 0.1, "epochs": 4, "initial": {"val/eer": 0.2}}
    best = BestCheckpoint(tmp_path / "best.ckpt")
    best.load_state_dict(state)
    assert best.score == float("inf")
    best.path.touch()
    best.load_state_dict(state)
    assert best.state_dict() == state


def trained(
    tmp_path: Path, epochs: int, callbacks: list[L.Callback] | None = None, solved: bool = True, **options: Any
) -> tuple[EnhancerModule, BestCheckpoint, list[float]]:
    """A short training; the module as it ends, the callback, and val/selection of every epoch."""
    module, data = small.module(**options), small.loaded_data(synthetic_people=40)
    if solved:
        fit_on(module.enhancer, data.train_set)
    best = BestCheckpoint(tmp_path / "best.ckpt")
    seen: list[float] = []

    class Seen(L.Callback):
        def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            seen.append(float(trainer.callback_metrics["val/selection"]))

    small.trainer(
        max_epochs=epochs,
        callbacks=[best, Seen(), *(callbacks or [])],
        default_root_dir=tmp_path,
        limit_train_batches=4,
    ).fit(module, datamodule=data)
    return module, best, seen


def state_of(path: Path) -> dict[str, torch.Tensor]:
    return dict(torch.load(path, weights_only=True)["state_dict"])


def test_the_state_before_training_takes_part_as_any_epoch_does(tmp_path: Path) -> None:
    """Training that does nothing but harm: what ships is what was there before."""
    module, best, seen = trained(tmp_path, 3, model=small.RIDGE, lr=3.0)
    before = small.module(model=small.RIDGE)
    assert best.epochs == 0
    assert best.score == best.initial["val/selection"]
    assert min(seen) > best.score
    shipped = state_of(best.path)
    assert all(torch.equal(value, shipped[name]) for name, value in before.named_parameters())
    assert not torch.equal(module.enhancer.linear_path.weight, shipped["enhancer.linear_path.weight"])
    assert best.initial["phi/ridge"] == pytest.approx(4.0)
    assert {"val/eer", "val/improvement/mean"} <= set(best.initial)


def test_the_epoch_with_the_lowest_selection_ships(tmp_path: Path) -> None:
    module, best, seen = trained(tmp_path, 4, model=small.RIDGE)
    scores = [best.initial["val/selection"], *seen]
    assert min(seen) < scores[0]  # training does something
    assert best.score == min(scores)
    assert best.epochs == scores.index(min(scores))
    content = torch.load(best.path, weights_only=True)
    assert content["epoch"] == best.epochs - 1
    if best.epochs == 4:
        last = state_of(best.path)
        assert all(torch.equal(value, last[name]) for name, value in module.state_dict().items())


def test_selection_is_the_weighted_loss_by_the_weights_that_the_user_set(tmp_path: Path) -> None:
    """Whatever the schedule has in force, epochs compare."""
    weights = dict.fromkeys(TERMS, 0.0) | {"id": 2.0, "contrast": 0.5, "detection": 3.0}
    schedule = {"name": "two_stage", "stage1_epochs": 2, "stage1_lambda_id": 5.0, "ramp_epochs": 1}
    rows: list[dict[str, float]] = []

    class Keep(L.Callback):
        def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
            rows.append({name: float(value) for name, value in trainer.callback_metrics.items()})

    _, best, seen = trained(tmp_path, 3, [Keep()], weights=weights, schedule=schedule, model=small.RIDGE)
    for row, score in zip(rows, seen, strict=True):
        wanted = sum(weight * row[f"val/loss/{name}"] for name, weight in weights.items())
        assert score == pytest.approx(wanted, rel=1e-5)
    assert rows[0]["val/loss/total"] == pytest.approx(5.0 * rows[0]["val/loss/id"], rel=1e-5)
    assert best.initial["val/selection"] > 0


@pytest.mark.parametrize("solved", [True, False])
def test_before_the_first_epoch_selection_is_what_a_validation_would_find(solved: bool, tmp_path: Path) -> None:
    """A training that moves nothing: every epoch has the figure of the state before, whatever had been stored."""
    _, best, seen = trained(tmp_path, 2, solved=solved, model=STANDING_STILL, lr=0.0)
    assert seen == pytest.approx([best.initial["val/selection"]] * 2, rel=1e-6)
    assert best.epochs == 0


@pytest.mark.parametrize(("first", "patience", "epochs"), [(0, 1, 2), (3, 1, 5), (2, 3, 6)])
def test_patience_counts_only_after_the_ramp(first: int, patience: int, epochs: int, tmp_path: Path) -> None:
    """Nothing moves, so every epoch after the first that counts is one without progress."""
    stopping = PatienceAfterRamp(first, patience)
    _, _, seen = trained(tmp_path, 12, [stopping], model=STANDING_STILL, lr=0.0)
    assert len(seen) == epochs
    assert stopping.wait_count == patience


def test_a_run_that_had_stopped_has_nothing_left_to_train() -> None:
    stopping = PatienceAfterRamp(0, 2)
    for waited, stop in ((1, False), (2, True)):
        stopping.wait_count = waited
        trainer = SimpleNamespace(should_stop=False)
        stopping.on_train_start(trainer, None)  # type: ignore[arg-type]
        assert trainer.should_stop is stop
    assert (stopping.monitor, stopping.mode) == ("val/selection", "min")


def fitted(**options: Any) -> ResidualEnhancer:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, init="ridge", **options)
    fit_on(enhancer, TRAIN)
    return enhancer.eval()


def test_what_helps_is_kept_whole_and_harms_nobody_unseen() -> None:
    enhancer = fitted()
    guarded = guard(enhancer, VALIDATION, OUTSIDE, 100)
    assert guarded.strength == 1.0
    assert float(enhancer.strength.detach()) == 1.0
    assert guarded.evaluation.verdict != "harms"
    unseen = synthetic(people=100, dim=64, seed=7)
    assert evaluate_enhancer(enhancer, unseen, resamples=200).verdict != "harms"


def test_a_correction_that_pulls_everybody_together_is_taken_back_to_raw() -> None:
    enhancer = fitted()
    with torch.no_grad():
        enhancer.closed_form.bias.fill_(5.0)  # everybody is moved the same way, far
    guarded = guard(enhancer, VALIDATION, OUTSIDE, 100)
    assert guarded.strength == 0.0
    assert guarded.evaluation.verdict != "harms"
    # Where it is used, the vectors go through bit for bit: a rounding would show as false matches of 1.01x.
    rows, poses = VALIDATION.video.features[:50], VALIDATION.video.poses[:50]
    enhanced, compared, *_ = enhance_arrays(enhancer, rows, poses)
    for made in (enhanced, compared):
        assert np.array_equal(made, rows)


def scripted(monkeypatch: pytest.MonkeyPatch, harmful_above: float, other: str) -> list[float]:
    """Verdicts by strength alone; the strengths that were evaluated."""
    evaluated: list[float] = []

    def evaluate(enhancer: Enhancer, features: Any, resamples: int) -> Any:
        evaluated.append(float(enhancer.strength.detach()))
        return SimpleNamespace(verdict="harms" if evaluated[-1] > harmful_above else other)

    monkeypatch.setattr(selection, "evaluate_enhancer", evaluate)
    monkeypatch.setattr(selection, "harms_held_out", lambda enhancer, held_out: False)
    return evaluated


@pytest.mark.parametrize("other", ["helps", "no effect shown"])
@pytest.mark.parametrize(
    ("harmful_above", "left"), [(1.0, 1.0), (0.7, 0.75), (0.5, 0.5), (0.3, 0.25), (0.0, 0.0), (-1.0, 0.0)]
)
def test_strength_is_lowered_only_while_the_verdict_is_harms(
    harmful_above: float, left: float, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = scripted(monkeypatch, harmful_above, other)
    enhancer = fitted(phi={"strength": {"value": 0.8, "lr": 0.0}})
    guarded = guard(enhancer, VALIDATION, OUTSIDE, 100)
    assert guarded.strength == left
    assert float(enhancer.strength.detach()) == pytest.approx(0.8 * left)
    tried = [share for share in STRENGTH_FACTORS if share > left for _ in BIAS_SHIFTS] + [left]
    assert evaluated == pytest.approx([0.8 * share for share in tried])
    assert guarded.evaluation.verdict == (other if harmful_above >= 0 else "harms")


def test_the_bias_is_raised_before_the_strength_is_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few people: a correction with more false non-matches at the raw threshold gets a higher bias first."""
    enhancer = fitted()
    bias = enhancer.closed_form.bias.item()
    monkeypatch.setattr(
        selection, "harms_held_out", lambda enhancer, held_out: enhancer.closed_form.bias.item() < bias + 0.015
    )
    guarded = guard(enhancer, VALIDATION, OUTSIDE, 100)
    assert guarded.strength == 1.0
    assert guarded.bias_shift == 0.02
    assert "bias is shifted by +0.02" in str(guarded.note())
    assert enhancer.closed_form.bias.item() == pytest.approx(bias + 0.02)


def test_many_people_are_judged_by_their_verdict_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "FEW_PEOPLE", 10)
    monkeypatch.setattr(selection, "harms_held_out", lambda enhancer, held_out: True)
    assert guard(fitted(), VALIDATION, OUTSIDE, 100).strength == 1.0


def test_false_non_matches_of_people_held_out_are_harm() -> None:
    enhancer = fitted()
    assert not selection.harms_held_out(enhancer, OUTSIDE)
    with torch.no_grad():
        enhancer.closed_form.bias.fill_(-0.3)
    assert selection.harms_held_out(enhancer, OUTSIDE)


def test_nobody_is_held_out_by_a_fit_on_himself() -> None:
    data = small.loaded_data(synthetic_people=40)
    enhancer = small.module(model=small.RIDGE).enhancer
    episodes = Episodes(data.train_set, data.division, True, torch.device("cpu"))
    held_out = hold_out(enhancer, episodes, data)
    named = [name for one in held_out for name in one.features.people()]
    assert sorted(named) == sorted([*data.split.train, *data.split.validation])
    for one in held_out[1:]:
        others = data.train_set.select(sorted({*data.split.train} - {*one.features.people()}))
        expected = Fitter(training_rows(others), True, torch.device("cpu")).fit(enhancer).solution
        assert one.fit is not None
        assert one.fit.solution is not None
        assert expected is not None
        torch.testing.assert_close(one.fit.solution.matrix, expected.matrix)
        # with as much of the correction as the solution of all of them will give
        assert int(one.fit.solution.people) == len(named)


def test_without_a_path_from_the_input_there_is_nothing_to_fall_back_to() -> None:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, skip=False)
    before = {name: value.clone() for name, value in enhancer.state_dict().items()}
    guarded = guard(enhancer, VALIDATION, OUTSIDE, 100)
    assert guarded.evaluation.verdict == "harms"
    assert guarded.strength == 1.0
    assert all(torch.equal(value, before[name]) for name, value in enhancer.state_dict().items())


def test_what_is_kept_is_said_where_it_is_not_all() -> None:
    evaluation = evaluate_enhancer(fitted(), VALIDATION, 100)
    assert Guarded(evaluation, 1.0).note() is None
    assert "leaves every vector's direction as it was (strength 0)" in str(Guarded(evaluation, 0.0).note())
    assert str(Guarded(evaluation, 0.25).note()).startswith("0.25 of the correction ships")
