"""Fitting inside the training: the divisions, who is in the support, and gradients to φ."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from poseid.enhancers.closed_form import Solution, solve
from poseid.enhancers.enhancer import Enhancer, Fit
from poseid.enhancers.gate import GateFit
from poseid.enhancers.registry import build
from poseid.enhancers.training_rows import TrainingRows
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.fitting import Episodes, Fitter, divide, fit_on, training_rows
from poseid.training.losses import TERMS, total_loss
from tests.training import small

CPU = torch.device("cpu")
FEATURES = synthetic(people=32, dim=small.DIM, seed=4)
DIVISION = divide(FEATURES.people(), 4, seed=0)


def enhancer(**options: object) -> Enhancer:
    return build("residual", {key: value for key, value in {**small.RIDGE, **options}.items() if key != "name"})


def supporting(division: int) -> list[str]:
    return [name for name in FEATURES.people() if DIVISION[name] != division]


def fitter(features: FeatureSet = FEATURES, closed_form: bool = True) -> Fitter:
    return Fitter(training_rows(features), closed_form, CPU)


def parts_of(fit: Fit) -> tuple[Solution, GateFit]:
    assert fit.solution is not None
    assert fit.gate is not None
    return fit.solution, fit.gate


def assert_same_fit(one: Fit, other: Fit, tolerance: float = 1e-5) -> None:
    (solution, gate), (other_solution, other_gate) = parts_of(one), parts_of(other)
    torch.testing.assert_close(tuple(solution), tuple(other_solution), atol=tolerance, rtol=tolerance)
    # Newton's method ends within a tolerance
    torch.testing.assert_close(tuple(gate), tuple(other_gate), atol=1e-3, rtol=1e-3)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(people=st.integers(2, 60), divisions=st.integers(1, 12), seed=st.integers(0, 5))
def test_divisions_cover_everybody_once_and_hold_two_people_at_least(people: int, divisions: int, seed: int) -> None:
    names = [f"人 {number}" for number in range(people)]
    made = divide(names, divisions, seed)
    assert sorted(made) == sorted(names)
    sizes = [list(made.values()).count(division) for division in range(max(made.values()) + 1)]
    assert sum(sizes) == people
    assert min(sizes) >= 2
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == min(divisions, people // 2)
    assert divide(names, divisions, seed) == made


def test_another_seed_divides_otherwise() -> None:
    assert divide(FEATURES.people(), 4, seed=1) != DIVISION


def test_the_data_module_divides_its_training_people_by_the_seed_of_the_split() -> None:
    one, same, other = (small.loaded_data(**seeds) for seeds in ({"seed": 0}, {"seed": 9}, {"split_seed": 1}))
    assert one.division == same.division == divide(one.split.train, 4, 0)
    assert set(one.division) == set(one.split.train)
    assert other.division != one.division
    assert set(small.loaded_data(divisions=1).division.values()) == {0}


def test_the_support_of_a_division_is_everybody_else() -> None:
    episodes = Episodes(FEATURES, DIVISION, True, CPU)
    made = enhancer()
    assert len(episodes.support) == 4
    assert_same_fit(episodes.train_people.fit(made), fitter().fit(made))
    for division, support in enumerate(episodes.support):
        by_hand = fitter(FEATURES.select(supporting(division)))
        assert_same_fit(support.fit(made), by_hand.fit(made))


def changed(features: FeatureSet, people: set[str]) -> FeatureSet:
    """Other vectors for some people."""
    sides = []
    for side in (features.front, features.video):
        rows = side.features.copy()
        rows[[name in people for name in side.names()]] *= -1
        sides.append(replace(side, features=rows))
    return replace(features, front=sides[0], video=sides[1])


def test_the_query_people_have_no_part_in_the_solution_that_they_are_judged_by() -> None:
    made = enhancer()
    before = Episodes(FEATURES, DIVISION, True, CPU)
    query = set(FEATURES.people()) - set(supporting(2))
    after = Episodes(changed(FEATURES, query), DIVISION, True, CPU)
    assert_same_fit(after.support[2].fit(made), before.support[2].fit(made), tolerance=0.0)
    for division in (0, 1, 3):
        one, other = (parts_of(episodes.support[division].fit(made))[0].matrix for episodes in (after, before))
        assert not torch.allclose(one, other)


def test_with_one_division_the_support_is_everybody() -> None:
    episodes = Episodes(FEATURES, dict.fromkeys(FEATURES.people(), 0), True, CPU)
    assert episodes.support == [episodes.train_people]


def test_of_very_many_people_those_whose_rows_are_there_support() -> None:
    """The data module hands over an even share of the rows; the divisions are of all people."""
    some = FEATURES.select(FEATURES.people()[:20])
    made = enhancer()
    support = Episodes(some, DIVISION, True, CPU).support[1].fit(made)
    by_hand = FEATURES.select([name for name in FEATURES.people()[:20] if DIVISION[name] != 1])
    assert_same_fit(support, fitter(by_hand).fit(made))


def test_solution_and_gate_are_float32_whatever_the_precision_of_the_solve() -> None:
    solution, gate = parts_of(fitter().fit(enhancer()))
    assert all(tensor.dtype == torch.float32 for tensor in (*solution, *gate))
    assert solution.matrix.requires_grad
    assert not any(tensor.requires_grad for tensor in gate)


def gradients(rows: TrainingRows, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of φ, of all terms together, through the solve."""
    module = small.module(model=small.RIDGE)
    fit = Fitter(rows, True, CPU).fit(module.enhancer)
    total_loss(module.loss_terms(batch, batch["pose"], module.weights, fit), module.weights).backward()
    found = {}
    for name, parameter in module.enhancer.phi().items():
        assert parameter.grad is not None, name
        found[name] = parameter.grad
    return found


