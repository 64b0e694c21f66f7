"""``poseid enhance --pool``: the templates of the Python API, whatever the format, order, blocks and shards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import poseid
from poseid import cli
from poseid.enhancers.api import EnhancedTemplates
from poseid.features import folder
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.tables import hdf5, npy, npz, parquet
from tests.cli.caller import Caller
from tests.cli.tracks import Tracks, read_tracks, write

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tracks(work: Path) -> Tracks:
    return read_tracks(work)


def expected(work: Path, tracks: Tracks, media: bool = True) -> EnhancedTemplates[np.ndarray]:
    rows = tracks.rows
    return poseid.load(work / "ridge").enhance(
        rows.features, rows.poses, templates=tracks.ids, media=tracks.media if media else None
    )


class Read(NamedTuple):
    features: np.ndarray
    frames: np.ndarray
    weight: np.ndarray
    number: np.ndarray


def read(path: Path) -> Read:
    names = ("features", "frames", "weight", "number")
    if path.suffix == ".npz":
        with np.load(path) as file:
            assert file["about"].tolist() == [7, 8]
            return Read(*(file[name] for name in names))
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            assert file.attrs["about"] == 7
            assert file["inside/about"][:].tolist() == [7, 8]
            assert file["features"].compression == "gzip"
            return Read(*(file[name][:] for name in names))
    table = pq.read_table(path)
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    return Read(vectors, *(table[name].to_numpy() for name in names[1:]))


def same(found: Read, wanted: EnhancedTemplates[np.ndarray], first: Sequence[int]) -> None:
    np.testing.assert_allclose(found.features, wanted.features, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found.features, axis=1), 1, atol=1e-5)
    assert np.array_equal(found.frames, wanted.frames)
    np.testing.assert_allclose(found.weight, wanted.weight, rtol=1e-5)
    assert found.number.tolist() == list(first)


def first_rows(ids: Sequence[Any]) -> list[int]:
    return [row for row, value in enumerate(ids) if value is None or ids.index(value) == row]


@pytest.fixture(params=[32, 8192])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many rows are read at a time."""
    for module in (hdf5, npy, parquet):
        monkeypatch.setattr(module, "block_rows", lambda dim: request.param)
    for reader in (hdf5, npz, parquet):
        monkeypatch.setattr(reader, "_IDS", request.param)
    return int(request.param)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.parquet"])
