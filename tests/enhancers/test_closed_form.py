"""The closed form start against its equations in numpy, and its promises."""

import numpy as np
import pytest
import torch

from poseid.enhancers.closed_form import ClosedForm, TrainingRows, fit_closed_form
from poseid.enhancers.residual import ResidualEnhancer
from poseid.features.rows import FRONTAL, PROFILE
from poseid.features.synthetic import synthetic
from poseid.training.start import fit_start, training_rows

FEATURES = synthetic(people=40, dim=32, seed=2)


def fitted() -> tuple[ClosedForm, TrainingRows]:
    rows = training_rows(FEATURES)
    layer = ClosedForm(32, slope=0.01, reach=0.05)
    assert fit_closed_form(layer, rows, ridge=5.0, power=-0.2, lift=0.01) is None
    return layer.double(), rows


def test_output_agrees_with_the_equations() -> None:
    layer, rows = fitted()
    x = rows.features.numpy().astype(np.float64)
    lengths = np.linalg.norm(x, axis=1)
    x = x / lengths[:, None]
    person, frontal, profile = (t.numpy() for t in (rows.person, rows.frontal, rows.profile))
    people = person.max() + 1
    centroid = np.stack([x[frontal & (person == p)].mean(axis=0) for p in range(people)])
    m = x[profile].mean(axis=0)
    inputs, targets = x[profile] - m, centroid[person[profile]]
    targets = targets - targets.mean(axis=0)
    count = len(np.unique(person[profile]))
    ridge = np.linalg.inv(inputs.T @ inputs + 5.0 * (1 + 30 / count) * np.eye(32)) @ inputs.T @ (targets - inputs)
    deviations = np.concatenate([x[frontal & (person == p)] - centroid[p] for p in range(people)])
    within = deviations.T @ deviations / (len(deviations) - people)
    values, vectors = np.linalg.eigh(within + np.trace(within) / 32 * np.eye(32))
    powers = values ** (-0.2 * count / (count + 20))
    metric = vectors @ np.diag(powers / powers.mean()) @ vectors.T
    mean = x[frontal].mean(axis=0)
    spread = np.cov(x[frontal].T, bias=True)
    b = np.linalg.inv(spread + 3 * np.trace(spread) / 32 * np.eye(32)) @ mean
    b = b / (b @ mean)
    of_profile = np.sort(lengths[profile])
    z = (lengths - of_profile[(len(of_profile) - 1) // 2]) / of_profile.std(ddof=1)
    h = (x - m) @ (np.eye(32) + ridge) @ metric
    h = h / np.linalg.norm(h, axis=1, keepdims=True)
    out = h + np.clip(0.01 - 0.01 * np.clip(z, -2.5, 2.5), -0.05, 0.05)[:, None] * b
    out = out / np.linalg.norm(out, axis=1, keepdims=True)
    got = layer(torch.from_numpy(x), torch.from_numpy(lengths)[:, None]).numpy()
    np.testing.assert_allclose(got, out, atol=1e-5)  # the layer keeps its fit in float32


def test_own_gate_tells_profile_from_frontal_and_a_given_frontal_pose_closes_it() -> None:
    layer, rows = fitted()
    x = torch.nn.functional.normalize(rows.features.double(), dim=1)
    length = rows.features.double().norm(dim=1, keepdim=True)
    gate = layer.gate(x, length, None)[:, 0]
    assert gate[rows.profile].mean() > 0.3
    assert gate[rows.frontal].mean() < 0.1
    given = torch.zeros(len(x), 3)
    assert layer.gate(x, length, given + 5.0).max() == 0
    unknown = torch.full((len(x), 3), torch.nan)
    assert torch.equal(layer.gate(x, length, unknown)[:, 0], gate)


def test_helps_people_it_never_saw() -> None:
    from poseid.evaluation import evaluate_enhancer

    enhancer = ResidualEnhancer(dim=32, pose_dim=4, rank=4, init="ridge")
    fit_start(enhancer, FEATURES)
    block = evaluate_enhancer(enhancer.eval(), synthetic(people=80, dim=32, seed=3), resamples=0).block
    headline = block["sets"]["frontal_profile"]
    assert headline["enhanced"]["eer"] < 0.95 * headline["raw"]["eer"]


def test_unfitted_it_is_the_raw_vector() -> None:
    x = torch.randn(10, 32, generator=torch.Generator().manual_seed(0)) * 3
    output = ResidualEnhancer(dim=32, pose_dim=4, rank=4, init="ridge")(x, torch.tensor([[70.0, 0, 0]]).expand(10, 3))
    torch.testing.assert_close(output.features, x, rtol=1e-5, atol=1e-5)


def test_too_few_profile_rows_leave_it_unfitted_and_say_why() -> None:
    rows = training_rows(FEATURES)
    none = TrainingRows(rows.features, rows.person, rows.frontal, torch.zeros_like(rows.profile))
    layer = ClosedForm(32, 0.01, 0.05)
    assert "0 profile rows of 0 people" in (fit_closed_form(layer, none, 5.0, -0.2, 0.01) or "")
    assert float(layer.fitted) == 0


def test_vectors_of_one_length_have_no_quality() -> None:
    rows = training_rows(FEATURES)
    unit = TrainingRows(torch.nn.functional.normalize(rows.features, dim=1), rows.person, rows.frontal, rows.profile)
    layer = ClosedForm(32, 0.01, 0.05)
    assert fit_closed_form(layer, unit, 5.0, -0.2, 0.01) is None
    x = unit.features[:5]
    torch.testing.assert_close(layer(x, torch.ones(5, 1)), layer(x, torch.full((5, 1), 9.0)))


def test_kinds_come_from_the_features() -> None:
    rows = training_rows(FEATURES)
    kinds = np.concatenate([FEATURES.front.kinds(), FEATURES.video.kinds()])
    assert int(rows.frontal.sum()) == int((kinds == FRONTAL).sum())
    assert int(rows.profile.sum()) == int((kinds == PROFILE).sum())


@pytest.mark.parametrize("pose", [None, "given"])
def test_frontal_rows_stay(pose: str | None) -> None:
    enhancer = ResidualEnhancer(dim=32, pose_dim=4, rank=4, init="ridge")
    fit_start(enhancer, FEATURES)
    front = FEATURES.video.kinds() == FRONTAL
    x = torch.from_numpy(FEATURES.video.features[front])
    poses = torch.zeros(len(x), 3) if pose else None
    cosine = torch.nn.functional.cosine_similarity(enhancer(x, poses).features, x)
    assert cosine.min() >= 0.999 if pose else cosine.mean() > 0.97
