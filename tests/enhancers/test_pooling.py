"""Pooling against its definition, row by row, and the weights of frames."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from poseid.enhancers.frame_weight import FrameWeight, length_statistics
from poseid.enhancers.pooling import pool
from poseid.errors import InputError
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
