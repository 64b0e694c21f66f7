"""Feature folders: round trips, and one clear line for everything that can be wrong with one."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features import folder as folder_module
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.synthetic import synthetic
from poseid.features.tables import npy
from poseid.features.tables.npy import read_array

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"


def equal(a: Rows, b: Rows) -> bool:
    one, other = (
        (r.features.dtype, r.features.tobytes(), r.poses.tobytes(), r.people.tolist(), list(r.metadata)) for r in (a, b)
    )
    return one == other


@pytest.fixture
def good() -> FeatureSet:
    data = synthetic(people=12, probes=6, dim=16, comparisons=2)
    data.video.poses[[0, 5]] = np.nan
    for i, content in enumerate(data.video.metadata):
        content.update(source=f"photo {i}", 相机={"镜头": [1, 2.5, None, True]}, n=i)
    return data


@pytest.fixture
def folder(good: FeatureSet, tmp_path: Path) -> Path:
    write_folder(good, tmp_path / "faces")
    return tmp_path / "faces"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_round_trip(good: FeatureSet, tmp_path: Path, dtype: type) -> None:
    data = replace(good, video=replace(good.video, features=good.video.features.astype(dtype)))
    write_folder(data, tmp_path / "new" / "面孔")
    again = read_folder(tmp_path / "new" / "面孔", dim=16)
    assert again.name == "面孔"
    assert equal(again.front, data.front)
    assert equal(again.video, data.video)
    assert again.video.missing_poses == 2
    assert np.isnan(again.video.poses[5]).all()
    assert any("李娜" in name for name in again.people())
    assert again.pairs is not None
    assert data.pairs is not None
    for name, column in vars(data.pairs).items():
        assert getattr(again.pairs, name).tolist() == column.tolist()


def test_what_is_written_is_plain(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {F_NPY, V_NPY, F_JSON, V_JSON, "pairs.csv"}
    text = (folder / "video_metadata.json").read_bytes().decode("utf-8")
    assert "李娜" in text
    assert "镜头" in text
    assert "\\u" not in text
    assert json.loads(text)["poses"][0] is None
    assert [p.name for p in folder.parent.iterdir()] == ["faces"]  # no temporary directory stays
    umask = os.umask(0)
    os.umask(umask)
    assert folder.stat().st_mode & 0o777 == 0o777 & ~umask


def test_rows_without_metadata_get_their_name(good: FeatureSet, tmp_path: Path) -> None:
    bare = replace(good, front=replace(good.front, metadata=({},) * len(good.front)), pairs=None)
    write_folder(bare, tmp_path / "faces")
    again = read_folder(tmp_path / "faces")
    assert again.front.people.tolist() == good.front.people.tolist()
    assert again.pairs is None


def test_the_name_is_never_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert read_folder(Path()).name == "faces"


def test_large_files_are_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small = read_folder(folder)
    assert not isinstance(small.video.features, np.memmap)
    monkeypatch.setattr(npy, "MEMORY_MAP_BYTES", 1000)
    large = read_folder(folder)
    assert isinstance(large.video.features, np.memmap)
    assert not large.video.features.flags.writeable
    assert equal(large.video, small.video)
    write_folder(large, tmp_path / "copy")
    assert (tmp_path / "copy" / "video_feature.npy").read_bytes() == (folder / "video_feature.npy").read_bytes()


def test_fortran_order_is_read(folder: Path) -> None:
    before = read_folder(folder).video
    np.save(folder / "video_feature.npy", np.asfortranarray(before.features))
    assert np.array_equal(read_folder(folder).video.features, before.features)


# One fault a case: how to make it in a good folder, and what the line must say.
Make = Callable[[Path], object]


def edit(file: str, change: Callable[[bytes], bytes]) -> Make:
    return lambda folder: (folder / file).write_bytes(change((folder / file).read_bytes()))


def write(file: str, content: bytes) -> Make:
    return lambda folder: (folder / file).write_bytes(content)


def cut(file: str, size: int) -> Make:
    return edit(file, lambda content: content[:size])


def edit_json(side: str, change: Callable[[Any], Any]) -> Make:
    def edited(text: bytes) -> bytes:
        content = json.loads(text)
        result = change(content)
        return json.dumps(content if result is None else result).encode()

    return edit(f"{side}_metadata.json", edited)


def edit_array(change: Callable[[np.ndarray], np.ndarray | None]) -> Make:
    def make(folder: Path) -> None:
        array = np.load(folder / V_NPY)
        result = change(array)
        np.save(folder / V_NPY, array if result is None else result)

    return make


def pose(value: object) -> Make:
    return edit_json("video", lambda content: content["poses"].__setitem__(6, value))


def entry(value: object) -> Make:
    return edit_json("video", lambda content: content["metadata"][9].update(q=value))


def name(row: int, value: object) -> Make:
    return edit_json("front", lambda content: content["metadata"][row].__setitem__("person_name", value))


def put(row: int, value: float) -> Make:
    return edit_array(lambda array: array.__setitem__(row, value))


def saved(*arrays: np.ndarray) -> bytes:
    file = BytesIO()
    for array in arrays:
        np.save(file, array)
    return file.getvalue()


F_NPY, V_NPY, F_JSON, V_JSON = (f"{s}_{kind}" for kind in ("feature.npy", "metadata.json") for s in ("front", "video"))
FAULTS: list[tuple[str, Make, str]] = [
    (F_NPY, lambda folder: (folder / F_NPY).unlink(), "is missing"),
    (V_JSON, lambda folder: (folder / V_JSON).unlink(), "is missing"),
    (F_NPY, write(F_NPY, b""), "not an npy file"),
    (F_NPY, write(F_NPY, pickle.dumps([1.0])), "not an npy file"),
    (F_NPY, write(F_NPY, b"\x93NUMPY\x01\x00\x10\x00garbage garbage!"), "damaged or cut short"),
    (F_NPY, write(F_NPY, b"PK\x03\x04 as numpy.savez begins"), "npz archive"),
    (F_NPY, write(F_NPY, saved(np.array([{"a": 1}]))), "Python objects, which are never loaded"),
    (F_NPY, write(F_NPY, saved(np.ones((2, 2)), np.ones((2, 2)))), "bytes after the array"),
    (V_NPY, cut(V_NPY, 50), "damaged or cut short"),
    (V_NPY, edit(V_NPY, lambda content: b"\x93NUMPY\x03\x00" + content[8:]), "damaged or cut short"),
    (V_NPY, cut(V_NPY, 1000), "damaged or cut short"),
    (V_NPY, edit_array(lambda a: a.astype(np.int32)), "holds <i4 values"),
    (V_NPY, edit_array(lambda a: a.ravel()), "has shape (1152,)"),
    (V_NPY, edit_array(lambda a: a[None]), "has shape (1, 72, 16)"),
    (V_NPY, edit_array(lambda a: a[:0]), "holds no vectors"),
    (V_NPY, edit_array(lambda a: a[:, :0]), "holds no vectors"),
    (V_NPY, edit_array(lambda a: a[:, :8]), "vectors have 8 numbers, those of front_feature.npy 16: extract"),
    (V_NPY, put(7, np.nan), "row 7 holds NaN or infinity"),
    (V_NPY, put(3, 0), "row 3 is all zeros"),
    (V_JSON, edit_array(lambda a: a[:-1]), "72 metadata entries for 71 rows of video_feature.npy"),
    (V_JSON, edit_json("video", lambda c: c["poses"].pop() and None), "71 poses for 72 rows"),
    (V_JSON, edit_json("video", lambda c: c["metadata"].pop() and None), "71 metadata entries for 72 rows"),
    (F_JSON, edit_json("front", lambda c: c["metadata"]), "must be an object"),
    (F_JSON, edit_json("front", lambda c: c.pop("poses") and None), 'key "poses" is missing'),
    (F_JSON, edit_json("front", lambda c: c.update(poses={})), 'key "poses" is not a list'),
    (F_JSON, edit_json("front", lambda c: c.pop("metadata") and None), 'key "metadata" is missing'),
    (F_JSON, edit_json("front", lambda c: c["metadata"].__setitem__(4, "x")), "row 4: metadata is 'x'"),
    (F_JSON, edit_json("front", lambda c: c["metadata"][4].clear()), 'row 4: no "person_name"'),
    (F_JSON, name(2, None), "row 2: person_name is None, not text"),
    (F_JSON, name(2, ["a"]), "row 2: person_name is ['a'], not text"),
    (F_JSON, name(2, "a\nb"), "row 2: person_name 'a\\nb' holds a control character"),
    (F_JSON, name(2, "\udc00x"), "row 2"),
    (V_JSON, pose([1, 2]), "row 6: pose is [1, 2]"),
    (V_JSON, pose([1, 2, "3"]), "row 6: pose is [1, 2, '3']"),
    (V_JSON, pose([1, 2, None]), "row 6: pose is [1, 2, None]"),
    (V_JSON, pose([True, 2, 3]), "row 6: pose is [True, 2, 3]"),
    (V_JSON, pose(12.0), "row 6: pose is 12.0"),
    (V_JSON, pose([float("nan"), 0, 0]), "row 6: pose is [nan, 0, 0]: angles are finite"),
    (V_JSON, pose([10**400, 0, 0]), "row 6: pose is"),
    (V_JSON, entry(float("inf")), "row 9: q is inf, which JSON in UTF-8 cannot hold: write null or a text"),
    (V_JSON, entry({"a": [float("nan")]}), "row 9: q is {'a': [nan]}, which"),
    (V_JSON, entry("\ud800"), "row 9: q is '\\ud800', which JSON in UTF-8"),
    (V_JSON, cut(V_JSON, 60), "not JSON"),
    (V_JSON, write(V_JSON, b""), "line 1 column 1: not JSON"),
    (V_JSON, write(V_JSON, b'{"metadata":\n["\xff"]}'), "line 2: not UTF-8"),
    (V_JSON, write(V_JSON, "{}".encode("utf-16")), "line 1: not UTF-8"),
    (V_JSON, write(V_JSON, b"[" * 200_000), "nesting too deep"),
    (V_JSON, write(V_JSON, b'{"poses": [], "metadata": [], "poses": []}'), "the key 'poses' stands twice"),
    (V_JSON, edit(V_JSON, lambda b: b.replace(b'"n": 3', b'"n": 3, "n": 4', 1)), "row 3: the key 'n' stands twice"),
    ("pairs.csv", write("pairs.csv", b"protocol,fold,a,b,same\nFP,1,front:0,video:999,1\n"), "line 2: video:999"),
]


@pytest.mark.parametrize(("file", "make", "message"), FAULTS, ids=[f"{f}-{m[:30]}" for f, _, m in FAULTS])
def test_a_fault_is_one_line(folder: Path, file: str, make: Make, message: str) -> None:
    make(folder)
    with pytest.raises(InputError) as caught:
        read_folder(folder)
    line = str(caught.value)
    assert line.startswith(str(folder / file) + ": ")
    assert message in line
    assert len(line.splitlines()) == 1
    assert len(line) - len(str(folder)) < 200


def test_other_refusals(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dir" / "front_feature.npy").mkdir(parents=True)
    for path, line in (
        (tmp_path / "nowhere", "nowhere: does not exist"),
        (tmp_path / "file", "file: is a file, not a folder"),
        (tmp_path / "dir", "cannot be read"),
        (folder, "faces: vectors have 16 numbers, data.dim is 512: add data.dim=16, or"),
    ):
        with pytest.raises(InputError, match=line):
            read_folder(path, dim=512)
    name(0, "Andr\u00e9")(folder)
    name(1, "Andre\u0301")(folder)
    with pytest.raises(InputError, match="different characters"):
        read_folder(folder)


def test_read_array_takes_any_shape(tmp_path: Path) -> None:
    for array in (np.arange(5), np.ones((2, 3, 4)), np.float64(3), np.ones((0, 4))):
        np.save(tmp_path / "a.npy", array)
        assert np.array_equal(read_array(tmp_path / "a.npy"), array)


def changed(rows: Rows, poses: object = None, features: object = None) -> Rows:
    new = Rows(rows.features.copy(), rows.poses.copy(), rows.people.copy(), rows.metadata)
    if poses is not None:
        new.poses[3] = poses
    if features is not None:
        new.features[3] = features
    return new


def front(data: FeatureSet, **columns: Any) -> FeatureSet:
    return replace(data, front=replace(data.front, **columns))


def paired(data: FeatureSet, **columns: Any) -> FeatureSet:
    assert data.pairs is not None
    return replace(data, pairs=replace(data.pairs, **columns))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: replace(d, video=changed(d.video, features=0)), "video_feature.npy: row 3 is all zeros"),
        (lambda d: replace(d, video=changed(d.video, features=np.nan)), "video_feature.npy: row 3 holds NaN"),
        (lambda d: replace(d, video=changed(d.video, poses=[1, np.nan, 2])), "video_metadata.json: row 3: pose"),
        (lambda d: replace(d, front=changed(d.front, poses=[1, np.inf, 2])), "front_metadata.json: row 3: pose"),
        (lambda d: replace(d, video=d.video.take(np.arange(0))), "video_feature.npy: holds no vectors"),
        (lambda d: front(d, people=np.roll(d.front.people, 1)), "front_metadata.json: row 0: metadata names"),
        (lambda d: front(d, metadata=({},) * 23 + ({"at": Path()},)), "front_metadata.json: row 23: at is PosixPath("),
        (lambda d: paired(d, same=~d.pairs.same), "pairs.csv: line 2: same is 0"),
        (lambda d: paired(d, a_row=d.pairs.a_row + 99), "pairs.csv: line 2: front:"),
    ],
)
def test_writing_refuses_what_reading_would(
    good: FeatureSet,
    tmp_path: Path,
    change: Callable[[FeatureSet], FeatureSet],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folder_module, "ROWS_AT_ONCE", 10)
    with pytest.raises(InputError) as caught:
        write_folder(change(good), tmp_path / "faces")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_writing_never_replaces(good: FeatureSet, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    there = dict.fromkeys(("empty", "link", "file"), "exists already")
    for path, line in (there | {"file/faces": "cannot be made"}).items():
        with pytest.raises(InputError, match=line):
            write_folder(good, tmp_path / path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "link"]


def test_a_failed_write_leaves_nothing(good: FeatureSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_folder(good, tmp_path / "faces")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not (DATA / "cfp").is_dir(), reason="the shared real features are not here")
def test_real_features() -> None:
    cfp = read_folder(DATA / "cfp", dim=512)
    assert (len(cfp.people()), len(cfp.front), len(cfp.video)) == (400, 2000, 3600)
    assert np.bincount(cfp.video.kinds(), minlength=3).tolist() == [2000, 1600, 0]
    assert cfp.pairs is not None
    assert len(cfp.pairs) == 11200
    turned = read_folder(DATA / "turned")
    assert turned.video.features.dtype == np.float16
    assert len(turned.people()) == 600
    assert cfp.select(cfp.people()[:50]).pairs is not None
