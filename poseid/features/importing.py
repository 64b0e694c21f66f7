"""From a table of photos, CSV or Parquet, to a feature folder. Streams: vectors are never all in memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np
import pyarrow as pa

from poseid.errors import InputError
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import (
    DTYPES,
    FRONTAL,
    FeatureSet,
    Rows,
    check_features,
    declared_kinds,
    kinds_of,
    name_fault,
    shown,
)
from poseid.features.tables.arrow import angles_of, table_batches, table_columns, texts, vectors
from poseid.features.tables.id_columns import checked_ids, find_id_columns, id_values
from poseid.features.tables.poses import PoseFormat
from poseid.features.tables.table import find_columns

SUFFIXES = (".csv", ".parquet")
ROLES = ("front", "video")


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table of photos.

    Attributes:
        features: one of lists, or D of numbers; names, ranges and patterns as for ``find_columns``.
        person: whose photo it is: text, or integers.
        poses: three of angles, or one of three; empty: poses are unknown.
        format: how the angles are written.
        source: goes into the metadata; ``frontal/…`` and ``profile/…`` say what a photo is, whatever its pose.
        role: ``front`` or ``video`` on each row; None: see :func:`import_table`.
        frontal_max: up to this abs(yaw), in degrees, a photo without such a source is frontal.
        identifiers: from ``template_id``, ``media_id`` or ``frame`` to the column that holds it, "" for none; where one
            is not given, the column of that name, if there is one.
    """

    features: tuple[str, ...]
    person: str
    poses: tuple[str, ...]
    format: PoseFormat
    source: str | None
    role: str | None
    frontal_max: float
    identifiers: Mapping[str, str]


