"""Folding the constants changes rounding alone."""

from __future__ import annotations

import math

import pytest
import torch

from poseid.enhancers.inference import FoldedResidual, for_inference
from tests.enhancers.models_to_try import made, rows


@pytest.mark.parametrize("untrained", [False, True])
@pytest.mark.parametrize("kind", ["residual", "residual_ridge", "residual_unfitted", "residual_unit"])
def test_folded_is_the_enhancer(kind: str, untrained: bool) -> None:
    enhancer, _ = made(kind)
    if untrained:  # as a model that ships the closed form alone
        with torch.no_grad():
            enhancer.linear_path.weight.zero_()
            enhancer.low_rank_path.weight.zero_()
    folded = for_inference(enhancer)
    assert isinstance(folded, FoldedResidual)
    assert folded.trained is not untrained
    x, pose = (torch.from_numpy(array) for array in rows(300))
    mixed = pose.clone()
    mixed[::3] = math.nan
    length = x.norm(dim=1, keepdim=True)
    with torch.no_grad():
        for given in (pose, mixed, None):
            features, weight = folded(x, given)
            expected = enhancer(x, given)
            assert ((features - expected.features) / length).abs().max() <= 1e-6
            torch.testing.assert_close(weight, expected.weight, rtol=1e-6, atol=0)
        zero = torch.zeros(2, x.shape[1])
        torch.testing.assert_close(folded(zero, pose[:2])[0], enhancer(zero, pose[:2]).features)


def test_what_cannot_be_folded_is_run_as_it_is() -> None:
    for kind in ("residual_no_skip", "ridge"):
        enhancer, _ = made(kind)
        x, pose = (torch.from_numpy(array) for array in rows(5))
        with torch.no_grad():
            features, weight = for_inference(enhancer)(x, pose)
            assert torch.equal(features, enhancer(x, pose).features)
            assert torch.equal(weight, enhancer(x, pose).weight)
