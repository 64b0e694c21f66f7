"""The composite loss inside the module: total, gradients, and which baseline protects."""

import copy
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from poseid.training.losses import total_loss
from poseid.training.module import EnhancerModule
from poseid.training.terms import TERMS


def module(weights: dict[str, float] | None = None, **options: object) -> EnhancerModule:
    arguments = {
        "model": {"name": "residual", "dim": 16, "pose_dim": 4, "rank": 4},
        "weights": weights or dict.fromkeys(TERMS, 1.0),
        "temperature": 0.1,
        "margin": 0.0,
        "hardest": 2,
        "swap": False,
        "schedule": {"name": "constant"},
        "lr": 1e-3,
        "lr_identity_scale": 1.0,
        "weight_decay": 0.0,
        "warmup_epochs": 0.0,
        "pose_dropout": 0.0,
        "seed": 0,
    }
    made = EnhancerModule(**{**arguments, **options})
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return made


def batch(n: int = 6) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return {
        "features": 4 * torch.randn(n, 16, generator=generator),
        "pose": torch.tensor([[60.0, 5.0, 0.0], [-50.0, 0.0, 3.0]]).repeat(n // 2, 1),
        "person": torch.arange(n) // 2,
        "target": torch.randn(n, 16, generator=generator),
        "partner": 3 * torch.randn(n, 16, generator=generator),
    }


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
    rows = batch()
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
    made = module(model={"name": "residual", "dim": 16, "pose_dim": 4, "rank": 4, "similarity_dim": 8})
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
