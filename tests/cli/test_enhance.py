"""``poseid enhance``: the same vectors as the Python API gives, whatever the format; atomic, resumable, checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
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
from tests.cli.caller import Caller, contents

ROOT = Path(__file__).parents[2]


def write(path: Path, data: FeatureSet) -> tuple[object, ...]:
    """Writes the video rows, and returns the options that say where their poses are."""
    rows = data.video
    if path.suffix == ".npy":
        np.save(path, rows.features)
        return ("--poses", path.parent / "video_metadata.json")
    if path.suffix == ".npz":
        np.savez(path, vectors=rows.features, angles=np.ascontiguousarray(np.radians(rows.poses[:, [1, 0, 2]])))
        return ("--pose-columns", "angles", "--pose-order", "pitch,yaw,roll", "--pose-unit", "rad")
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["vectors"], file["poses"] = rows.features, rows.poses
    else:
        columns = {"person": pa.array(rows.people.tolist()), "vector": pa.array(list(rows.features))}
        columns |= {name: pa.array(rows.poses[:, i]) for i, name in enumerate(("yaw", "pitch", "roll"))}
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


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5", "a.parquet"])
def test_a_file_of_each_format(
    name: str, work: Path, data: FeatureSet, enhanced: np.ndarray, tmp_path: Path, call: Caller
) -> None:
    shutil.copy(work / "data" / "video_metadata.json", tmp_path)
    source, out, without = tmp_path / name, tmp_path / "出" / name, tmp_path / f"no{name}"
    options = write(source, data)
    status, text, err = call("enhance", work / "ridge", source, *options, "--out", out)
    assert (status, err) == (0, "")
    assert f"1 file: {len(enhanced)} rows, " in text
    # columns of float64 radians are the same poses but for the last bits
    np.testing.assert_allclose(read(out), enhanced, atol=2e-6)
    assert sorted(path.name for path in out.parent.iterdir()) == [f"_{name}.enhanced.jsonl", name]
    no_pose = ("enhance", work / "ridge", source, *options[:2], "--no-pose", "--out", without)
    if "--poses" in options:
        assert "not allowed with" in call.refused(*no_pose)  # poses are given and withheld
    else:
        call.done(*no_pose)
        np.testing.assert_allclose(read(without), poseid.load(work / "ridge").enhance(data.video.features), atol=2e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_dtype_stays(dtype: type, work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
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
    before, after = contents(work / "data"), contents(out)
    assert set(after) == set(before) | {"_enhanced.jsonl"}
    assert {name for name in before if before[name] != after[name]} == {"video_feature.npy"}
    assert np.array_equal(read_folder(out).video.features, enhanced)
    assert "not empty" in call.refused(*arguments)
    assert "was done before" in call.done(*arguments, "--resume")
    assert contents(out) == after
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
    assert {"front_metadata.parquet", "video_metadata.parquet"} < set(contents(tmp_path / "out"))
    assert np.array_equal(read_folder(tmp_path / "out").video.features, enhanced)


def test_both_sides_where_the_model_says_so(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    assert cli.main(["baseline", "wccn", "--data", str(work / "data"), "--out", str(tmp_path / "wccn")]) == 0
    assert "both sides" in call.done("enhance", tmp_path / "wccn", work / "data", "--out", tmp_path / "out")
    front = poseid.load(tmp_path / "wccn").enhance(data.front.features, data.front.poses)
    assert np.array_equal(read_folder(tmp_path / "out").front.features, front)


def test_vectors_of_other_recognisers(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    """They are warned of, and refused with --strict."""
    saved, x = open_model(str(work / "ridge")), data.video.features
    assert saved.info["fingerprint"]["dim"] == 32
    (tmp_path / "out").mkdir()

    def enhance(name: str, rows: np.ndarray, *options: object) -> tuple[object, ...]:
        np.save(tmp_path / f"{name}.npy", np.ascontiguousarray(rows))
        model = tmp_path / "plain.safetensors" if name == "plain" else work / "ridge"
        return ("enhance", model, tmp_path / f"{name}.npy", *options, "--out", tmp_path / "out" / f"{name}.npy")

    for name, rows, line in (
        ("scaled", x * 20, "median norm"),
        ("unit", x / np.linalg.norm(x, axis=1, keepdims=True), "already normalised"),
        ("shuffled", x[:, ::-1], "columns in another order"),
    ):
        assert line in call.refused(*enhance(name, rows, "--strict"))
        assert not list((tmp_path / "out").iterdir())
        status, _, err = call(*enhance(name, rows, "--force"))
        assert (status, err.startswith("warning: "), line in err) == (0, True, True)
        shutil.rmtree(tmp_path / "out")
        (tmp_path / "out").mkdir()
    call.done(*enhance("good", x, "--strict"))
    radians = tmp_path / "radians.npy"
    np.save(radians, np.radians(data.video.poses))
    assert "say --pose-unit rad" in call.refused(*enhance("second", x, "--strict", "--poses", radians))
    # a file that records no fingerprint is not checked
    save_enhancer(saved.enhancer, {"model": saved.info["model"], "sides": "probe"}, tmp_path / "plain.safetensors")
    call.done(*enhance("plain", x * 20, "--strict"))


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
    source, *poses = ("good.npy", "--poses", bad / name) if name == "poses.csv" else (name,)
    err = call.refused("enhance", work / "ridge", bad / source, *poses, "--out", bad / f"out{Path(source).suffix}")
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
    ("narrow.npy: vectors have 16 numbers, the model ridge takes 32: give", ("narrow.npy",)),
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
    nan, zero, large = np.tile(good, (1000, 1)), good.copy(), np.zeros((10, 3))
    nan[9100, 3], zero[3], large[2, 0] = np.nan, 0, 400
    arrays = {"good": good, "second": good, "nan": nan, "zero": zero, "narrow": good[:, :16].copy(), "large": large}
    for name, array in (arrays | {"nine": np.zeros((9, 3))}).items():
        np.save(tmp_path / f"{name}.npy", array)
    np.savez(tmp_path / "two.npz", a=good, b=good)
    (tmp_path / "x.txt").write_text("1", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(("line", "arguments"), BAD, ids=[f"{line} {arguments[0]}" for line, arguments in BAD])
def test_bad_input_is_one_line(
    line: str, arguments: tuple[str, ...], work: Path, bad: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    monkeypatch.chdir(bad)
    before = sorted(bad.rglob("*"))
    several = len(arguments) > 1 and not arguments[1].startswith("--")
    out = "out" if arguments[0] == "empty" or several else "out/out" + Path(arguments[0]).suffix
    assert line in call.refused("enhance", work / "ridge", *arguments, "--out", out)
    assert sorted(bad.rglob("*")) == before


def test_outputs_that_are_refused(work: Path, bad: Path, call: Caller) -> None:
    before = contents(bad)
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
    assert contents(bad) == before


def test_a_feature_folder_has_its_own_columns(work: Path, tmp_path: Path, call: Caller) -> None:
    for more in (("--feature-columns", "f*"), ("--pose-columns", "a,b,c"), ("--poses", tmp_path)):
        err = call.refused("enhance", work / "ridge", work / "data", *more, "--out", tmp_path / "o")
        assert "has its own vectors and poses" in err
    shutil.copytree(work / "data", tmp_path / "data")
    x = np.load(tmp_path / "data" / "video_feature.npy")
    x[7, 0] = np.inf
    np.save(tmp_path / "data" / "video_feature.npy", x)
    err = call.refused("enhance", work / "ridge", tmp_path / "data", "--out", tmp_path / "o")
    assert "video_feature.npy: row 7" in err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