def import_table(path: Path, columns: TableColumns, out: Path, advance: Callable[[int], None]) -> FeatureSet:
    """Writes a feature folder from a table with one photo a row.

    Front and video rows are told apart by the role column where there is one. Else the first, third, fifth, …
    frontal photo of each person becomes a front row and all other photos video rows: so there are frontal probes,
    which show whether frontal photos take harm.

    Args:
        path: .csv (UTF-8; commas, semicolons or tabs) or .parquet.
        columns: which hold what.
        out: the new folder.
        advance: called with the number of rows just read.

    Returns:
        What was written, read back.

    Raises:
        InputError: one line that names the file and the row (counted from 0, without the header) or the column.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown kind of table: give {' or '.join(SUFFIXES)}")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if columns.role is None and columns.source is None and not columns.poses:
        raise InputError(f"{path}: nothing tells front from video: name a role column, poses or a source column")
    if out.exists():
        raise InputError(f"--out {out}: is there already: remove it or choose another name")
    place = next(parent for parent in out.absolute().parents if parent.is_dir())
    # a memory map that is still open cannot be removed on every system
    with tempfile.TemporaryDirectory(
        prefix=f".{out.name}.", suffix=".partial", dir=place, ignore_cleanup_errors=True
    ) as directory:
        write_folder(_streamed(path, columns, Path(directory), advance), out)
    return read_folder(out)


def _streamed(path: Path, columns: TableColumns, directory: Path, advance: Callable[[int], None]) -> FeatureSet:
    """The table's rows; the vectors are in two files of the directory, the rest in memory."""
    file = str(path)
    names, poses, identifiers, wanted = _find(path, columns)
    numbers = (names if len(names) > 1 else ()) + (poses if len(poses) > 1 else ())
    frontals: Counter[str] = Counter()
    known: set[str] = set()
    first, dim, dtype = 0, 0, np.dtype(np.float32)
    parts: list[tuple[np.ndarray, ...]] = []
    sources: list[str] = []
    ids: dict[str, list[pa.Array]] = {key: [] for key in identifiers}
    with (directory / "front").open("wb") as front_file, (directory / "video").open("wb") as video_file:
        for batch in table_batches(path, wanted, numbers):
            if not len(batch):
                continue
            features = vectors(batch, names, file, first)
            if not first:
                dim, dtype = features.shape[1], features.dtype if features.dtype in DTYPES else dtype
            if features.shape[1] != dim:
                raise InputError(f"{file}: row {first}: a vector of {features.shape[1]} numbers, row 0 has {dim}")
            features = features.astype(dtype, copy=False)
            check_features(features, file, dim, first)
            people = texts(batch, columns.person, file, first)
            for row, person in enumerate(people.tolist()):
                if person not in known and (fault := name_fault(person)) is not None:
                    raise InputError(f"{file}: row {first + row}: {shown(columns.person)} {fault}")
                known.add(person)
            angles = angles_of(batch, poses, file, first) if poses else np.full((len(batch), 3), np.nan)
            degrees = columns.format.degrees(angles, file, first)
            source = texts(batch, columns.source, file, first)
            if columns.role is None:
                kinds = kinds_of(declared_kinds(source), degrees[:, 0], columns.frontal_max)
                front = _references(people, kinds == FRONTAL, frontals)
            else:
                roles = texts(batch, columns.role, file, first)
                for row in np.flatnonzero(~np.isin(roles, ROLES))[:1].tolist():
                    role = f"{shown(columns.role)} is {shown(roles[row].item())}"
                    raise InputError(f"{file}: row {first + row}: {role}: write front or video")
                front = roles == "front"
            front_file.write(features[front].tobytes())
            video_file.write(features[~front].tobytes())
            parts.append((front, people, degrees))
            sources += source.tolist()
            for key, name in identifiers.items():
                ids[key].append(id_values(batch.column(name), name, path))
            first += len(batch)
            advance(len(batch))
    if not first:
        raise InputError(f"{file}: holds no rows")
    front, people, degrees = (np.concatenate(column) for column in zip(*parts, strict=True))
    metadata = {"person_name": people.tolist(), "source": [source or None for source in sources]}
    metadata |= {key: checked_ids(parts, key, identifiers[key], people, file) for key, parts in ids.items()}
    sides: list[Rows] = []
    for role, rows in zip(ROLES, (front, ~front), strict=True):
        if not rows.any():
            how = f"column {shown(columns.role)}" if columns.role else "yaw and source"
            raise InputError(f"{file}: none of {first} rows is a {role} row by {how}: check it, or --frontal-max")
        entries = tuple(
            {key: value for key, value in zip(metadata, row, strict=True) if value is not None}
            for row in compress(zip(*metadata.values(), strict=True), rows)
        )
        features = np.memmap(directory / role, dtype, "r", shape=(len(entries), dim))
        sides.append(Rows(features, degrees[rows], people[rows], entries))
    return FeatureSet(path.name, sides[0], sides[1])


def _find(path: Path, columns: TableColumns) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str], list[str]]:
    """The columns of the vectors, those of the poses, those of identifiers by key, and all that are read."""
    file, have = str(path), table_columns(path)
    names = find_columns(columns.features, have, file)
    poses = find_columns(columns.poses, have, file) if columns.poses else ()
    identifiers = find_id_columns(columns.identifiers, have, names, file)
    single = [name for name in (columns.person, columns.source, columns.role) if name is not None]
    find_columns(single, have, file)
    both = next((name for name in (*poses, *single, *identifiers.values()) if name in set(names)), None)
    if both is not None:
        raise InputError(f"{file}: {shown(both)} is among the columns of the vectors: name those as a range, f0..f511")
    return names, poses, identifiers, list(dict.fromkeys((*names, *poses, *single, *identifiers.values())))


def _references(people: np.ndarray, frontal: np.ndarray, seen: Counter[str]) -> np.ndarray:
    """Every second frontal row of each person, from the first on; ``seen`` counts those of earlier batches too."""
    front = np.zeros(len(people), bool)
    for row in np.flatnonzero(frontal).tolist():
        front[row] = seen[people[row]] % 2 == 0
        seen[people[row]] += 1
    return front