def query() -> dict[str, Tensor]:
    batch = small.batch(40)
    batch["pose"][::4, 0] = 17.0  # where the gate is not quite open
    batch["pose"][1::4] = math.nan
    return batch


def test_gradients_reach_every_number_of_phi() -> None:
    found = gradients(training_rows(FEATURES), query())
    assert len(found) == 14
    for name, gradient in found.items():
        assert bool(gradient.isfinite().all()), name
        assert gradient.abs().min() > 0, name


def test_gradient_of_phi_is_that_of_finite_differences() -> None:
    """Through the solve in float64 and the network in float32: a slope over a wide step, and its gradient."""
    rows, batch = fitter(), query()
    weights = dict.fromkeys(TERMS, 0.0) | {"id": 1.0, "contrast": 1.0, "detection": 1.0}
    module = small.module(model=small.RIDGE, weights=weights)
    closed_form = module.enhancer.closed_form
    assert closed_form is not None

    def loss() -> Tensor:
        terms = module.loss_terms(batch, batch["pose"], weights, rows.fit(module.enhancer))
        return total_loss(terms, weights)

    loss().backward()
    for name, step in (("log_ridge", 0.02), ("metric_power", 0.02), ("bias", 0.002), ("ridge_power", 0.02)):
        parameter = dict(closed_form.named_parameters())[name]
        with torch.no_grad():
            parameter.add_(step)
            above = loss().item()
            parameter.sub_(2 * step)
            below = loss().item()
            parameter.add_(step)
        assert parameter.grad is not None
        assert parameter.grad.item() == pytest.approx((above - below) / (2 * step), rel=0.05, abs=1e-4), name


def test_the_order_of_the_data_moves_nothing() -> None:
    rows, batch = training_rows(FEATURES), query()
    order = torch.randperm(len(rows.person), generator=torch.Generator().manual_seed(0))
    shuffled = TrainingRows(*(part[order] for part in (rows.features, rows.person, rows.frontal, rows.profile)))
    within = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    of_references = torch.randperm(80, generator=torch.Generator().manual_seed(2))
    orders = {40: within, 80: of_references}
    other = {name: value[orders[len(value)]] if len(value) in orders else value for name, value in batch.items()}
    one, two = gradients(rows, batch), gradients(shuffled, other)
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


def test_fit_on_stores_what_the_layer_then_does_by_itself() -> None:
    made = enhancer()
    assert fit_on(made, FEATURES) is None
    fit = fitter().fit(made)
    x, pose = torch.from_numpy(FEATURES.video.features), torch.from_numpy(FEATURES.video.poses)
    torch.testing.assert_close(made(x, pose).features, made(x, pose, fit).features)
    assert (float(made.gate.fitted), float(made.closed_form.people)) == (1.0, float(len(FEATURES.people())))


def test_fitting_again_follows_phi_and_the_people() -> None:
    made = enhancer()
    fit_on(made, FEATURES)
    before = made.closed_form.matrix.clone()
    fit_on(made, FEATURES)
    assert torch.equal(made.closed_form.matrix, before)
    with torch.no_grad():
        made.closed_form.log_ridge.add_(1.0)
    fit_on(made, FEATURES)
    assert not torch.allclose(made.closed_form.matrix, before)
    values = made.phi_values()
    fit_on(made, FEATURES.select(FEATURES.people()[:16]))
    assert made.phi_values() == values  # φ itself is not fitted


def test_too_few_people_leave_the_closed_form_out_and_say_why() -> None:
    made = enhancer()
    few = FEATURES.select(FEATURES.people()[:3])
    reason = fit_on(made, few)
    assert "of 3 people who also have a frontal row" in (reason or "")
    assert (float(made.gate.fitted), float(made.closed_form.people)) == (1.0, 0.0)
    fitted = fitter(few)
    assert fitted.why_not == reason
    fit = fitted.fit(made)
    assert fit.solution is None
    x = torch.from_numpy(few.video.features)
    torch.testing.assert_close(made(x, None, fit).features, x, rtol=1e-5, atol=1e-5)


def test_an_enhancer_without_a_closed_form_has_its_gate_fitted_alone() -> None:
    made = enhancer(init="zero", phi=None)
    assert fit_on(made, FEATURES) is None
    assert made.closed_form is None
    assert float(made.gate.fitted) == 1.0
    fitted = fitter(closed_form=False)
    assert fitted.statistics is None
    assert fitted.fit(made).solution is None


def test_the_solve_of_a_fit_is_the_closed_form_of_its_people() -> None:
    made = enhancer()
    fitted = fitter()
    assert fitted.statistics is not None
    want = solve(made.closed_form, fitted.statistics)
    got, _ = parts_of(fitted.fit(made))
    assert want.matrix.dtype == torch.float64
    torch.testing.assert_close(got.matrix, want.matrix.float())


def test_where_the_gate_of_a_support_begins_does_not_matter() -> None:
    rows = training_rows(FEATURES)
    of_all = Fitter(rows, False, CPU)
    half = rows.of_people(torch.arange(32) % 2 == 0)
    from_there, from_nothing = Fitter(half, False, CPU, of_all.gate), Fitter(half, False, CPU)
    assert isinstance(from_there.gate, GateFit)
    assert isinstance(from_nothing.gate, GateFit)
    for a, b in zip(from_there.gate, from_nothing.gate, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-3)
