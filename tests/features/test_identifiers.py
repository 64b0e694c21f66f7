"""``template_id``, ``media_id`` and ``frame`` in a feature folder: JSON and Parquet alike, refused with their rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseid.errors import InputError
from poseid.features.folder import inspect_folder, read_folder, write_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.tables.id_columns import encode_column
from poseid.features.tables.table import ANGLES
from poseid.features.templates import number_templates, templates_of

PEOPLE = ["a", "a", "a", "b", "b", "b"]


def write(folder: Path, suffix: str, **keys: list[Any]) -> Path:
    """A folder of six video rows of two people with these keys, None where a row lacks one."""
    folder.mkdir()
    columns = {"person_name": PEOPLE, **keys}
    for side in ("front", "video"):
        np.save(folder / f"{side}_feature.npy", np.eye(6, dtype=np.float32))
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        entries = [{key: value for key, value in row.items() if value is not None} for row in rows]
        if side == "front":
            entries = [{"person_name": name} for name in PEOPLE]
        (folder / f"{side}_metadata.json").write_text(
            json.dumps({"metadata": entries, "poses": [None] * 6}), encoding="utf-8"
        )
    if suffix == ".parquet":
        (folder / "video_metadata.json").unlink()
        pq.write_table(pa.table(columns), folder / "video_metadata.parquet", row_group_size=4)
    return folder


@pytest.fixture(params=[".json", ".parquet"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("ids", [["t", None, "t", "安", "安", None], [7, None, 7, 2**40, 2**40, None]])
def test_rows_without_an_id_are_templates_of_their_own(tmp_path: Path, suffix: str, ids: list[Any]) -> None:
    more = {"media_id": [1, 1, 1, 1, 2, None], "frame": [0, 1, 2, None, 0, 1]}
    data = read_folder(write(tmp_path / "faces", suffix, template_id=ids, **more))
    found = templates_of(data.video, "video")
    assert found is not None
    assert found.template.tolist() == [0, 1, 0, 2, 2, 3]
    assert found.media.tolist() == [0, 1, 0, 2, 3, 4]
    assert data.video.column("frame") == [0, 1, 2, None, 0, 1]
    assert templates_of(data.front, "front") is None
    write_folder(data, tmp_path / "again")
    assert list(read_folder(tmp_path / "again").video.metadata) == list(data.video.metadata)


@pytest.mark.parametrize(
    ("key", "values", "line"),
    [
        (
            "template_id",
            [None, None, 1.5, 2.0, 3.0, 4.0],
            "row 2: template_id is 1.5: write a text or an integer (in pandas",
        ),
        ("template_id", [None, True, None, None, None, None], "row 1: template_id is True: write a text or an integer"),
        ("media_id", ["m", "m", "m", "m", "", "m"], "row 4: media_id is empty: write null where there is none"),
        ("media_id", [None, ["m"], None, None, None, None], "row 1: media_id is ['m']: write a text or an integer"),
        ("frame", [0, 1, 2, 3, 4, 5.5], ": frame is "),
        ("frame", ["1", None, None, None, None, None], "row 0: frame is '1': write an integer, or null"),
        ("frame", [None, "", None, None, None, None], "row 1: frame is empty: write null where there is none"),
    ],
)
def test_other_values_are_one_line(tmp_path: Path, suffix: str, key: str, values: list[Any], line: str) -> None:
    faces = write(tmp_path / "faces", suffix, **{key: values})
    with pytest.raises(InputError) as caught:
        read_folder(faces)
    assert str(caught.value).startswith(f"{faces / 'video_metadata'}{suffix}: ")
    assert line in str(caught.value)
    assert [(problem.kind, bool(problem.rows)) for problem in inspect_folder(faces)[1]] == [("bad-ids", True)]


def test_a_template_over_two_people_names_both_rows(tmp_path: Path, suffix: str) -> None:
    faces = write(tmp_path / "faces", suffix, template_id=[None, "t", "t", "u", None, "t"])
    with pytest.raises(InputError) as caught:
        read_folder(faces)
    path = faces / f"video_metadata{suffix}"
    assert str(caught.value) == (
        f"{path}: rows 1 and 5: template_id 't' stands on rows of two people, 'a' and 'b': "
        "give each person's templates ids of their own"
    )
    (problem,) = inspect_folder(faces)[1]
    assert (problem.kind, problem.rows) == ("template-of-two-people", (1, 5))


def test_what_would_be_refused_is_not_written(tmp_path: Path) -> None:
    data = read_folder(write(tmp_path / "faces", ".json", template_id=["t"] * 3 + [None] * 3))
    entries = [{**entry, "template_id": "t"} for entry in data.video.metadata]
    video = Rows(data.video.features, data.video.poses, data.video.people, entries)
    with pytest.raises(InputError, match=r"^video_metadata.json: rows 0 and 3: template_id 't' stands on"):
        write_folder(FeatureSet("faces", data.front, video), tmp_path / "out")
    with pytest.raises(InputError, match=r"^faces: rows 0 and 3: template_id 't' stands on"):
        templates_of(video, "faces")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_an_id_has_one_number_in_all_row_groups(kind: pa.DataType) -> None:
    groups = [[7, 8, None], [9, 8], [], [None, 7, 10], [10, 9]]
    arrays = [pa.array(ids, pa.int64()) for ids in groups]
    if kind != pa.int64():
        arrays = [ids.cast(pa.string()) for ids in arrays]
    if pa.types.is_dictionary(kind):
        arrays = [ids.dictionary_encode() for ids in arrays]  # each with a dictionary of its own
    found = encode_column(pa.chunked_array(arrays), "template_id")
    assert found.codes.tolist() == [0, 1, -1, 2, 1, -1, 0, 3, 3, 2]


@pytest.mark.parametrize("texts", [False, True], ids=["integers", "texts"])
def test_many_templates_of_one_row(tmp_path: Path, texts: bool, suffix: str) -> None:
    """As many as rows, on a path that would take hours if each were compared with each."""
    n = 100_000
    people = [f"p{i // 10}" for i in range(n)]
    ids = [f"t{i}" for i in range(n)] if texts else list(range(n))
    for side in ("front", "video"):
        np.save(tmp_path / f"{side}_feature.npy", np.ones((n, 2), np.float16))
        path = tmp_path / f"{side}_metadata{suffix}"
        if suffix == ".parquet":
            angles = dict.fromkeys(ANGLES, np.zeros(n))
            pq.write_table(pa.table({"person_name": people, "template_id": ids, **angles}), path)
        else:
            entries = [{"person_name": name, "template_id": i} for name, i in zip(people, ids, strict=True)]
            path.write_text(json.dumps({"metadata": entries, "poses": [None] * n}), encoding="utf-8")
    found = templates_of(read_folder(tmp_path).video, "video")
    assert found is not None
    assert np.array_equal(found.template, np.arange(n))


def test_ids_are_numbered_by_first_appearance_and_media_within_templates() -> None:
    found = number_templates([7, "7", 7, None, None, 7], ["m", "m", "n", "m", "m", "m"], "rows")
    assert found.template.tolist() == [0, 1, 0, 2, 3, 0]  # 7 is not "7"; rows without an id are templates of their own
    assert found.media.tolist() == [0, 1, 2, 3, 4, 0]  # "m" of another template is another media
    assert number_templates(["a", "a"], None, "rows").media.tolist() == [0, 1]
    assert number_templates(["a", "a"], [None, None], "rows").media.tolist() == [0, 1]
    assert len(number_templates([np.int64(5)] * 2 + ["张"] * 2, None, "rows").template) == 4


@pytest.mark.parametrize("wrong", [1.5, float("nan"), True, ["a"], "", b"a"])
@pytest.mark.parametrize("key", ["template_id", "media_id"])
def test_other_ids_are_refused_with_their_row(key: str, wrong: Any) -> None:
    ids: dict[str, list[Any]] = {"template_id": ["t", "t"], "media_id": ["m", "m"]}
    ids[key][1] = wrong
    entries = [dict(zip(ids, row, strict=True)) for row in zip(*ids.values(), strict=True)]
    rows = Rows(np.eye(2, dtype=np.float32), np.zeros((2, 3), np.float32), np.array(["a", "a"]), entries)
    for refused in (lambda: templates_of(rows, "faces"), lambda: number_templates(*ids.values(), "faces")):
        with pytest.raises(InputError, match=rf"^faces: row 1: {key} is "):
            refused()
