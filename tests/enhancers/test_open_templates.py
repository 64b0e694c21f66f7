"""Pooling block by block gives what pooling all rows at once gives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from poseid.enhancers.pooling import OpenTemplates, pool
from poseid.errors import InputError
from poseid.features.template_runs import Blocks, TemplateRuns, find_runs
from poseid.features.templates import number_templates


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
