"""The evaluation block: its shape, its figures against slow ones, its nulls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.rows import FRONTAL
from poseid.verification import EmbeddingSet, evaluate, rates
from poseid.verification.genuine import YAW_BINS, yaw_bin
from poseid.verification.sets import SETS
from tests.verification.people import sides, unit


def tilt(x: np.ndarray) -> np.ndarray:
    """An enhancer of some effect that needs no training."""
    return x + 0.3 * np.roll(x, 1, axis=1)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return unit(a) @ unit(b).T


def leaves(block: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(block, dict):
        for key, value in block.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    elif isinstance(block, list):
        for n, value in enumerate(block):
            yield from leaves(value, f"{path}[{n}]")
    else:
        yield path, block


def test_the_block_has_the_keys_of_the_contract() -> None:
    block = evaluate(*sides(people=30, fronts=4, probes=40, noise=1.4, change=tilt), resamples=40).block
    top = "people references probes headline sets improvement similarity rank1 protocols verdict reason"
    assert set(top.split()) <= set(block)
    assert (block["people"], block["references"], block["probes"]) == (30, 120, 1200)
    assert block["headline"] == "frontal_profile"
    assert set(block["sets"]) == set(SETS)
    for found in block["sets"].values():
        assert set(found) >= {"genuine", "impostor", "raw", "enhanced", "difference", "fixed_threshold"}
        for form in ("raw", "enhanced"):
            rates_ = found[form]
            assert set(rates_) == {"eer", "eer_ci95", "fnmr_at_fmr", "fnmr_at_fmr_ci95", "d_prime"}
            assert set(rates_["fnmr_at_fmr"]) == set(rates_["fnmr_at_fmr_ci95"]) == {"1e-2", "1e-3", "1e-4"}
            low, high = rates_["eer_ci95"]
            assert low < rates_["eer"] < high
        for label in ("1e-2", "1e-3", "1e-4"):
            at = found["fixed_threshold"][label]
            keys = "threshold raw enhanced fmr_ratio fmr_ratio_ci95 fnmr_difference fnmr_difference_ci95"
            assert set(at) == set(keys.split())
            assert set(at["raw"]) == set(at["enhanced"]) == {"fmr", "fnmr"}
            assert set(found["difference"]["fnmr_at_fmr"][label]) == {"mean", "ci95"}
    assert [(b["from"], b["to"]) for b in block["improvement"]["by_yaw"]] == list(YAW_BINS)
    assert set(block["similarity"]) >= {"raw", "enhanced", "id_similarity", "similarity_protection"}
    assert block["verdict"] in ("helps", "no effect shown", "harms")
    assert json.loads(json.dumps(block, allow_nan=False)) == block


def test_figures_are_those_of_the_functions() -> None:
    front, video = sides(people=40, fronts=5, probes=40, noise=1.4, change=tilt)
    block = evaluate(front, video, resamples=0).block
    profile = video.kind == 1
    straight = video.kind == 0
    people = np.concatenate([front.person, video.person[straight]])
    same = people[:, None] == video.person[profile][None, :]
    raw = cosine(np.concatenate([front.raw, video.raw[straight]]), video.raw[profile])
    after = cosine(np.concatenate([front.raw, video.raw[straight]]), video.probe[profile])
    found = block["sets"]["frontal_profile"]
    assert (found["genuine"], found["impostor"]) == (same.sum(), (~same).sum())
    assert found["impostor"] > 30_000
    for form, scores in (("raw", raw), ("enhanced", after)):
        assert found[form]["eer"] == pytest.approx(rates.eer(scores[same], scores[~same]), abs=1e-9)
        g, i = scores[same], scores[~same]
        assert found[form]["d_prime"] == pytest.approx(
            (g.mean() - i.mean()) / np.sqrt((g.var() + i.var()) / 2), abs=1e-9
        )
        for f, label in ((1e-2, "1e-2"), (1e-3, "1e-3")):
            want = np.mean(g < rates.threshold_at_fmr(i, f))
            assert found[form]["fnmr_at_fmr"][label] == pytest.approx(want, abs=1e-9)
    t = rates.threshold_at_fmr(raw[~same], 1e-3)
    at = found["fixed_threshold"]["1e-3"]
    assert at["threshold"] == pytest.approx(t, abs=1e-12)
    t = at["threshold"]
    assert at["enhanced"]["fmr"] == pytest.approx(np.mean(after[~same] >= t), abs=1e-9)
    assert at["enhanced"]["fnmr"] == pytest.approx(np.mean(after[same] < t), abs=1e-9)
    assert at["fmr_ratio"] == pytest.approx(np.mean(after[~same] >= t) / at["raw"]["fmr"], abs=1e-9)
    assert at["fnmr_difference"] == pytest.approx(at["enhanced"]["fnmr"] - at["raw"]["fnmr"], abs=1e-12)
    mean = found["difference"]["fnmr_at_fmr"]["1e-3"]["mean"]
    assert mean == pytest.approx(found["enhanced"]["fnmr_at_fmr"]["1e-3"] - found["raw"]["fnmr_at_fmr"]["1e-3"])
    edges = np.array(found["histogram"]["edges"])
    for form, scores in (("raw", raw), ("enhanced", after)):
        for kind, chosen in (("genuine", same), ("impostor", ~same)):
            want = np.histogram(scores[chosen], edges)[0] / chosen.sum()
            np.testing.assert_allclose(found["histogram"][form][kind], want, atol=1e-4)


def test_improvement_and_similarity_are_those_of_each_pair() -> None:
    rng = np.random.default_rng(0)
    front, video = sides(people=8, fronts=3, probes=30, change=tilt)
    front = replace(front, identity=rng.normal(size=(24, 5)))
    video = replace(video, identity=rng.normal(size=(240, 5)))
    block = evaluate(front, video, sets=("all",), resamples=0).block
    same = front.person[:, None] == video.person[None, :]
    raw, after = cosine(front.raw, video.raw)[same], cosine(front.reference, video.probe)[same]
    yaw = np.broadcast_to(video.yaw, same.shape)[same]
    kind = np.broadcast_to(video.kind, same.shape)[same]
    gain = after - raw
    got = block["improvement"]
    assert got["n"] == gain.size == 8 * 90
    assert got["mean"] == pytest.approx(gain.mean(), abs=1e-12)
    assert got["share_improved"] == pytest.approx((gain > 1e-6).mean(), abs=1e-12)
    assert got["frontal"] == pytest.approx(gain[kind == 0].mean(), abs=1e-12)
    for n, one in enumerate(got["by_yaw"]):
        chosen = yaw_bin(yaw) == n
        assert one["n"] == chosen.sum() > 0
        assert one["mean"] == pytest.approx(gain[chosen].mean(), abs=1e-12)
    assert got["beyond_90"]["n"] == (np.abs(yaw) > 90).sum() > 0
    similarity = block["similarity"]
    assert similarity["raw"] == pytest.approx(raw.mean(), abs=1e-12)
    assert similarity["enhanced"] == pytest.approx(after.mean(), abs=1e-12)
    identity = cosine(front.identity, video.identity)[same]
    assert similarity["id_similarity"] == pytest.approx(identity.mean(), abs=1e-12)
    assert similarity["similarity_protection"] == pytest.approx(np.maximum(raw - after, 0).mean(), abs=1e-12)


def test_fnmr_by_pose_is_that_of_each_cell() -> None:
    front, video = sides(people=30, fronts=4, probes=40, noise=1.4, change=tilt)
    yaw = np.random.default_rng(0).uniform(-100, 100, len(front.yaw))
    yaw[:3] = np.nan
    front = replace(front, yaw=yaw)
    block = evaluate(front, video, resamples=0).block
    got = block["by_pose"]
    t = block["sets"]["frontal_profile"]["fixed_threshold"]["1e-3"]["threshold"]
    assert got["threshold"] == t is not None
    same = front.person[:, None] == video.person[None, :]
    raw, after = cosine(front.raw, video.raw), cosine(front.raw, video.probe)
    total = 0
    for p in range(5):
        for r in range(5):
            cell = same & (yaw_bin(video.yaw) == p)[None, :] & (yaw_bin(front.yaw) == r)[:, None]
            assert got["n"][p][r] == cell.sum()
            total += int(cell.sum())
            if cell.any():
                assert got["raw"][p][r] == pytest.approx((raw[cell] < t).mean(), abs=1e-12)
                assert got["enhanced"][p][r] == pytest.approx((after[cell] < t).mean(), abs=1e-12)
    assert got["outside"] == same.sum() - total > 0


def test_same_pose_impostors_are_split_by_the_way_they_turn() -> None:
    front, video = sides(people=30, fronts=2, probes=40, noise=1.4, change=tilt)
    block = evaluate(front, video, sets=("profile_profile",), resamples=20).block
    profile = video.kind == 1
    left, right = (int((video.yaw[profile] * sign > 0).sum()) for sign in (-1, 1))
    same, opposite = block["yaw_sign"]["same"], block["yaw_sign"]["opposite"]
    assert same["genuine"] + same["impostor"] == left * (left - 1) // 2 + right * (right - 1) // 2
    assert opposite["genuine"] + opposite["impostor"] == left * right
    # the made people drift by the sine of the yaw: turned the same way, other people look alike
    fmr = {name: one["at_common_threshold"]["1e-2"]["raw"]["fmr"] for name, one in block["yaw_sign"].items()}
    assert fmr["same"] > 3 * fmr["opposite"]
    shares = {name: one["impostor"] for name, one in block["yaw_sign"].items()}
    pooled = sum(fmr[name] * shares[name] for name in fmr) / sum(shares.values())
    assert pooled == pytest.approx(block["sets"]["profile_profile"]["fixed_threshold"]["1e-2"]["raw"]["fmr"], abs=1e-9)
    assert same["raw"]["eer_ci95"] is not None


def test_doing_nothing_shows_no_effect() -> None:
    block = evaluate(*sides(people=30, fronts=4, probes=40, noise=1.4), resamples=40).block
    assert block["verdict"] == "no effect shown"
    assert block["improvement"]["mean"] == 0.0
    assert block["improvement"]["share_improved"] == 0.0
    for found in block["sets"].values():
        assert found["raw"] == found["enhanced"]
        assert found["fixed_threshold"]["1e-2"]["fmr_ratio"] == 1.0
        assert found["fixed_threshold"]["1e-2"]["fmr_ratio_ci95"] == [1.0, 1.0]
        assert found["difference"]["eer"] == {"mean": 0.0, "ci95": [0.0, 0.0]}


def test_taking_the_turn_out_helps_and_noise_harms() -> None:
    made: dict[str, Any] = {"people": 60, "fronts": 5, "probes": 30, "dim": 48, "noise": 1.6}
    front, video = sides(**made)
    turn = np.random.default_rng(0)
    turn.normal(size=(60, 48))
    direction = turn.normal(size=48)
    cleaned = video.raw - np.sin(np.deg2rad(video.yaw))[:, None] * direction * 1.6
    helps = evaluate(front, replace(video, probe=cleaned), resamples=200).block
    assert helps["verdict"] == "helps", helps["reason"]
    noisy = video.raw + 1.5 * np.random.default_rng(9).normal(size=video.raw.shape)
    harms = evaluate(front, replace(video, probe=noisy), resamples=200).block
    assert harms["verdict"] == "harms", harms["reason"]


def test_both_sides_are_used_where_they_stand() -> None:
    one = evaluate(*sides(change=tilt, both=False), resamples=0).block
    two = evaluate(*sides(change=tilt, both=True), resamples=0).block
    assert one["sets"]["all"]["raw"] == two["sets"]["all"]["raw"]
    assert one["sets"]["all"]["enhanced"] != two["sets"]["all"]["enhanced"]
    assert one["sets"]["profile_profile"]["enhanced"] == two["sets"]["profile_profile"]["enhanced"]
    assert one["rank1"]["raw"] == two["rank1"]["raw"]


def test_without_resamples_nothing_is_judged() -> None:
    front, video = sides(people=30, fronts=4, probes=40, change=tilt)
    block = evaluate(front, video, resamples=0).block
    assert block["verdict"] == "not judged: no confidence intervals yet"
    assert all(value is None for path, value in leaves(block) if path.split(".")[-1].endswith("ci95"))
    judged = evaluate(front, video, resamples=20).block
    for name in SETS:
        for form in ("raw", "enhanced"):
            for key in ("eer", "fnmr_at_fmr", "d_prime"):
                assert block["sets"][name][form][key] == judged["sets"][name][form][key]


def test_same_seed_same_block_and_person_numbers_do_not_matter() -> None:
    front, video = sides(change=tilt)
    block = evaluate(front, video, resamples=30, seed=4).block
    assert evaluate(front, video, resamples=30, seed=4).block == block
    assert evaluate(front, video, resamples=30, seed=5).block != block
    other = (replace(side, person=side.person * 7 + 1000) for side in (front, video))
    assert evaluate(*other, resamples=30, seed=4).block == block


def test_half_precision_and_lengths() -> None:
    front, video = sides(dtype=np.float16)
    long = [replace(s, raw=s.raw * np.float16(8), probe=s.probe * np.float16(0.5)) for s in (front, video)]
    assert evaluate(*long, resamples=0).block == evaluate(front, video, resamples=0).block


def test_streaming_gives_the_same_block() -> None:
    front, video = sides(people=30, fronts=4, probes=40, noise=1.4, change=tilt)
    stored = evaluate(front, video, resamples=30).block
    streamed = evaluate(front, video, resamples=30, exact=9000).block
    for (path, a), (other, b) in zip(leaves(stored), leaves(streamed), strict=True):
        assert path == other
        if isinstance(a, float):
            # a genuine score within the bin of an impostor score may fall on its other side
            near = 0.02 if "ci95" in path else 1e-3 if ".det." in path else 1e-4
            assert b == pytest.approx(a, abs=near), path
        else:
            assert a == b, path


def test_nulls_come_with_their_reasons() -> None:
    front, video = sides(people=12, fronts=3, probes=6)
    block = evaluate(front, video, sets=("all", "frontal_profile", "profile_profile"), resamples=10).block
    reasons = block["null_reasons"]
    assert block["sets"]["frontal_frontal"] is None
    assert reasons["sets.frontal_frontal"] == "not asked for"
    few = block["sets"]["all"]
    assert few["impostor"] == 36 * 72 - 12 * 18 == 2376
    assert reasons["sets.all.1e-2"] == "FMR 1e-2 needs 3000 impostor comparisons and there are 2376"
    assert few["raw"]["fnmr_at_fmr"] == dict.fromkeys(("1e-2", "1e-3", "1e-4"))
    assert few["raw"]["fnmr_at_fmr_ci95"] == dict.fromkeys(("1e-2", "1e-3", "1e-4"))
    assert few["difference"]["fnmr_at_fmr"]["1e-2"] == {"mean": None, "ci95": None}
    at = few["fixed_threshold"]["1e-2"]
    assert at["raw"] == at["enhanced"] == {"fmr": None, "fnmr": None}
    assert all(at[key] is None for key in at if key not in ("raw", "enhanced"))
    assert few["raw"]["eer"] is not None
    assert block["verdict"] == "no effect shown"
    assert "too few" in block["reason"]
    assert block["similarity"]["id_similarity"] is None
    assert "similarity.id_similarity" in reasons


def test_one_sided_and_empty_sets_are_null() -> None:
    front, video = sides()
    columns = ["raw", "reference", "probe", "person", "yaw", "kind"]
    alone = [EmbeddingSet(*(getattr(s, name)[s.person == 3] for name in columns)) for s in (front, video)]
    block = evaluate(*alone, resamples=10).block
    assert block["sets"]["all"] is None
    assert block["null_reasons"]["sets.all"] == "there are 18 genuine comparisons and no impostor ones"
    assert block["verdict"] == "no effect shown"
    assert "cannot be judged" in block["reason"]
    assert block["rank1"] == {"raw": None, "enhanced": None}
    assert "rank1" in block["null_reasons"]
    no_genuine = evaluate(front, replace(video, person=video.person + 100), resamples=10).block
    assert "no genuine ones" in no_genuine["null_reasons"]["sets.all"]
    assert no_genuine["improvement"]["mean"] is None
    assert no_genuine["similarity"]["raw"] is None
    no_profile = evaluate(front, replace(video, kind=video.kind * 0), resamples=10).block
    assert no_profile["headline"] == "all"
    assert no_profile["null_reasons"]["sets.profile_profile"] == "there are no comparisons"
    no_frontal = evaluate(front, replace(video, kind=video.kind * 0 + 1), resamples=10).block
    assert no_frontal["improvement"]["frontal"] is None
    assert "improvement.frontal" in no_frontal["null_reasons"]
    nothing = [EmbeddingSet(x, x, x, np.empty(0, int), np.empty(0), np.empty(0, int)) for x in [np.empty((0, 4))] * 2]
    empty = evaluate(*nothing, resamples=10).block
    assert empty["people"] == 0
    assert empty["null_reasons"]["sets.all"] == "there are no comparisons"
    for one in (block, no_genuine, no_profile, no_frontal, empty):
        json.dumps(one, allow_nan=False)


def test_vectors_all_alike_are_reported_not_crashed_on() -> None:
    block = evaluate(*sides(people=20, fronts=4, probes=30, change=lambda x: x * 0 + 1, both=True), resamples=20).block
    enhanced = block["sets"]["all"]["enhanced"]
    assert enhanced["eer"] == pytest.approx(0.5, abs=0.01)
    assert enhanced["fnmr_at_fmr"]["1e-2"] == 1.0
    assert enhanced["d_prime"] is None or abs(enhanced["d_prime"]) < 1
    assert block["verdict"] == "harms"
    assert block["rank1"]["enhanced"] == 0.0


def test_wrong_calls_are_refused() -> None:
    front, video = sides()
    with pytest.raises(InputError, match="no set 'everything'"):
        evaluate(front, video, sets=("everything",))
    with pytest.raises(InputError, match="resamples is -1"):
        evaluate(front, video, resamples=-1)
    bad = video.probe.copy()
    bad[7, 2] = np.nan
    with pytest.raises(InputError, match="video probe row 7 is zero, infinite or NaN"):
        evaluate(front, replace(video, probe=bad))


def test_the_headline_alone_is_what_it_is_among_all_sets() -> None:
    front, video = sides(people=20, seed=3)
    every, alone = (evaluate(front, video, resamples=0, sets=sets).block for sets in (SETS, ("frontal_profile",)))
    assert alone["sets"]["all"] is None
    assert alone["null_reasons"]["sets.all"] == "not asked for"
    assert list(alone["sets"]) == list(every["sets"]) == list(SETS)
    assert alone["sets"]["frontal_profile"] == every["sets"]["frontal_profile"]
    assert alone["improvement"]["mean"] == pytest.approx(every["improvement"]["mean"], abs=1e-12)
    assert alone["similarity"]["raw"] == pytest.approx(every["similarity"]["raw"], abs=1e-12)


def test_without_profiles_all_is_the_headline_also_where_it_was_not_asked_for() -> None:
    front, video = sides(people=20, seed=3)
    video = replace(video, yaw=video.yaw * 0, kind=np.full(len(video.kind), FRONTAL))
    block = evaluate(front, video, resamples=0, sets=("frontal_profile",)).block
    assert block["headline"] == "all"
    assert block["sets"]["all"] is not None
