"""Reading, checking and writing a feature folder: two npy files, two JSON files, perhaps ``pairs.csv``."""

from __future__ import annotations

import importlib.util
import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from poseid.atomic import atomic_directory
from poseid.errors import InputError
from poseid.features.identifiers import find_id_problems
from poseid.features.metadata import (
    LARGEST_ANGLE,
    Problem,
    entry_fault,
    find_metadata,
    parse_metadata,
    pose_fault,
    read_names,
)
from poseid.features.pairs import pairs_text, read_pairs
from poseid.features.rows import FeatureSet, Rows, check_array, check_features, name_fault, shown
from poseid.features.tables.npy import read_array, write_header

ROWS_AT_ONCE = 16_384  # that are checked and written
JSON_ROWS = 1_000_000  # beyond, metadata is written as Parquet


def read_folder(path: Path, dim: int | None = None) -> FeatureSet:
    """Read a feature folder and refuse it if anything in it is not what it should be.

    ``{front,video}_feature.npy`` hold (rows, D) finite float16, float32 or float64 vectors with no zero row;
    ``{front,video}_metadata.json`` hold ``{"metadata": [{"person_name": …}, …], "poses": [[yaw, pitch, roll]
    or null, …]}`` with as many entries each, in UTF-8. For millions of rows ``{front,video}_metadata.parquet`` take
    their place: a column for each key, and yaw, pitch and roll. Vectors keep their norms and dtype, metadata entries
    all their keys; ``template_id`` and ``media_id`` are texts or integers, ``frame`` an integer, and the rows of a
    template belong to one person. npy files above 256 MiB stay on disk as memory maps; nothing is ever unpickled.

    Args:
        path: the folder.
        dim: D that the vectors must have, of the key ``data.dim``; None for any, as long as both files agree.

    Raises:
        InputError: one line that names the file and the row (counted from 0) or line, and what to do.
    """
    features, problems = inspect_folder(path, dim)
    if problems:
        raise InputError(problems[0].message)
    for side, rows in (("front", features.front), ("video", features.video)):
        check_features(rows.features, str(path / f"{side}_feature.npy"))
    return features


def inspect_folder(path: Path, dim: int | None = None) -> tuple[FeatureSet, list[Problem]]:
    """:func:`read_folder` as far as a folder can be read, for whoever wants to know all that is wrong with it.

    Returns:
        The data, and the problems in the order of the files. A row without a usable name has the name "", one without
        a usable pose NaN, one without a usable entry {}; all rows of a side do where its metadata have another number
        of rows than its vectors. ``pairs`` is None if anything cannot be used. The vectors' values are not checked.

    Raises:
        InputError: a file is missing, or no npy, JSON or Parquet file of the right form; or the vectors have another D.
    """
    check_there(path)
    arrays = {}
    for side in ("front", "video"):
        file = path / f"{side}_feature.npy"
        arrays[side] = read_array(file)
        check_array(str(file), arrays[side].shape, arrays[side].dtype)
    front_dim, video_dim = (array.shape[1] for array in arrays.values())
    if dim not in (None, front_dim):
        how = f"add data.dim={front_dim}, or give data.dir of another folder"
        raise InputError(f"{path}: vectors have {front_dim} numbers, data.dim is {dim}: {how}")
    if video_dim != front_dim:
        fault = f"vectors have {video_dim} numbers, those of front_feature.npy {front_dim}"
        raise InputError(f"{file}: {fault}: extract both with one recogniser")
    problems: list[Problem] = []
    front, video = (_read_rows(path, side, array, problems) for side, array in arrays.items())
    pairs, pairs_path = None, path / "pairs.csv"
    kind, file = "name-spellings", path
    try:
        _check_spellings(front, video, str(path))
        if pairs_path.exists() and not problems:
            kind, file = "bad-pairs", pairs_path
            pairs = read_pairs(pairs_path, front.people, video.people)
    except InputError as error:
        problems.append(Problem(kind, file, str(error)))
    return FeatureSet(path.resolve().name, front, video, pairs), problems


def _read_rows(folder: Path, side: str, array: np.ndarray, problems: list[Problem]) -> Rows:
    path, n = find_metadata(folder, side), len(array)
    entries, poses, found = parse_metadata(path)
    problems += found
    figures = {"vectors": n, "metadata": len(entries), "poses": len(poses)}
    if not len(entries) == len(poses) == n:
        wrong = f"{len(poses)} poses" if len(entries) == n else f"{len(entries)} metadata entries"
        message = f"{path}: {wrong} for {n} rows of {side}_feature.npy: they must agree; write both files together"
        problems.append(Problem("rows-disagree", path, message, figures=figures))
        return Rows(array, np.full((n, 3), np.nan, np.float32), np.full(n, ""), ({},) * n)
    people, found = read_names(entries, path)
    problems += found + find_id_problems(entries, people, path)
    return Rows(array, poses, people, entries)


