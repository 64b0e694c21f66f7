"""The closed form: its equations in numpy, its gradients, and sets of people at the edge of what can be fitted."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poseid.enhancers.closed_form import FEWEST_PEOPLE, FEWEST_ROWS, ClosedForm, Statistics, solve, statistics_of
from poseid.enhancers.model import unit_and_length
from poseid.enhancers.residual import ResidualEnhancer
from poseid.enhancers.saving import load_enhancer, save_enhancer
from poseid.enhancers.training_rows import TrainingRows, training_rows
from poseid.evaluation import evaluate_enhancer
from poseid.features.rows import FRONTAL, PROFILE
from poseid.features.synthetic import synthetic
from poseid.training.fitting import Fitter, fit_on

DIM = 32
FEATURES = synthetic(people=40, dim=DIM, seed=2)
ROWS = training_rows(FEATURES)
SMALL = {"dim": DIM, "pose_dim": 4, "rank": 4, "init": "ridge"}
PHI = {
    "log_ridge": np.log(5.0),
    "ridge_power": 0.4,
    "length_power": 1.5,
    "metric_power": -0.3,
    "shape": [0.3, -0.2, 0.1, -0.4],
    "bias": 0.02,
    "quality": 0.01,
}


def closed_form(dim: int = DIM) -> ClosedForm:
    """A layer in float64 whose φ all matter."""
    layer = ClosedForm(dim).double()
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.copy_(torch.tensor(PHI[name], dtype=torch.float64))
    return layer


def statistics(rows: TrainingRows) -> Statistics:
    found = statistics_of(rows)
    assert isinstance(found, Statistics), found
    return found


def lower_median(values: np.ndarray) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])


def power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """matrix^exponent over the mean of its eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    powers = values**exponent
    return (vectors * (powers / powers.mean())) @ vectors.T


def by_equations(rows: TrainingRows) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centre, matrix, b and the output for all rows, from the equations of the module's docstring."""
    x = rows.features.numpy().astype(np.float64)
    lengths = np.linalg.norm(x, axis=1)
    x = x / lengths[:, None]
    dim = x.shape[1]
    person, frontal, profile = (part.numpy() for part in (rows.person, rows.frontal, rows.profile))
    people = int(person.max()) + 1
    means = np.stack([x[frontal & (person == p)].mean(axis=0) for p in range(people)])

    # ω: rows of one eighth of the lengths share the median of these
    of_profile = lengths[profile]
    median = lower_median(of_profile)
    omega = np.empty(len(of_profile))
    for part in np.array_split(np.argsort(of_profile), 8):
        omega[part] = (lower_median(of_profile[part]) / median) ** 1.5
    omega /= omega.mean()

    p, y = x[profile], means[person[profile]]
    m = np.average(p, axis=0, weights=omega)
    centred_x, centred_y = p - m, y - np.average(y, axis=0, weights=omega)
    mean = x[frontal].mean(axis=0)
    spread = np.cov(x[frontal].T, bias=True)
    total = spread + 0.1 * np.trace(spread) / dim * np.eye(dim)
    gram = centred_x.T @ np.diag(omega) @ centred_x
    cross = centred_x.T @ np.diag(omega) @ (centred_y - centred_x)
    w = np.linalg.inv(gram + 5.0 * power(total, 0.4)) @ cross

    deviations = np.concatenate([x[frontal & (person == q)] - means[q] for q in range(people)])
    within = deviations.T @ deviations / (len(deviations) - people)
    within += np.trace(within) / dim * np.eye(dim)
    values, vectors = np.linalg.eigh(total)
    nodes = np.linspace(np.log(values).min(), np.log(values).max(), 4)
    gains = np.exp(np.interp(np.log(values), nodes, [0.3, -0.2, 0.1, -0.4]))
    matrix = (np.eye(dim) + w) @ power(within, -0.3) @ (vectors * (gains / gains.mean())) @ vectors.T

    b = np.linalg.inv(spread + 3 * np.trace(spread) / dim * np.eye(dim)) @ mean
    b = b / (b @ mean)
    z = np.clip((lengths - median) / of_profile.std(ddof=1), -2.5, 2.5)
    h = (x - m) @ matrix
    h = h / np.linalg.norm(h, axis=1, keepdims=True)
    out = h + (0.02 - 0.01 * z)[:, None] * b
    out = out / np.linalg.norm(out, axis=1, keepdims=True)
    return m, matrix, b, min(1.0, people / 120) * (out - x)


