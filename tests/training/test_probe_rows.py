"""Which rows a batch holds, and that they are read from a memory map as from memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from poseid.features.rows import FRONTAL, PROFILE, FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.fitting import divide
from poseid.training.probe_rows import ProbeRows, fetch, read_rows
from poseid.training.sampling import REFERENCES, BalancedBatches

FEATURES = synthetic(people=20, dim=32, seed=5)
PEOPLE = FEATURES.people()[:15]
DIVISION = divide(PEOPLE, 3, seed=0)


def of(features: FeatureSet = FEATURES, min_yaw: float = 0, division: dict[str, int] | None = DIVISION) -> ProbeRows:
    return ProbeRows(features, PEOPLE, "centroid", min_yaw, 90, "keep", False, division)


def drawn(rows: ProbeRows) -> list[dict[str, Tensor]]:
    return [rows[index] for index in BalancedBatches(rows.counts, rows.groups, rows.division, batch_size=20, seed=0)]


def owner(features: FeatureSet, row: Tensor) -> tuple[str, str, bool]:
    """Whose vector this is, of which file, and whether it is frontal."""
    for name, side in (("front", features.front), ("video", features.video)):
        found = np.flatnonzero((side.features == row.numpy()).all(axis=1))
        if len(found):
            return str(side.people[found[0]]), name, bool(side.kinds()[found[0]] == FRONTAL)
    raise AssertionError("no row of the folder")


def test_references_are_frontal_rows_of_the_right_person_front_rows_and_video_rows() -> None:
    rows = of()
    names = sorted(PEOPLE)
    seen: set[tuple[str, str]] = set()
    for batch in drawn(rows)[:6]:
        assert batch["references"].shape == (20 * REFERENCES, 32)
        for reference, person in zip(batch["references"], batch["reference_person"].tolist(), strict=True):
            name, side, frontal = owner(FEATURES, reference)
            assert name == names[person]
            assert side == "front" or frontal
            seen.add((name, side))
        assert torch.equal(batch["reference_person"], batch["person"].repeat(REFERENCES))
    assert {name for name, _ in seen} == set(names)
    assert {side for _, side in seen} == {"front", "video"}


def test_front_rows_are_references_whatever_their_pose_and_probes_of_any_yaw_give_references() -> None:
    turned = replace(FEATURES, front=replace(FEATURES.front, poses=FEATURES.front.poses + 60))
    rows = of(turned, min_yaw=50)  # no frontal video row is a probe
    frontal_video = (FEATURES.video.kinds() == FRONTAL) & np.isin(FEATURES.video.people, PEOPLE)
    assert len(rows.reference_rows) == 2 * len(PEOPLE) + int(frontal_video.sum())


def test_each_batch_is_of_the_division_that_it_names_and_validation_has_one_alone() -> None:
    rows = of()
    names = sorted(PEOPLE)
    for batch in drawn(rows):
        divisions = {DIVISION[names[person]] for person in batch["person"].tolist()}
        assert divisions == {int(batch["division"])}
    assert set(rows.division.tolist()) == {0, 1, 2}
    assert set(of(division=None).division.tolist()) == {0}


def test_divisions_stay_with_their_people_where_some_of_them_have_no_rows() -> None:
    gone = sorted(PEOPLE)[4]
    fewer = replace(FEATURES, video=FEATURES.video.take(FEATURES.video.people != gone))
    rows = of(fewer)
    names = [name for name in sorted(PEOPLE) if name != gone]
    assert rows.division.tolist() == [DIVISION[name] for name in names]


def test_profile_rows_are_marked_and_where_there_are_none_all_are_probes_of_the_detection_term() -> None:
    rows = of()
    for batch in drawn(rows)[:3]:
        kinds = FEATURES.video.kinds()[batch["row"].numpy()]
        assert batch["profile"].tolist() == (kinds == PROFILE).tolist()
    near = replace(FEATURES, video=FEATURES.video.take(np.abs(FEATURES.video.poses[:, 0]) < 30))
    assert bool(of(near).profile.all())


def test_in_order_every_row_comes_once_with_one_reference_of_its_person() -> None:
    rows = of()
    batches = [rows[index] for index in rows.in_order(40)]
    seen = torch.cat([batch["row"] for batch in batches])
    assert torch.equal(seen.sort().values, torch.from_numpy(np.flatnonzero(np.isin(FEATURES.video.people, PEOPLE))))
    names = sorted(PEOPLE)
    for batch in batches:
        assert torch.equal(batch["reference_person"], batch["person"])
        for reference, person in zip(batch["references"], batch["person"].tolist(), strict=True):
            assert owner(FEATURES, reference)[0] == names[person]


def test_frames_are_rows_of_the_person_of_their_set_with_their_own_poses() -> None:
    rows = of()
    names = sorted(PEOPLE)
    for batch in [*drawn(rows)[:3], rows[rows.in_order(40)[0]]]:
        assert len(batch["frames"]) == len(batch["frame_set"]) == len(batch["frame_pose"]) == len(batch["frame_share"])
        assert torch.equal(batch["frame_set"].unique(), torch.arange(len(batch["set_person"])))
        assert (batch["frame_share"] == 1).all()
        for frame, number, pose in zip(batch["frames"], batch["frame_set"], batch["frame_pose"], strict=True):
            assert owner(FEATURES, frame)[0] == names[int(batch["set_person"][number])]
            (row,) = np.flatnonzero((FEATURES.video.features == frame.numpy()).all(axis=1))
            assert np.array_equal(FEATURES.video.poses[row], pose.numpy())


def test_sets_stay_within_a_template_and_rows_of_one_media_share_their_weight() -> None:
    entries = [
        {**entry, "template_id": f"{entry['person_name']} {i % 2}", "media_id": i % 4}
        for i, entry in enumerate(FEATURES.video.metadata)
    ]
    rows = of(replace(FEATURES, video=replace(FEATURES.video, metadata=entries)))
    seen = 0
    for batch in drawn(rows):
        found = [
            int(np.flatnonzero((FEATURES.video.features == frame.numpy()).all(axis=1))[0]) for frame in batch["frames"]
        ]
        for number in range(len(batch["set_person"])):
            places = [row for i, row in zip(batch["frame_set"].tolist(), found, strict=True) if i == number]
            assert len({entries[row]["template_id"] for row in places}) == 1
            media = [entries[row]["media_id"] for row in places]
            share = batch["frame_share"][batch["frame_set"] == number].tolist()
            assert share == pytest.approx([1 / media.count(one) for one in media])
            seen += len(places) > 1
    assert seen > 10


@pytest.mark.parametrize("dim", [3, 512, 1500])  # rows within a page of memory, and over several
def test_rows_of_a_memory_map_are_those_of_the_file(dim: int, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(700, dim)).astype(np.float16)
    np.save(tmp_path / "rows.npy", vectors)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    rows = torch.tensor([699, 0, 5, 5, 350])
    want = torch.from_numpy(vectors)[rows].float()
    assert torch.equal(read_rows(mapped, rows), want)
    assert torch.equal(read_rows(vectors, rows), want)
    assert torch.equal(read_rows(mapped[10:], rows[1:]), torch.from_numpy(vectors[10:])[rows[1:]].float())
    fetch(mapped, np.arange(700))  # to the very end of the file
    assert np.array_equal(mapped, vectors)
