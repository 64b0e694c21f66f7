"""``poseid import``: what goes into a table comes out of the folder; a bad table is one line and leaves nothing."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseid.features.folder import read_folder
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller

DIM = 16
NAMES = [f"f{i}" for i in range(DIM)]
COLUMNS = ("--feature-columns", "f0..f15", "--person", "person")
POSE = ("--pose", "yaw,pitch,roll")
Columns = dict[str, list[Any]]
Change = Callable[[Columns], None]


def table() -> Columns:
    """12 people, 6 photos each, as columns; poses of every 7th photo unknown."""
    data = synthetic(people=12, probes=4, dim=DIM)
    order = np.random.default_rng(0).permutation(len(data.front) + len(data.video))
    x, poses, people = (
        np.concatenate([getattr(data.front, name), getattr(data.video, name)])[order]
        for name in ("features", "poses", "people")
    )
    columns: Columns = {"photo": [f"{i}.jpg" for i in range(len(x))], "person": people.tolist()}
    for i, name in enumerate(("yaw", "pitch", "roll")):
        columns[name] = [None if row % 7 == 0 else float(v) for row, v in enumerate(poses[:, i])]
    for i, name in enumerate(NAMES):
        columns[name] = x[:, i].tolist()
    return columns


def write_csv(path: Path, columns: Columns, delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def write_parquet(path: Path, columns: Columns) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def imported(call: Caller, path: Path, *arguments: object) -> FeatureSet:
    out = path.with_name(path.name + ".folder")
    printed = call.done("import", path, *arguments, "--out", out)
    assert printed.splitlines()[-1].startswith("next: poseid doctor ")
    return read_folder(out)


def check_rows(folder: FeatureSet, columns: Columns) -> None:
    """Every row of the table is once in the folder, in the table's order on its side."""
    x = np.array([columns[name] for name in NAMES], np.float32).T
    where = {row.tobytes(): i for i, row in enumerate(x)}
    found = []
    for side in (folder.front, folder.video):
        at = [where[row.astype(np.float32).tobytes()] for row in side.features]
        assert at == sorted(at)
        assert side.people.tolist() == [columns["person"][i] for i in at]
        poses = np.array([[columns[name][i] for name in ("yaw", "pitch", "roll")] for i in at], np.float32)
        assert np.array_equal(side.poses, poses, equal_nan=True)
        found += at
    assert sorted(found) == list(range(len(x)))


def test_every_second_frontal_photo_is_a_front_row(tmp_path: Path, call: Caller) -> None:
    columns = table()
    folder = imported(call, write_csv(tmp_path / "照片.csv", columns), *COLUMNS, *POSE, "--frontal-max", "25")
    check_rows(folder, columns)
    seen: Counter[str] = Counter()
    front = 0
    for person, yaw in zip(columns["person"], columns["yaw"], strict=True):
        if yaw is not None and abs(yaw) <= 25:
            front += seen[person] % 2 == 0
            seen[person] += 1
    assert len(folder.front) == front
    assert np.abs(folder.front.poses[:, 0]).max() <= 25
    frontal_probes = np.abs(folder.video.poses[:, 0]) <= 25
    assert frontal_probes.sum() == seen.total() - front > 0


def test_the_batches_of_a_long_table_change_nothing(tmp_path: Path, call: Caller) -> None:
    short = {name: values * 150 for name, values in table().items()}  # 10,800 rows are two batches
    folder = imported(call, write_parquet(tmp_path / "t.parquet", short), *COLUMNS, *POSE)
    once = imported(call, write_csv(tmp_path / "t.csv", table()), *COLUMNS, *POSE)
    frontal = sum(yaw is not None and abs(yaw) <= 20 for yaw in table()["yaw"])
    assert len(folder.front) == 75 * frontal
    assert set(map(bytes, np.asarray(once.front.features))) <= set(map(bytes, folder.front.features.astype(np.float32)))


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_roles_and_other_delimiters(delimiter: str, tmp_path: Path, call: Caller) -> None:
    columns = table()
    columns["role"] = ["front" if i % 3 == 0 else "video" for i in range(len(columns["person"]))]
    path = write_csv(tmp_path / "t.csv", columns, delimiter)
    folder = imported(call, path, *COLUMNS, *POSE, "--role", "role")
    check_rows(folder, columns)
    assert len(folder.front) == columns["role"].count("front")


