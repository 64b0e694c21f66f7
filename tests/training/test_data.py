"""Rows, targets and splits of the DataModule against brute force."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from poseid.errors import InputError
from poseid.features.synthetic import synthetic
from poseid.training.data import FEWEST_PEOPLE, FeatureDataModule
from poseid.training.probe_rows import ProbeRows
from tests.training import small

FEATURES = synthetic(people=20, dim=32, seed=5)


def loaded(**options: Any) -> FeatureDataModule:
    return small.loaded_data(dim=32, **options)


def rows(**options: Any) -> ProbeRows:
    arguments = {"target": "centroid", "min_yaw": 0, "max_yaw": 90, "missing_pose": "keep", "swap": True}
    return ProbeRows(FEATURES, FEATURES.people(), **{**arguments, **options})


def test_every_row_has_the_centroid_of_its_own_person() -> None:
    made = rows()
    seen = 0
    for index in made.in_order(7):
        batch = made[index]
        for x, target in zip(batch["features"], batch["target"], strict=True):
            (row,) = np.flatnonzero((FEATURES.video.features == x.numpy()).all(axis=1))
            name = FEATURES.video.people[row]
            fronts = FEATURES.front.features[FEATURES.front.people == name].astype(np.float64)
            expected = (fronts / np.linalg.norm(fronts, axis=1, keepdims=True)).mean(axis=0)
            np.testing.assert_allclose(target.numpy(), expected, atol=1e-6)
            seen += 1
    assert seen == len(FEATURES.video.people) == len(made)


def test_pair_targets_are_one_front_row_of_the_person() -> None:
    made = rows(target="pair")
    batch = made[made.in_order(1000)[0]]
    fronts = torch.nn.functional.normalize(torch.from_numpy(FEATURES.front.features.astype(np.float32)), dim=1)
    nearest = torch.cdist(batch["target"], fronts).argmin(dim=1)
    for x, front in zip(batch["features"], nearest, strict=True):
        (row,) = np.flatnonzero((FEATURES.video.features == x.numpy()).all(axis=1))
        assert FEATURES.video.people[row] == FEATURES.front.people[front]


def test_yaw_range_and_missing_poses() -> None:
    yaw = np.abs(FEATURES.video.poses[:, 0])
    assert len(rows(min_yaw=20, max_yaw=50)) == int(((yaw >= 20) & (yaw <= 50)).sum())
    poses = FEATURES.video.poses.copy()
    poses[:30] = np.nan
    some = replace(FEATURES, video=replace(FEATURES.video, poses=poses))
    kept = ProbeRows(some, some.people(), "centroid", 0, 90, "keep", False)
    dropped = ProbeRows(some, some.people(), "centroid", 0, 90, "drop", False)
    assert len(kept) - len(dropped) == 30
    assert int(torch.isnan(kept.pose).any(dim=1).sum()) == 30


def test_people_without_a_front_row_do_not_train() -> None:
    name = FEATURES.front.people[0]
    some = replace(FEATURES, front=FEATURES.front.take(FEATURES.front.people != name))
    made = ProbeRows(some, some.people(), "centroid", 0, 90, "keep", False)
    assert len(made) == int((FEATURES.video.people != name).sum())
    assert len(made.centroids) == 19


def test_parts_share_nobody_and_do_not_depend_on_the_seed_of_the_training() -> None:
    first, second = loaded(seed=0), loaded(seed=1)
    assert first.split == second.split
    parts = [set(first.split.train), set(first.split.validation), set(first.split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 20
    assert loaded(split_seed=1).split != first.split


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "folder"}, "data.dir: no feature folder given"),
        ({"train_people": "a.txt"}, "give all three files"),
        ({"train_people": "a.txt", "folds": [1]}, "not both"),
        ({"min_yaw": 88.0, "max_yaw": 90.0}, "fewer than 2 training people"),
    ],
)
def test_wrong_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        loaded(**options)


def test_a_limit_takes_training_and_validation_people_but_no_test_people() -> None:
    whole, limited = loaded(), loaded(train_limit=5)
    assert len(limited.split.train) == 5
    assert len(limited.split.validation) == 2
    assert set(limited.split.train) < set(whole.split.train)
    assert limited.split.test == whole.split.test


def test_files_of_names_that_overlap_are_refused(tmp_path: Path) -> None:
    people = FEATURES.people()
    for name, part in (("train", people[:12]), ("validation", people[11:16]), ("test", people[16:])):
        (tmp_path / name).write_text("\n".join(part), encoding="utf-8")
    files = {f"{part}_people": str(tmp_path / part) for part in ("train", "validation", "test")}
    with pytest.raises(InputError, match="one part only"):
        loaded(**files)


def test_of_many_rows_an_even_share_of_the_people_is_taken() -> None:
    made = loaded()
    people = made.split.train
    everything = made.subset(people)
    counts = {name: int((made.feature_set.video.people == name).sum()) for name in people}
    most = (len(everything.front) + len(everything.video)) // 2
    some = made.subset(people, most)
    assert everything.people() == sorted(people)
    assert set(some.people()) < set(people)
    assert len(some.people()) > FEWEST_PEOPLE
    assert len(some.front) + len(some.video) <= most
    # all rows of those who are taken, and the same people again
    assert all((some.video.people == name).sum() == counts[name] for name in some.people())
    assert made.subset(people, most).people() == some.people()
    assert len(made.subset(people, 1).people()) == FEWEST_PEOPLE
