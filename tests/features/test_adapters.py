"""InsightFace faces to arrays, one at a time and in lists, with the real class where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import poseid
from poseid.errors import InputError
from poseid.features import read_folder, write_folder
from poseid.features.adapters import features_from_insightface, from_insightface
from poseid.features.synthetic import synthetic

try:
    from insightface.app.common import Face
except ImportError:

    class Face(dict[str, Any]):  # type: ignore[no-redef]
        """Like InsightFace's: a dict whose items are attributes, and any other attribute is None."""

        def __getattr__(self, name: str) -> Any:
            return self.get(name)


def face(embedding: np.ndarray | None, yaw: float | None = None, pitch: float = 3.0, roll: float = -2.0) -> Any:
    pose = None if yaw is None else np.array([pitch, yaw, roll], np.float32)
    return Face(bbox=np.zeros(4), embedding=embedding, **({} if pose is None else {"pose": pose}))


def test_one_face_and_a_list_agree() -> None:
    x = np.random.default_rng(0).standard_normal((3, 512)).astype(np.float32)
    faces = [face(x[0], 40.0), face(x[1]), face(x[2], -70.0, pitch=np.nan)]
    features, poses = from_insightface(faces)
    assert np.array_equal(features, x)
    assert features.dtype == poses.dtype == np.float32
    assert np.array_equal(poses, [[40, 3, -2], [np.nan] * 3, [np.nan] * 3], equal_nan=True)
    one, pose = from_insightface(faces[0])
    assert np.array_equal(one, x[0])
    assert np.array_equal(pose, poses[0])
    assert np.array_equal(poseid.load("raw").enhance(one, pose), x[0])


def test_generators_and_dicts_are_faces_too() -> None:
    x = np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32)
    faces = [face(x[0], 40.0), face(x[1]), face(x[2], -70.0)]
    dicts = [{"embedding": one.embedding.tolist(), "pose": one.pose} for one in faces]
    expected = from_insightface(faces)
    for given in ((one for one in faces), iter(dicts), tuple(dicts)):
        for got, want in zip(from_insightface(given), expected, strict=True):
            assert np.array_equal(got, want, equal_nan=True)
    assert np.array_equal(from_insightface(dicts[0])[0], x[0])
    album = features_from_insightface("album", {"a": iter(faces[:1])}, {"a": (one for one in dicts[1:])})
    assert (album.front.people.tolist(), album.video.people.tolist()) == (["a"], ["a", "a"])


def test_bad_faces_are_named() -> None:
    good = np.ones(8, np.float32)
    for faces, line in (
        ([face(good), face(None)], "face 1: has no embedding"),
        ([face(good), face(np.ones(9))], "face 1: embedding of shape"),
        ([face(np.ones((1, 8)))], "face 0: embedding of shape"),
        ([], "empty"),
        (iter([]), "empty"),
        ([[face(good)]], "face 0: has no embedding"),
    ):
        with pytest.raises(InputError, match=line):
            from_insightface(faces)


def test_lists_of_faces_become_a_feature_folder(tmp_path: Path) -> None:
    data = synthetic(people=5, probes=3, dim=16)

    def faces(rows: Any) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = {}
        for x, pose, person in zip(rows.features, rows.poses, rows.people.tolist(), strict=True):
            found.setdefault(person, []).append(face(x, *pose.tolist()))
        return found

    write_folder(features_from_insightface("album", faces(data.front), faces(data.video)), tmp_path / "folder")
    back = read_folder(tmp_path / "folder")
    for got, want in ((back.front, data.front), (back.video, data.video)):
        for name in ("features", "poses", "people"):
            assert np.array_equal(getattr(got, name), getattr(want, name))
