"""Reading a feature folder as far as it can be read: what training would refuse becomes a finding."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, Finding
from poseid.doctor.rows import NOBODY, Folder
from poseid.errors import InputError
from poseid.features.folder import check_spelling, read_array
from poseid.features.metadata import parse_metadata, pose_fault
from poseid.features.pairs import read_pairs
from poseid.features.rows import DTYPES, OTHER, kinds_of, name_fault


def open_folder(path: Path) -> tuple[Folder, list[Finding]]:
    """Reads what can be read.

    A row whose person or pose cannot be used keeps its vector: its person is `NOBODY`, its pose NaN.

    Raises:
        InputError: a file is missing, or is no npy or JSON file of the right form, or the two npy files hold vectors
            of different lengths: then nothing can be said.
    """
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise InputError(f"{path}: {what}: give a folder with front_feature.npy and its companions")
    arrays = {side: _vectors(path / f"{side}_feature.npy") for side in ("front", "video")}
    dims = [array.shape[1] for array in arrays.values()]
    if dims[0] != dims[1]:
        raise InputError(
            f"{path}: vectors of {dims[0]} numbers in front_feature.npy and of {dims[1]} in video_feature.npy: "
            "both files must come from one recogniser"
        )
    number: dict[str, int] = {}
    findings: list[Finding] = []
    parts = [_file(side, array, path / f"{side}_metadata.json", number, findings) for side, array in arrays.items()]
    names = tuple(number)
    try:
        check_spelling(np.array(names, np.str_), path.name)
    except InputError as error:
        what = "One name is spelt with different characters"
        remedy = "Write each name one way; what looks alike may be composed differently (é)."
        findings.append(Finding("name-spellings", ERROR, what, f"{error}.", remedy))
    pairs = None
    if (path / "pairs.csv").exists() and not findings:
        people = [np.array([names[i] for i in part[0].tolist()], np.str_) for part in parts]
        try:
            pairs = len(read_pairs(path / "pairs.csv", *people))
        except InputError as error:
            what = "pairs.csv cannot be used"
            findings.append(Finding("bad-pairs", ERROR, what, f"{error}.", "Correct the line, or remove pairs.csv."))
    person, poses, declared = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Folder(path.resolve().name, names, arrays, person, poses, declared, pairs), findings


def _vectors(path: Path) -> NDArray[np.floating]:
    array = read_array(path)
    if array.dtype not in DTYPES or array.ndim != 2 or 0 in array.shape:
        raise InputError(
            f"{path}: holds {array.dtype} of shape {array.shape}: save float16, float32 or float64 of shape "
            "(rows, dimensions)"
        )
    return array


def _file(
    side: str, array: NDArray[np.floating], path: Path, number: dict[str, int], findings: list[Finding]
) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int8]]:
    entries, poses, faults = parse_metadata(path)
    n = len(array)
    if faults:
        evidence = f"{faults[0].removeprefix(f'{path}: ')}." + (f" And {len(faults) - 1} more." if faults[1:] else "")
        what = f"Entries of {path.name} that cannot be kept"
        findings.append(Finding("bad-metadata", ERROR, what, evidence, "Correct these entries.", {"n": len(faults)}))
    if {len(entries), len(poses)} != {n}:
        findings.append(
            Finding(
                "rows-disagree",
                ERROR,
                f"{path.name} and {side}_feature.npy do not belong together",
                f"{n:,} vectors, {len(entries):,} metadata entries, {len(poses):,} poses. Which belongs to which is "
                f"unknown, so nothing was checked that needs the people or poses of {side} rows.",
                "Write the three together, one entry a row in the same order.",
                {"vectors": n, "metadata": len(entries), "poses": len(poses)},
            )
        )
        return np.full(n, NOBODY, np.int32), np.full((n, 3), np.nan, np.float32), np.full(n, OTHER, np.int8)
    person, sources, nameless = _people(entries, number)
    if nameless:
        row, fault = nameless[0]
        findings.append(
            Finding(
                "bad-names",
                ERROR,
                f"Rows of {path.name} that name nobody",
                f"{len(nameless):,} of {n:,} rows; row {row}: person_name {_cause(fault)}.",
                'Give every entry {"person_name": …}: text, not empty, in one line, no blanks at its ends.',
                {"n": len(nameless), "of": n},
                tuple(f"{side}:{row}" for row, _ in nameless[:1000]),
            )
        )
    if isinstance(poses, np.ndarray):
        return person, poses, kinds_of(np.full(n, np.nan), sources or (None,) * n)
    broken = {i: why for i, pose in enumerate(poses) if (why := pose_fault(pose)) is not None}
    if broken:
        row = next(iter(broken))
        findings.append(
            Finding(
                "bad-poses",
                ERROR,
                f"Poses of {path.name} that are no angles",
                f"{len(broken):,} of {n:,} rows; row {row} {_cause(broken[row])}.",
                "Write [yaw, pitch, roll] in degrees, or null where the pose is unknown.",
                {"n": len(broken), "of": n},
                tuple(f"{side}:{row}" for row in list(broken)[:1000]),
            )
        )
    unknown = (np.nan, np.nan, np.nan)
    table = [unknown if pose is None or i in broken else pose for i, pose in enumerate(poses)]
    return person, np.array(table, np.float32).reshape(-1, 3), kinds_of(np.full(n, np.nan), sources or (None,) * n)


def _cause(fault: str) -> str:
    """A fault without what to do about it."""
    return fault.rpartition(": ")[0] or fault


def _people(
    entries: Sequence[Any], number: dict[str, int]
) -> tuple[NDArray[np.int32], tuple[str | None, ...], list[tuple[int, str]]]:
    """The person of each entry, its source, and the entries with no usable name; new names get the next number."""
    person = np.full(len(entries), NOBODY, np.int32)
    sources: list[str | None] = []
    faults: list[tuple[int, str]] = []
    kept: dict[str, str] = {}  # one object for each source that says something
    for i, entry in enumerate(entries):
        fields = entry if isinstance(entry, dict) else {}
        source = fields.get("source")
        if isinstance(source, str) and source.startswith(("frontal/", "profile/")):
            sources.append(kept.setdefault(source[:8], source[:8]))
        else:
            sources.append(None)
        name = fields.get("person_name")
        place = number.get(name) if isinstance(name, str) else None
        if place is None:
            fault = name_fault(name) if "person_name" in fields else "is missing"
            if fault is not None:
                faults.append((i, fault))
                continue
            assert isinstance(name, str)
            place = number.setdefault(name, len(number))
        person[i] = place
    return person, tuple(sources) if kept else (), faults
