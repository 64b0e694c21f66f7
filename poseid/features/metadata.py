"""The metadata of one side of a feature folder: an entry and a pose for each row."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from poseid.errors import InputError, shortened
from poseid.features.rows import name_fault, shown
from poseid.features.tables.table import require
from poseid.features.text import read_text

_UNKNOWN = (float("nan"),) * 3
# what JSON in UTF-8 cannot hold: NaN, infinity, and one of the two escapes that make a rare character in UTF-16
_SUSPICIOUS = re.compile(r"NaN|Infinity|\\u[dD][89a-fA-F]")
LARGEST_ANGLE = 1e9


@dataclass(frozen=True)
class Problem:
    """Something in a feature folder that cannot be used.

    Attributes:
        kind: ``bad-metadata``, ``bad-names``, ``bad-poses``, ``bad-ids``, ``template-of-two-people``,
            ``rows-disagree``, ``name-spellings`` or ``bad-pairs``.
        file: where it is; for ``name-spellings`` the folder.
        message: one line that names the file, the first row concerned and the remedy.
        rows: all rows concerned, from 0.
        figures: counts that belong to it.
    """

    kind: str
    file: Path
    message: str
    rows: tuple[int, ...] = ()
    figures: Mapping[str, int] = field(default_factory=dict)


def find_metadata(folder: Path, side: str) -> Path:
    """``{side}_metadata.json``, or ``{side}_metadata.parquet`` where that is there instead; both are refused."""
    path, table = (folder / f"{side}_metadata{suffix}" for suffix in (".json", ".parquet"))
    if not table.exists():
        return path
    if path.exists():
        raise InputError(f"{table}: {path.name} is there too: remove one of them")
    return table


def read_metadata(path: Path) -> tuple[Sequence[dict[str, Any]], np.ndarray]:
    """:func:`parse_metadata`, with InputError for the first problem."""
    entries, poses, problems = parse_metadata(path)
    if problems:
        raise InputError(problems[0].message)
    return entries, poses


def parse_metadata(path: Path) -> tuple[Sequence[dict[str, Any]], np.ndarray, list[Problem]]:
    """The entries, the (n, 3) float32 poses in degrees, unknown ones NaN, and what cannot be used.

    An entry that is no object becomes an empty one, a pose that is no pose NaN. The two may differ in number.

    Raises:
        InputError: no such file, not UTF-8, not JSON or Parquet, or no ``metadata`` or ``poses`` list in it.
    """
    problems: list[Problem] = []
    entries: Sequence[dict[str, Any]]
    if path.suffix == ".parquet":
        require("pyarrow", path)
        from poseid.features.tables.parquet_metadata import read_parquet_metadata

        entries, poses, wrong = read_parquet_metadata(path)
        faults = {row: pose_fault(poses[row].tolist()) for row in wrong}
        poses[wrong] = np.nan
    else:
        entries, written, problems = _parse_json(path)
        faults = {row: fault for row, pose in enumerate(written) if (fault := pose_fault(pose)) is not None}
        usable = [_UNKNOWN if pose is None or row in faults else pose for row, pose in enumerate(written)]
        poses = np.array(usable, np.float32).reshape(-1, 3)
    problems += _row_problems("bad-poses", {row: f"pose {fault}" for row, fault in faults.items()}, path)
    return entries, poses.astype(np.float32, copy=False), problems


def _row_problems(kind: str, faults: dict[int, str], path: Path) -> list[Problem]:
    """None, or one of the rows that have a fault."""
    return [Problem(kind, path, f"{path}: row {row}: {faults[row]}", tuple(faults)) for row in list(faults)[:1]]


def _parse_json(path: Path) -> tuple[list[dict[str, Any]], list[Any], list[Problem]]:
    """The entries, the poses as they stand there, and problems of entries that could not be written back."""
    if not path.exists():
        raise InputError(f"{path}: is missing: a feature folder needs it")
    text = read_text(path)
    duplicates: list[tuple[dict[str, Any], str]] = []

    def unique(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            duplicates.append((found, next(key for key in keys if keys.count(key) > 1)))
        return found

    try:
        content = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno} column {error.colno}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON that can be read: a number is too long or the nesting too deep") from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: must be an object {{"metadata": […], "poses": […]}}, not {type(content).__name__}')
    for key in ("metadata", "poses"):
        if not isinstance(content.get(key), list):
            problem = "is not a list" if key in content else "is missing"
            raise InputError(f'{path}: the key "{key}" {problem}: give it one entry a row')
    entries: list[Any] = content["metadata"]
    faults: list[tuple[int | None, str]] = []
    for holder, key in duplicates:
        row = next((i for i, entry in enumerate(entries) if entry is holder), None)
        faults.append((row, f"the key {shown(key)} stands twice: keep one"))
    suspicious = _SUSPICIOUS.search(text) is not None  # else entry_fault, which is slow, finds nothing
    for i, entry in enumerate(entries):
        fault = entry_fault(entry) if suspicious else None
        if not isinstance(entry, dict):
            fault = f'metadata is {shown(entry)}, not an object {{"person_name": …}}'
            entries[i] = {}
        if fault is not None:
            faults.append((i, fault))
    if not faults:
        return entries, content["poses"], []
    row, fault = faults[0]
    message = f"{path}: {fault}" if row is None else f"{path}: row {row}: {fault}"
    rows = tuple(row for row, _ in faults if row is not None)
    return entries, content["poses"], [Problem("bad-metadata", path, message, rows, {"n": len(faults)})]


def read_names(entries: Sequence[dict[str, Any]], path: Path) -> tuple[np.ndarray, list[Problem]]:
    """(n,) str: ``person_name`` of each entry, "" where there is none that can be used."""
    names: list[str] = []
    known: dict[str, str] = {}  # one object for each name
    faults: dict[int, str] = {}
    for row, entry in enumerate(entries):
        name: Any = entry.get("person_name")
        if not isinstance(name, str) or name not in known:
            if "person_name" not in entry:
                faults[row] = 'no "person_name": give every row the name of its person'
            elif (fault := name_fault(name)) is not None:
                faults[row] = f"person_name {fault}"
            else:
                known[name] = name
        names.append("" if row in faults else known[name])
    return np.array(names, np.str_), _row_problems("bad-names", faults, path)


def pose_fault(pose: object) -> str | None:
    """What is wrong with an entry of ``poses``, None if nothing."""
    if pose is None:
        return None
    if not isinstance(pose, list) or len(pose) != 3 or not {int, float}.issuperset(map(type, pose)):
        return f"is {shown(pose)}: write [yaw, pitch, roll] in degrees, or null"
    yaw, pitch, roll = pose
    if not (abs(yaw) < LARGEST_ANGLE and abs(pitch) < LARGEST_ANGLE and abs(roll) < LARGEST_ANGLE):
        return f"is {shown(pose)}: angles are finite; write null where unknown"
    return None


def entry_fault(entry: object) -> str | None:
    """Why an entry, or several, cannot be written as JSON in UTF-8, None if it can."""
    try:
        json.dumps(entry, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(entry, dict):
            key = next((key for key, value in entry.items() if entry_fault(value) is not None), None)
            if isinstance(key, str):
                return (
                    f"{shown(key)[1:-1]} is {shown(entry[key])}, which JSON in UTF-8 cannot hold: write null or a text"
                )
        reason = "half a character" if isinstance(error, UnicodeEncodeError) else shortened(str(error))
        return f"metadata cannot be written as JSON in UTF-8 ({reason}): correct the entry"
    return None
