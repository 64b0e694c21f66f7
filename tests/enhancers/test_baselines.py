"""The baselines: what each does to a row, how each is fitted, and that nothing random is left to chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge as SklearnRidge

from poseid.enhancers.baselines.baseline import FitData
from poseid.enhancers.baselines.fit import FittedBaseline, fit_baseline, parse_options
from poseid.enhancers.baselines.mean_subtraction import MeanSubtraction
from poseid.enhancers.baselines.ridge import PENALTIES, Ridge
from poseid.enhancers.baselines.srt import self_restrained_triplet_loss
from poseid.enhancers.baselines.wccn import Wccn
from poseid.enhancers.model import unit
from poseid.enhancers.registry import BASELINES, build_saved
from poseid.errors import InputError
from poseid.evaluation import evaluate_enhancer
from poseid.features.folder import read_folder
from poseid.features.people import split_by_folds
from poseid.features.rows import FRONTAL, PROFILE, FeatureSet
from poseid.features.synthetic import synthetic
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.metrics import figures_of

CFP = Path(__file__).parents[3] / "shared" / "data" / "cfp"
DATA = synthetic(people=60, probes=8, seed=3, dim=48)
UNITS = unit(torch.from_numpy(np.concatenate([DATA.front.features, DATA.video.features])).double()).numpy()
PERSON = np.concatenate([DATA.front.people, DATA.video.people])
NAN = float("nan")


def fitted(name: str, options: list[str] | None = None, score: float | None = None) -> FittedBaseline:
    people = DATA.people()
    train, validation = DATA.select(people[:40]), DATA.select(people[40:50])

    def judged(enhancer: torch.nn.Module) -> float:
        if score is not None:
            return score
        block = evaluate_enhancer(enhancer, validation, resamples=0, sets=("frontal_profile",)).block
        return float(block["sets"]["frontal_profile"]["enhanced"]["eer"])

    data = FitData(train, DATA.select(people[:50]), judged)
    return fit_baseline(name, data, parse_options(name, options or []))


def ridge_of(people: FeatureSet, penalty: float = 10.0) -> Ridge:
    ridge = Ridge(people.dim)
    ridge.fit_people(people, penalty)
    return ridge


@pytest.fixture(scope="module")
def baselines() -> dict[str, FittedBaseline]:
    return {name: fitted(name) for name in BASELINES}


def probes(count: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    rows = DATA.select(DATA.people()[50:]).video
    return torch.from_numpy(rows.features[:count]), torch.from_numpy(rows.poses[:count])


@pytest.mark.parametrize("name", BASELINES)
def test_call_and_shapes(name: str, baselines: dict[str, FittedBaseline]) -> None:
    enhancer = baselines[name].enhancer
    features, pose = probes()
    with torch.no_grad():
        for given in (pose, None, pose.where(torch.arange(30)[:, None] % 2 == 0, NAN)):
            out = enhancer(features, given)
            assert out.features.shape == features.shape
            assert torch.allclose(out.features.norm(dim=1), features.norm(dim=1), rtol=1e-5)
            assert torch.allclose(out.identity, unit(out.features), atol=1e-6)
            assert out.pose_code.shape == (30, 0)
            assert out.pose.shape == (30, 3)
            assert out.pose.isnan().all()
        assert torch.equal(enhancer.comparison_vectors(features), features)
        mixed, known, unknown = enhancer(features, given), enhancer(features, pose), enhancer(features, None)
    even = torch.arange(30) % 2 == 0
    assert torch.allclose(mixed.features[even], known.features[even], atol=1e-5)
    assert torch.allclose(mixed.features[~even], unknown.features[~even], atol=1e-5)
    assert enhancer.sides == ("both" if name == "wccn" else "probe")
    assert enhancer.dim == 48
    block = evaluate_enhancer(enhancer, DATA.select(DATA.people()[50:]), resamples=0).block
    assert block["similarity"]["id_similarity"] is not None


@pytest.mark.parametrize("name", ["ridge", "dream", "srt"])
def test_fitting_again_gives_the_same_bits(name: str, baselines: dict[str, FittedBaseline]) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = fitted(name)
    assert torch.equal(before, torch.get_rng_state())  # the global generator is left alone
    for key, tensor in baselines[name].enhancer.state_dict().items():
        assert torch.equal(tensor, again.enhancer.state_dict()[key]), key
    assert again.fit == baselines[name].fit


def test_another_seed_gives_another_dream(baselines: dict[str, FittedBaseline]) -> None:
    other = fitted("dream", ["seed=1"]).enhancer.state_dict()
    assert not torch.equal(other["residual.0.weight"], baselines["dream"].enhancer.state_dict()["residual.0.weight"])


def test_raw_returns_its_input_bit_for_bit(baselines: dict[str, FittedBaseline]) -> None:
    features, pose = probes()
    assert baselines["raw"].enhancer(features, pose).features is features


def test_mean_subtraction_by_hand() -> None:
    """Three rows of one bin, one frontal row: the shift is the difference of their unit means."""
    out = MeanSubtraction(2)
    out.shift[4] = torch.tensor([0.0, 0.5])  # yaw above 45
    out.shift[0] = torch.tensor([0.25, 0.0])  # yaw below -45
    out.shift[1] = torch.tensor([0.125, 0.0])  # -45 … -15
    out.unknown_shift[:] = torch.tensor([1.0, 0.0])
    x = torch.tensor([[0.6, 0.8]]).repeat(7, 1) * 5
    yaw = torch.tensor([46.0, 45.0, 15.0, -15.1, -45.0, -45.1, NAN])
    pose = torch.stack([yaw, torch.zeros(7), torch.zeros(7)], dim=1)
    want = [[0.6, 0.3], [0.6, 0.8], [0.6, 0.8], [0.475, 0.8], [0.475, 0.8], [0.35, 0.8], [0.1, 0.8]]
    got = out(x, pose).features  # an unfitted gate says 0.5 to every row
    assert torch.allclose(got, 5 * unit(torch.tensor(want)), atol=1e-6)


def test_mean_subtraction_is_fitted_by_yaw_bin() -> None:
    out = MeanSubtraction(48)
    out.fit(FitData(DATA, DATA, lambda _: 0.0), parse_options("mean_subtraction", []))
    yaw = np.concatenate([DATA.front.poses[:, 0], DATA.video.poses[:, 0]])
    frontal = UNITS[np.abs(yaw) <= 15].mean(axis=0)
    assert np.allclose(out.shift[4].numpy(), UNITS[yaw > 45].mean(axis=0) - frontal, atol=1e-6)
    assert np.allclose(out.shift[1].numpy(), UNITS[(yaw >= -45) & (yaw < -15)].mean(axis=0) - frontal, atol=1e-6)
    assert not out.shift[2].any()


def test_ridge_agrees_with_scikit_learn() -> None:
    out = ridge_of(DATA)
    kinds = np.concatenate([side.kinds() for side in (DATA.front, DATA.video)])
    centroid = {name: UNITS[(name == PERSON) & (kinds == FRONTAL)].mean(axis=0) for name in DATA.people()}
    x = UNITS[kinds == PROFILE]
    target = np.stack([centroid[name] / np.linalg.norm(centroid[name]) for name in PERSON[kinds == PROFILE]])
    oracle = SklearnRidge(alpha=10.0).fit(x, target - x)
    fresh = unit(torch.randn(5, 48, generator=torch.Generator().manual_seed(0)))
    mean = x.mean(axis=0)
    # the oracle keeps the mean of what is missing; here it is left out, and the mean of the profiles taken out
    want = fresh.numpy() + oracle.predict(fresh.numpy()) - (target - x).mean(axis=0) - mean
    assert np.allclose(out.corrected(fresh).numpy(), want, atol=1e-5)


def test_a_row_that_the_gate_takes_for_frontal_stays() -> None:
    out = Ridge(4)
    out.centre[:] = 0.3
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert torch.allclose(out(x, torch.tensor([[5.0, 0.0, 0.0]])).features, x)
    assert not torch.allclose(out(x, torch.tensor([[60.0, 0.0, 0.0]])).features, x, atol=0.1)


def test_wccn_shrinks_directions_in_which_a_person_varies() -> None:
    """(W + ε I)^-1/4, but for a factor, of rows whose within-class covariance is known."""
    out = Wccn(48)
    out.fit_people(DATA, 10.0)
    given = [(torch.from_numpy(side.features), torch.from_numpy(side.poses)) for side in (DATA.front, DATA.video)]
    rows = torch.cat([unit(out.ridge.direction(x, pose)) for x, pose in given]).double().numpy()
    own = [rows[name == PERSON] for name in DATA.people()]
    within = sum(len(each) * np.cov(each.T, bias=True) for each in own) / len(rows)
    mean = np.trace(within) / 48
    product = np.linalg.matrix_power(out.whitening.double().numpy(), 4) @ (within + mean * np.eye(48))
    assert np.allclose(product / (np.trace(product) / 48), np.eye(48), atol=1e-3)


def test_lambda_is_chosen_on_validation_people(baselines: dict[str, FittedBaseline]) -> None:
    fit = baselines["ridge"].fit
    assert fit["chosen_on_validation"]
    assert fit["tried"][f"{fit['lambda']:g}"] == min(fit["tried"].values())
    assert len(fit["tried"]) == len(PENALTIES)
    assert fitted("ridge", score=0.5).fit["lambda"] == max(PENALTIES)  # of equals the one that changes least
    given = fitted("ridge", ["lambda=10"])
    assert given.fit == {"lambda": 10.0, "chosen_on_validation": False}
    everybody = ridge_of(DATA.select(DATA.people()[:50]))
    assert torch.equal(given.enhancer.matrix, everybody.matrix)  # a given penalty needs no validation people


def test_early_stopping_keeps_the_best_epoch() -> None:
    """A score that rises from the third epoch on: training ends after five worse ones, with the weights of the best."""
    people = DATA.people()
    train = DATA.select(people[:40])
    seen: list[dict[str, torch.Tensor]] = []

    def score(enhancer: torch.nn.Module) -> float:
        seen.append({key: value.clone() for key, value in enhancer.state_dict().items()})
        return [3.0, 2.0, 1.0][len(seen) - 1] if len(seen) <= 3 else 4.0

    one = fit_baseline("dream", FitData(train, train, score), parse_options("dream", []))
    assert one.fit["epoch"] == 3
    assert len(seen) == 8
    assert all(torch.equal(value, seen[2][key]) for key, value in one.enhancer.state_dict().items())


def test_srt_loss_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    # impostors nearer than without the network: the ordinary triplet loss, max(0 − 0.4 + 2, 0) and max(2 − 0.4 + 2, 0)
    negative = torch.tensor([[0.8, 0.6], [0.6, 0.8]])
    positive = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    apart = (0.4 + 0.8) / 2
    assert apart > 0.4
    assert torch.isclose(self_restrained_triplet_loss(a, positive, negative), torch.tensor((1.6 + 3.6) / 2))
    # impostors farther away: only the pull to the own person is left, with the mean d(p, n) in place of d(a, n)
    positive, negative = torch.tensor([[0.6, 0.8]]), torch.tensor([[0.0, 1.0]])
    want = 0.8 - 0.4 + 2.0
    assert torch.isclose(self_restrained_triplet_loss(a[:1], positive, negative), torch.tensor(want))


def test_dream_gate_is_the_papers() -> None:
    dream = build_saved("dream", {"dim": 4})
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    with torch.no_grad():
        added = dream.residual(unit(x) * 2.0) / 2.0
        for yaw, share in ((45.0, 0.5), (-90.0, 1 / (1 + np.exp(-10))), (0.0, 1 / (1 + np.exp(10)))):
            got = dream.direction(x, torch.tensor([[yaw, 0.0, 0.0]]))
            assert torch.allclose(got, unit(x) + share * added, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("ridgee", [], "no such baseline"),
        ("ridge", ["lambda"], "KEY=VALUE"),
        ("ridge", ["lambda=abc"], "not a number"),
        ("ridge", ["gate=yaw"], "takes no such option"),
        ("ridge", ["sides=left"], "not one of probe, both"),
        ("raw", ["lambda=1"], "takes no such option"),
        ("dream", ["seed=-1"], "integer"),
        *(("ridge", [f"lambda={value}"], "positive") for value in ("0", "-1", "nan", "inf")),
        ("wccn", ["lambda=10", "sides=probe"], "needs sides=both"),
    ],
)
def test_wrong_options(name: str, options: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted(name, options)


def test_without_profile_rows_there_is_nothing_to_fit() -> None:
    near = DATA.video.take(np.abs(DATA.video.poses[:, 0]) < 30)
    with pytest.raises(InputError, match="0 profile rows"):
        ridge_of(FeatureSet("near", DATA.front, near))


@pytest.mark.skipif(not CFP.is_dir(), reason="the cfp features are not beside this checkout")
def test_ridge_on_the_four_pinned_splits() -> None:
    """Penalty 10 on photographs, to the digits measured beforehand; the own gate does as well as the true kinds."""
    data = read_folder(CFP)
    found: dict[str, list[tuple[float, ...]]] = {"source": [], "own": []}
    for start in (1, 3, 5, 7):
        split = split_by_folds(data, [start, start + 1], 0)
        test, ridge = data.select(split.test), ridge_of(data.select(split.train + split.validation))
        for gate, rows in found.items():
            sides = []
            for side in (test.front, test.video):
                x = torch.from_numpy(side.features)
                kind = side.kinds()
                enhanced = ridge(x, torch.from_numpy(side.poses)).features.numpy()
                if gate == "source":
                    enhanced = np.where((kind == 1)[:, None], ridge.corrected(unit(x)).numpy(), side.features)
                person = np.unique(side.people, return_inverse=True)[1]
                sides.append(EmbeddingSet(side.features, side.features, enhanced, person, side.poses[:, 0], kind))
            figures = figures_of([evaluate(*sides, resamples=0, details=False)])
            names = ("eer", "fnmr_at_fmr_1e-3", "fmr_ratio_1e-3", "profile_profile_fnmr_at_fmr_1e-3")
            eer, *rates = (float(figures[name]["enhanced"].value) for name in names)
            rows.append((100 * eer, *rates))
    means = {gate: np.mean(rows, axis=0) for gate, rows in found.items()}
    eer, fnmr, ratio, profile = means["source"]
    assert (round(eer, 2), round(fnmr, 3), round(ratio, 2), round(profile, 3)) == (8.49, 0.407, 0.99, 0.567)
    assert np.all(np.abs(means["own"] - (8.51, 0.406, 1.00, 0.566)) < (0.02, 0.002, 0.02, 0.005))
