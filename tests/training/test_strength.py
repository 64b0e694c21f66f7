"""What does harm on validation people does not ship."""

import torch

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


def test_without_a_path_from_the_input_there_is_nothing_to_fall_back_to() -> None:
    enhancer = ResidualEnhancer(dim=64, pose_dim=4, rank=4, skip=False)
    assert choose_strength(enhancer, VALIDATION) == 1.0
