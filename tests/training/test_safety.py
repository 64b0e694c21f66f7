"""The closed form is kept from harm by cross-validation over the people it may be fitted on."""

from typing import Any

import pytest
import torch

from poseid.enhancers.residual import ResidualEnhancer
from poseid.evaluation import evaluate_enhancer
from poseid.features.synthetic import synthetic
from poseid.training.safety import choose_safe
from poseid.training.start import fit_start, refit
from poseid.training.strength import Harm, harm

PEOPLE = synthetic(people=70, dim=64, seed=0)


def fitted(**options: float) -> ResidualEnhancer:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, init="ridge", **options)
    fit_start(enhancer, PEOPLE)
    return enhancer.eval()


def test_what_helps_is_kept_and_harms_nobody_unseen() -> None:
    enhancer = fitted()
    choose_safe(enhancer, PEOPLE)
    assert float(enhancer.strength) > 0
    block = evaluate_enhancer(enhancer, synthetic(people=100, dim=64, seed=7), resamples=200).block
    assert block["verdict"] != "harms"


def test_a_lift_that_lets_impostors_in_is_taken_back() -> None:
    enhancer = fitted(lift=0.2, slope=0.0)
    enhancer.start.reach = 0.5
    unseen = synthetic(people=100, dim=64, seed=7)
    assert any(harm(evaluate_enhancer(enhancer, unseen, resamples=0).block))
    choose_safe(enhancer, PEOPLE)
    assert float(enhancer.strength) < 1 or float(enhancer.start.lift) < 0.2


def test_few_people_get_part_of_the_correction_at_most() -> None:
    few = PEOPLE.select(PEOPLE.people()[:30])
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, init="ridge")
    fit_start(enhancer, few)
    choose_safe(enhancer.eval(), few)
    assert float(enhancer.strength) <= 0.5


def test_refit_keeps_what_was_chosen() -> None:
    enhancer = fitted()
    enhancer.start.lift.fill_(0.017)
    enhancer.strength.fill_(0.5)
    before = enhancer.start.matrix.clone()
    refit(enhancer, PEOPLE.select(PEOPLE.people()[:40]))
    assert float(enhancer.start.lift) == pytest.approx(0.017)
    assert float(enhancer.strength) == 0.5
    assert not torch.equal(before, enhancer.start.matrix)


def test_a_look_at_the_highest_scores_alone_chooses_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    for held in (10**9, 100):
        monkeypatch.setattr("poseid.training.safety.HELD", held)
        enhancer = fitted(lift=0.015, slope=0.0)
        choose_safe(enhancer, PEOPLE)
        chosen.append((float(enhancer.strength), float(enhancer.start.lift)))
    assert chosen[0] == chosen[1]
    assert chosen[0][1] != pytest.approx(0.015)  # more than one pair was looked at


@pytest.mark.parametrize("lift", [0.03, -0.03, 0.015])
def test_looks_that_are_spared_would_not_have_been_chosen(lift: float, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, looks = [], []
    for spared in (True, False):
        count = 0

        def found(block: dict[str, Any], spared: bool = spared) -> Harm:
            nonlocal count
            count += 1
            signs = harm(block)
            return signs if spared else Harm(False, False, any(signs))

        monkeypatch.setattr("poseid.training.safety.harm", found)
        enhancer = fitted(lift=lift, slope=0.0)
        choose_safe(enhancer, PEOPLE)
        chosen.append((float(enhancer.strength), float(enhancer.start.lift)))
        looks.append(count)
    assert chosen[0] == chosen[1]
    assert looks[0] <= looks[1]


def test_what_was_chosen_before_has_no_say() -> None:
    chosen = []
    for strength in (1.0, 0.0):
        enhancer = fitted(lift=0.015, slope=0.0)
        enhancer.strength.fill_(strength)
        choose_safe(enhancer, PEOPLE)
        chosen.append((float(enhancer.strength), float(enhancer.start.lift)))
    assert chosen[0] == chosen[1]
