"""What both enhancers promise."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poseid.enhancers.enhancer import Enhancer, Fit
from poseid.enhancers.gate import GateFit
from poseid.enhancers.layers import IdentityEnhancer
from poseid.enhancers.registry import build, parameter_count
from poseid.errors import InputError

SMALL = {
    "residual": {"dim": 32, "pose_dim": 8, "rank": 8, "init": "zero"},
    "pose_transformer": {"dim": 32, "identity_dim": 16, "pose_dim": 8, "tokens": 4, "width": 16, "depth": 2,
                         "heads": 4, "mlp": 32},
}  # fmt: skip


@pytest.fixture(params=sorted(SMALL))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows(n: int = 40, dim: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, dim, generator=generator) * torch.rand(n, 1, generator=generator) * 30
    return x, (torch.rand(n, 3, generator=generator) - 0.5) * 180


LENGTHS = torch.tensor([12.0, 1.0])


def trained(name: str, **options: object) -> Enhancer:
    """An enhancer with a fitted gate and every weight moved away from its first value, φ by less."""
    torch.manual_seed(0)
    enhancer = build(name, {**SMALL[name], **options})
    phi = {id(parameter) for parameter in enhancer.phi().values()}
    with torch.no_grad():
        for parameter in enhancer.parameters():
            parameter.add_((0.05 if id(parameter) in phi else 0.3) * torch.randn_like(parameter))
    enhancer.gate.store(GateFit(torch.randn(32), torch.zeros(()), torch.tensor(2.0), torch.tensor(10.0)))
    return enhancer.eval()


@pytest.mark.parametrize("poses", ["given", "none", "some"])
def test_fresh_enhancer_returns_its_input(name: str, poses: str) -> None:
    x, pose = rows()
    pose[::2] = math.nan if poses == "some" else pose[::2]
    output = build(name, SMALL[name])(x, None if poses == "none" else pose)
    assert F.cosine_similarity(output.features, x).min() >= 1 - 1e-6
    torch.testing.assert_close(output.features, x, rtol=1e-5, atol=1e-5)


def test_frontal_rows_stay_and_profile_rows_move(name: str) -> None:
    x, pose = rows()
    pose[:20, :2] = pose[:20, :2].clamp(-5, 5)
    pose[20:, 0] = 60.0
    cosine = F.cosine_similarity(trained(name)(x, pose).features, x)
    assert cosine[:20].min() >= 0.999
    assert cosine[20:].max() < 0.999


@pytest.mark.parametrize("norm", ["keep", "unit"])
def test_lengths(name: str, norm: str) -> None:
    x, pose = rows()
    lengths = trained(name, norm=norm)(x, pose).features.norm(dim=1)
    expected = x.norm(dim=1) if norm == "keep" else torch.ones(len(x))
    torch.testing.assert_close(lengths, expected, rtol=1e-5, atol=1e-6)


def test_direction_does_not_depend_on_the_length_of_the_input(name: str) -> None:
    x, pose = rows()
    enhancer = trained(name)
    torch.testing.assert_close(enhancer(5 * x, pose).features, 5 * enhancer(x, pose).features, rtol=1e-4, atol=1e-3)


def test_without_a_pose_the_network_sees_the_own_estimate_and_the_gate_the_vector_alone(name: str) -> None:
    x, _ = rows()
    enhancer = trained(name)
    without = enhancer(x, None)
    unit = F.normalize(x, dim=1)
    moved = enhancer.correction(unit, without.identity, without.pose)
    gate = enhancer.gate(unit, x.norm(dim=1, keepdim=True), None)
    assert gate.max() > 0.1
    direction = F.normalize(unit + enhancer.strength * gate * moved, dim=1)
    torch.testing.assert_close(without.features, direction * x.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-4)


def test_rows_with_a_nan_are_rows_of_unknown_pose_and_change_no_other_row(name: str) -> None:
    x, pose = rows()
    enhancer = trained(name)
    without = enhancer(x, None).features
    torch.testing.assert_close(enhancer(x, torch.full_like(pose, math.nan)).features, without)
    mixed = pose.clone()
    mixed[::3, 1] = math.nan
    output = enhancer(x, mixed).features
    torch.testing.assert_close(output[::3], without[::3])
    torch.testing.assert_close(output[1::3], enhancer(x, pose).features[1::3])


def test_a_fit_given_stands_in_for_the_stored_one_and_stored_it_gives_the_same(name: str) -> None:
    x, pose = rows()
    enhancer = trained(name)
    other = Fit(None, GateFit(torch.randn(32), torch.tensor(0.5), torch.tensor(0.1), torch.tensor(9.0)), LENGTHS)
    given = enhancer(x, pose, other)
    assert not torch.allclose(given.features, enhancer(x, pose).features)
    assert not torch.allclose(given.weight, enhancer(x, pose).weight)
    enhancer.store(other)
    for one, same in zip(enhancer(x, pose), given, strict=True):
        assert torch.equal(one, same)


def test_phi_is_named_as_in_the_configuration_and_absent_where_it_does_nothing(name: str) -> None:
    gate = {"gate_slope", "gate_centre", "gate_full", "gate_unknown"}
    closed_form = {"ridge", "ridge_power", "length_power", "metric_power", "shape", "bias", "quality"}
    weight = {"weight_length", "weight_yaw"}
    assert set(build(name, SMALL[name]).phi()) == gate | {"strength"} | weight
    assert set(build(name, {**SMALL[name], "skip": False}).phi()) == weight
    values = {key: {"value": 0.5, "lr": 0.0} for key in (gate | closed_form | {"strength"} | weight) - {"shape"}}
    values["shape"] = {"value": [0.1, 0.2, 0.3, 0.4], "lr": 0.0}
    enhancer = build(name, {**SMALL[name], "init": "ridge", "phi": values})
    assert set(enhancer.phi()) == gate | closed_form | {"strength"} | weight
    shown = enhancer.phi_values()
    assert [shown.pop(f"shape_{i}") for i in (1, 2, 3, 4)] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert set(shown) == gate | closed_form - {"shape"} | {"strength"} | weight
    assert all(value == pytest.approx(0.5) for value in shown.values())  # ridge itself, not its logarithm


def test_without_the_network_only_phi_and_the_fit_matter(name: str) -> None:
    x, pose = rows()
    enhancer = trained(name, network=False)
    torch.testing.assert_close(enhancer(x, pose).features, x, rtol=1e-5, atol=1e-5)
    # of the ablation without a path from the input the network is all there is
    assert build(name, {**SMALL[name], "network": False, "skip": False}).network


def test_code_identity_and_predicted_pose_do_not_see_the_given_pose(name: str) -> None:
    x, pose = rows()
    enhancer = trained(name)
    a, b = enhancer(x, pose), enhancer(x, -pose)
    for one, other in zip(a[1:], b[1:], strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(a.features, b.features)


def test_without_skip_nothing_of_the_input_is_left_at_the_start(name: str) -> None:
    x, pose = rows(200)
    torch.manual_seed(0)
    output = build(name, {**SMALL[name], "skip": False})(x, pose).features
    assert F.cosine_similarity(output, x).mean().abs() < 0.3


def test_similarity_dim_is_a_trained_saved_layer(name: str) -> None:
    x, pose = rows()
    enhancer = build(name, {**SMALL[name], "similarity_dim": 12})
    compared = enhancer.comparison_vectors(enhancer(x, pose).features)
    assert compared.shape == (40, 12)
    assert "similarity.weight" in enhancer.state_dict()
    compared.sum().backward()
    assert enhancer.similarity is not None
    assert enhancer.similarity.weight.grad is not None


@pytest.mark.parametrize("aggregation", ["mean", "weighted", "attention"])
def test_aggregations(aggregation: str) -> None:
    tokens = torch.randn(5, 4, 16, generator=torch.Generator().manual_seed(0))
    enhancer = build("pose_transformer", {**SMALL["pose_transformer"], "aggregation": aggregation})
    # All three are weighted means with weights that add up to one, so equal tokens come back as they are.
    same = tokens[:, :1].expand(-1, 4, -1)
    torch.testing.assert_close(enhancer.aggregation(same), same[:, 0])
    if aggregation in ("mean", "weighted"):  # the weighted one starts at equal weights
        torch.testing.assert_close(enhancer.aggregation(tokens), tokens.mean(1))
    else:
        weights = torch.softmax((tokens @ enhancer.aggregation.score.weight[0]), dim=1)
        torch.testing.assert_close(enhancer.aggregation(tokens), (weights[..., None] * tokens).sum(1))


def test_identity_enhancer_by_hand() -> None:
    layer = IdentityEnhancer(2, 1, suppression=0.4, residual=0.5)
    with torch.no_grad():
        layer.gate.weight.zero_()
        layer.gate.bias.zero_()  # sigmoid(0) = 1/2
        layer.contamination.weight.copy_(torch.tensor([[1.0], [2.0]]))
        layer.contamination.bias.zero_()
    out = layer(torch.tensor([[1.0, 1.0]]), torch.tensor([[3.0]]))
    # cleaned = 1 − 0.4 · 0.5 · (3, 6) = (0.4, −0.2); out is halfway.
    torch.testing.assert_close(out, torch.tensor([[0.7, 0.4]]))


def test_sizes_at_512() -> None:
    residual, transformer = build("residual", {}), build("pose_transformer", {})
    assert parameter_count(residual) <= 1_100_000
    assert residual.to_identity.out_features == 512
    x, pose = rows(3, 512)
    assert [part.shape[1] for part in transformer(x, pose)[:4]] == [512, 256, 128, 3]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("os.system", {}, "model.name: 'os.system'"),
        ("residual", {"nosuch": 1}, "model.nosuch"),
        ("pose_transformer", {"aggregation": "max"}, "'max' is not one of mean, weighted, attention"),
    ],
)
def test_unknown_names_and_options_are_refused(model: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(model, options)
