"""``poseid import`` with columns of template, media and frame."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseid.features import folder as folder_module
from poseid.features.folder import read_folder
from tests.cli.caller import Caller
from tests.cli.test_import import COLUMNS, NAMES, POSE, Columns, check_rows, imported, table, write_csv, write_parquet

IDS = ("template_id", "media_id", "frame")


def tracks(columns: Columns) -> Columns:
    """The columns of ids: tracks of two photos of one person and one photo without a track, every third without ids."""
    seen: Counter[str] = Counter()
    ids: Columns = {key: [] for key in IDS}
    for row, person in enumerate(columns["person"]):
        number = seen[person]
        seen[person] += 1
        template = None if number % 3 == 2 else f"{person}/{number // 3}"
        for key, value in zip(IDS, (template, "007" if template and row % 2 else None, number), strict=True):
            ids[key].append(value if key == "frame" and row % 5 else None if key == "frame" else value)
    return ids


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("usual", [True, False])
def test_ids_go_into_the_metadata(suffix: str, usual: bool, tmp_path: Path, call: Caller) -> None:
    columns = table()
    ids = tracks(columns)
    names = IDS if usual else ("track", "clip", "number")
    columns |= {name: ids[key] for name, key in zip(names, IDS, strict=True)}
    options = [] if usual else ["--template-column", "track", "--media-column", "clip", "--frame-column", "number"]
    path = (write_csv if suffix == "csv" else write_parquet)(tmp_path / f"t.{suffix}", columns)
    folder = imported(call, path, *COLUMNS, *POSE, *options)
    check_rows(folder, columns)
    where = {row.tobytes(): i for i, row in enumerate(np.array([columns[name] for name in NAMES], np.float32).T)}
    for side in (folder.front, folder.video):
        for entry, row in zip(side.metadata, side.features, strict=True):
            i = where[row.astype(np.float32).tobytes()]
            assert [entry.get(key) for key in IDS] == [ids[key][i] for key in IDS]


def test_integers_stay_integers_in_parquet_and_a_column_can_be_left_out(tmp_path: Path, call: Caller) -> None:
    columns = table()
    columns["template_id"] = [None if i % 4 == 0 else i for i in range(72)]
    columns["frame"] = ["first.jpg"] * 72
    path = write_parquet(tmp_path / "t.parquet", columns)
    folder = imported(call, path, *COLUMNS, *POSE, "--frame-column", "")
    assert {type(entry.get("template_id")) for entry in folder.video.metadata} == {int, type(None)}
    assert folder.video.column("frame") is None


def test_ids_of_a_long_table_are_written_as_parquet(
    tmp_path: Path, call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "JSON_ROWS", 20)
    columns = table()
    columns |= tracks(columns)
    folder = imported(call, write_csv(tmp_path / "t.csv", columns), *COLUMNS, *POSE)
    assert (tmp_path / "t.csv.folder" / "video_metadata.parquet").exists()
    assert sum(len(side) for side in (folder.front, folder.video)) == 72
    assert {str, int} == {type(v) for key in IDS for v in folder.video.column(key) or [] if v is not None}


@pytest.mark.parametrize(
    ("ids", "line"),
    [
        (["a", "b"], "1.parquet: 'template_id' holds string, in the part files before it int64: save all alike"),
        (np.array([2**63, 4], np.uint64), "1.parquet: 'template_id' holds uint64, in the part files before it int64"),
        ([1.5, 2.5], "1.parquet: 'template_id' holds double: write integers"),
        ([3, 1], "0.parquet: row 0 and {parts}/1.parquet: row 1: template_id 1 stands on rows of two people"),
        (None, "1.parquet: has other columns of ids than 0.parquet: save all part files alike"),
        ([None, None], ""),
    ],
)
def test_ids_are_alike_in_all_part_files(ids: Any, line: str, tmp_path: Path, call: Caller) -> None:
    columns = {name: values[:2] for name, values in table().items()} | {
        "person": ["a", "b"],
        "role": ["front", "video"],
    }
    (tmp_path / "parts").mkdir()
    write_parquet(tmp_path / "parts" / "0.parquet", columns | {"template_id": [1, 2]})
    write_parquet(tmp_path / "parts" / "1.parquet", columns | ({} if ids is None else {"template_id": ids}))
    arguments = ("import", tmp_path / "parts", *COLUMNS, *POSE, "--role", "role", "--out", tmp_path / "out")
    if line:
        assert line.format(parts=tmp_path / "parts") in call.refused(*arguments)
    else:  # a part without any ids has a column of no type
        call.done(*arguments)
        assert read_folder(tmp_path / "out").video.column("template_id") == [2, None]
