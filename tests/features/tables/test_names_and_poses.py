"""Columns as users name them, and angles in the order and unit that users have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.tables.poses import PoseFormat, looks_like_radians, pose_format, read_poses
from poseid.features.tables.table import ANGLES, find_columns

HAVE = ["id", *(f"f{i}" for i in range(12)), "g000", "g001", "g002", "*"]


def test_columns_are_found_in_the_order_of_their_numbers() -> None:
    shuffled = [HAVE[i] for i in np.random.default_rng(0).permutation(len(HAVE))]
    for written, found in (
        (["f0..f3"], ["f0", "f1", "f2", "f3"]),
        (["f9…f11", "id"], ["f9", "f10", "f11", "id"]),
        (["g000...g002"], ["g000", "g001", "g002"]),
        (["f*"], [f"f{i}" for i in range(12)]),
        (["*"], ["*"]),
    ):
        assert list(find_columns(written, shuffled, "table")) == found


@pytest.mark.parametrize(
    ("written", "have", "line"),
    [
        (["h"], HAVE, "no column 'h'"),
        (["f0..f20"], HAVE, "no column 'f12'"),
        (["h*"], HAVE, "no column is named like 'h\\*'"),
        (["f0", "f0..f3"], HAVE, "'f0' is meant twice"),
        (["f*"], ["f0", "f1", "f3"], "number 2 is missing"),
        (["f*"], ["f2", "f1", "f01"], "number 1 is missing or there twice"),
        (["f*"], ["f0", "f1", "file"], "also means 'file'"),
        (["f0"], ["f0", "f0"], "there twice"),
        ([], HAVE, "names no column"),
    ],
)
def test_what_is_no_column_is_named(written: list[str], have: list[str], line: str) -> None:
    with pytest.raises(InputError, match=line):
        find_columns(written, have, "table")


def test_order_and_unit() -> None:
    # pitch 10, yaw 90, roll -20
    angles = np.radians([[10.0, 90.0, -20.0], [0.0, np.nan, 0.0]])
    degrees = PoseFormat(("pitch", "yaw", "roll"), "rad").degrees(angles, "p")
    assert degrees.dtype == np.float32
    np.testing.assert_allclose(degrees[0], [90, 10, -20], rtol=1e-6)
    assert np.isnan(degrees[1]).all()
    for impossible in (np.inf, 5000.0):
        with pytest.raises(InputError, match="p: row 107: .* degrees"):
            PoseFormat().degrees(np.array([[0.0, 0, 0]] * 7 + [[impossible, 0, 0]]), "p", 100)


def test_columns_named_like_angles_are_what_they_say() -> None:
    assert pose_format(None, "deg", ["PITCH", "yaw", "roll"]).order == ("pitch", "yaw", "roll")
    assert pose_format(None, "deg", ["a", "b", "c"]).order == ANGLES
    assert pose_format("roll, yaw,pitch", "deg", ["a", "b", "c"]).order == ("roll", "yaw", "pitch")
    with pytest.raises(InputError, match="contradicts"):
        pose_format("yaw,pitch,roll", "deg", ["pitch", "yaw", "roll"])
    with pytest.raises(InputError, match="--pose-order yaw,pitch"):
        pose_format("yaw,pitch", "deg", [])


def test_radians_are_suspected_only_with_evidence() -> None:
    degrees = np.random.default_rng(0).uniform(-80, 80, (200, 3))
    assert not looks_like_radians(degrees)
    assert looks_like_radians(np.radians(degrees))
    assert not looks_like_radians(np.radians(degrees)[:20])
    assert not looks_like_radians(np.zeros((200, 3)))
    assert not looks_like_radians(np.full((200, 3), np.nan))


def test_files_of_poses_agree(tmp_path: Path) -> None:
    angles = np.array([[1.5, 2, 3], [np.nan] * 3, [-4, 5, 6]], np.float32)
    np.save(tmp_path / "p.npy", angles)
    content = {"metadata": [{}, {}, {}], "poses": [[1.5, 2, 3], None, [-4, 5, 6]]}
    (tmp_path / "p.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "p.csv").write_text("roll,x,yaw,pitch\n3,é,1.5,2\n,b,,\n6,c,-4,5\n", encoding="utf-8")
    for name in ("p.npy", "p.json", "p.csv"):
        np.testing.assert_array_equal(PoseFormat().degrees(read_poses(tmp_path / name, ())[0], name), angles)
    np.save(tmp_path / "q.npy", np.ones((3, 2)))
    with pytest.raises(InputError, match=r"poses are \(rows, 3\)"):
        read_poses(tmp_path / "q.npy", ())
    (tmp_path / "p.txt").write_text("1 2 3", encoding="utf-8")
    for name, line in (("p.txt", "are read from"), ("none.csv", "no such file"), ("p.csv", "no column 'a'")):
        with pytest.raises(InputError, match=line):
            read_poses(tmp_path / name, ("a", "b", "c"))
