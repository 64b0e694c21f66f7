"""Reading, checking and writing a feature folder: two npy files, two JSON files, perhaps ``pairs.csv``."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tokenize
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from poseid.errors import InputError
from poseid.features.metadata import entry_text, pose_table, read_metadata
from poseid.features.pairs import Pairs, pairs_text, read_pairs
from poseid.features.rows import FeatureSet, Rows, check_features, name_fault, shown
from poseid.whole import sync_directory

ROWS_AT_ONCE = 16_384  # that are written
MEMORY_MAP_BYTES = 256 * 2**20  # larger npy files are memory-mapped, not read
# what numpy raises on the header of a damaged npy file, which it reads as Python's own literals
NPY_FAULTS = (
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    OverflowError,
    MemoryError,
    RecursionError,
    tokenize.TokenError,
)


def read_folder(path: Path, dim: int | None = None) -> FeatureSet:
    """Read a feature folder and refuse it if anything in it is not what it should be.

    ``{front,video}_feature.npy`` hold (rows, D) finite float16, float32 or float64 vectors with no zero row;
    ``{front,video}_metadata.json`` hold ``{"metadata": [{"person_name": …}, …], "poses": [[yaw, pitch, roll]
    or null, …]}`` with as many entries each, in UTF-8. Vectors keep their lengths and dtype, metadata entries
    all their keys. npy files above 256 MiB stay on disk as memory maps; nothing is ever unpickled.

    Args:
        path: the folder.
        dim: D that the vectors must have, None for any, as long as both files agree.

    Raises:
        InputError: one line that names the file and the row (counted from 0) or line, and what to do.
    """
    check_there(path)
    front = _read_rows(path, "front", dim)
    video = _read_rows(path, "video", front.dim if dim is None else dim)
    check_spelling(np.concatenate([front.people, video.people]), str(path))
    pairs_path = path / "pairs.csv"
    pairs = read_pairs(pairs_path, front.people, video.people) if pairs_path.exists() else None
    return FeatureSet(path.resolve().name, front, video, pairs)


def check_there(path: Path) -> None:
    """Refuses what is no folder, before anything of it is read."""
    if not path.is_dir():
        what = "is a file, not a folder" if path.exists() else "does not exist"
        raise InputError(f"{path}: {what}: give a folder with front_feature.npy and its companions")


def read_array(path: Path) -> np.ndarray:
    """An npy file as an array, memory-mapped read-only above 256 MiB. Never unpickles.

    Raises:
        InputError: no such file, no npy file, Python objects inside, cut short or with bytes after the array.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise InputError(f"{path}: is missing: a feature folder needs it") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if start[:6] != b"\x93NUMPY":
        hint = "an npz archive" if start[:2] == b"PK" else "not an npy file"
        raise InputError(f"{path}: is {hint}: save the vectors with numpy.save")
    try:
        with np.errstate(over="ignore"):  # of a shape that lies; its size is compared below
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except NPY_FAULTS as error:
        if "object" in str(error).lower():
            raise InputError(f"{path}: holds Python objects, which are never loaded: save floats") from None
        raise InputError(f"{path}: is damaged or cut short: save it again") from None
    if not isinstance(mapped, np.memmap):
        return np.asarray(mapped)
    if size != mapped.offset + mapped.nbytes:
        raise InputError(f"{path}: has bytes after the array: save one array alone with numpy.save")
    return mapped if size > MEMORY_MAP_BYTES else np.array(mapped)


def _read_rows(folder: Path, side: str, dim: int | None) -> Rows:
    array_path = folder / f"{side}_feature.npy"
    features = read_array(array_path)
    check_features(features, str(array_path), dim)
    json_path = folder / f"{side}_metadata.json"
    metadata, poses = read_metadata(json_path)
    for what, count in (("metadata entries", len(metadata)), ("poses", len(poses))):
        if count != len(features):
            raise InputError(
                f"{json_path}: {count} {what} for {len(features)} rows of {array_path.name}: "
                "they must agree; write both files together"
            )
    return Rows(features, poses, _names(metadata, str(json_path)), metadata)


