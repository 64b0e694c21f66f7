"""``poseid enhance`` on several files: what is stopped leaves complete files, and is resumed."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseid import cli
from poseid.enhancers.api import LoadedEnhancer
from poseid.features.rows import FeatureSet
from tests.cli.caller import Caller, contents

ROOT = Path(__file__).parents[2]


@pytest.fixture
def shards(data: FeatureSet, tmp_path: Path) -> Path:
    """Eight shards of 60 rows, npy and Parquet in turn, poses for each beside."""
    (tmp_path / "in").mkdir()
    (tmp_path / "poses").mkdir()
    for i, (x, poses) in enumerate(zip(np.split(data.video.features, 8), np.split(data.video.poses, 8), strict=True)):
        if i % 2:
            pq.write_table(pa.table({"vector": list(x)}), tmp_path / "in" / f"part-{i}.parquet")
        else:
            np.save(tmp_path / "in" / f"part-{i}.npy", x)
        np.save(tmp_path / "poses" / f"part-{i}.npy", poses)
    (tmp_path / "in" / "notes.txt").write_text("not a shard", encoding="utf-8")
    return tmp_path


def test_a_directory_of_shards(work: Path, enhanced: np.ndarray, shards: Path, call: Caller) -> None:
    arguments = ("enhance", work / "ridge", shards / "in", "--poses", shards / "poses", "--out", shards / "out")
    call.done(*arguments)
    made = contents(shards / "out")
    assert set(made) == {"_enhanced.jsonl"} | {f"part-{i}.{'parquet' if i % 2 else 'npy'}" for i in range(8)}
    np.testing.assert_allclose(np.load(shards / "out" / "part-2.npy"), enhanced[120:180], atol=2e-6)
    assert "is there already" in call.refused(*arguments)
    # an input written anew is done again, the others are left alone
    x = np.load(shards / "in" / "part-0.npy")
    np.save(shards / "in" / "part-0.npy", x[::-1])
    assert "part-0.npy: is there, made with another model, option or input" in call.refused(*arguments, "--resume")
    (shards / "out" / "part-0.npy").unlink()
    assert "7 of 8 files were done before" in call.done(*arguments, "--resume")
    assert len(np.load(shards / "out" / "part-0.npy")) == 60
    call.done(*arguments, "--force")
    rest = contents(shards / "out")
    assert all(rest[name] == made[name] for name in made if name not in ("part-0.npy", "_enhanced.jsonl"))


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_and_resumed_equals_uninterrupted(work: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    names = [f"{i}.npy" for i in range(6)]
    for name in names:
        np.save(tmp_path / "in" / name, generator.standard_normal((30_000, 32)).astype(np.float32))
    complete, pieces = tmp_path / "complete", tmp_path / "pieces"
    start = ["enhance", str(work / "ridge"), str(tmp_path / "in"), "--out"]
    assert cli.main([*start, str(complete)]) == 0
    command = [sys.executable, "-m", "poseid", *start, str(pieces), "--resume"]
    killed = 0
    for finished in (1, 4):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            partial = next(pieces.glob(".*.partial"), None) if pieces.is_dir() else None
            done = sum((pieces / name).is_file() for name in names)
            if done >= finished and partial is not None:
                time.sleep(float(generator.uniform(0, 0.01)))
                process.kill()
                break
            time.sleep(0.001)
        killed += process.wait() != 0
        for name in names:  # what is there is complete
            assert not (pieces / name).is_file() or (pieces / name).read_bytes() == (complete / name).read_bytes()
    assert killed >= 1
    with (pieces / "_enhanced.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"file": "0.npy", "outp')  # a line that was being written
    assert cli.main([*start, str(pieces), "--resume"]) == 0
    assert {path.name for path in pieces.iterdir()} == {*names, "_enhanced.jsonl"}
    assert all((pieces / name).read_bytes() == (complete / name).read_bytes() for name in names)


def test_stopped_in_the_middle_leaves_nothing(
    work: Path, shards: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    calls, enhance = itertools.count(1), LoadedEnhancer.enhance_weighted

    def interrupted(self: LoadedEnhancer, features: np.ndarray, poses: object = None) -> tuple[np.ndarray, np.ndarray]:
        if next(calls) >= 3:
            raise KeyboardInterrupt
        return enhance(self, features, poses)

    monkeypatch.setattr(LoadedEnhancer, "enhance_weighted", interrupted)
    assert call("enhance", work / "ridge", shards / "in", "--out", shards / "out")[0] == 130
    assert set(contents(shards / "out")) == {"_enhanced.jsonl", "part-0.npy", "part-1.parquet"}
    assert call("enhance", work / "ridge", work / "data", "--out", shards / "folder")[0] == 130
    assert not list(shards.glob("*folder*"))


def test_suffixes_in_any_case_and_what_is_left_out(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    x, poses = data.video.features[:20], data.video.poses[:20]
    (tmp_path / "in" / "more.npy.d").mkdir(parents=True)
    np.save(tmp_path / "in" / "part-0.npy", x)
    for name in ("part-1.NPY", "c.pq", "_SUCCESS", "part-0.json", "part-1.Csv"):
        shutil.copyfile(tmp_path / "in" / "part-0.npy", tmp_path / "in" / name)
    (tmp_path / "in" / "part-0.json").write_text(json.dumps({"metadata": [{}] * 20, "poses": poses.tolist()}))
    angles = "\n".join(",".join(map(str, pose)) for pose in poses.tolist())
    (tmp_path / "in" / "part-1.Csv").write_text("yaw,pitch,roll\n" + angles + "\n")
    arguments = ("enhance", work / "ridge", tmp_path / "in", "--poses", tmp_path / "in", "--out", tmp_path / "out")
    assert "left out c.pq, more.npy.d: not .npy" in call.refused(*arguments, "--strict")
    assert not (tmp_path / "out").exists()
    status, _, err = call(*arguments)
    assert (status, err.count("\n")) == (0, 1)
    assert "left out c.pq, more.npy.d: not .npy" in err
    written = [np.fromfile(tmp_path / "out" / f"part-{name}", np.float32)[-x.size :] for name in ("0.npy", "1.NPY")]
    np.testing.assert_allclose(written[0], written[1], atol=1e-6)
    call.done("enhance", work / "ridge", tmp_path / "in" / "part-1.NPY", "--no-pose", "--out", tmp_path / "one.npy")


@pytest.mark.parametrize("name", ["data", "in"])
def test_a_file_that_appears_in_the_output_meanwhile_stays(
    name: str, work: Path, shards: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    """In a folder that is made anew the directory is replaced, among shards a file."""
    source, out = shards / name, shards / "out"
    if name == "data":
        shutil.copytree(work / "data", source)
    arguments = ("enhance", "raw", source, "--out", out, "--resume")
    mine = out / ("mine.txt" if name == "data" else "part-6.npy")
    if name == "data":
        call.done(*arguments)
        np.save(source / "video_feature.npy", np.load(source / "video_feature.npy")[::-1])
    enhance = LoadedEnhancer.enhance_weighted

    def meanwhile(self: LoadedEnhancer, features: np.ndarray, poses: object = None) -> tuple[np.ndarray, np.ndarray]:
        mine.write_text("mine", encoding="utf-8")
        return enhance(self, features, poses)

    monkeypatch.setattr(LoadedEnhancer, "enhance_weighted", meanwhile)
    status, _, err = call(*arguments)
    assert (status, err.count("error: ")) == (2, 1)
    assert mine.read_text(encoding="utf-8") == "mine"
    assert not list(shards.rglob("*.partial"))


@pytest.mark.parametrize("pool", [[], ["--pool", "template_id"]])
def test_a_folder_of_which_an_input_changed_is_made_anew(
    pool: list[str], work: Path, tmp_path: Path, call: Caller
) -> None:
    source, out = tmp_path / "data", tmp_path / "out"
    shutil.copytree(work / "data", source)
    path = source / "video_metadata.json"
    path.write_text(path.read_text(encoding="utf-8").replace('{"person_name"', '{"template_id": null, "person_name"'))
    arguments = ("enhance", "raw", source, *pool, "--out", out, "--resume")
    call.done(*arguments)
    changes = sorted(contents(source))
    assert len(changes) == 5
    for name in changes:
        old = (source / name).read_bytes()
        if name.endswith("npy"):
            np.save(source / name, np.load(source / name)[::-1])
        else:
            (source / name).write_bytes(old + b"\n")
        if pool and name == "pairs.csv":  # is no input
            assert "was done before" in call.done(*arguments)
            continue
        assert "was done before" not in call.done(*arguments)
        if not pool or name.startswith("front"):
            assert (out / name).read_bytes() == (source / name).read_bytes()
        assert "was done before" in call.done(*arguments)
    (out / "front_feature.npy").write_bytes(old)  # whoever changes the output is not overwritten
    assert "not empty" in call.refused(*arguments)
    shutil.copyfile(source / "front_feature.npy", out / "front_feature.npy")
    (out / "mine.txt").touch()
    assert "not empty" in call.refused(*arguments)
