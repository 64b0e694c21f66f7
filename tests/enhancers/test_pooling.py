"""Pooling against its definition, row by row; block by block it gives the same; and the weights of frames."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from poseid.enhancers.frame_weight import FrameWeight, length_statistics
from poseid.enhancers.pooling import OpenTemplates, pool
from poseid.errors import InputError
from poseid.features.template_runs import Blocks, TemplateRuns, find_runs
from poseid.features.templates import Templates, number_templates

RNG = np.random.default_rng(4)
ROWS, WEIGHTS = 3 * RNG.normal(size=(40, 6)), RNG.uniform(0.1, 5, size=40)
TEMPLATE = number_templates([f"t{i % 7}" if i % 11 else None for i in range(40)], [f"m{i % 3}" for i in range(40)], "")


def by_definition(template: int) -> np.ndarray:
    """unit(Σ_media mean-of-media(w · unit(h))), with loops."""
    total = np.zeros(6)
    for media in set(TEMPLATE.media[TEMPLATE.template == template].tolist()):
        of_media = np.flatnonzero(TEMPLATE.media == media)
        total += sum(WEIGHTS[i] * ROWS[i] / np.linalg.norm(ROWS[i]) for i in of_media) / len(of_media)
    return total / np.linalg.norm(total)


def test_pool_is_its_definition() -> None:
    pooled = pool(ROWS, WEIGHTS, TEMPLATE)
    assert pooled.features.dtype == np.float32
    assert pooled.features.shape[0] == TEMPLATE.template.max() + 1
    for template, row in enumerate(pooled.features):
        np.testing.assert_allclose(row, by_definition(template), atol=1e-6)
        mine = TEMPLATE.template == template
        assert pooled.frames[template] == mine.sum()
        media = TEMPLATE.media[mine]
        assert pooled.weight[template] == pytest.approx(sum(WEIGHTS[mine][media == m].mean() for m in set(media)))


def test_lengths_of_rows_and_the_scale_of_weights_do_not_matter_and_order_does_not() -> None:
    first = pool(ROWS, WEIGHTS, TEMPLATE).features
    scaled = ROWS * RNG.uniform(0.01, 100, size=(40, 1))
    np.testing.assert_allclose(pool(scaled, 7 * WEIGHTS, TEMPLATE).features, first, atol=1e-6)
    order = np.concatenate([np.arange(20), 20 + RNG.permutation(20)])
    order = order[np.argsort(TEMPLATE.template[order], kind="stable")]
    again = Templates(TEMPLATE.template[order], TEMPLATE.media[order])
    np.testing.assert_allclose(pool(ROWS[order], WEIGHTS[order], again).features, first, atol=1e-6)


def test_a_template_of_one_row_is_its_direction_and_rows_that_cancel_out_are_refused() -> None:
    one = Templates(np.array([0, 1, 1]), np.array([0, 1, 2]))
    rows = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]])
    np.testing.assert_allclose(pool(rows, np.ones(3), one).features[0], [0.6, 0.8], rtol=1e-6)
    rows[2] = [-5.0, 0.0]
    with pytest.raises(InputError, match="row 1: the template that begins here has rows that cancel out"):
        pool(rows, np.ones(3), one)


def test_the_weight_is_its_equation() -> None:
    weight = FrameWeight(length=2.0, yaw=0.5)
    weight.store(torch.tensor([10.0, 1.0]))
    length = torch.tensor([[10.0], [20.0], [5.0], [10.0], [10.0]])
    pose = torch.tensor([[0.0, 0, 0], [30.0, 80, 0], [-90.0, 0, 0], [math.nan, 0, 0], [60.0, 0, math.nan]])
    want = [1.0, 4.0, 0.25 * math.exp(-1.0), 1.0, 1.0]  # |yaw| alone, from 30° on; unknown counts as within 30°
    torch.testing.assert_close(weight(length, pose), torch.tensor(want))
    torch.testing.assert_close(weight(length, None), torch.tensor([1.0, 4.0, 0.25, 1.0, 1.0]))


def test_untrained_weights_are_one_and_vectors_of_one_length_are_weighed_by_the_pose_alone() -> None:
    length, pose = torch.rand(9, 1) + 0.5, torch.full((9, 3), 60.0)
    assert torch.equal(FrameWeight()(length, pose), torch.ones(9))
    weight = FrameWeight(length=5.0, yaw=1.0)
    same = torch.nn.functional.normalize(torch.randn(50, 32), dim=1).half().float().norm(dim=1)
    weight.store(length_statistics(same))  # unit rows as float16 rounds them
    assert float(length_statistics(same)[1]) == 0
    torch.testing.assert_close(weight(length, pose), torch.full((9,), math.exp(-1.0)))


def test_weights_stay_finite_and_above_zero_whatever_is_trained() -> None:
    weight = FrameWeight(length=20.0, yaw=20.0)
    weight.store(torch.tensor([1.0, 1.0]))
    values = weight(torch.tensor([[1e-12], [1e12], [0.0]]), torch.tensor([[180.0, 0, 0], [0.0, 0, 0], [0.0, 0, 0]]))
    assert bool(torch.isfinite(values).all())
    assert bool((values > 0).all())


def runs_of(ids: list[Any], media: list[Any] | None, cuts: list[int]) -> TemplateRuns:
    columns = {"t": ids} | ({} if media is None else {"media_id": media})
    blocks = [{name: np.array(values[a:b], object) for name, values in columns.items()} for a, b in pairwise(cuts)]
    return find_runs([("first", lambda: blocks[:1]), ("second", lambda: blocks[1:])], "t")


@pytest.mark.parametrize("seed", range(12))
def test_blocks_of_any_size_equal_all_at_once(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(4, 400))
    numbers = generator.integers(-5, 30, n).tolist()
    ids: list[Any] = [None if number % 7 == 0 else number if seed % 2 else f"t{number}" for number in numbers]
    if seed % 3 == 0:
        ids.sort(key=str)
    media: list[Any] = [None if number == 3 else number for number in generator.integers(0, 4, n).tolist()]
    x, weights = generator.standard_normal((n, 8)), generator.uniform(0.1, 1, n)
    cuts = [0, *sorted({*generator.integers(1, n, 3).tolist()}), n]
    monkeypatch.setattr("poseid.enhancers.pooling._BLOCK_ROWS", int(generator.integers(1, 50)))
    for of_media in (None, media):
        wanted = pool(x, weights, number_templates(ids, of_media, "rows"))
        held = OpenTemplates(runs_of(ids, of_media, cuts), 8)
        step = int(generator.integers(1, n + 1))
        parts = [held.add(row, x[row : row + step], weights[row : row + step]) for row in range(0, n, step)]
        found = [np.concatenate(column) for column in zip(*parts, strict=True)]
        np.testing.assert_allclose(found[0], wanted.features, atol=1e-6)
        assert np.array_equal(found[1], wanted.frames)
        np.testing.assert_allclose(found[2], wanted.weight, rtol=1e-6)


def test_how_many_are_held() -> None:
    assert runs_of(["a", "a", "b", "c", "c"], None, [0, 2, 5]).most_held() == 1
    assert runs_of(["a", "b", "a", "b"], None, [0, 2, 4]).most_held() == 2
    # b and c are complete, but wait for a, which comes before them
    assert runs_of(["a", "b", "c", "a", "d"], None, [0, 2, 5]).most_held() == 3


def test_integers_are_the_same_in_arrays_and_beside_nulls() -> None:
    numbers = np.array([-1, 2**62, 5])
    objects = np.array([5, None, 2**62, -1, 2**70, "5"], object)
    runs = find_runs([("a", lambda: [{"t": numbers}]), ("b", lambda: [{"t": objects}])], "t")
    assert runs.template_of(0, 9).tolist() == [0, 1, 2, 2, 3, 1, 0, 4, 5]
    blocks = [{"t": np.array([2**64 - 1], np.uint64)}, {"t": np.array([-1])}]
    assert find_runs([("a", lambda: blocks)], "t").frames.size == 2


def test_a_template_over_two_people_names_the_files() -> None:
    def file(*blocks: list[str | None]) -> Blocks:
        ids = [{"t": np.full(len(people), 4), "person_name": np.array(people, object)} for people in blocks]
        return lambda: ids

    find_runs([("a", file([None, "x"])), ("b", file(["", "x"]))], "t")
    with pytest.raises(InputError, match=r"^a: row 1 and b: row 2: t 4 stands on rows of two people, 'x' and 'y'"):
        find_runs([("a", file([None, "x"])), ("b", file(["x"], ["x", "y"]))], "t")


def test_media_ids_stand_in_all_files_or_in_none() -> None:
    with_media = {"t": np.array([1, 1]), "media_id": np.array([5, 5])}
    with pytest.raises(InputError, match=r"^b: media_id is not in all files"):
        find_runs([("a", lambda: [with_media]), ("b", lambda: [{"t": np.array([1])}])], "t")


@pytest.mark.parametrize("blocks", [[], [{"t": np.array([], object), "media_id": np.array([])}]])
def test_no_rows_are_no_templates(blocks: list[dict[str, np.ndarray]]) -> None:
    runs = find_runs([("a", lambda: blocks)], "t")
    assert (len(runs.first), runs.most_held()) == (0, 0)
    none = np.empty((0, 4)), np.empty(0)
    for pooled in (OpenTemplates(runs, 4).add(0, *none), pool(*none, number_templates([], [], "rows"))):
        assert (pooled.features.shape, len(pooled.frames), len(pooled.weight)) == ((0, 4), 0, 0)
