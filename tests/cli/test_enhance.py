"""``poseid enhance``: the same vectors as the Python API gives, whatever the format; whole, resumable, careful."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import poseid
from poseid import cli
from poseid.enhancers.saving import open_model, save_enhancer
from poseid.features import folder
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import FeatureSet
from tests.cli.caller import Caller

ROOT = Path(__file__).parents[2]
DIM = 32


@pytest.fixture(scope="module")
def data(work: Path) -> FeatureSet:
    return read_folder(work / "data")


@pytest.fixture(scope="module")
def enhanced(work: Path, data: FeatureSet) -> np.ndarray:
    """The video rows, enhanced by the Python API."""
    out: np.ndarray = poseid.load(work / "ridge").enhance(data.video.features, data.video.poses)
    assert not np.allclose(out, data.video.features)
    return out


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def write_npy(path: Path, data: FeatureSet) -> tuple[object, ...]:
    np.save(path, data.video.features)
    return ("--poses", path.parent / "video_metadata.json")


def write_npz(path: Path, data: FeatureSet) -> tuple[object, ...]:
    np.savez(path, vectors=data.video.features, angles=np.ascontiguousarray(np.radians(data.video.poses[:, [1, 0, 2]])))
    return ("--pose-columns", "angles", "--pose-order", "pitch,yaw,roll", "--pose-unit", "rad")


def write_hdf5(path: Path, data: FeatureSet) -> tuple[object, ...]:
    with h5py.File(path, "w") as file:
        file["vectors"], file["poses"] = data.video.features, data.video.poses
    return ()


def write_parquet(path: Path, data: FeatureSet) -> tuple[object, ...]:
    columns = {"person": pa.array(data.video.people.tolist()), "vector": pa.array(list(data.video.features))}
    columns |= {name: pa.array(data.video.poses[:, i]) for i, name in enumerate(("yaw", "pitch", "roll"))}
    pq.write_table(pa.table(columns), path, row_group_size=100)
    return ()


def read(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.asarray(np.load(path))
    if path.suffix == ".npz":
        return np.asarray(np.load(path)["vectors"])
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return np.asarray(file["vectors"][:])
    table = pq.read_table(path)
    assert table.column_names == ["person", "vector", "yaw", "pitch", "roll"]
    return np.array(table["vector"].to_pylist(), np.float32)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.npy", write_npy), ("a.npz", write_npz), ("a.h5", write_hdf5), ("a.parquet", write_parquet)],
)
def test_a_file_of_each_format(
    name: str,
    write: Callable[[Path, FeatureSet], tuple[object, ...]],
    work: Path,
    data: FeatureSet,
    enhanced: np.ndarray,
    tmp_path: Path,
    call: Caller,
) -> None:
    shutil.copy(work / "data" / "video_metadata.json", tmp_path)
    arguments = write(tmp_path / name, data)
    out = tmp_path / "出" / name
    status, text, err = call("enhance", work / "ridge", tmp_path / name, *arguments, "--out", out)
    assert (status, err) == (0, "")
    assert f"{len(enhanced)} rows in 1 file" in text
    # columns of float64 radians are the same poses but for the last bits
    np.testing.assert_allclose(read(out), enhanced, atol=2e-6)
    assert sorted(path.name for path in out.parent.iterdir()) == [f"_{name}.enhanced.jsonl", name]
    status, _, _ = call(
        "enhance", work / "ridge", tmp_path / name, *arguments[:2], "--no-pose", "--out", tmp_path / f"no{name}"
    )
    if "--poses" in arguments:
        assert status == 2  # poses are given and withheld
    else:
        alone = poseid.load(work / "ridge").enhance(data.video.features)
        np.testing.assert_allclose(read(tmp_path / f"no{name}"), alone, atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_dtype_is_kept(dtype: type, work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    x = data.video.features.astype(dtype)
    np.save(tmp_path / "x.npy", x)
    call.done("enhance", work / "ridge", tmp_path / "x.npy", "--out", tmp_path / "y.npy")
    y = np.load(tmp_path / "y.npy")
    assert y.dtype == dtype
    assert np.array_equal(y, poseid.load(work / "ridge").enhance(x))


def test_a_feature_folder(work: Path, data: FeatureSet, enhanced: np.ndarray, tmp_path: Path, call: Caller) -> None:
    out = tmp_path / "folder"
    arguments = ("enhance", work / "ridge", work / "data", "--out", out)
    call.done(*arguments)
    before, after = files(work / "data"), files(out)
    assert set(after) == set(before) | {"_enhanced.jsonl"}
    assert {name for name in before if before[name] != after[name]} == {"video_feature.npy"}
    assert np.array_equal(read_folder(out).video.features, enhanced)
    assert "not empty" in call.refused(*arguments)
    assert "was done before" in call.done(*arguments, "--resume")
    assert files(out) == after
    (out / "mine.txt").write_text("old", encoding="utf-8")
    call.done(*arguments, "--force", "--no-pose")
    assert np.array_equal(read_folder(out).video.features, poseid.load(work / "ridge").enhance(data.video.features))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]
    assert "not empty" in call.refused(*arguments, "--resume")  # made without poses
    assert "not empty" in call.refused(*arguments[:3], "--out", tmp_path, "--force")  # no feature folder, never removed


def test_a_feature_folder_with_parquet_metadata(
    work: Path, data: FeatureSet, enhanced: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    monkeypatch.setattr(folder, "JSON_ROWS", 0)
    write_folder(data, tmp_path / "data")
    call.done("enhance", work / "ridge", tmp_path / "data", "--out", tmp_path / "out")
    assert {"front_metadata.parquet", "video_metadata.parquet"} < set(files(tmp_path / "out"))
    assert np.array_equal(read_folder(tmp_path / "out").video.features, enhanced)


def test_both_sides_where_the_model_says_so(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    assert cli.main(["baseline", "wccn", "--data", str(work / "data"), "--out", str(tmp_path / "wccn")]) == 0
    assert "both sides" in call.done("enhance", tmp_path / "wccn", work / "data", "--out", tmp_path / "out")
    front = poseid.load(tmp_path / "wccn").enhance(data.front.features, data.front.poses)
    assert np.array_equal(read_folder(tmp_path / "out").front.features, front)


@pytest.fixture
def shards(data: FeatureSet, tmp_path: Path) -> Path:
    """Eight shards of 60 rows, npy and Parquet in turn, poses for each beside."""
    (tmp_path / "in").mkdir()
    (tmp_path / "poses").mkdir()
    for i in range(8):
        part = slice(60 * i, 60 * (i + 1))
        x, poses = data.video.features[part], data.video.poses[part]
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
    made = files(shards / "out")
    assert set(made) == {"_enhanced.jsonl"} | {f"part-{i}.{'parquet' if i % 2 else 'npy'}" for i in range(8)}
    np.testing.assert_allclose(np.load(shards / "out" / "part-2.npy"), enhanced[120:180], atol=2e-6)
    assert "is there already" in call.refused(*arguments)
    # an input written anew is done again, the others are left alone
    x = np.load(shards / "in" / "part-0.npy")
    np.save(shards / "in" / "part-0.npy", x[::-1])
    assert "part-0.npy: is there and not made by this model from this input" in call.refused(*arguments, "--resume")
    (shards / "out" / "part-0.npy").unlink()
    assert "7 of 8 files were done before" in call.done(*arguments, "--resume")
    assert len(np.load(shards / "out" / "part-0.npy")) == 60
    call.done(*arguments, "--force")
    rest = files(shards / "out")
    assert all(rest[name] == made[name] for name in made if name not in ("part-0.npy", "_enhanced.jsonl"))


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


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_killed_and_resumed_equals_uninterrupted(work: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    for i in range(6):
        np.save(tmp_path / "in" / f"{i}.npy", generator.standard_normal((30_000, DIM)).astype(np.float32))
    names = [f"{i}.npy" for i in range(6)]
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert cli.main(["enhance", str(work / "ridge"), str(tmp_path / "in"), "--out", str(whole)]) == 0
    command = [sys.executable, "-m", "poseid", "enhance", str(work / "ridge"), str(tmp_path / "in")]
    killed = 0
    for finished in (1, 4):
        process = subprocess.Popen(
            [*command, "--out", str(pieces), "--resume"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None:
            partial = next(pieces.glob(".*.partial"), None) if pieces.is_dir() else None
            done = sum((pieces / name).is_file() for name in names)
            if done >= finished and partial is not None:
                time.sleep(float(generator.uniform(0, 0.01)))
                process.kill()
                break
            time.sleep(0.001)
        killed += process.wait() != 0
        for name in names:  # what is there is whole
            assert not (pieces / name).is_file() or (pieces / name).read_bytes() == (whole / name).read_bytes()
    assert killed >= 1
    with (pieces / "_enhanced.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"file": "0.npy", "outp')  # a line that was being written
    assert cli.main(["enhance", str(work / "ridge"), str(tmp_path / "in"), "--out", str(pieces), "--resume"]) == 0
    assert {path.name for path in pieces.iterdir()} == {*names, "_enhanced.jsonl"}
    for name in names:
        assert (pieces / name).read_bytes() == (whole / name).read_bytes()


def test_stopped_in_the_middle_leaves_nothing(
    work: Path, shards: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    from poseid.enhancers.api import LoadedEnhancer

    calls = 0
    enhance = LoadedEnhancer.enhance

    def interrupted(self: LoadedEnhancer, features: np.ndarray, poses: object = None) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return enhance(self, features, poses)

    monkeypatch.setattr(LoadedEnhancer, "enhance", interrupted)
    assert call("enhance", work / "ridge", shards / "in", "--out", shards / "out")[0] == 130
    assert set(files(shards / "out")) == {"_enhanced.jsonl", "part-0.npy", "part-1.parquet"}
    calls = 2
    assert call("enhance", work / "ridge", work / "data", "--out", shards / "folder")[0] == 130
    assert not list(shards.glob("*folder*"))


def test_other_recognisers_are_warned_of_and_refused_when_strict(
    work: Path, data: FeatureSet, tmp_path: Path, call: Caller
) -> None:
    saved = open_model(str(work / "ridge"))
    assert saved.info["fingerprint"]["dim"] == DIM
    for name, x in (
        ("good", data.video.features),
        ("scaled", data.video.features * 20),
        ("unit", data.video.features / np.linalg.norm(data.video.features, axis=1, keepdims=True)),
        ("shuffled", data.video.features[:, ::-1]),
    ):
        np.save(tmp_path / f"{name}.npy", np.ascontiguousarray(x))
    for name, line in (
        ("scaled", "median norm"),
        ("unit", "already normalised"),
        ("shuffled", "columns in another order"),
    ):
        arguments = ("enhance", work / "ridge", tmp_path / f"{name}.npy", "--out", tmp_path / "out.npy")
        assert line in call.refused(*arguments, "--strict")
        assert not list(tmp_path.glob("*out.npy*"))
        status, _, err = call(*arguments, "--force")
        assert (status, err.startswith("warning: "), line in err) == (0, True, True)
        for left in tmp_path.glob("*out.npy*"):
            left.unlink()
    good = ("enhance", work / "ridge", tmp_path / "good.npy", "--strict", "--out")
    call.done(*good, tmp_path / "1.npy")
    np.save(tmp_path / "radians.npy", np.radians(data.video.poses))
    assert "say --pose-unit rad" in call.refused(*good, tmp_path / "2.npy", "--poses", tmp_path / "radians.npy")
    # a file that records no fingerprint is not checked
    save_enhancer(saved.enhancer, {"model": saved.info["model"], "sides": "probe"}, tmp_path / "plain.safetensors")
    arguments = ("enhance", tmp_path / "plain.safetensors", tmp_path / "scaled.npy", "--strict", "--out")
    call.done(*arguments, tmp_path / "3.npy")


def test_without_torch(work: Path, data: FeatureSet, tmp_path: Path) -> None:
    script = "import sys; sys.modules['torch'] = None; from poseid.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "enhance", "raw", str(work / "data"), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert np.array_equal(np.load(tmp_path / "out" / "video_feature.npy"), data.video.features)


@pytest.mark.parametrize(("package", "name"), [("pyarrow", "a.parquet"), ("h5py", "a.h5"), ("pyarrow", "poses.csv")])
def test_a_missing_package_is_one_line(
    package: str, name: str, work: Path, bad: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    (bad / name).write_bytes(b"")
    inputs = ("good.npy", "--poses", bad / name) if name == "poses.csv" else (name,)
    out = bad / f"out{Path(inputs[0]).suffix}"
    status, _, err = call("enhance", work / "ridge", bad / inputs[0], *inputs[1:], "--out", out)
    assert (status, err.count("\n")) == (2, 1)
    assert f'{name}: reading it needs {package}: pip install "poseid[tables]"' in err
    if package == "pyarrow":
        table = ("--feature-columns", "f*", "--person", "person", "--out", bad / "folder")
        assert "pip install" in call.refused("import", bad / name, *table)


def test_the_record_says_what_was_made_from_what(work: Path, tmp_path: Path, call: Caller) -> None:
    source = work / "data" / "video_feature.npy"
    call.done("enhance", work / "ridge", source, "--out", tmp_path / "v.npy")
    (line,) = (tmp_path / "_v.npy.enhanced.jsonl").read_text(encoding="utf-8").splitlines()
    entry = json.loads(line)
    assert entry["file"] == "v.npy"
    assert entry["inputs"]["features"]["size"] == source.stat().st_size
    assert entry["output"]["size"] == (tmp_path / "v.npy").stat().st_size
    assert str(work) not in line


BAD: list[tuple[str, tuple[str, ...]]] = [
    ("row 9100 holds NaN or infinity", ("nan.npy",)),
    ("row 3 is all zeros", ("zero.npy",)),
    ("vectors have 16 numbers, the model is made for 32", ("narrow.npy",)),
    ("no such file", ("none.npy",)),
    ("unknown kind of file", ("x.txt",)),
    ("an npy file has no columns", ("good.npy", "--feature-columns", "f0..f31")),
    ("9 poses for 10 rows", ("good.npy", "--poses", "nine.npy")),
    ("row 2: pose [400.0", ("good.npy", "--poses", "large.npy")),
    ("no such file", ("good.npy", "--poses", "none.csv")),
    ("is missing", ("good.npy", "--poses", "none.npy")),
    ("--poses empty: is a directory", ("good.npy", "--poses", "empty")),
    ("several inputs need a directory", ("good.npy", "second.npy", "--poses", "nine.npy")),
    ("has no good.npy, .json", ("good.npy", "second.npy", "--poses", "empty")),
    ("two inputs have this name", ("good.npy", "empty/../good.npy")),
    ("holds no .npy", ("empty",)),
    ("give one directory alone", ("good.npy", "empty")),
    ("--pose-order yaw: write", ("good.npy", "--pose-order", "yaw")),
    ("invalid choice: 'turns'", ("good.npy", "--pose-unit", "turns")),
    ("say which", ("two.npz",)),
    ("no column 'c'", ("two.npz", "--feature-columns", "c")),
    ("not allowed with", ("good.npy", "--resume", "--force")),
]


@pytest.fixture
def bad(data: FeatureSet, tmp_path: Path) -> Path:
    good = data.video.features[:10]
    np.save(tmp_path / "good.npy", good)
    np.save(tmp_path / "second.npy", good)
    broken = np.tile(good, (1000, 1))
    broken[9100, 3] = np.nan
    np.save(tmp_path / "nan.npy", broken)
    zero = good.copy()
    zero[3] = 0
    np.save(tmp_path / "zero.npy", zero)
    np.save(tmp_path / "narrow.npy", good[:, :16].copy())
    np.save(tmp_path / "nine.npy", np.zeros((9, 3)))
    np.save(tmp_path / "large.npy", np.array([[0.0, 0, 0]] * 2 + [[400.0, 0, 0]] + [[0.0, 0, 0]] * 7))
    np.savez(tmp_path / "two.npz", a=good, b=good)
    (tmp_path / "x.txt").write_text("1", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(("line", "arguments"), BAD, ids=[f"{line} {arguments[0]}" for line, arguments in BAD])
def test_bad_input_is_one_line(
    line: str,
    arguments: tuple[str, ...],
    work: Path,
    bad: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Caller,
) -> None:
    monkeypatch.chdir(bad)
    before = sorted(bad.rglob("*"))
    several = len(arguments) > 1 and not arguments[1].startswith("--")
    out = "out" if arguments[0] == "empty" or several else "out/out" + Path(arguments[0]).suffix
    assert line in call.refused("enhance", work / "ridge", *arguments, "--out", out)
    assert sorted(bad.rglob("*")) == before


def test_outputs_that_are_refused(work: Path, bad: Path, call: Caller) -> None:
    before = files(bad)
    os.link(bad / "good.npy", bad / "link.npy")
    shutil.copytree(work / "data", bad / "folder")
    for source, out, line in (
        ("good.npy", "good.npy", "would write over the input"),
        ("good.npy", "link.npy", "would write over the input"),
        ("good.npy", "empty", "is a directory"),
        ("good.npy", "out.npz", "give it the suffix of good.npy"),
        ("good.npy", "second.npy", "is there already"),
        (".", "good.npy", "is a file"),
        (".", ".", "would write over the input"),
        ("folder", "folder", "is the input"),
        ("folder", "good.npy", "is there and no directory"),
    ):
        force = ("--force",) if "over the input" in line else ()
        assert line in call.refused("enhance", work / "ridge", bad / source, *force, "--out", bad / out)
    (bad / "link.npy").unlink()
    shutil.rmtree(bad / "folder")
    assert files(bad) == before


def test_a_feature_folder_has_its_own_columns(work: Path, tmp_path: Path, call: Caller) -> None:
    for more in (("--feature-columns", "f*"), ("--pose-columns", "a,b,c"), ("--poses", tmp_path)):
        err = call.refused("enhance", work / "ridge", work / "data", *more, "--out", tmp_path / "o")
        assert "has its own vectors and poses" in err
    shutil.copytree(work / "data", tmp_path / "data")
    x = np.load(tmp_path / "data" / "video_feature.npy")
    x[7, 0] = np.inf
    np.save(tmp_path / "data" / "video_feature.npy", x)
    assert "video_feature.npy: row 7" in call.refused(
        "enhance", work / "ridge", tmp_path / "data", "--out", tmp_path / "o"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