def test_solution_and_output_agree_with_the_equations() -> None:
    layer = closed_form()
    solution = solve(layer, statistics(ROWS))
    got = (*solution[:3], layer(*unit_and_length(ROWS.features.double()), solution))
    for one, wanted in zip(got, by_equations(ROWS), strict=True):
        np.testing.assert_allclose(one.detach().numpy(), wanted, atol=1e-10)


def test_every_number_of_phi_moves_the_output() -> None:
    layer, rows = closed_form(), unit_and_length(ROWS.features.double())
    before = layer(*rows, solve(layer, statistics(ROWS))).detach()
    for name, parameter in layer.named_parameters():
        for index in range(parameter.numel()):
            other = copy.deepcopy(layer)
            with torch.no_grad():
                dict(other.named_parameters())[name].view(-1)[index] += 0.1
            after = other(*rows, solve(other, statistics(ROWS)))
            assert (after - before).abs().max() > 1e-4, (name, index)


def test_stored_it_is_what_the_layer_uses_by_itself() -> None:
    layer, rows = closed_form(), unit_and_length(ROWS.features.double())
    solution = solve(layer, statistics(ROWS))
    layer.store(solution)
    assert float(layer.people) == 40
    torch.testing.assert_close(layer(*rows), layer(*rows, solution))


def test_the_constants_do_not_hang_on_the_order_of_rows_and_people() -> None:
    order = torch.randperm(len(ROWS.person), generator=torch.Generator().manual_seed(0))
    renamed = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    other = TrainingRows(ROWS.features[order], renamed[ROWS.person[order]], ROWS.frontal[order], ROWS.profile[order])
    torch.testing.assert_close(solve(closed_form(), statistics(ROWS)), solve(closed_form(), statistics(other)))


def test_rows_of_chosen_people_are_those_of_a_fit_by_hand() -> None:
    chosen = torch.arange(40) % 3 != 0
    names = [name for name, wanted in zip(FEATURES.people(), chosen.tolist(), strict=True) if wanted]
    by_hand = training_rows(FEATURES.select(names))
    torch.testing.assert_close(
        solve(closed_form(), statistics(ROWS.of_people(chosen))), solve(closed_form(), statistics(by_hand))
    )


def test_gradcheck_with_respect_to_every_number_of_phi() -> None:
    rows = training_rows(synthetic(people=12, dim=16, probes=8, seed=4))
    layer, constants = closed_form(16), statistics(rows)
    x, length = unit_and_length(rows.features.double())
    x, length = x[::9], length[::9]
    phi = tuple(layer.parameters())
    assert len(phi) == 7
    assert torch.autograd.gradcheck(lambda *_phi: layer(x, length, solve(layer, constants)), phi)
    of_solution = tuple(parameter for name, parameter in layer.named_parameters() if name not in ("bias", "quality"))
    assert torch.autograd.gradcheck(lambda *_phi: solve(layer, constants).matrix, of_solution)


def first_of_each_person(kind: Tensor) -> Tensor:
    first = torch.zeros_like(kind)
    for person in range(40):
        first[((ROWS.person == person) & kind).nonzero()[0]] = True
    return first


def rows_of_a_person_identical() -> TrainingRows:
    """Each person has one frontal and one profile vector, again and again."""
    features = ROWS.features.clone()
    for person in range(40):
        for kind in (ROWS.frontal, ROWS.profile):
            own = (ROWS.person == person) & kind
            features[own] = features[own][0].clone()
    return replace(ROWS, features=features)


def everybody_twice(second: float = 1.0) -> TrainingRows:
    """Two people of each vector, the second with it times a number."""
    twice = (torch.cat([part, part]) for part in (ROWS.frontal, ROWS.profile))
    return TrainingRows(
        torch.cat([ROWS.features, second * ROWS.features]), torch.cat([ROWS.person, ROWS.person + 40]), *twice
    )


