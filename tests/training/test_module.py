"""The composite loss inside the module: total, gradients, and which baseline protects."""

import copy
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poseid.enhancers.enhancer import Fit
from poseid.enhancers.registry import build
from poseid.features.synthetic import synthetic
from poseid.training.data import FeatureDataModule
from poseid.training.fitting import Fitter, training_rows
from poseid.training.losses import TERMS, detection_loss, total_loss
from poseid.training.module import EnhancerModule
from tests.training import small
from tests.training.small import batch


def module(weights: dict[str, float] | None = None, **options: Any) -> EnhancerModule:
    made = small.module(weights=weights or dict.fromkeys(TERMS, 1.0), **options)
    phi = {id(parameter) for parameter in made.enhancer.phi().values()}
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for parameter in made.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_((0.02 if id(parameter) in phi else 0.2) * noise)
    return made


def episode() -> tuple[EnhancerModule, dict[str, Tensor], Fit]:
    """A module whose φ all matter, a batch, and a fit that is differentiable in φ."""
    made = module(model=small.RIDGE)
    rows = batch(40)
    rows["pose"][::4, 0] = 17.0  # where the gate is not quite open
    rows["pose"][1::4] = math.nan
    fitted = Fitter(training_rows(synthetic(people=20, dim=small.DIM, seed=3)), True, torch.device("cpu"))
    return made, rows, fitted.fit(made.enhancer)


def test_protection_stands_on_the_raw_vector_not_on_the_models_own_features() -> None:
    made, rows = module(), batch()
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    output = made.enhancer(rows["features"], rows["pose"])
    after = F.cosine_similarity(output.features, rows["target"])
    raw = F.cosine_similarity(rows["features"], rows["target"])
    own = F.cosine_similarity(output.identity, rows["target"])  # a baseline that moves with the model
    expected = F.relu(raw - after).mean().item()
    assert terms["similarity_protection"].item() == pytest.approx(expected, rel=1e-5)
    assert F.relu(own - after).mean().item() != pytest.approx(expected, rel=0.2)


