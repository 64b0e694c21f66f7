"""What ``poseid enhance --pool`` refuses: one line, nothing written."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.caller import Caller
from tests.cli.tracks import Tracks, arrays_of, read_tracks, write


@pytest.fixture(scope="module")
def tracks(work: Path) -> Tracks:
    return read_tracks(work)


BAD: list[tuple[str, str]] = [
    ("has no column 'track': its columns are template_id, vector", "a.parquet --pool track"),
    ("files of this format have no ids", "a.npy --pool template_id"),
    ("is another kind of file than a.parquet", "a.parquet a.npy --pool template_id"),
    ("is given twice", "a.parquet ./a.parquet --pool template_id"),
    ("a.parquet: row 0: yaw is ", "a.parquet --pool yaw"),
    ("a.parquet: row 0: vector is [", "a.parquet --pool vector"),
    ("names 2 columns", "a.parquet --pool *_id"),
    ("other.parquet: has other columns or types than a.parquet", "a.parquet other.parquet --pool template_id"),
    ("third.parquet: rows 0 and 9: template_id 7 stands on rows of two people, 'a' and 'b'", "third.parquet"),
    ("one.parquet: row 0 and second.parquet: row 0: template_id 7 stands on", "one.parquet second.parquet"),
    ("poses: has shape (480, 3): ids of 480 vectors are (480,)", "a.npz --pool poses"),
    ("poses: has shape (480, 3)", "a.h5 --pool poses"),
    ("share.npz: row 0: share is 0.0: write a text or an integer (in pandas the type", "share.npz --pool share"),
    ("share.h5: row 0: share is 0.0: write a text or an integer (in pandas the type", "share.h5 --pool share"),
    ("has a column 'weight', which pooling adds", "weight.npz"),
    ("empty.npz: row 2: template_id is empty", "empty.npz"),
    ("empty.npz: row 0: person_name is empty", "empty.npz --pool person_name"),
    ("cancel.npz: row 1: the template that begins here has rows that cancel out", "cancel.npz"),
    ("vectors are 32 float64, those of a.npz 32 float32", "a.npz double.npz"),
    ("the array 'number' is not in all files", "a.npz few.npz"),
    ("number: has rows of () int32, in a.npz () int64", "a.npz narrow.npz"),
    ("nan.npz: row 5 holds NaN or infinity", "nan.npz"),
    ("--out: is a directory: name a file", "a.npz --out ."),
    ("--out out.npy: give it the suffix of a.npz", "a.npz --out out.npy"),
    ("would write over the input", "a.npz b.npz --out b.npz --force"),
    ("holds no .npy", "none"),
    ("the column 'number' is there twice", "twice.parquet"),
]


@pytest.fixture
def bad(tracks: Tracks, tmp_path: Path) -> Path:
    for suffix in (".npz", ".h5", ".parquet"):
        write(tmp_path / f"a{suffix}", tracks)
    arrays = arrays_of(tracks)
    x = arrays["features"]
    np.save(tmp_path / "a.npy", x)
    (tmp_path / "none").mkdir()
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.drop_columns(["number"]), tmp_path / "other.parquet")
    pq.write_table(table.append_column("number", table["number"]), tmp_path / "twice.parquet")
    for name, people in (("third", [*["a"] * 9, "b"]), ("one", ["a"] * 10), ("second", ["b"] * 10)):
        columns = {"template_id": [7] * 10, "person_name": people, "f": list(x[:10])}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    share = np.linspace(0, 1, len(x))
    np.savez(tmp_path / "share.npz", features=x, share=share)
    with h5py.File(tmp_path / "share.h5", "w") as file:
        file["features"], file["share"] = x, share
    faults = {
        "b": {},
        "weight": {"weight": share},
        "empty": {"template_id": np.array(["a", "b", "", *["c"] * (len(x) - 3)]), "person_name": np.full(len(x), "")},
        "double": {"features": x.astype(np.float64)},
        "narrow": {"number": arrays["number"].astype(np.int32)},
        "nan": {"features": np.where(np.arange(len(x))[:, None] == 5, np.nan, x).astype(np.float32)},
    }
    for name, changed in faults.items():
        np.savez(tmp_path / f"{name}.npz", **(arrays | changed))  # type: ignore[arg-type]
    few = {name: array for name, array in arrays.items() if name != "number"}
    np.savez(tmp_path / "few.npz", **few)  # type: ignore[arg-type]
    np.savez(tmp_path / "cancel.npz", features=np.outer([1.0, 1.0, -1.0], np.ones(32)), template_id=[3, 4, 4])
    return tmp_path


@pytest.mark.parametrize(("line", "command"), BAD, ids=[command for _, command in BAD])
def test_bad_input_is_one_line(
    line: str, command: str, bad: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    monkeypatch.chdir(bad)
    inputs = command.split()
    more = [] if "--pool" in inputs else ["--pool", "template_id"]
    out = [] if "--out" in inputs else ["--out", f"out/out{Path(inputs[0]).suffix}"]
    before = sorted(bad.rglob("*"))
    status, _, err = call("enhance", "raw", *inputs, *more, *out)
    assert (status, err.count("\n")) == (2, 1), err
    assert line in err.replace("--out .:", "--out:")
    assert sorted(bad.rglob("*")) == before