def with_zero_vectors() -> TrainingRows:
    features = ROWS.features.clone()
    features[[int(kind.nonzero()[0]) for kind in (ROWS.profile, ROWS.frontal)]] = 0
    return replace(ROWS, features=features)


ONE_FRONTAL = replace(ROWS, frontal=first_of_each_person(ROWS.frontal))
ONE_LENGTH = replace(ROWS, features=F.normalize(ROWS.features, dim=1))
LENGTHS = torch.tensor([1e-6, 1.0, 1e6])[torch.arange(len(ROWS.person)) % 3]
EDGES = {
    "one profile row a person": replace(ROWS, profile=first_of_each_person(ROWS.profile)),
    "one frontal row a person": ONE_FRONTAL,
    "rows of a person identical": rows_of_a_person_identical(),
    "everybody twice": everybody_twice(),
    "more dimensions than rows": training_rows(synthetic(people=6, dim=256, probes=8, seed=1)),
    "one length": ONE_LENGTH,
    "lengths at the ends": replace(ROWS, features=ROWS.features * LENGTHS[:, None]),
    "zero vectors": with_zero_vectors(),
}


@pytest.mark.parametrize("rows", EDGES.values(), ids=EDGES)
def test_at_the_edges_all_is_finite(rows: TrainingRows) -> None:
    layer, constants = closed_form(rows.features.shape[1]), statistics(rows)
    for name, value in vars(constants).items():
        assert value is None or bool(value.isfinite().all()), name
    solution = solve(layer, constants)
    assert all(bool(part.isfinite().all()) for part in solution)
    x, length = unit_and_length(rows.features.double())
    out = layer(x, length, solution)
    assert x.shape == out.shape
    assert bool(out.isfinite().all())
    scores = out[rows.profile] @ x[rows.frontal].T
    scores.square().mean().backward()
    for name, parameter in layer.named_parameters():
        used = name != "metric_power" or constants.within_eigenvalues is not None
        assert (parameter.grad is not None) == used, name
        assert parameter.grad is None or bool(parameter.grad.isfinite().all()), name
    assert len(EDGES["more dimensions than rows"].person) < 256


def test_with_one_frontal_row_a_person_there_is_no_metric_of_differences() -> None:
    constants = statistics(ONE_FRONTAL)
    assert constants.within_eigenvalues is None
    one, other = closed_form(), closed_form()
    with torch.no_grad():
        other.metric_power.fill_(-0.9)
    assert torch.equal(solve(one, constants).matrix, solve(other, constants).matrix)


def test_vectors_of_one_length_have_no_quality() -> None:
    layer = closed_form()
    solution = solve(layer, statistics(ONE_LENGTH))
    x = ONE_LENGTH.features[:5].double()
    torch.testing.assert_close(layer(x, x.norm(dim=1)[:, None], solution), layer(x, torch.ones(5, 1) * 9, solution))
    # nor a weight in the regression
    other = closed_form()
    with torch.no_grad():
        other.length_power.fill_(-4.0)
    torch.testing.assert_close(solve(other, statistics(ONE_LENGTH)).matrix, solution.matrix, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("rows", "people", "profile_rows"), [(0, 0, 0), (FEWEST_ROWS, FEWEST_PEOPLE - 1, 20), (FEWEST_ROWS - 1, 40, 19)]
)
def test_too_few_rows_say_why(rows: int, people: int, profile_rows: int) -> None:
    allowed = ROWS.profile & (ROWS.person < people)
    allowed[allowed.nonzero()[rows:]] = False
    few = statistics_of(replace(ROWS, profile=allowed))
    assert isinstance(few, str)
    counted = len(ROWS.person[allowed].unique())
    assert few.startswith(f"{profile_rows} profile rows of {counted} people who also have a frontal row")
    assert f"at least {FEWEST_ROWS} rows of {FEWEST_PEOPLE} people are needed" in few