def _names(metadata: Sequence[dict[str, Any]], file: str) -> np.ndarray:
    names = []
    good: dict[str, str] = {}  # one object for each name
    for i, entry in enumerate(metadata):
        if "person_name" not in entry:
            raise InputError(f'{file}: row {i}: no "person_name": give every row the name of its person')
        name = entry["person_name"]
        if not isinstance(name, str) or name not in good:
            fault = name_fault(name)
            if fault is not None:
                raise InputError(f"{file}: row {i}: person_name {fault}")
            good[name] = name
        names.append(good[name])
    return np.array(names, np.str_)


def check_spelling(names: np.ndarray, file: str) -> None:
    """Refuse two spellings that look alike (é as one or two characters): one person would be split in two."""
    seen: dict[str, str] = {}
    for name in np.unique(names).tolist():
        other = seen.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise InputError(
                f"{file}: the name {shown(name)} is spelt with different characters in different rows "
                f"({ascii(other)[:60]}, {ascii(name)[:60]}): write it one way"
            )


def write_folder(features: FeatureSet, path: Path) -> None:
    """Write a feature folder that `read_folder` gives back, vectors bit for bit.

    The folder appears whole or not at all: it is written beside its place, flushed to disk, then renamed.

    Raises:
        InputError: ``path`` exists, cannot be made, or ``features`` holds what `read_folder` would refuse.
    """
    if os.path.lexists(path):
        raise InputError(f"{path}: exists already: remove it or choose another name")
    texts: dict[str, str] = {}
    for side, rows in (("front", features.front), ("video", features.video)):
        check_features(rows.features, f"{side}_feature.npy")
        texts[f"{side}_metadata.json"] = _metadata_text(rows, f"{side}_metadata.json")
    check_spelling(np.concatenate([features.front.people, features.video.people]), features.name)
    if features.pairs is not None:
        texts["pairs.csv"] = pairs_text(features.pairs)
    partial = path.parent / f".{path.name}.{secrets.token_hex(4)}.partial"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be made ({error.strerror}): choose another place") from None
    try:
        for side, rows in (("front", features.front), ("video", features.video)):
            with (partial / f"{side}_feature.npy").open("wb") as array_file:
                _write_array(array_file, rows.features)
                array_file.flush()
                os.fsync(array_file.fileno())
        for name, text in texts.items():
            with (partial / name).open("w", encoding="utf-8", newline="") as text_file:
                text_file.write(text)
                text_file.flush()
                os.fsync(text_file.fileno())
        if features.pairs is not None:
            _read_back(partial / "pairs.csv", features.pairs, features)
        sync_directory(partial)
        if os.path.lexists(path):  # rename would replace an empty folder made meanwhile
            raise InputError(f"{path}: exists already: remove it or choose another name")
        partial.rename(path)
        sync_directory(path.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _write_array(file: IO[bytes], vectors: np.ndarray) -> None:
    """What numpy.save writes; numpy itself does not say that a disk is full."""
    description = {"descr": np.lib.format.dtype_to_descr(vectors.dtype), "fortran_order": False, "shape": vectors.shape}
    np.lib.format.write_array_header_1_0(file, description)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        file.write(vectors[start : start + ROWS_AT_ONCE].tobytes())


def _metadata_text(rows: Rows, file: str) -> str:
    entries = [{"person_name": name, **entry} for name, entry in zip(rows.people.tolist(), rows.metadata, strict=True)]
    people = _names(entries, file)
    differs = people != rows.people
    if differs.any():
        i = int(np.argmax(differs))
        raise InputError(
            f"{file}: row {i}: metadata names {shown(people[i].item())}, "
            f"the row {shown(rows.people[i].item())}: make them agree"
        )
    # the shortest decimals that read back as the same float32
    poses = [
        None if all(v != v for v in pose) else [float(str(np.float32(v))) for v in pose] for pose in rows.poses.tolist()
    ]
    pose_table(poses, file)
    metadata = ",\n".join(entry_text(entry, f"{file}: row {i}") for i, entry in enumerate(entries))
    pose_lines = ",\n".join(json.dumps(pose) for pose in poses)
    return f'{{"metadata": [\n{metadata}\n],\n"poses": [\n{pose_lines}\n]}}\n'


def _read_back(path: Path, pairs: Pairs, features: FeatureSet) -> None:
    try:
        read_pairs(path, features.front.people, features.video.people)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name, 1)) from None
