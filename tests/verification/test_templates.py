"""Templates under evaluation: what is pooled, what is compared, and what a summary says."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.rows import FRONTAL, OTHER, PROFILE
from poseid.features.templates import Templates
from poseid.verification.cross_validation import combined_templates
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.result import plain
from poseid.verification.template_result import POOLINGS, frames_block
from poseid.verification.templates import SETS_A_PERSON, evaluate_templates, random_sets

PEOPLE, PROBES, DIM = 40, 10, 16


def sides(quality_in_length: bool = True) -> tuple[EmbeddingSet, EmbeddingSet]:
    """People whose probes are noisy to a different degree; the length says how noisy, or says nothing."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(PEOPLE, DIM))
    noise = rng.uniform(0.2, 2.5, size=(PEOPLE, PROBES))
    probe = centre[:, None] + noise[..., None] * rng.normal(size=(PEOPLE, PROBES, DIM))
    probe /= np.linalg.norm(probe, axis=2, keepdims=True)
    length = 1 / noise if quality_in_length else np.ones_like(noise)
    raw = (probe * length[..., None]).reshape(-1, DIM)
    person = np.repeat(np.arange(PEOPLE), PROBES)
    kind = np.where(np.arange(PROBES) < 2, FRONTAL, PROFILE)[None].repeat(PEOPLE, 0).reshape(-1)
    front = np.repeat(centre, 2, axis=0) + 0.3 * rng.normal(size=(2 * PEOPLE, DIM))
    yaw = np.where(kind == FRONTAL, 0.0, 70.0)
    weight = (length**2).reshape(-1)
    return (
        EmbeddingSet(front, front, front, np.repeat(np.arange(PEOPLE), 2), np.zeros(2 * PEOPLE), np.zeros(2 * PEOPLE)),
        EmbeddingSet(raw, raw, raw, person, yaw, kind, weight=weight),
    )


def test_random_sets_hold_different_rows_of_one_person_and_depend_on_the_seed_alone() -> None:
    person = np.array([0] * 5 + [1] * 2 + [2] * 9)
    sets = random_sets(person, 3, seed=1)
    grouped = sets.rows.reshape(-1, 3)
    assert set(person[grouped].reshape(-1)) == {0, 2}  # person 1 has too few rows
    assert SETS_A_PERSON < len(grouped) <= 2 * SETS_A_PERSON
    assert len({frozenset(one.tolist()) for one in grouped}) == len(grouped)  # none comes twice
    assert len(random_sets(person, 9, seed=1).rows) == 9  # all rows of person 2 are one set
    assert np.array_equal(sets.number, np.repeat(np.arange(len(grouped)), 3))
    for one in grouped:
        assert len(set(one.tolist())) == 3
        assert len(set(person[one].tolist())) == 1
    assert np.array_equal(sets.rows, random_sets(person, 3, seed=1).rows)
    assert not np.array_equal(sets.rows, random_sets(person, 3, seed=2).rows)
    within = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5])
    for one in random_sets(person, 3, seed=1, within=within).rows.reshape(-1, 3):
        assert len(set(within[one].tolist())) == 1


def test_frames_help_and_weights_by_quality_help_more() -> None:
    results = evaluate_templates(*sides(), None, [1, 4], resamples=200)
    assert [(one.frames, one.view) for one in results] == [(1, "profile"), (1, "any"), (4, "profile"), (4, "any")]
    single, several = results[0], results[2]
    for pooling in POOLINGS[1:]:  # a single frame is itself, whatever it weighs
        assert single.rates[pooling].eer.value == single.rates["raw_mean"].eer.value
    assert 0.9 * SETS_A_PERSON * PEOPLE < several.templates <= SETS_A_PERSON * PEOPLE
    assert several.rates["raw_mean"].eer.value < single.rates["raw_mean"].eer.value
    # the enhanced rows are the raw ones here, weighed by the square of the length
    assert several.rates["enhanced_weighted"].eer.value == several.rates["raw_length_squared"].eer.value
    assert several.rates["enhanced_mean"].eer.value == several.rates["raw_mean"].eer.value
    change = (
        several.figures("enhanced_weighted")["fnmr_at_fmr_1e-2"] - several.figures("enhanced_mean")["fnmr_at_fmr_1e-2"]
    )
    assert change.ci95 is not None
    assert change.ci95[1] < 0
    assert several.verdict in ("helps", "no effect shown")


def test_a_template_is_searched_and_scored_as_its_pooled_row() -> None:
    """By hand: every template is all profile rows of a person."""
    front, video = sides()
    templates = Templates(video.person.astype(np.int64), np.arange(len(video.person)))
    by_template = evaluate_templates(front, video, templates, [], resamples=0)
    assert [(one.frames, one.view) for one in by_template] == [(None, "profile"), (None, "any")]
    profile = by_template[0]
    assert (profile.templates, profile.mean_frames) == (PEOPLE, PROBES - 2)
    pooled = np.stack([video.raw[(video.person == p) & (video.kind == PROFILE)].sum(axis=0) for p in range(PEOPLE)])
    references = np.concatenate([front.raw, video.raw[video.kind == FRONTAL]])
    owner = np.concatenate([front.person, video.person[video.kind == FRONTAL]])
    scores = (references / np.linalg.norm(references, axis=1, keepdims=True)) @ (
        pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    ).T
    same = owner[:, None] == np.arange(PEOPLE)
    threshold = np.sort(scores[~same])[::-1][int(0.01 * (~same).sum())]
    fnmr = np.mean(scores[same] <= threshold)
    assert profile.rates["raw_length"].fnmr_at_fmr.value[0] == pytest.approx(fnmr, abs=1e-12)
    gallery = np.stack([front.raw[front.person == p][0] for p in range(PEOPLE)])
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (gallery, pooled)]
    best = (unit[1] @ unit[0].T).argmax(axis=1)
    searches = evaluate_templates(front, replace(video, weight=np.linalg.norm(video.raw, axis=1)), templates, [])
    found = plain(frames_block(searches))[0]["sets"]["profile"]["identification"]["one_reference"]["rank1"]
    assert found["enhanced_weighted"] == pytest.approx(np.mean(best == np.arange(PEOPLE)))