def test_impostor_protection_compares_with_the_raw_vector() -> None:
    made, rows = module(hardest=1), batch()
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    enhanced = made.enhancer(rows["features"], rows["pose"]).features
    rises = []
    for i in range(6):
        others = [j for j in range(6) if rows["person"][j] != rows["person"][i]]
        after = [F.cosine_similarity(enhanced[i], rows["target"][j], dim=0).item() for j in others]
        hardest = others[max(range(len(others)), key=lambda k: after[k])]
        raw = F.cosine_similarity(rows["features"][i], rows["target"][hardest], dim=0).item()
        rises.append(max(0.0, max(after) - raw))
    assert terms["impostor_protection"].item() == pytest.approx(sum(rises) / 6, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", TERMS)
def test_a_term_with_weight_zero_gives_exactly_no_gradient(name: str) -> None:
    rows = batch(12)
    only_it = {term: float(term == name) for term in TERMS}
    for weights, expect in ((only_it, True), (dict.fromkeys(TERMS, 0.0), False)):
        made = module(weights)
        terms = made.loss_terms(rows, rows["pose"], weights)
        total = total_loss(terms, weights)
        assert math.isfinite(terms[name].item())  # computed for the log all the same
        if not expect:
            assert not total.requires_grad
            assert not terms[name].requires_grad
            continue
        total.backward()
        moved = [p for p in made.parameters() if p.grad is not None and p.grad.abs().max() > 0]
        assert moved


def test_total_is_the_sum_of_its_parts_recomputed() -> None:
    weights = {term: 0.25 * (i + 1) for i, term in enumerate(TERMS)}
    made, rows = module(weights), batch()
    terms = made.loss_terms(rows, rows["pose"], weights)
    gradient = torch.autograd.grad(total_loss(terms, weights), made.enhancer.linear_path.weight)[0]
    parts = torch.zeros_like(gradient)
    for name in TERMS:
        single = {term: weights[term] if term == name else 0.0 for term in TERMS}
        alone = total_loss(made.loss_terms(rows, rows["pose"], single), single)
        (part,) = torch.autograd.grad(alone, made.enhancer.linear_path.weight, allow_unused=True)
        parts += torch.zeros_like(gradient) if part is None else part
    torch.testing.assert_close(gradient, parts, rtol=1e-4, atol=1e-6)


def test_total_moves_phi_by_the_sum_of_what_its_parts_do() -> None:
    made, rows, fit = episode()
    weights = {term: 0.25 * (i + 1) for i, term in enumerate(TERMS)}
    phi = tuple(made.enhancer.phi().values())

    def gradients(used: dict[str, float]) -> list[Tensor]:
        total = total_loss(made.loss_terms(rows, rows["pose"], used, fit), used)
        found = torch.autograd.grad(total, phi, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(phi, found, strict=True)]

    parts = [gradients({term: weights[term] if term == name else 0.0 for term in TERMS}) for name in TERMS]
    for name, whole, *each in zip(made.enhancer.phi(), gradients(weights), *parts, strict=True):
        torch.testing.assert_close(whole, torch.stack(each).sum(dim=0), rtol=1e-3, atol=1e-5, msg=name)
        assert whole.abs().min() > 0, name


def test_swap_reconstructs_the_partner_from_ones_identity_and_the_others_pose_code() -> None:
    made, rows = module(swap=True), batch()
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    identity = made.enhancer(rows["features"], None).identity
    code = made.enhancer(rows["partner"], None).pose_code
    difference = made.decoder(identity, code) - F.normalize(rows["partner"], dim=-1)
    assert terms["reconstruction"].item() == pytest.approx(difference.square().sum(dim=1).mean().item(), rel=1e-5)


def test_pose_loss_ignores_withheld_and_unknown_poses() -> None:
    made, rows = module(), batch()
    rows["pose"] = rows["pose"].clone()
    rows["pose"][0] = math.nan
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    assert all(math.isfinite(term.item()) for term in terms.values())
    total_loss(terms, made.weights).backward()
    assert all(p.grad is None or bool(torch.isfinite(p.grad).all()) for p in made.parameters())


def test_comparison_in_a_trained_space() -> None:
    made = module(model={**small.MODEL, "similarity_dim": 8})
    rows = batch()
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    projection = made.enhancer.similarity.weight
    enhanced = F.normalize(made.enhancer(rows["features"], rows["pose"]).features, dim=-1) @ projection.T
    target = F.normalize(rows["target"], dim=-1) @ projection.T
    raw = F.cosine_similarity(rows["features"], rows["target"])
    expected = F.relu(raw - F.cosine_similarity(enhanced, target)).mean().item()
    assert terms["similarity_protection"].item() == pytest.approx(expected, rel=1e-4)
    in_full = 1 - F.cosine_similarity(made.enhancer(rows["features"], rows["pose"]).features, rows["target"]).mean()
    assert terms["id"].item() == pytest.approx(in_full.item(), rel=1e-5)
    total_loss(terms, made.weights).backward()
    assert projection.grad is not None
    assert projection.grad.abs().max() > 0


def test_same_seed_same_weights_and_no_side_effect_on_the_global_generator() -> None:
    before = torch.get_rng_state()
    first, second, other = (module(seed=seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    a, b, c = (copy.deepcopy(m.state_dict()) for m in (first, second, other))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_detection_compares_profile_probes_with_raw_references() -> None:
    made, rows = module(), batch()
    rows["profile"] = torch.tensor([True, True, False, True, False, True])
    terms = made.loss_terms(rows, rows["pose"], made.weights)
    enhanced = made.enhancer(rows["features"], rows["pose"]).features[rows["profile"]]
    scores = F.cosine_similarity(enhanced[:, None], rows["references"][None, :], dim=-1)
    same = rows["person"][rows["profile"]][:, None] == rows["reference_person"][None, :]
    assert terms["detection"].item() == pytest.approx(detection_loss(scores, same).item(), rel=1e-4)


@pytest.mark.parametrize("key", ["profile", "references", "reference_person"])
def test_a_batch_without_what_the_detection_term_needs_is_a_mistake(key: str) -> None:
    made, rows = module(), batch()
    del rows[key]
    with pytest.raises(KeyError, match=key):
        made.loss_terms(rows, rows["pose"], made.weights)


def with_data() -> tuple[EnhancerModule, FeatureDataModule]:
    """A module with a closed form, attached to a trainer that has data for it."""
    made, data = module(model=small.RIDGE), small.loaded_data(synthetic_people=40)
    made._trainer = SimpleNamespace(datamodule=data, world_size=1, current_epoch=0)  # type: ignore[assignment]
    return made, data


def test_a_step_solves_on_the_support_of_the_division_of_its_batch() -> None:
    made, data = with_data()
    index = next(iter(data.train_dataloader().sampler))
    rows = data.train_rows[index]
    values = []
    for division in range(4):
        made._values, made._rows = [], []
        rows["division"] = torch.tensor([division])
        total = made.training_step(rows, 0)
        fit = made.episodes().support[division].fit(made.enhancer)
        terms = made.loss_terms(rows, rows["pose"], made.weights, fit)
        assert total.item() == pytest.approx(total_loss(terms, made.weights).item(), rel=1e-6)
        values.append(total.item())
    assert len(set(values)) == 4
    del rows["division"]
    with pytest.raises(KeyError, match="division"):
        made.training_step(rows, 0)


def test_validation_solves_on_all_training_people_with_phi_as_it_is() -> None:
    made, data = with_data()
    made.on_validation_epoch_start()
    closed_form = made.enhancer.closed_form
    assert closed_form is not None
    of_train_people = Fitter(training_rows(data.train_set), True, torch.device("cpu")).fit(made.enhancer)
    assert of_train_people.solution is not None
    torch.testing.assert_close(closed_form.matrix, of_train_people.solution.matrix.detach())
    before = closed_form.matrix.clone()
    with torch.no_grad():
        closed_form.log_ridge.add_(1.0)
    made.on_validation_epoch_start()
    assert not torch.allclose(closed_form.matrix, before)


def trainer_of(steps: int, per_epoch: int, accumulated: int = 1) -> Any:
    return SimpleNamespace(
        estimated_stepping_batches=steps,
        num_training_batches=per_epoch * accumulated,
        accumulate_grad_batches=accumulated,
    )


def optimizer_of(made: EnhancerModule, steps: int = 10, epochs: int = 2) -> torch.optim.Optimizer:
    made._trainer = trainer_of(steps, steps // epochs)
    optimizer = made.configure_optimizers()["optimizer"]
    assert isinstance(optimizer, torch.optim.Optimizer)
    return optimizer


def rates_of(made: EnhancerModule, name: str, steps: int = 40, accumulated: int = 1) -> list[float]:
    """The learning rate of a parameter at each step of a training with epochs of ten steps, over its highest."""
    made._trainer = trainer_of(steps, 10, accumulated)
    configured = made.configure_optimizers()
    optimizer, scheduler = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    parameter = dict(made.named_parameters())[name]
    (group,) = [one for one in optimizer.param_groups if any(p is parameter for p in one["params"])]
    rates = []
    for _ in range(steps):
        rates.append(group["lr"] / group["initial_lr"])
        optimizer.step()
        scheduler.step()
    return rates


def warm_up_and_decay(steps: int, warmup: int) -> list[float]:
    up = [(step + 1) / (warmup + 1) for step in range(warmup)]
    return up + [0.5 * (1 + math.cos(math.pi * step / (steps - warmup))) for step in range(steps - warmup)]


NETWORK = "enhancer.linear_path.weight"


def test_the_network_begins_later_than_the_closed_form_with_a_warm_up_of_its_own() -> None:
    made = module(model=small.RIDGE, warmup_epochs=0.5, network_after=2.0)
    for name in ("enhancer.closed_form.bias", "enhancer.strength", "enhancer.to_pose.weight", "decoder.layers.weight"):
        assert rates_of(made, name) == pytest.approx(warm_up_and_decay(40, 5)), name
    for name in (NETWORK, "enhancer.modulation.bias"):
        assert rates_of(made, name) == pytest.approx([0.0] * 20 + warm_up_and_decay(20, 5)), name
    assert made.first_final_epoch() == 2
    ramp = {"name": "two_stage", "stage1_epochs": 1, "ramp_epochs": 2}
    assert module(model=small.RIDGE, network_after=2.5, schedule=ramp).first_final_epoch() == 3
    assert module(model=small.RIDGE, network_after=0.5, schedule=ramp).first_final_epoch() == 3


@pytest.mark.parametrize(("steps", "accumulated"), [(25, 1), (40, 3), (25, 3)])
def test_epochs_of_warm_up_are_whole_epochs_where_max_steps_ends_the_training(steps: int, accumulated: int) -> None:
    made = module(model=small.RIDGE, warmup_epochs=0.5, network_after=1.0)
    waiting = [0.0] * 10 + warm_up_and_decay(steps - 10, 5)
    assert rates_of(made, "enhancer.strength", steps, accumulated) == pytest.approx(warm_up_and_decay(steps, 5))
    assert rates_of(made, NETWORK, steps, accumulated) == pytest.approx(waiting)


def test_a_network_that_is_all_there_is_begins_at_once_and_one_that_never_comes_is_not_waited_for() -> None:
    alone = module(warmup_epochs=0.5, network_after=2.0)
    assert rates_of(alone, NETWORK) == pytest.approx(warm_up_and_decay(40, 5))
    assert alone.first_final_epoch() == 0
    assert module(model={**small.RIDGE, "network": False}, network_after=2.0).first_final_epoch() == 0
    assert rates_of(module(model=small.RIDGE, network_after=9.0), NETWORK) == [0.0] * 40


def test_until_then_the_network_stays_to_the_bit(tmp_path: Path) -> None:
    made = module(model=small.RIDGE, network_after=1.0, weight_decay=0.3, pose_dropout=0.3)
    data = small.data(synthetic_people=40)
    first = {name: value.detach().clone() for name, value in made.named_parameters()}
    small.trainer(max_epochs=1, limit_train_batches=4, default_root_dir=tmp_path).fit(made, datamodule=data)
    network = {id(parameter) for parameter in made.enhancer.network_parameters()}
    assert NETWORK in {name for name, parameter in made.named_parameters() if id(parameter) in network}
    for name, parameter in made.named_parameters():
        assert torch.equal(parameter, first[name]) == (id(parameter) in network), name


@pytest.mark.parametrize("name", ["residual", "pose_transformer"])
def test_layers_are_of_the_network_or_shared_with_nobody_left_out(name: str) -> None:
    enhancer = build(name, {"dim": 32, "init": "ridge", "similarity_dim": 8})
    network = {id(parameter) for parameter in enhancer.network_parameters()}
    shared = {"to_identity", "to_pose", "pose_head", "identity_enhancer", "gate", "closed_form", "similarity"}
    for key, parameter in enhancer.named_parameters():
        assert (id(parameter) in network) != (key.split(".")[0] in shared | {"strength", "frame_weight"}), key


def test_each_number_of_phi_has_its_own_learning_rate_and_no_decay() -> None:
    made = module(model=small.RIDGE, weight_decay=0.3, lr=1e-3, lr_identity_scale=0.1)
    groups = optimizer_of(made).param_groups
    phi = made.enhancer.phi()
    assert len(phi) == 14
    for name, parameter in phi.items():
        (own,) = [group for group in groups if any(p is parameter for p in group["params"])]
        assert len(own["params"]) == 1, name
        assert own["initial_lr"] == small.PHI_RATES[name], name
        assert own["weight_decay"] == 0, name
    assert sorted(id(p) for group in groups for p in group["params"]) == sorted(id(p) for p in made.parameters())
    identity = {id(p) for p in made.enhancer.identity_parameters()}
    rates = {id(p): (group["initial_lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    for name, parameter in made.named_parameters():
        if any(parameter is p for p in phi.values()):
            continue
        rate, decay = rates[id(parameter)]
        assert rate == pytest.approx(1e-4 if id(parameter) in identity else 1e-3), name
        assert decay == (0.3 if parameter.ndim > 1 else 0.0), name


def test_a_number_of_phi_without_a_rate_or_with_rate_zero_stays_to_the_bit() -> None:
    phi = {name: {**entry, "lr": 0.0} for name, entry in small.PHI.items() if name != "bias"}
    phi["strength"]["lr"] = 0.01
    made = module(model={**small.RIDGE, "phi": phi}, weight_decay=0.3)
    before = {name: parameter.detach().clone() for name, parameter in made.enhancer.phi().items()}
    optimizer = optimizer_of(made)
    for parameter in made.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    moved = {name for name, parameter in made.enhancer.phi().items() if not torch.equal(parameter, before[name])}
    assert moved == {"strength"}
