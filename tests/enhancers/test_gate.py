"""The gate: its equation, what closes and what opens it, and its fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from poseid.enhancers.gate import Gate, GateFit, fit_gate
from poseid.enhancers.model import unit_and_length
from poseid.enhancers.training_rows import training_rows
from poseid.features.synthetic import synthetic

DIM = 32
ROWS = training_rows(synthetic(people=40, dim=DIM, seed=2))
NAN = math.nan


def random_rows(count: int = 200, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x, length = unit_and_length(torch.randn(count, DIM, generator=generator))
    return x, 5 * length, 90 * torch.randn(count, 3, generator=generator).clamp(-1, 1)


def stored(fit: GateFit, **phi: float) -> Gate:
    gate = Gate(fit.weight.shape[0], **phi)
    gate.store(fit)
    return gate


def fit_of(seed: int = 0) -> GateFit:
    generator = torch.Generator().manual_seed(seed)
    return GateFit(3 * torch.randn(DIM, generator=generator), torch.tensor(-1.5), torch.tensor(0.4), torch.tensor(20.0))


def fit_of_rows() -> GateFit:
    fit = fit_gate(ROWS.features, ROWS.frontal, ROWS.profile)
    assert fit is not None
    return fit


def of_yaw(gate: Gate, yaw: list[float], pitch: float = 0.0, roll: float = 0.0) -> Tensor:
    """The gate of one and the same vector at given yaws."""
    x = torch.nn.functional.one_hot(torch.zeros(len(yaw), dtype=torch.long), DIM).float()
    pose = torch.tensor([[angle, pitch, roll] for angle in yaw])
    return gate(x, torch.ones(len(yaw), 1), pose)[:, 0].detach()


def test_equation() -> None:
    fit = fit_of()
    gate = stored(fit, slope=0.2, centre=30.0, full=35.0, unknown=1.0)
    x, length, pose = random_rows()
    pose[::3, 2] = NAN
    u = x.numpy() @ fit.weight.numpy() - 1.5 * np.log(length.numpy()[:, 0] / 20.0) + 0.4
    wanted = []
    for logit, (yaw, pitch, roll) in zip(u.tolist(), pose.tolist(), strict=True):
        if math.isnan(roll):
            wanted.append(1 / (1 + math.exp(-(logit - 1.0))))
            continue
        a = max(abs(yaw), abs(pitch))
        s = min(max((a - 5) / (35 - 5), 0), 1)
        wanted.append(s * s * (3 - 2 * s) / (1 + math.exp(-(logit + 0.2 * (min(a, 40) - 30)))))
    got = gate(x, length, pose)
    assert got.shape == (200, 1)
    np.testing.assert_allclose(got[:, 0].detach().numpy(), wanted, atol=1e-5)
    np.testing.assert_allclose(
        gate.probability(x, length)[:, 0].numpy(), 1 / (1 + np.exp(-u.astype(np.float64))), atol=1e-5
    )


def test_a_fit_given_is_as_good_as_a_stored_one() -> None:
    x, length, pose = random_rows()
    fit = fit_of()
    gate = Gate(DIM)
    for known in (pose, None):
        assert torch.equal(gate(x, length, known, fit), stored(fit)(x, length, known))
    assert float(gate.fitted) == 0


@settings(max_examples=50, deadline=None, derandomize=True)
@given(yaw=st.floats(-5, 5), pitch=st.floats(-5, 5), roll=st.floats(-180, 180), seed=st.integers(0, 9))
def test_a_row_given_as_frontal_stays_closed_whatever_is_trained(
    yaw: float, pitch: float, roll: float, seed: int
) -> None:
    gate = stored(fit_of(seed), slope=-3.0 + seed, centre=-100.0 * seed, full=6.0, unknown=-9.0)
    x, length, _ = random_rows(20, seed)
    assert gate(x, length, torch.tensor([[yaw, pitch, roll]]).expand(20, 3)).max() == 0


def test_of_unknown_pose_the_vector_alone_decides() -> None:
    gate = stored(fit_of(), unknown=1.0)
    x, length, pose = random_rows()
    alone = gate(x, length, None)
    torch.testing.assert_close(alone[:, 0], torch.sigmoid(gate.logit(x, length) - 1.0))
    for missing in range(3):
        unknown = pose.clone()
        unknown[:, missing] = NAN
        assert torch.equal(gate(x, length, unknown), alone)
    mixed = torch.where(torch.arange(200)[:, None] % 2 == 0, pose, NAN)
    got = gate(x, length, mixed)
    torch.testing.assert_close(got[::2], gate(x, length, pose)[::2])
    torch.testing.assert_close(got[1::2], alone[1::2])


def test_nan_rows_give_no_nan_to_any_gradient() -> None:
    gate = stored(fit_of())
    x, length, pose = random_rows()
    pose[::2] = NAN
    gate(x, length, pose).sum().backward()
    for name, parameter in gate.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite()), name
        assert float(parameter.grad) != 0, name


def test_where_the_vector_says_nothing_it_rises_with_the_turn_of_the_head_alike_to_all_sides() -> None:
    gate = Gate(DIM)
    angles = torch.linspace(0, 90, 361).tolist()
    right, left = of_yaw(gate, angles), of_yaw(gate, [-angle for angle in angles])
    assert torch.equal(right, left)
    x = torch.nn.functional.one_hot(torch.zeros(361, dtype=torch.long), DIM).float()
    pitched = torch.tensor([[0.0, -angle, 20.0] for angle in angles])
    assert torch.equal(gate(x, torch.ones(361, 1), pitched)[:, 0], right)
    steps = right.diff()
    assert steps.min() >= 0
    assert steps.max() < 0.03  # smooth
    assert right[:21].max() == 0
    assert right[-1] > 0.98
    assert torch.equal(right[160:], right[160].expand(201))  # 40 degrees say as much as 90


def test_far_beyond_any_head_it_is_a_number() -> None:
    assert bool(of_yaw(Gate(DIM), [1e9, -1e9, 180.0]).isfinite().all())
    gate = stored(fit_of())
    x = torch.zeros(2, DIM)
    for pose in (None, torch.tensor([[50.0, 0.0, 0.0]]).expand(2, 3)):
        assert bool(gate(x, torch.zeros(2, 1), pose).isfinite().all())  # a vector of no length


def test_unfitted_a_row_of_unknown_pose_stays_as_it_is() -> None:
    x, length, pose = random_rows()
    assert Gate(DIM, unknown=-9.0)(x, length, None).max() == 0
    assert Gate(DIM, unknown=-9.0)(x, length, torch.full_like(pose, NAN)).max() == 0
    assert Gate(DIM)(x, length, torch.full_like(pose, 60.0)).min() > 0.9  # a given pose is enough


def test_fit_agrees_with_the_class_balanced_regression_of_scikit_learn() -> None:
    fit = fit_of_rows()
    x, length = (part.double().numpy() for part in unit_and_length(ROWS.features.double()))
    either = (ROWS.frontal | ROWS.profile).numpy()
    profile = ROWS.profile.numpy()
    of_profile = np.sort(length[profile, 0])
    median = of_profile[(len(of_profile) - 1) // 2]
    assert float(fit.length) == pytest.approx(median)
    scale = math.sqrt(DIM) / 4
    inputs = np.column_stack([x * scale, 4 * np.log(length[:, 0] / median)])[either]
    oracle = LogisticRegression(C=1.0, class_weight="balanced", tol=1e-12, max_iter=100000)
    oracle.fit(inputs, profile[either])
    np.testing.assert_allclose(fit.weight.numpy(), oracle.coef_[0, :-1] * scale, atol=1e-4)
    assert float(fit.length_coefficient) == pytest.approx(oracle.coef_[0, -1] * 4, abs=1e-4)
    assert float(fit.offset) == pytest.approx(oracle.intercept_[0], abs=1e-4)
    gate = stored(fit)
    got = gate.probability(*unit_and_length(ROWS.features))[:, 0].numpy()
    np.testing.assert_allclose(got[either], oracle.predict_proba(inputs)[:, 1], atol=1e-4)


def test_fit_tells_profile_from_frontal_rows_of_people_it_never_saw() -> None:
    fit = fit_of_rows()
    others = training_rows(synthetic(people=60, dim=DIM, seed=3))
    share = stored(fit, unknown=0.0)(*unit_and_length(others.features), None)[:, 0]
    assert share[others.profile].mean() > 0.6
    assert share[others.frontal].mean() < 0.2


def test_where_the_fit_begins_does_not_matter() -> None:
    half = ROWS.person % 2 == 0
    near = fit_gate(ROWS.features[half], ROWS.frontal[half], ROWS.profile[half])
    again = fit_gate(ROWS.features, ROWS.frontal, ROWS.profile, near)
    assert again is not None
    torch.testing.assert_close(fit_of_rows(), again, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("missing", ["frontal", "profile"])
def test_of_one_kind_alone_nothing_can_be_fitted(missing: str) -> None:
    none = torch.zeros_like(ROWS.frontal)
    frontal, profile = (none, ROWS.profile) if missing == "frontal" else (ROWS.frontal, none)
    assert fit_gate(ROWS.features, frontal, profile) is None


@pytest.mark.parametrize("kind", ["apart", "identical", "one row each", "zero vectors"])
def test_fit_is_finite_at_the_edges(kind: str) -> None:
    frontal = torch.arange(20) < 10
    features = torch.randn(20, DIM, generator=torch.Generator().manual_seed(0))
    if kind == "apart":
        features[:, 0] = torch.where(frontal, 100.0, -100.0)
    elif kind == "identical":
        features = features[:1].repeat(20, 1)
    elif kind == "one row each":
        features, frontal = features[9:11], frontal[9:11]
    else:
        features = torch.zeros(20, DIM)
    fit = fit_gate(features, frontal, ~frontal)
    assert fit is not None
    assert all(bool(part.isfinite().all()) for part in fit)
    gate = stored(fit)
    got = gate(torch.nn.functional.normalize(features, dim=1), features.norm(dim=1, keepdim=True), None)[:, 0]
    assert bool(got.isfinite().all())
    if kind == "apart":
        assert got[~frontal].min() > got[frontal].max() + 0.5
