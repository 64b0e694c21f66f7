"""Metadata files: JSON and Parquet are read alike, and what cannot be used is told with its rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poseid.errors import InputError
from poseid.features import folder
from poseid.features.folder import inspect_folder, read_folder, write_folder
from poseid.features.metadata import parse_metadata, read_metadata
from poseid.features.rows import PROFILE, TableEntries
from poseid.features.synthetic import synthetic
from poseid.features.tables.poses import read_poses

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ENTRY = st.dictionaries(TEXT | st.just("person_name"), VALUE, max_size=4)
POSE = st.none() | st.lists(st.floats(-180, 180) | st.integers(-180, 180), min_size=3, max_size=3)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(ENTRY, max_size=5), st.lists(POSE, max_size=5), st.sampled_from([None, 0, 3]), st.booleans(), st.booleans()
)
def test_json_is_read_as_it_stands(
    tmp_path: Path, entries: list[Any], poses: list[Any], indent: int | None, ascii_only: bool, mark: bool
) -> None:
    file = tmp_path / "video_metadata.json"
    text = json.dumps({"more": 1, "metadata": entries, "poses": poses}, indent=indent, ensure_ascii=ascii_only)
    file.write_text(text, encoding="utf-8-sig" if mark else "utf-8")
    found, table = read_metadata(file)
    assert list(found) == entries
    expected = np.array([[np.nan] * 3 if pose is None else pose for pose in poses], np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(table, expected)


def test_all_problems_of_a_file_are_found_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "video_metadata.json"
    entries = '{"person_name": "a", "n": 1, "n": 2}, 7, {"person_name": "b", "q": NaN}, {"person_name": "c"}'
    path.write_text(f'{{"metadata": [{entries}], "poses": [[1, 2], null, [1, 2, 3], "left"]}}', encoding="utf-8")
    found, poses, (metadata, pose) = parse_metadata(path)
    assert (metadata.kind, metadata.rows, metadata.figures) == ("bad-metadata", (0, 1, 2), {"n": 3})
    assert metadata.message == f"{path}: row 0: the key 'n' stands twice: keep one"
    assert (pose.kind, pose.rows) == ("bad-poses", (0, 3))
    assert pose.message == f"{path}: row 0: pose is [1, 2]: write [yaw, pitch, roll] in degrees, or null"
    assert [entry.get("person_name") for entry in found] == ["a", None, "b", "c"]
    assert np.isnan(poses).all(axis=1).tolist() == [True, True, False, True]


def test_a_spoilt_folder_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    write_folder(synthetic(people=4, probes=3, dim=16), tmp_path / "faces")
    path = tmp_path / "faces" / "video_metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["metadata"][1]["person_name"] = 17
    del content["metadata"][4]["person_name"]
    content["poses"][2] = [0, 0]
    path.write_text(json.dumps(content), encoding="utf-8")
    features, problems = inspect_folder(tmp_path / "faces")
    found = [(problem.kind, problem.file, problem.rows) for problem in problems]
    assert found == [("bad-poses", path, (2,)), ("bad-names", path, (1, 4))]
    assert np.flatnonzero(features.video.people == "").tolist() == [1, 4]
    assert np.flatnonzero(np.isnan(features.video.poses).any(axis=1)).tolist() == [2]
    with pytest.raises(InputError) as caught:
        read_folder(tmp_path / "faces")
    assert str(caught.value) == problems[0].message
    content["metadata"].pop()
    path.write_text(json.dumps(content), encoding="utf-8")
    features, problems = inspect_folder(tmp_path / "faces")
    assert problems[-1].kind == "rows-disagree"
    assert problems[-1].figures == {"vectors": 12, "metadata": 11, "poses": 12}
    assert not features.video.people.astype(bool).any()
    assert np.isnan(features.video.poses).all()


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """A feature folder whose video metadata is Parquet."""
    write_folder(synthetic(people=12, probes=6, dim=16, comparisons=2), tmp_path / "faces")
    path = tmp_path / "faces" / "video_metadata.json"
    entries, poses = read_metadata(path)
    path.unlink()
    columns = {
        "person_name": [entry["person_name"] for entry in entries],
        "source": ["profile/安.jpg" if i % 2 else None for i in range(len(entries))],
        "template_id": list(range(len(entries))),
        **{name: pa.array(poses[:, i]) for i, name in enumerate(("yaw", "pitch", "roll"))},
    }
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"), row_group_size=17)
    return tmp_path / "faces"


def test_parquet_is_read_as_json_is(parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    features = read_folder(parquet)
    expected = synthetic(people=12, probes=6, dim=16, comparisons=2).video
    video = features.video
    assert video.people.tolist() == expected.people.tolist()
    np.testing.assert_array_equal(video.poses, expected.poses)
    assert video.kinds()[1::2].tolist() == [PROFILE] * 36
    assert video.metadata[0] == {"person_name": video.people[0], "template_id": 0}
    assert video.metadata[-1] == {"person_name": video.people[-1], "source": "profile/安.jpg", "template_id": 71}
    taken = video.take(np.array([5, 3, 60]))
    assert isinstance(taken.metadata, TableEntries)
    assert [entry["template_id"] for entry in taken.metadata[1:]] == [3, 60]
    with pytest.raises(IndexError):
        taken.metadata[3]
    for rows, suffix in ((100, ".json"), (20, ".parquet")):
        monkeypatch.setattr(folder, "JSON_ROWS", rows)
        write_folder(features, tmp_path / suffix)
        assert (tmp_path / suffix / f"video_metadata{suffix}").exists()
        again = read_folder(tmp_path / suffix).video
        assert list(again.metadata) == list(video.metadata)
        np.testing.assert_array_equal(again.poses, video.poses)
    np.testing.assert_array_equal(read_poses(parquet / "video_metadata.parquet", ())[0], video.poses)


def test_entries_that_make_no_columns_stay_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "JSON_ROWS", 10)
    features = synthetic(people=12, probes=6, dim=16)
    for number, more in enumerate([{"box": [1, 2]}, {"n": 1}, {"n": "one"}]):
        features.video.metadata[number].update(more)
    write_folder(features, tmp_path / "faces")
    names = [path.name for path in (tmp_path / "faces").glob("*_metadata.*")]
    assert sorted(names) == ["front_metadata.parquet", "video_metadata.json"]
    assert list(read_folder(tmp_path / "faces").video.metadata) == list(features.video.metadata)


def change(path: Path, name: str, values: Any) -> None:
    table = pq.read_table(path)
    table = table.drop_columns([name])
    pq.write_table(table if values is None else table.append_column(name, pa.array(values)), path)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("person_name", None, 'row 0: no "person_name"'),
        ("person_name", [*["a"] * 9, " ", *["a"] * 62], "row 9: person_name is empty"),
        ("pitch", None, "has no column 'pitch'"),
        ("pitch", [*[1.0] * 7, np.inf, *[1.0] * 64], "row 7: pose is"),
        ("pitch", ["up"] * 72, "'pitch' holds string, not numbers"),
    ],
)
def test_a_fault_in_parquet_is_one_line(parquet: Path, name: str, values: Any, message: str) -> None:
    path = parquet / "video_metadata.parquet"
    change(path, name, values)
    with pytest.raises(InputError) as caught:
        read_folder(parquet)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_parquet_that_is_none_and_two_metadata_files_are_refused(parquet: Path) -> None:
    path = parquet / "video_metadata.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match="video_metadata.parquet: cannot be read"):
        read_folder(parquet)
    path.with_suffix(".json").touch()
    with pytest.raises(InputError, match="video_metadata.json is there too: remove one of them"):
        read_folder(parquet)
