"""Metadata files read in pieces: what is found is what reading the whole file finds."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poseid.errors import InputError
from poseid.features import json_file, metadata
from poseid.features.entries import Entries
from poseid.features.metadata import _sound, _whole, parse_metadata, pose_table

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
ENTRY = st.dictionaries(TEXT | st.just("person_name"), VALUE, max_size=4)
POSE = st.none() | st.lists(st.floats(-180, 180) | st.integers(-180, 180), min_size=3, max_size=3)


def found(entries: Any, poses: Any, faults: list[str], path: Path) -> Any:
    """What was found, in one form, as a text, since a NaN does not equal itself; of bad poses the first fault."""
    try:
        table = pose_table(poses, str(path)).tolist() if isinstance(poses, list) else poses.tolist()
    except InputError as error:
        table = str(error)
    return repr((list(entries), table, faults))


def outcome(read: Any, path: Path) -> Any:
    try:
        return found(*read(path), path)
    except InputError as error:
        return str(error)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metadata") / "video_metadata.json"


@settings(max_examples=150, deadline=None)
@given(
    entries=st.lists(ENTRY, max_size=5),
    poses=st.lists(POSE, max_size=5),
    more=st.dictionaries(TEXT.filter(lambda key: key not in ("metadata", "poses")), VALUE, max_size=2),
    first=st.booleans(),
    indent=st.sampled_from([None, 0, 3]),
    ascii_only=st.booleans(),
    mark=st.booleans(),
    mapped=st.booleans(),
    piece=st.integers(1, 40),
)
def test_a_sound_file_is_read_in_pieces(
    entries: list[dict[str, Any]],
    poses: list[Any],
    more: dict[str, Any],
    first: bool,
    indent: int | None,
    ascii_only: bool,
    mark: bool,
    mapped: bool,
    piece: int,
    file: Path,
) -> None:
    ours = {"metadata": entries, "poses": poses}
    content = {**more, **ours} if first else {**ours, **more}
    file.write_text(
        json.dumps(content, indent=indent, ensure_ascii=ascii_only), encoding="utf-8-sig" if mark else "utf-8"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_file, "_PIECE", piece)
        patch.setattr(metadata, "_MAPPED_ABOVE", 0 if mapped else 2**20)
        kept, table = _sound(file)
    assert isinstance(kept, Entries)
    assert list(kept) == entries == [kept[i] for i in range(len(kept))]
    expected = np.array([[np.nan] * 3 if pose is None else pose for pose in poses], np.float32).reshape(-1, 3)
    np.testing.assert_array_equal(table, expected)


SOUND = (
    '{"metadata": [{"person_name": "安", "n": [1, {"m": 2.5e3}]}, {}], "poses": [[1.5, -2, 3e1], null], "more": 12.5}'
)


@settings(max_examples=400, deadline=None)
@example(place=59, cut=3, put="NaN", piece=1)
@given(
    place=st.integers(0, len(SOUND)),
    cut=st.integers(0, 3),
    put=st.text('{}[]",:0e-N\\ux \n', max_size=3) | st.sampled_from(["NaN", "\\ud800", '"metadata": [],', "1e999"]),
    piece=st.integers(1, 40),
)
def test_a_damaged_file_is_found_to_be_what_the_whole_of_it_is(
    place: int, cut: int, put: str, piece: int, file: Path
) -> None:
    file.write_text(SOUND[:place] + put + SOUND[place + cut :], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_file, "_PIECE", piece)
        assert outcome(parse_metadata, file) == outcome(_whole, file)


def test_entries_that_are_taken_share_their_text_and_are_read_anew() -> None:
    text = b"".join(json.dumps({"n": i, "name": "安"}).encode() for i in range(3000))
    ends = np.cumsum([len(json.dumps({"n": i, "name": "安"})) for i in range(3000)])
    entries = Entries(text, np.concatenate([[0], ends[:-1]]), ends)
    rows = np.random.default_rng(0).permutation(3000)
    taken = entries.take(rows)
    assert [entry["n"] for entry in taken] == rows.tolist()
    assert [entry["n"] for entry in taken[10:20]] == rows[10:20].tolist()
    taken[0]["n"] = "changed"
    assert taken[0]["n"] == rows[0]
    with pytest.raises(IndexError):
        taken[3000]
