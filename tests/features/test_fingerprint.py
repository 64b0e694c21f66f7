"""Vectors from another recogniser, normalised, scaled or shuffled are told from new photos of the same one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poseid.features.fingerprint import differences, fingerprint
from poseid.features.folder import read_folder
from poseid.features.synthetic import synthetic

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def test_new_people_before_the_same_camera_are_alike() -> None:
    known = fingerprint(synthetic(people=60, dim=64))
    for seed in range(1, 6):
        others = synthetic(people=40, dim=64, seed=seed)
        assert differences(others.video.features, known) == []
        assert differences(others.video.features[:5], known) == []


def test_what_differs_is_said_with_figures() -> None:
    known = fingerprint(synthetic(people=60, dim=64))
    x = synthetic(people=60, dim=64, seed=1).video.features
    (line,) = differences(x / np.linalg.norm(x, axis=1, keepdims=True), known)
    assert "already normalised" in line
    (line,) = differences(x * 10, known)
    middle = np.median(np.linalg.norm(x * 10, axis=1))
    assert f"median norm is {middle:.3g}" in line
    (line,) = differences(x[:, np.random.default_rng(0).permutation(64)], known)
    assert "columns in another order" in line
    spoilt = x.copy()
    spoilt[:3] = [[np.nan], [np.inf], [0.0]]
    assert differences(spoilt, known) == []  # the rows themselves are refused elsewhere
    normalised = known | {"length_quantiles": [1.0] * 7}  # in training too
    assert differences((x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16), normalised) == []


@pytest.mark.skipif(not DATA.is_dir(), reason="real features are not here")
def test_on_real_features() -> None:
    """One recogniser on two sets of photos is the same one; its columns shuffled are another."""
    sets = {name: read_folder(DATA / name) for name in ("cfp", "turned")}
    for known in map(fingerprint, sets.values()):
        for data in sets.values():
            assert differences(data.video.features, known) == []
            assert differences(data.front.features, known) == []
            shuffled = np.asarray(data.video.features)[:4000, np.random.default_rng(0).permutation(512)]
            assert len(differences(shuffled, known)) == 1