@pytest.mark.parametrize("style", ["blank", "quoted", "excel", "excel bom", "numpy", "numpy lists", "arrays"])
def test_ways_to_write_a_csv(style: str, tmp_path: Path, call: Caller) -> None:
    columns, path, features = table(), tmp_path / "t.csv", COLUMNS
    columns["person"][3] = columns["person"][3].replace(" ", "; ")  # a delimiter inside a cell
    x = np.array([columns[name] for name in NAMES], np.float32).T
    if style.startswith("numpy"):
        cells = [[repr(np.float32(value)) for value in row] for row in x]
        if style == "numpy":
            written = columns | {name: [row[i] for row in cells] for i, name in enumerate(NAMES)}
        else:
            written, features = columns | {"v": [f"[{', '.join(row)}]" for row in cells]}, ("--feature-columns", "v")
    elif style == "arrays":
        with np.printoptions(floatmode="unique"):
            written, features = columns | {"v": [repr(row) for row in x]}, ("--feature-columns", "v")
    else:
        written = columns
    write_csv(path, written, ";" if "excel" in style else ",")
    text = path.read_text(encoding="utf-8")
    if "excel" in style:
        text = "sep=;\n" + text
    elif style in ("blank", "quoted"):
        text = text.replace(",", ", ")
        if style == "quoted":
            text = text.replace(columns["person"][0], f'"{columns["person"][0]}"').replace(" yaw", ' "yaw"')
    path.write_text(text, encoding="utf-8-sig" if "bom" in style else "utf-8", newline="\n")
    check_rows(imported(call, path, *features, "--person", "person", *POSE), columns)
    bad = path.with_name("bad.csv")
    lines = text.splitlines(keepends=True)
    above = 2 if "excel" in style else 1
    sign = ";" if "excel" in style else ","
    bad.write_text("".join([*lines[: above + 2], f"photo{sign}alone\n"]), encoding="utf-8")
    if style != "arrays":  # whose cells have line breaks
        refused(call, bad, "row 2: 2 cells, not", ())


@pytest.mark.parametrize("suffix", ["csv", "parquet", "CSV"])
def test_a_directory_of_part_files(suffix: str, tmp_path: Path, call: Caller) -> None:
    columns = table()
    (tmp_path / "parts").mkdir()
    for part in range(3):
        some = {name: values[24 * part : 24 * (part + 1)] for name, values in columns.items()}
        path = tmp_path / "parts" / f"part-0000{part}.{suffix}"
        if suffix == "parquet":
            some[NAMES[0]] = np.array(some[NAMES[0]], np.float32).tolist()
            table_of = pa.table(some)
            pq.write_table(
                table_of.cast(
                    pa.schema([(f.name, pa.float32() if f.name in NAMES else f.type) for f in table_of.schema])
                ),
                path,
            )
        else:
            write_csv(path, some)
    (tmp_path / "parts" / "_SUCCESS").touch()
    folder = imported(call, tmp_path / "parts", *COLUMNS, *POSE)
    check_rows(folder, columns)
    (tmp_path / "parts" / "notes.txt").touch()
    status, _, err = call("import", tmp_path / "parts", *COLUMNS, *POSE, "--out", tmp_path / "again")
    assert (status, err) == (0, f"warning: {tmp_path / 'parts'}: left out notes.txt\n")
    if suffix != "parquet":
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([*lines[:5], lines[5].replace("00", "x,", 1)]), encoding="utf-8")
        refused(call, tmp_path / "parts", f"part-00002.{suffix}: row 4: ", ())


def test_poses_in_a_struct(tmp_path: Path, call: Caller) -> None:
    columns = table()
    angles = [
        dict(zip(("Roll", "Yaw", "Pitch"), row, strict=True))
        for row in zip(columns["roll"], columns["yaw"], columns["pitch"], strict=True)
    ]
    inner = {key: values for key, values in columns.items() if key not in ("yaw", "pitch", "roll")}
    pq.write_table(pa.table(inner | {"head": angles}), tmp_path / "t.parquet")
    check_rows(imported(call, tmp_path / "t.parquet", *COLUMNS, "--pose", "head"), columns)
    order = ("--pose", "head", "--pose-order", "pitch,yaw,roll")
    refused(call, tmp_path / "t.parquet", "contradicts the columns head.Yaw", order)


