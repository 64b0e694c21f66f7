"""What does harm on validation people does not ship."""

import numpy as np
import torch

from poseid.enhancers.apply import enhance_arrays
from poseid.enhancers.info import kept_note
from poseid.enhancers.residual import ResidualEnhancer
from poseid.features.synthetic import synthetic
from poseid.training.start import fit_start
from poseid.training.strength import choose_strength

TRAIN = synthetic(people=60, dim=64, seed=0)
VALIDATION = synthetic(people=40, dim=64, seed=1)


def fitted() -> ResidualEnhancer:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, init="ridge")
    fit_start(enhancer, TRAIN)
    return enhancer.eval()


def test_a_start_that_helps_is_kept_whole() -> None:
    enhancer = fitted()
    assert choose_strength(enhancer, VALIDATION) == 1.0


def test_a_correction_that_pulls_everybody_together_is_taken_back_to_raw() -> None:
    enhancer = fitted()
    with torch.no_grad():
        enhancer.start.direction.mul_(0).add_(1.0)  # everybody is moved the same way, far
        enhancer.start.lift.fill_(5.0)
        enhancer.start.reach = 5.0
    assert choose_strength(enhancer, VALIDATION) == 0.0
    x = torch.from_numpy(VALIDATION.video.features[:50])
    torch.testing.assert_close(enhancer(x, None).features, x, rtol=1e-5, atol=1e-5)
    # Where it is used, the vectors go through bit for bit: a rounding would show as false matches of 1.01x.
    rows, poses = VALIDATION.video.features[:50], VALIDATION.video.poses[:50]
    enhanced, compared, _ = enhance_arrays(enhancer, rows, poses)
    for made in (enhanced, compared):
        assert np.array_equal(made, rows)


def test_what_is_kept_is_said_where_it_is_not_all() -> None:
    assert kept_note(1.0) is None
    assert "leaves every vector's direction as it was (strength 0)" in str(kept_note(0.0))
    assert str(kept_note(0.25)).startswith("0.25 of the correction is kept")


def test_without_a_path_from_the_input_there_is_nothing_to_fall_back_to() -> None:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, skip=False)
    assert choose_strength(enhancer, VALIDATION) == 1.0
