"""From a table of photos, CSV or Parquet, to a feature folder. Streams: vectors are never all in memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from poseid.errors import InputError
from poseid.features.folder import write_folder
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
from poseid.features.tables.id_columns import checked_ids, find_id_columns
from poseid.features.tables.npy import read_array
from poseid.features.tables.poses import PoseFormat, pose_format
from poseid.features.tables.table import files_in, find_columns, find_poses, suffix_of

SUFFIXES = (".csv", ".parquet")
ROLES = ("front", "video")


class Found(NamedTuple):
    """The columns of a table: of the vectors, of the poses, of identifiers by their key, and all that are read."""

    features: tuple[str, ...]
    poses: tuple[str, ...]
    identifiers: dict[str, str]
    wanted: list[str]


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table of photos.

    Attributes:
        features: one of lists, or D of numbers; names, ranges and patterns as for ``find_columns``.
        person: whose photo it is: text, or integers.
        poses: three of angles, or one of three; empty: poses are unknown.
        order: of the angles, see :func:`pose_format`; None: as the columns say, else yaw, pitch, roll.
        unit: of the angles, "deg" or "rad".
        source: goes into the metadata; ``frontal/…`` and ``profile/…`` say what a photo is, whatever its pose.
        role: ``front`` or ``video`` on each row; None: see :func:`import_table`.
        frontal_max: up to this abs(yaw), in degrees, a photo without such a source is frontal.
        identifiers: from ``template_id``, ``media_id`` or ``frame`` to the column that holds it, "" for none; where one
            is not given, the column of that name, if there is one.
    """

    features: tuple[str, ...]
    person: str
    poses: tuple[str, ...]
    order: str | None
    unit: str
    source: str | None
    role: str | None
    frontal_max: float
    identifiers: Mapping[str, str]


@dataclass(frozen=True)
class Imported:
    """What was written; the order in which angles were read; and what of a directory was left out."""

    features: FeatureSet
    order: tuple[str, ...]
    left_out: list[str]


def import_table(path: Path, columns: TableColumns, out: Path, advance: Callable[[int], None]) -> Imported:
    """Writes a feature folder from a table with one photo a row.

    Front and video rows are told apart by the role column where there is one. Else the first, third, fifth, …
    frontal photo of each person becomes a front row and all other photos video rows: so there are frontal probes,
    which show whether frontal photos take harm.

    Args:
        path: .csv (UTF-8; commas, semicolons or tabs) or .parquet, or a directory of part files of one kind.
        columns: which hold what.
        out: the new folder.
        advance: called with the number of rows just read.

    Raises:
        InputError: one line that names the file and the row (counted from 0, without the header) or the column.
    """
    parts, left_out = _part_files(path)
    pose_format(columns.order, columns.unit, columns.poses)  # refuses a wrong order before a file is opened
    if columns.role is None and columns.source is None and not columns.poses:
        raise InputError(f"{path}: nothing tells front from video: name a role column, poses or a source column")
    if out.exists():
        raise InputError(f"--out {out}: is there already: remove it or choose another name")
    place = next(parent for parent in out.absolute().parents if parent.is_dir())
    # a memory map that is still open cannot be removed on every system
    with tempfile.TemporaryDirectory(
        prefix=f".{out.name}.", suffix=".partial", dir=place, ignore_cleanup_errors=True
    ) as directory:
        features, order = _streamed(path, parts, columns, Path(directory), advance)
        write_folder(features, out)
        front, video = (
            replace(rows, features=read_array(out / f"{role}_feature.npy"))  # those of the directory end with it
            for role, rows in zip(ROLES, (features.front, features.video), strict=True)
        )
    return Imported(FeatureSet(out.resolve().name, front, video), order, left_out)


def _part_files(path: Path) -> tuple[list[Path], list[str]]:
    """The files of a table, and the names of what is in its directory besides."""
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if not path.is_dir():
        if suffix_of(path) not in SUFFIXES:
            raise InputError(f"{path}: unknown kind of table: give {' or '.join(SUFFIXES)}")
        return [path], []
    parts, others = files_in(path, SUFFIXES)
    if not parts:
        raise InputError(f"{path}: is a directory without part files: give {' or '.join(SUFFIXES)}")
    if len({suffix_of(part) for part in parts}) > 1:
        raise InputError(f"{path}: holds {' and '.join(SUFFIXES)}: give the part files of one table alone")
    return parts, [other.name for other in others]


