"""The correction must not depend on the poses it is given at test time: none, rough ones, or all of them zero."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseid.enhancers.residual import ResidualEnhancer
from poseid.evaluation import embedding_set
from poseid.features.folder import read_folder
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.fitting import fit_on
from poseid.verification import evaluate

DATA = Path(__file__).parents[3] / "shared" / "data"


def made_up() -> tuple[FeatureSet, FeatureSet]:
    people = synthetic(people=300, dim=64, seed=2)
    names = people.people()
    return people.select(names[:200]), people.select(names[200:])


def real(name: str) -> Callable[[], tuple[FeatureSet, FeatureSet]]:
    def load() -> tuple[FeatureSet, FeatureSet]:
        if not (DATA / name).is_dir():
            pytest.skip(f"the features of {name} are not beside this checkout")
        features = read_folder(DATA / name)
        names = features.people()
        return features.select(names[100:400]), features.select(names[:100])

    return load


@pytest.mark.parametrize("load", [made_up, real("cfp"), real("turned")], ids=["synthetic", "cfp", "turned"])
def test_poses_may_be_missing_rough_or_zero(load: Callable[[], tuple[FeatureSet, FeatureSet]]) -> None:
    train, test = load()
    enhancer = ResidualEnhancer(dim=train.dim, init="ridge")
    fit_on(enhancer, train)
    enhancer.eval()
    generator = np.random.default_rng(0)

    def judged(change: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
        """The enhancer is given changed poses; what is frontal and what profile is told by the true ones."""
        people = test.people()
        front, video = (
            replace(
                embedding_set(enhancer, replace(rows, poses=change(rows.poses)), people, True),
                kind=rows.kinds(),
                yaw=rows.poses[:, 0],
            )
            for rows in (test.front, test.video)
        )
        return evaluate(front, video, None, sets=("all", "frontal_profile"), resamples=0).block

    def gain(block: dict[str, Any]) -> float:
        headline = block["sets"]["frontal_profile"]
        return float(1 - headline["enhanced"]["eer"] / headline["raw"]["eer"])

    full = gain(judged(lambda poses: poses))
    assert full > 0.03
    without = judged(lambda poses: np.full_like(poses, np.nan))
    rough = judged(lambda poses: poses + generator.normal(0, 15, poses.shape).astype(poses.dtype))
    zero = judged(np.zeros_like)
    assert gain(without) >= 0.5 * full
    assert gain(rough) >= 0.8 * full
    # A frontal pose is believed: rows stay as they are but for rounding, which may move a score across a threshold.
    fixed = zero["sets"]["frontal_profile"]["fixed_threshold"]["1e-2"]
    assert fixed["fmr_ratio"] <= 1.01
    assert fixed["enhanced"]["fnmr"] - fixed["raw"]["fnmr"] <= 0.001
    assert abs(gain(zero)) <= 0.01
