"""Reading metadata files: the entries and poses of a side, whatever stands in them."""

from __future__ import annotations

import codecs
import json
import mmap
import os
from array import array
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np

from poseid.errors import InputError
from poseid.features.entries import Entries
from poseid.features.json_file import HALF_CHARACTER, JsonFile, Unsound
from poseid.features.rows import shown

_MAPPED_ABOVE = 64 * 2**20  # bytes
_UNKNOWN = (float("nan"),) * 3


def read_metadata(path: Path) -> tuple[Sequence[dict[str, Any]], np.ndarray]:
    """The entries of a metadata file and (n, 3) float32 poses in degrees, unknown ones NaN.

    Raises:
        InputError: as :func:`poseid.features.folder.read_folder`.
    """
    entries, poses, faults = parse_metadata(path)
    if faults:
        raise InputError(faults[0])
    for i, entry in enumerate(entries if isinstance(poses, list) else ()):
        if not isinstance(entry, dict):
            raise InputError(f'{path}: row {i}: metadata is {shown(entry)}, not an object {{"person_name": …}}')
    return entries, pose_table(poses, str(path)) if isinstance(poses, list) else poses


def parse_metadata(path: Path) -> tuple[Sequence[Any], list[Any] | np.ndarray, list[str]]:
    """``metadata`` and ``poses`` of a metadata file, whatever stands in them.

    Returns:
        The entries; the poses, of a sound file (n, 3) float32 with NaN for unknown ones, else as they stand there; and
        a line for each entry that could not be written back: a key twice in it, a NaN, half a character.

    Raises:
        InputError: no such file, not UTF-8, not JSON, or no such lists in it.
    """
    try:
        # In pieces: as objects of Python ten million rows are seven gigabytes.
        return (*_sound(path), [])
    except (OSError, ValueError, RecursionError):
        return _whole(path)


def _sound(path: Path) -> tuple[Entries, np.ndarray]:
    """The entries and poses of a file with nothing wrong in it.

    Raises:
        ValueError: there is something wrong.
    """
    found: dict[str, Any] = {}
    with path.open("rb") as binary:
        mark = len(codecs.BOM_UTF8) if binary.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else 0
        binary.seek(mark)
        file = JsonFile(TextIOWrapper(binary, encoding="utf-8", newline=""), mark)
        sign = file.take("{")
        while sign != "}":
            key = file.value()
            file.take(":")
            if not isinstance(key, str) or key in found:
                raise Unsound("a key stands twice")
            read = {"metadata": _places, "poses": _poses}.get(key, JsonFile.value)
            found[key] = read(file)
            sign = file.take(",}")
        file.take("")
        if not {"metadata", "poses"} <= found.keys():
            raise Unsound("a list is missing")
        # As with vectors: of a large file only where everything lies is kept. The places are those of the file that is
        # open, whatever has taken its name meanwhile.
        size = binary.seek(0, os.SEEK_END)
        binary.seek(0)
        text = mmap.mmap(binary.fileno(), 0, access=mmap.ACCESS_READ) if size > _MAPPED_ABOVE else binary.read()
    return Entries(text, *found["metadata"]), found["poses"]


def _places(file: JsonFile) -> tuple[np.ndarray, np.ndarray]:
    """Where each entry begins and ends."""
    begins, ends = array("q"), array("q")
    for entry, begin, end in file.elements():
        if type(entry) is not dict:
            raise Unsound("no object")
        if file.has_escaped_halves:
            entry_text(entry, "")
        begins.append(begin)
        ends.append(end)
    return np.array(begins, np.int64), np.array(ends, np.int64)


def _poses(file: JsonFile) -> np.ndarray:
    angles = array("f")
    for pose, _, _ in file.elements():
        if pose_fault(pose) is not None:
            raise Unsound("no pose")
        angles.extend(_UNKNOWN if pose is None else pose)
    return np.array(angles, np.float32).reshape(-1, 3)


def _whole(path: Path) -> tuple[list[Any], list[Any], list[str]]:
    """:func:`parse_metadata` of a file that is not sound: what is wrong, and where."""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: is missing: a feature folder needs it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}: line {line}: not UTF-8: save the file as UTF-8") from None
    del raw
    constants: list[float] = []
    twice: list[tuple[dict[str, Any], str]] = []

    def constant(word: str) -> float:
        constants.append(float(word))
        return constants[-1]

    def once(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            keys = [key for key, _ in items]
            twice.append((found, next(key for key in keys if keys.count(key) > 1)))
        return found

    try:
        content = json.loads(text, parse_constant=constant, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno} column {error.colno}: not JSON ({error.msg})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON that can be read: a number is too long or the nesting too deep") from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: must be an object {{"metadata": […], "poses": […]}}, not {type(content).__name__}')
    entries, poses = content.get("metadata"), content.get("poses")
    faults = []
    for holder, key in twice:
        rows = entries if isinstance(entries, list) else []
        row = next((f"row {i}: " for i, entry in enumerate(rows) if entry is holder), "")
        faults.append(f"{path}: {row}the key {shown(key)} stands twice: keep one")
    for key, value in (("metadata", entries), ("poses", poses)):
        if not isinstance(value, list):
            if faults:
                raise InputError(faults[0])
            problem = "is not a list" if key in content else "is missing"
            raise InputError(f'{path}: the key "{key}" {problem}: give it one entry a row')
    assert isinstance(entries, list)
    assert isinstance(poses, list)
    if constants or HALF_CHARACTER.search(text):  # only then can an entry be unfit for writing back
        for i, entry in enumerate(entries):
            try:
                entry_text(entry, f"{path}: row {i}")
            except InputError as error:
                faults.append(str(error))
    return entries, poses, faults


def pose_table(poses: list[Any], file: str) -> np.ndarray:
    unknown = [float("nan")] * 3
    for i, pose in enumerate(poses):
        fault = pose_fault(pose)
        if fault is not None:
            raise InputError(f"{file}: row {i}: pose {fault}")
    return np.array([unknown if p is None else p for p in poses], np.float32).reshape(-1, 3)


def pose_fault(pose: object) -> str | None:
    """What is wrong with an entry of ``poses``, None if nothing.

    >>> pose_fault(None) is None, pose_fault([1, 2])
    (True, 'is [1, 2]: write [yaw, pitch, roll] in degrees, or null')
    """
    if pose is None:
        return None
    if not isinstance(pose, list) or len(pose) != 3 or any(type(v) not in (int, float) for v in pose):
        return f"is {shown(pose)}: write [yaw, pitch, roll] in degrees, or null"
    if any(not abs(v) < 1e9 for v in pose):
        return f"is {shown(pose)}: angles are finite; write null where unknown"
    return None


def entry_text(value: object, where: str) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        reason = "half a character" if isinstance(error, UnicodeEncodeError) else str(error)[:80]
        raise InputError(f"{where}: metadata cannot be kept as JSON in UTF-8 ({reason}): correct the entry") from None
    return text