def _streamed(
    path: Path, tables: list[Path], columns: TableColumns, directory: Path, advance: Callable[[int], None]
) -> tuple[FeatureSet, tuple[str, ...]]:
    """The rows of the tables, and the order of the angles. The vectors are in two files of the directory, the rest in
    memory."""
    found = [_find(table, columns) for table in tables]
    angles_as = [pose_format(columns.order, columns.unit, one.poses) for one in found]
    identifiers = found[0].identifiers
    for table, one in zip(tables, found, strict=True):
        if one.identifiers != identifiers:
            raise InputError(f"{table}: has other columns of ids than {tables[0].name}: save all part files alike")
    frontals: Counter[str] = Counter()
    known: set[str] = set()
    dim, dtype = 0, np.dtype(np.float32)
    parts: list[tuple[np.ndarray, ...]] = []
    files: list[tuple[str, int]] = []
    sources: list[str] = []
    ids: dict[str, list[pa.Array]] = {key: [] for key in identifiers}
    with (directory / "front").open("wb") as front_file, (directory / "video").open("wb") as video_file:
        for file, first, batch, one, written in _batches(tables, found, angles_as):
            if first == 0:
                files.append((file, len(sources)))
            features = vectors(batch, one.features, file, first)
            kind = features.dtype if features.dtype in DTYPES else np.dtype(np.float32)
            if not parts:
                dim, dtype = features.shape[1], kind
            if (features.shape[1], kind) != (dim, dtype):
                other = f"a vector of {features.shape[1]} numbers, {kind}; the first has {dim}, {dtype}"
                raise InputError(f"{file}: row {first}: {other}: save all alike")
            features = features.astype(dtype, copy=False)
            check_features(features, file, first)
            people = texts(batch, columns.person, file, first)
            for row, person in enumerate(people.tolist()):
                if person not in known and (fault := name_fault(person)) is not None:
                    raise InputError(f"{file}: row {first + row}: {shown(columns.person)} {fault}")
                known.add(person)
            angles = angles_of(batch, one.poses, file, first) if one.poses else np.full((len(batch), 3), np.nan)
            degrees = written.degrees(angles, file, first)
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
                ids[key].append(batch.column(name))
            advance(len(batch))
    if not parts:
        raise InputError(f"{path}: holds no rows")
    front, people, degrees = (np.concatenate(column) for column in zip(*parts, strict=True))
    metadata = {"person_name": people.tolist(), "source": [source or None for source in sources]}
    metadata |= {key: checked_ids(blocks, key, identifiers[key], people, files) for key, blocks in ids.items()}
    sides: list[Rows] = []
    for role, rows in zip(ROLES, (front, ~front), strict=True):
        if not rows.any():
            how = f"column {shown(columns.role)}" if columns.role else "yaw and source"
            raise InputError(f"{path}: none of {len(front)} rows is a {role} row by {how}: check it, or --frontal-max")
        entries = tuple(
            {key: value for key, value in zip(metadata, row, strict=True) if value is not None}
            for row in compress(zip(*metadata.values(), strict=True), rows)
        )
        features = np.memmap(directory / role, dtype, "r", shape=(len(entries), dim))
        sides.append(Rows(features, degrees[rows], people[rows], entries))
    return FeatureSet(path.name, sides[0], sides[1]), angles_as[0].order


def _batches(
    tables: Sequence[Path], found: Sequence[Found], angles_as: Sequence[PoseFormat]
) -> Iterator[tuple[str, int, Any, Found, PoseFormat]]:
    """Of each batch of the tables: its file, the number of its first row there, the batch itself, its columns."""
    for table, one, written in zip(tables, found, angles_as, strict=True):
        numbers = (one.features if len(one.features) > 1 else ()) + (one.poses if len(one.poses) > 1 else ())
        first = 0
        for batch in table_batches(table, one.wanted, numbers):
            if len(batch):
                yield str(table), first, batch, one, written
            first += len(batch)


def _find(path: Path, columns: TableColumns) -> Found:
    file, have = str(path), table_columns(path)
    names = find_columns(columns.features, have, file)
    poses = find_poses(columns.poses, have, file) if columns.poses else ()
    identifiers = find_id_columns(columns.identifiers, have, names, file)
    single = [name for name in (columns.person, columns.source, columns.role) if name is not None]
    find_columns(single, have, file)
    both = next((name for name in (*poses, *single, *identifiers.values()) if name in set(names)), None)
    if both is not None:
        raise InputError(f"{file}: {shown(both)} is among the columns of the vectors: name those as a range, f0..f511")
    wanted = list(dict.fromkeys((*names, *poses, *single, *identifiers.values())))
    return Found(names, poses, identifiers, wanted)


def _references(people: np.ndarray, frontal: np.ndarray, seen: Counter[str]) -> np.ndarray:
    """Every second frontal row of each person, from the first on; ``seen`` counts those of earlier batches too."""
    front = np.zeros(len(people), bool)
    for row in np.flatnonzero(frontal).tolist():
        front[row] = seen[people[row]] % 2 == 0
        seen[people[row]] += 1
    return front