def check_there(path: Path) -> None:
    """Refuses what is no folder, before anything of it is read."""
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise InputError(f"{path}: {what}: give a folder with front_feature.npy and its companions")


def _check_spellings(front: Rows, video: Rows, file: str) -> None:
    """Refuses two spellings that look alike (é as one or two characters): one person would be split in two."""
    seen: dict[str, str] = {}
    for name in sorted({*front.names(), *video.names()}):
        other = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise InputError(
                f"{file}: the name {shown(name)} is spelt with different characters in different rows "
                f"({ascii(other)[:60]}, {ascii(name)[:60]}): write it one way"
            )


def write_folder(features: FeatureSet, path: Path) -> None:
    """Write a feature folder that `read_folder` gives back, vectors bit for bit.

    The folder appears complete or not at all. Metadata of more than a million rows become Parquet, where pyarrow is
    installed and every value is a text or a number.

    Raises:
        InputError: ``path`` exists, cannot be made, or ``features`` holds what `read_folder` would refuse.
    """
    if os.path.lexists(path):
        raise InputError(f"{path}: exists already: remove it or choose another name")
    sides = {"front": features.front, "video": features.video}
    for side, rows in sides.items():
        check_features(rows.features, f"{side}_feature.npy")
    _check_spellings(features.front, features.video, features.name)
    with atomic_directory(path) as partial:
        for side, rows in sides.items():
            _write_metadata(partial / f"{side}_metadata.json", rows)
            with (partial / f"{side}_feature.npy").open("wb") as file:  # numpy.save does not say that a disk is full
                write_header(file, rows.features.shape, rows.features.dtype)
                for start in range(0, len(rows), ROWS_AT_ONCE):
                    file.write(rows.features[start : start + ROWS_AT_ONCE].tobytes())
        if features.pairs is not None:
            pairs_path = partial / "pairs.csv"
            pairs_path.write_text(pairs_text(features.pairs), encoding="utf-8", newline="\n")
            try:
                read_pairs(pairs_path, features.front.people, features.video.people)
            except InputError as error:
                raise InputError(str(error).replace(str(pairs_path), pairs_path.name, 1)) from None


def _write_metadata(path: Path, rows: Rows) -> None:
    entries = [{"person_name": name, **entry} for name, entry in zip(rows.names(), rows.metadata, strict=True)]
    _check_rows(path.name, rows, entries)
    for problem in find_id_problems(rows.metadata, rows.people, Path(path.name)):
        raise InputError(problem.message)
    if len(rows) > JSON_ROWS and importlib.util.find_spec("pyarrow") is not None:
        from poseid.features.tables.parquet_metadata import write_parquet_metadata

        if write_parquet_metadata(path.with_suffix(".parquet"), entries, rows.poses):
            return
    write_json_metadata(path, entries, rows.poses)


def _check_rows(file: str, rows: Rows, entries: Sequence[dict[str, Any]]) -> None:
    """Refuses what `read_folder` would; only where something is wrong, one row after the other."""
    known = ~np.isnan(rows.poses).all(axis=1)
    good = (np.abs(rows.poses) < LARGEST_ANGLE).all(axis=1)
    if (
        bool(good[known].all())
        and all(name_fault(name) is None for name in set(rows.names()))
        and all(entry["person_name"] == name for entry, name in zip(entries, rows.names(), strict=True))
        and all(entry_fault(entries[i : i + ROWS_AT_ONCE]) is None for i in range(0, len(entries), ROWS_AT_ONCE))
    ):
        return
    for i, (name, entry) in enumerate(zip(rows.names(), entries, strict=True)):
        pose = rows.poses[i].tolist() if known[i] else None
        faults = {"person_name ": name_fault(name), "pose ": pose_fault(pose), "": entry_fault(entry)}
        if (named := entry["person_name"]) != name:
            faults["metadata "] = f"names {shown(named)}, the row {shown(name)}: make them agree"
        for what, fault in faults.items():
            if fault is not None:
                raise InputError(f"{file}: row {i}: {what}{fault}")


def write_json_metadata(path: Path, entries: Iterable[dict[str, Any]], poses: np.ndarray) -> None:
    """Writes n entries and (n, 3) float32 poses, each on a line of its own.

    Angles are the shortest decimals that read back as the same float32; a row of NaN is null.
    """
    metadata = ",\n".join(map(json.JSONEncoder(ensure_ascii=False).encode, entries))
    unknown = np.isnan(poses).all(axis=1).tolist()
    decimals = poses.astype(np.float32).astype("U16").tolist()
    angles = ",\n".join("null" if no else f"[{', '.join(pose)}]" for pose, no in zip(decimals, unknown, strict=True))
    text = f'{{"metadata": [\n{metadata}\n],\n"poses": [\n{angles}\n]}}\n'
    path.write_text(text, encoding="utf-8", newline="\n")