def test_profile_rows_of_people_without_a_frontal_row_do_not_count() -> None:
    without = replace(ROWS, frontal=ROWS.frontal & (ROWS.person >= 20))
    fewer = replace(without, profile=ROWS.profile & (ROWS.person >= 20))
    torch.testing.assert_close(solve(closed_form(), statistics(without)), solve(closed_form(), statistics(fewer)))
    assert isinstance(statistics_of(replace(ROWS, frontal=torch.zeros_like(ROWS.frontal))), str)
    nobody = TrainingRows(ROWS.features[:0], ROWS.person[:0], ROWS.frontal[:0], ROWS.profile[:0])
    assert isinstance(statistics_of(nobody), str)


@pytest.mark.parametrize("vector", [ROWS.features[0], torch.eye(DIM)[3]], ids=["rounded", "exact"])
def test_where_all_frontal_rows_are_one_vector_nothing_can_be_fitted(vector: Tensor) -> None:
    same = ROWS.features.clone()
    same[ROWS.frontal] = vector * (1 + torch.rand(int(ROWS.frontal.sum()), 1))
    assert statistics_of(replace(ROWS, features=same)) == "frontal rows that are all one vector"


def test_where_frontal_rows_cancel_out_no_direction_moves_all_scores_alike() -> None:
    constants = statistics(everybody_twice(-1.0))
    assert not bool(constants.bias_direction.any())
    assert bool(solve(closed_form(), constants).matrix.isfinite().all())


def test_solutions_of_float32_statistics_are_near_those_of_float64() -> None:
    single = statistics_of(ROWS, torch.float32)
    assert isinstance(single, Statistics)
    solution = solve(ClosedForm(DIM), single)
    assert solution.matrix.dtype == torch.float32
    torch.testing.assert_close(
        solution.matrix.double(), solve(ClosedForm(DIM).double(), statistics(ROWS)).matrix, atol=1e-4, rtol=1e-4
    )


def fitted() -> ResidualEnhancer:
    enhancer = ResidualEnhancer(**SMALL)
    assert fit_on(enhancer, FEATURES) is None
    return enhancer.eval()


def test_helps_people_it_never_saw() -> None:
    enhancer = ResidualEnhancer(**SMALL)
    fit_on(enhancer, synthetic(people=130, dim=DIM, seed=2))
    block = evaluate_enhancer(enhancer.eval(), synthetic(people=80, dim=DIM, seed=3), resamples=0).block
    headline = block["sets"]["frontal_profile"]
    assert headline["enhanced"]["eer"] < 0.95 * headline["raw"]["eer"]


def test_unsolved_it_is_the_raw_vector() -> None:
    x = torch.randn(10, DIM, generator=torch.Generator().manual_seed(0)) * 3
    profile = torch.tensor([[70.0, 0, 0]]).expand(10, 3)
    output = ResidualEnhancer(**SMALL)(x, profile)
    torch.testing.assert_close(output.features, x, rtol=1e-5, atol=1e-5)
    assert bool(ClosedForm(DIM).people == 0)


@pytest.mark.parametrize("pose", [None, "given"])
def test_frontal_rows_stay(pose: str | None) -> None:
    front = FEATURES.video.kinds() == FRONTAL
    x = torch.from_numpy(FEATURES.video.features[front])
    poses = torch.zeros(len(x), 3) if pose else None
    cosine = F.cosine_similarity(fitted()(x, poses).features, x)
    assert cosine.min() >= 0.999 if pose else cosine.mean() > 0.97


def test_kinds_come_from_the_features() -> None:
    kinds = np.concatenate([FEATURES.front.kinds(), FEATURES.video.kinds()])
    assert int(ROWS.frontal.sum()) == int((kinds == FRONTAL).sum())
    assert int(ROWS.profile.sum()) == int((kinds == PROFILE).sum())


def test_fitted_on_vectors_of_one_length_it_can_be_saved_and_loaded(tmp_path: Path) -> None:
    enhancer = ResidualEnhancer(**SMALL)
    Fitter(ONE_LENGTH, True, torch.device("cpu")).store(enhancer)
    save_enhancer(enhancer, {"model": {"name": "residual", **SMALL}}, tmp_path / "m.safetensors")
    loaded = load_enhancer(tmp_path / "m.safetensors").enhancer
    x = ONE_LENGTH.features
    assert torch.equal(loaded(x, None).features, enhancer.eval()(x, None).features)