@pytest.mark.parametrize("order", ["as they come", "by template", "backwards"])
def test_a_file_of_each_format(
    name: str, order: str, block: int, work: Path, tracks: Tracks, tmp_path: Path, call: Caller
) -> None:
    if order == "by template":
        tracks = tracks.take(np.argsort([str(value) for value in tracks.ids], kind="stable"))
    elif order == "backwards":
        tracks = tracks.take(np.arange(len(tracks.ids))[::-1])
    write(tmp_path / name, tracks)
    out = tmp_path / "出" / name
    text = call.done("enhance", work / "ridge", tmp_path / name, "--pool", "template_id", "--out", out)
    wanted = expected(work, tracks)
    same(read(out), wanted, first_rows(tracks.ids))
    assert f"{len(wanted.frames)} templates of {len(tracks.ids)} rows, at most" in text
    assert sorted(path.name for path in out.parent.iterdir()) == [f"_{name}.enhanced.jsonl", name]


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet"])
def test_shards_are_one_file(suffix: str, block: int, work: Path, tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    tracks = tracks._replace(ids=[value or f"own {row}" for row, value in enumerate(tracks.ids)])
    tracks = tracks._replace(media=[value or f"own {row}" for row, value in enumerate(tracks.media)])
    (tmp_path / "in").mkdir()
    cuts = [0, 1, 130, 131, 300, len(tracks.ids)]
    for i, (first, end) in enumerate(pairwise(cuts)):
        write(tmp_path / "in" / f"{i}{suffix}", tracks.take(np.arange(first, end)))
    out = tmp_path / f"out{suffix}"
    call.done("enhance", work / "ridge", tmp_path / "in", "--pool", "template_id", "--out", out)
    numbers = [row - max(cut for cut in cuts if cut <= row) for row in first_rows(tracks.ids)]
    same(read(out), expected(work, tracks), numbers)
    # named one by one they are the same, bit for bit
    named = sorted((tmp_path / "in").iterdir())
    again = tmp_path / f"again{suffix}"
    call.done("enhance", work / "ridge", *named, "--pool", "template_id", "--out", again)
    for a, b in zip(read(again), read(out), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("kind", ["integers", "integers and nulls", "categories", "large texts"])
def test_ids_of_other_types(kind: str, work: Path, tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    known = {value: number for number, value in enumerate(dict.fromkeys(tracks.ids)) if value is not None}
    numbers = [None if value is None else known[value] - 9 for value in tracks.ids]
    if kind == "integers":
        numbers = [1000 + row if value is None else value for row, value in enumerate(numbers)]
    column = {
        "categories": pa.array(tracks.ids).dictionary_encode(),
        "large texts": pa.array(tracks.ids, pa.large_string()),
    }.get(kind, pa.array(numbers))
    pq.write_table(pa.table({"track": column, "f": list(tracks.rows.features)}), tmp_path / "a.parquet")
    call.done("enhance", work / "ridge", tmp_path / "a.parquet", "--pool", "track", "--out", tmp_path / "b.parquet")
    wanted = poseid.load(work / "ridge").enhance(tracks.rows.features, templates=tracks.ids)
    table = pq.read_table(tmp_path / "b.parquet")
    assert table.column_names == ["track", "f", "frames", "weight"]
    assert table.schema.field("track").type == column.type
    np.testing.assert_allclose(np.array(table["f"].to_pylist()), wanted.features, atol=1e-5)
    assert table["frames"].to_pylist() == wanted.frames.tolist()


def test_columns_of_numbers_in_half_precision_and_a_file_of_poses(
    work: Path, tracks: Tracks, tmp_path: Path, call: Caller
) -> None:
    x = tracks.rows.features.astype(np.float16)
    columns = {f"f{i}": pa.array(x[:, i]) for i in range(x.shape[1])}
    pq.write_table(pa.table(columns | {"template_id": pa.array(tracks.ids)}), tmp_path / "a.parquet")
    np.save(tmp_path / "poses.npy", tracks.rows.poses)
    more = ("--feature-columns", "f*", "--poses", tmp_path / "poses.npy", "--pool", "template_id")
    call.done("enhance", work / "ridge", tmp_path / "a.parquet", *more, "--out", tmp_path / "b.parquet")
    table = pq.read_table(tmp_path / "b.parquet")
    found = np.column_stack([table[f"f{i}"].to_numpy() for i in range(x.shape[1])])
    assert found.dtype == np.float16
    wanted = poseid.load(work / "ridge").enhance(x, tracks.rows.poses, templates=tracks.ids)
    np.testing.assert_allclose(found.astype(float), wanted.features.astype(float), atol=1e-3)


def test_nested_columns_and_tensors_pass_through(tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    x = tracks.rows.features
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(x))
    rows = range(len(x))
    columns = {"track": pa.array([row // 7 for row in rows]), "f": tensors}
    columns["box"] = pa.array([{"x": row, "names": [str(row)] * (row % 3)} for row in rows])
    columns["kind"] = pa.array([f"k{row % 5}" for row in rows]).dictionary_encode()
    table = pa.table(columns)
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=50)
    call.done("enhance", "raw", tmp_path / "a.parquet", "--pool", "track", "--out", tmp_path / "b.parquet")
    found, first = pq.read_table(tmp_path / "b.parquet"), table.take(pa.array(rows[::7]))
    assert found.schema.names == [*table.schema.names, "frames", "weight"]
    for name in ("box", "kind", "track"):
        assert found.schema.field(name) == table.schema.field(name)
        assert found[name].to_pylist() == first[name].to_pylist()
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    sums = np.add.reduceat(units, np.arange(0, len(x), 7))
    vectors = found["f"].combine_chunks()
    vectors = (vectors.chunk(0) if isinstance(vectors, pa.ChunkedArray) else vectors).to_numpy_ndarray()
    np.testing.assert_allclose(vectors, sums / np.linalg.norm(sums, axis=1, keepdims=True), atol=1e-6)


def with_templates(data: FeatureSet, tracks: Tracks) -> FeatureSet:
    keys = [
        {"template_id": t, "media_id": m} if t is not None else {}
        for t, m in zip(tracks.ids, tracks.media, strict=True)
    ]
    entries = [
        entry | {key: value for key, value in more.items() if value is not None}
        for entry, more in zip(data.video.metadata, keys, strict=True)
    ]
    video = Rows(data.video.features, data.video.poses, data.video.people, entries)
    return FeatureSet(data.name, data.front, video, data.pairs)


@pytest.mark.parametrize("metadata", ["json", "parquet"])
def test_a_feature_folder(
    metadata: str, work: Path, tracks: Tracks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    if metadata == "parquet":
        monkeypatch.setattr(folder, "JSON_ROWS", 0)
    write_folder(with_templates(read_folder(work / "data"), tracks), tmp_path / "data")
    out = tmp_path / "out"
    arguments = ("enhance", work / "ridge", tmp_path / "data", "--pool", "template_id", "--out", out)
    assert "pairs.csv is left out" in call.done(*arguments)
    names = {f"{side}_{what}" for side in ("front", "video") for what in ("feature.npy", f"metadata.{metadata}")}
    assert {path.name for path in out.iterdir()} == names | {"_enhanced.jsonl"}
    for name in (f"front_metadata.{metadata}", "front_feature.npy"):
        assert (out / name).read_bytes() == (tmp_path / "data" / name).read_bytes()
    found, wanted, first = read_folder(out).video, expected(work, tracks), first_rows(tracks.ids)
    frames, weight = np.array(found.column("frames")), np.array(found.column("weight"))
    same(Read(found.features, frames, weight, np.array(first)), wanted, first)
    assert np.array_equal(found.poses, tracks.rows.poses[first])
    assert found.column("template_id") == [tracks.ids[row] for row in first]
    assert found.people.tolist() == tracks.rows.people[first].tolist()
    made = {path.name: path.read_bytes() for path in out.iterdir()}
    assert "was done before" in call.done(*arguments, "--resume")
    call.done(*arguments, "--force")
    assert {name: (out / name).read_bytes() for name in names} == {name: made[name] for name in names}
    refused = call.refused(*arguments[:4], "other", *arguments[5:-1], tmp_path / "second")
    assert f"video_metadata.{metadata}: has no column 'other': its columns are" in refused
    # pooled once, it has the columns that pooling adds
    refused = call.refused("enhance", "raw", out, "--pool", "template_id", "--out", tmp_path / "second")
    assert "has a column 'frames', which pooling adds" in refused


def test_both_sides_of_a_folder(work: Path, tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    data = with_templates(read_folder(work / "data"), tracks)
    write_folder(data, tmp_path / "data")
    assert cli.main(["baseline", "wccn", "--data", str(work / "data"), "--out", str(tmp_path / "wccn")]) == 0
    arguments = ("enhance", tmp_path / "wccn", tmp_path / "data", "--pool", "template_id", "--out", tmp_path / "out")
    call.done(*arguments)
    front = poseid.load(tmp_path / "wccn").enhance(data.front.features, data.front.poses)
    assert np.array_equal(read_folder(tmp_path / "out").front.features, front)
    assert "was done before" in call.done(*arguments, "--resume")


def test_the_record_knows_the_column(work: Path, tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    write(tmp_path / "a.npz", tracks)
    arguments = ["enhance", work / "ridge", tmp_path / "a.npz", "--out", tmp_path / "b.npz", "--pool", "template_id"]
    call.done(*arguments)
    assert "was done before" in call.done(*arguments, "--resume")
    assert "is there already" in call.refused(*arguments)
    arguments[-1] = "media_id"
    assert "is there, made with another model, option or input" in call.refused(*arguments, "--resume")
    assert "is there, made with another" in call.refused(*arguments[:-2], "--resume")
    (tmp_path / "_b.npz.enhanced.jsonl").unlink()
    assert "is there, but not in the record _b.npz.enhanced.jsonl" in call.refused(*arguments, "--resume")


def test_a_pooled_folder_is_no_enhanced_one(work: Path, tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    write_folder(with_templates(read_folder(work / "data"), tracks), tmp_path / "data")
    arguments = ("enhance", "raw", tmp_path / "data", "--out", tmp_path / "out")
    call.done(*arguments, "--pool", "template_id")
    assert "not empty" in call.refused(*arguments, "--resume")


def write_rows(source: Path, rows: int, model: object) -> list[str]:
    """Writes templates of three rows; returns the command that pools them."""
    x = np.random.default_rng(0).standard_normal((rows, 32)).astype(np.float32)
    ids = np.arange(rows) // 3
    if source.suffix == ".npz":
        np.savez(source, features=x, template_id=ids)
    elif source.suffix == ".h5":
        with h5py.File(source, "w") as file:
            file["features"], file["template_id"] = x, ids
    else:
        pq.write_table(pa.table({"features": list(x), "template_id": ids}), source)
    return ["enhance", str(model), str(source), "--pool", "template_id", "--out"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_and_started_again_gives_the_same_bytes(work: Path, tmp_path: Path) -> None:
    calls = write_rows(tmp_path / "in.parquet", 60_000, work / "ridge")
    assert cli.main([*calls, str(tmp_path / "whole.parquet")]) == 0
    out, partial = tmp_path / "out.parquet", tmp_path / ".out.parquet.partial"
    command = [sys.executable, "-m", "poseid", *calls, str(out), "--resume"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if partial.is_file() and partial.stat().st_size:
            process.kill()
            break
        time.sleep(0.001)
    assert process.wait() != 0
    assert not out.exists()
    assert cli.main([*calls, str(out), "--resume"]) == 0
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert not partial.exists()


@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_what_a_killed_process_leaves_is_written_anew(suffix: str, tmp_path: Path) -> None:
    calls = write_rows(tmp_path / f"in{suffix}", 300, "raw")
    assert cli.main([*calls, str(tmp_path / f"whole{suffix}")]) == 0
    out, partial = tmp_path / f"out{suffix}", tmp_path / f".out{suffix}.partial"
    partial.write_bytes((tmp_path / f"whole{suffix}").read_bytes()[:1000])
    assert cli.main([*calls, str(out), "--resume"]) == 0
    assert out.read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert not partial.exists()


def test_as_many_templates_as_rows(tmp_path: Path, call: Caller) -> None:
    n = 100_000
    x = np.random.default_rng(0).standard_normal((n, 4)).astype(np.float16)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 4)
    pq.write_table(pa.table({"template_id": [str(i) for i in range(n)], "f": vectors}), tmp_path / "a.parquet")
    text = call.done("enhance", "raw", tmp_path / "a.parquet", "--pool", "template_id", "--out", tmp_path / "b.parquet")
    assert "100,000 templates of 100,000 rows, at most 1 held at a time" in text
    table = pq.read_table(tmp_path / "b.parquet")
    assert table["frames"].to_numpy().tolist() == [1] * n
    found = table["f"].combine_chunks().flatten().to_numpy().reshape(-1, 4).astype(np.float32)
    units = x.astype(np.float32) / np.linalg.norm(x.astype(np.float32), axis=1, keepdims=True)
    np.testing.assert_allclose(found, units, atol=1e-3)


def test_a_person_who_is_not_named_is_nobody_else(tracks: Tracks, tmp_path: Path, call: Caller) -> None:
    people = ["a", None, "", "a"]
    columns = {"template_id": [7] * 4, "person_name": people, "f": list(tracks.rows.features[:4])}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    call.done("enhance", "raw", tmp_path / "a.parquet", "--pool", "template_id", "--out", tmp_path / "b.parquet")
    assert pq.read_table(tmp_path / "b.parquet")["frames"].to_pylist() == [4]