def test_sources_beat_poses_and_are_kept(tmp_path: Path, call: Caller) -> None:
    columns = table()
    n = len(columns["person"])
    columns["from"] = ["frontal/1" if i % 2 else "profile/1" for i in range(n)]
    folder = imported(call, write_csv(tmp_path / "t.csv", columns), *COLUMNS, "--source", "from")
    assert {entry["source"] for entry in folder.front.metadata} == {"frontal/1"}
    counts = Counter(
        person for person, source in zip(columns["person"], columns["from"], strict=True) if source[0] == "f"
    )
    assert len(folder.front) == sum(-(-count // 2) for count in counts.values())
    assert folder.front.missing_poses == len(folder.front)


def test_lists_radians_order_and_numbered_people(tmp_path: Path, call: Caller) -> None:
    columns = table()
    x = np.array([columns[name] for name in NAMES], np.float32).T
    codes = {person: i for i, person in enumerate(dict.fromkeys(columns["person"]))}
    poses = [
        None if yaw is None else np.radians([roll, yaw, pitch]).tolist()
        for yaw, pitch, roll in zip(columns["yaw"], columns["pitch"], columns["roll"], strict=True)
    ]
    short = {"v": x.astype(np.float64).tolist(), "who": [codes[person] for person in columns["person"]], "p": poses}
    texts = short | {"v": [str(row) for row in x.astype(np.float64).tolist()], "p": [str(p or "") for p in poses]}
    arguments = ("--feature-columns", "v", "--person", "who", "--pose", "p")
    written = ("--pose-order", "roll,yaw,pitch", "--pose-unit", "rad")
    plain = imported(call, write_csv(tmp_path / "plain.csv", columns), *COLUMNS, *POSE)
    for path in (write_parquet(tmp_path / "t.parquet", short), write_csv(tmp_path / "t.csv", texts)):
        folder = imported(call, path, *arguments, *written)
        assert np.array_equal(folder.video.features, plain.video.features)
        np.testing.assert_allclose(folder.video.poses, plain.video.poses, rtol=1e-5)
        assert folder.video.people.tolist() == [str(codes[person]) for person in plain.video.people.tolist()]
    assert "say --pose-unit rad" in call("import", tmp_path / "t.parquet", *arguments, "--out", tmp_path / "degrees")[2]


def test_vectors_in_one_more_list(tmp_path: Path, call: Caller) -> None:
    columns = table()
    lists = np.array([columns[name] for name in NAMES], np.float32).T.tolist()
    for name, vectors in (("plain", lists), ("nested", [[row] for row in lists])):
        others = {key: columns[key] for key in ("person", "yaw", "pitch", "roll")}
        pq.write_table(pa.table({"v": vectors} | others), tmp_path / f"{name}.parquet")
    arguments = ("--feature-columns", "v", "--person", "person", *POSE)
    plain, nested = (imported(call, tmp_path / f"{name}.parquet", *arguments) for name in ("plain", "nested"))
    assert np.array_equal(plain.video.features, nested.video.features)


def changed(name: str, row: int | None, value: object) -> Change:
    """Sets one value of a column, or all where ``row`` is None."""

    def change(columns: Columns) -> None:
        old = columns.get(name, [""] * len(columns["person"]))
        columns[name] = [value if row in (None, i) else before for i, before in enumerate(old)]

    return change


def floats(name: str) -> Change:
    return lambda columns: columns.update({name: [1.5 if i % 3 == 1 else i for i in range(len(columns["person"]))]})


def pandas_integers(name: str) -> Change:
    """As pandas writes integers of a column with empty cells."""
    return lambda columns: columns.update({name: [None if i % 3 == 1 else float(i) for i in range(72)]})


def lists(row: int, value: object) -> Change:
    """Lists in place of the numbers of ``f0``, one of them another."""

    def change(columns: Columns) -> None:
        columns["f0"] = [value if i == row else [1.0, 2.0] for i in range(len(columns["f0"]))]

    return change


def nothing(_columns: Columns) -> None:
    pass


CASES: list[tuple[str, str, Change, tuple[str, ...]]] = [
    ("csv", "row 4: column 'f3' holds 'abc', not a number", changed("f3", 4, "abc"), ()),
    ("csv", "row 4: 'f3' is empty", changed("f3", 4, ""), ()),
    ("csv", "row 4 holds NaN or infinity", changed("f3", 4, "inf"), ()),
    ("csv", "row 5: 'person' is empty", changed("person", 5, ""), ()),
    ("csv", "row 5: 'person' '张伟 ' begins or ends with a blank", changed("person", 5, "张伟 "), ()),
    ("csv", "row 6: column 'yaw' holds 'left', not a number", changed("yaw", 6, "left"), ()),
    ("csv", "row 6: pose [5000.0", changed("yaw", 6, 5000.0), ()),
    ("csv", "has no column 'who'", nothing, ("--person", "who")),
    ("csv", "no column is named like 'g*'", nothing, ("--feature-columns", "g*")),
    ("csv", "row 0: 'photo' holds '0.jpg', not a number", nothing, ("--feature-columns", "photo")),
    ("csv", "'yaw' is among the columns of the vectors", nothing, ("--feature-columns", "yaw,f1")),
    ("csv", "three columns, not 2", nothing, ("--pose", "yaw,pitch")),
    ("csv", "row 0: 'photo' is '0.jpg': write front or video", nothing, ("--role", "photo")),
    ("csv", "is a front row by yaw and source", changed("yaw", None, 80.0), ()),
    ("csv", "--pose-order yaw: write", nothing, ("--pose-order", "yaw")),
    ("csv", "no angle from 0 to 90", nothing, ("--frontal-max", "-3")),
    ("csv", "is no head pose in radians", nothing, ("--pose-unit", "rad", "--frontal-max", "90")),
    ("csv", "spelt with different characters", changed("person", 0, "Zoe\u0308 0-0005"), ()),
    ("parquet", "row 3: 'f0' holds 1 numbers, row 0 2", lists(3, [1.0]), ("--feature-columns", "f0")),
    ("parquet", "row 3: 'f0' is empty", lists(3, None), ("--feature-columns", "f0")),
    ("parquet", "row 3: 'f0' holds an empty number", lists(3, [None, 1.0]), ("--feature-columns", "f0")),
    ("parquet", "row 3: 'f3' is empty", changed("f3", 3, None), ()),
    ("parquet", "'f3' holds string, not numbers (row 0: 'x')", changed("f3", None, "x"), ()),
    ("parquet", "row 2 is all zeros", lists(2, [0.0, 0.0]), ("--feature-columns", "f0")),
    ("parquet", "'roll' holds double: name a column of text", nothing, ("--person", "roll")),
    ("parquet", "'frame' holds double: write integers", changed("frame", None, 1.0), ()),
    ("parquet", "'roll' holds double: write integers", nothing, ("--template-column", "roll")),
    ("csv", "row 1: 'template_id' is '1.5', not an integer: write integers", floats("template_id"), ()),
    ("csv", "row 0: 'media_id' is '0.0', not an integer: write integers", pandas_integers("media_id"), ()),
    ("csv", "row 3: 'frame' is '3b', not an integer: write integers, or", changed("frame", 3, "3b"), ()),
    ("csv", "rows 0 and 1: template_id 't' stands on rows of two people", changed("template_id", None, "t"), ()),
    ("csv", "has no column 'track'", nothing, ("--template-column", "track")),
    ("csv", "'f3' is among the columns of the vectors", nothing, ("--media-column", "f3")),
]


@pytest.mark.parametrize(("suffix", "line", "change", "more"), CASES, ids=[case[1] for case in CASES])
def test_a_bad_table_is_one_line(
    suffix: str, line: str, change: Change, more: tuple[str, ...], tmp_path: Path, call: Caller
) -> None:
    columns = table()
    change(columns)
    path = write_csv(tmp_path / "t.csv", columns) if suffix == "csv" else write_parquet(tmp_path / "t.parquet", columns)
    refused(call, path, line, more)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"person,yaw,pitch,roll,f0,f1\n", "holds no rows"),
        ("t.csv", b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4,5\nb,1\n", "row 1: 2 cells, not 6"),
        ("t.csv", b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4,5\n\xc5\xff,1,2,3,4,5\n", "row 1: not UTF-8"),
        ("t.csv", b"pers\xff,yaw,pitch,roll,f0,f1\na,1,2,3,4,5\n", "not UTF-8"),
        ("t.csv", "person,yaw\na,1\n".encode("utf-16"), "is UTF-16"),
        ("t.csv", b"person,yaw,pitch,roll,f0,f1,f1\na,1,2,3,4,5,6\n", "'f1' is meant twice, or there twice"),
        ("t.parquet", b"PAR1 no", "cannot be read"),
        ("t.xlsx", b"PK", "unknown kind of table"),
        ("none.csv", None, "no such file"),
    ],
)
def test_a_bad_file_is_one_line(name: str, content: bytes | None, line: str, tmp_path: Path, call: Caller) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(call, tmp_path / name, line, ("--feature-columns", "f0,f1"))


def test_other_refusals(tmp_path: Path, call: Caller) -> None:
    path = write_csv(tmp_path / "t.csv", table())
    assert "nothing tells front from video" in call.refused("import", path, *COLUMNS, "--out", tmp_path / "o")
    status, _, err = call("import", tmp_path / "none.csv", *COLUMNS, "--out", tmp_path / "o")
    assert (status, err) == (2, f"error: {tmp_path / 'none.csv'}: no such file\n")
    assert "is there already" in call.refused("import", path, *COLUMNS, *POSE, "--out", path)
    assert [found.name for found in tmp_path.iterdir()] == ["t.csv"]


def refused(call: Caller, path: Path, line: str, more: tuple[str, ...]) -> None:
    before = sorted(path.parent.iterdir())
    assert line in call.refused("import", path, *COLUMNS, *POSE, *more, "--out", path.parent / "new" / "folder")
    assert sorted(path.parent.iterdir()) == before