def test_rows_of_one_media_count_as_one() -> None:
    front, video = sides()
    rows = np.arange(len(video.person))
    twice = np.concatenate([rows, rows[rows % 3 == 0]])  # a third of the rows a second time, as the same media
    names = ("raw", "reference", "probe", "person", "yaw", "kind", "weight")
    more = EmbeddingSet(**{name: np.asarray(getattr(video, name))[twice] for name in names})
    _, plain = evaluate_templates(front, video, Templates(video.person, rows), [], resamples=0)
    _, repeated = evaluate_templates(front, more, Templates(more.person, twice), [], resamples=0)
    assert repeated.mean_frames > plain.mean_frames
    for pooling in POOLINGS:
        assert repeated.rates[pooling].eer.value == plain.rates[pooling].eer.value
        assert repeated.rates[pooling].d_prime == pytest.approx(plain.rates[pooling].d_prime)


def test_the_block_is_plain_json_and_says_when_length_carries_nothing() -> None:
    front, video = sides(quality_in_length=False)
    found = evaluate_templates(front, video, None, [1, 2], resamples=50)
    block = json.loads(json.dumps(plain(frames_block(found)), allow_nan=False))
    assert [(entry["k"], entry["by"]) for entry in block] == [(1, "random sets"), (2, "random sets")]
    one = block[1]["sets"]["profile"]
    assert one["length_carries_nothing"] is True
    assert one["verdict"] in ("helps", "no effect shown", "harms")
    assert set(one["difference"]) == {f"enhanced_weighted_less_{name}" for name in POOLINGS[:-1]}
    assert one["raw_mean"]["eer"] == one["raw_length"]["eer"] == one["raw_length_squared"]["eer"]
    assert set(one["identification"]) == {"one_reference", "all_references"}


def test_a_number_of_frames_that_nobody_has_is_left_out_and_none_is_refused() -> None:
    front, video = sides()
    assert [(one.frames, one.view) for one in evaluate_templates(front, video, None, [9], resamples=0)] == [(9, "any")]
    with pytest.raises(InputError, match="frames: 0 is not a number of frames"):
        evaluate_templates(front, video, None, [0])


def test_figures_are_averaged_over_splits() -> None:
    front, video = sides()
    one, other = (evaluate_templates(front, video, None, [2], resamples=20, seed=seed)[0] for seed in (0, 1))
    both = combined_templates([one, other])
    for pooling in POOLINGS:
        found = both.figures(pooling)["eer"]
        assert found.value == np.mean([one.rates[pooling].eer.value, other.rates[pooling].eer.value])
        assert found.resampled.shape == (20,)
    ranks = [found.identification["all_references"]["rank1"]["enhanced_weighted"] for found in (both, one, other)]
    assert ranks[0] == np.mean(ranks[1:])
    few = both.figures("enhanced_weighted")["fnir_at_fpir_1e-2_one_reference"]
    assert few.number is None
    assert re.fullmatch(r"FPIR 1e-2 needs 3000 searches and there are \d+", few.reason)
    assert not [name for name in both.figures("raw_length") if name.startswith("fnir")]


@pytest.mark.parametrize("left", ["no video row", "no front row", "no profile row", "one person", "no frontal row"])
def test_what_cannot_be_evaluated_is_left_out_or_has_its_reason(left: str) -> None:
    front, video = sides()
    if left == "no frontal row":
        front = replace(front, kind=np.full(len(front.kind), OTHER))
        video = replace(video, kind=np.full(len(video.kind), PROFILE))
    elif left == "no profile row":
        video = replace(video, kind=np.full(len(video.kind), OTHER))
    else:
        video = taken(video, video.person < {"no video row": 0, "one person": 1}.get(left, PEOPLE))
        front = taken(front, front.person < (0 if left == "no front row" else PEOPLE))
    templates = Templates(video.person.astype(np.int64), np.arange(len(video.person)))
    results = evaluate_templates(front, video, templates, [2], resamples=5)
    views = {"no video row": (), "one person": (), "no profile row": ("any",)}.get(left, ("profile", "any"))
    assert tuple(dict.fromkeys(one.view for one in results)) == views
    block = json.loads(json.dumps(plain(frames_block(results)), allow_nan=False))
    sets = [one for entry in block for one in entry["sets"].values()]
    if left == "no frontal row":  # against all front rows then
        assert all(one["raw_mean"]["eer"] is not None for one in sets)
    if left == "no front row":
        any_view = [entry["sets"]["any"] for entry in block]
        assert all(one["genuine"] is None and one["null_reasons"][""] for one in any_view)
        assert all(one["identification"] == {} for one in sets)


def taken(side: EmbeddingSet, rows: np.ndarray) -> EmbeddingSet:
    names = ("raw", "reference", "probe", "person", "yaw", "kind")
    weight = None if side.weight is None else side.weight[rows]
    return EmbeddingSet(**{name: np.asarray(getattr(side, name))[rows] for name in names}, weight=weight)
