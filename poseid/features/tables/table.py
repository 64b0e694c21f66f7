"""Files of vectors: the module of each format, the columns that a user names, and what all formats have in common."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import DTYPES, check_array, shown

ANGLES = ("yaw", "pitch", "roll")
_SAMPLE_RUNS = 32
_RANGE = re.compile(r"(.*?)([0-9]+)(?:\.{2,3}|…)(.*?)([0-9]+)", re.ASCII)
_BLOCK_BYTES = 32 * 2**20

FORMATS = {
    ".npy": ("npy", "numpy"),
    ".npz": ("npz", "numpy"),
    ".parquet": ("parquet", "pyarrow"),
    ".h5": ("hdf5", "h5py"),
    ".hdf5": ("hdf5", "h5py"),
}
"""Suffix to a module of this package, with the functions ``inspect`` and ``rewrite`` (and those that
:mod:`poseid.features.tables.pooled` asks for), and the package that it needs."""
SUFFIXES = tuple(FORMATS)

Block = tuple[int, np.ndarray, "np.ndarray | None"]
"""Number of the first row, (n, D) vectors in this machine's byte order, (n, 3) angles as they stand there or None."""
Change = Callable[[int, np.ndarray, "np.ndarray | None"], np.ndarray]
"""A block to (n, D) vectors of the same dtype."""


@dataclass(frozen=True)
class Columns:
    """The columns or arrays of a file that hold vectors and head poses; empty: those with the usual names.

    Attributes:
        features: one that holds a vector in each row, or D that hold one number each, in order.
        poses: one that holds three angles a row, or three that hold one each.
    """

    features: tuple[str, ...] = ()
    poses: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """What a file of vectors holds.

    Attributes:
        rows: number of vectors.
        dim: D.
        dtype: float16, float32 or float64.
        columns: where vectors and poses are; no poses where the file has none.
        sample: (k, D) some of the vectors, from all over the file where the format allows it.
    """

    rows: int
    dim: int
    dtype: np.dtype
    columns: Columns
    sample: np.ndarray


def suffix_of(path: Path) -> str:
    """What says the format of a file: its suffix in small letters."""
    return path.suffix.lower()


def files_in(directory: Path, suffixes: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """The files of a directory with these suffixes, and all else in it; without names that begin with . or _, which
    writers of part files give to what is no data."""
    seen = sorted(path for path in directory.iterdir() if not path.name.startswith((".", "_")))
    found = [path for path in seen if suffix_of(path) in suffixes]
    return found, [path for path in seen if suffix_of(path) not in suffixes]


def inspect_file(path: Path, columns: Columns, sampled: int = 4096) -> Table:
    """What a file of vectors holds, with a sample of at most ``sampled`` of them.

    Raises:
        InputError: one line that names the file and says what is wrong with it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if suffix_of(path) not in FORMATS:
        how = ": make a feature folder of it first, poseid import" if suffix_of(path) == ".csv" else ""
        raise InputError(f"{path}: unknown kind of file{how}: give {', '.join(SUFFIXES)} or a feature folder")
    try:
        table: Table = format_module(path).inspect(path, columns, sampled)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    return table


def rewrite_file(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """Writes a copy of a file with other vectors, a block of rows at a time.

    Rows keep their order, vectors their dtype, and everything else in the file passes through. ``columns`` are those
    that :func:`inspect_file` gave, or without poses.

    Raises:
        InputError: as ``change`` does, or the file turns out to be damaged.
    """
    format_module(source).rewrite(source, target, columns, change)


def format_module(path: Path) -> Any:
    """The module of the format of a file that has a suffix of :data:`FORMATS`."""
    name, package = FORMATS[suffix_of(path)]
    require(package, path)
    return importlib.import_module(f"poseid.features.tables.{name}")


def split_names(text: str) -> tuple[str, ...]:
    """Column names as a user writes them: one, several, f0..f511 or f*, with commas between them."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def find_columns(written: Sequence[str], have: Sequence[str], file: str) -> tuple[str, ...]:
    """The columns that are meant, in the order in which their numbers make a vector.

    A name that a column of ``have`` has stands for it. ``f0..f511`` (also with … or three dots) is a range, both ends
    included. ``f*`` is every column of that form, by number where there are numbers: f2 before f10.

    Raises:
        InputError: a column that is missing, one that is meant twice, a gap in the numbers of ``f*``.

    >>> find_columns(["f*"], ["f10", "f8", "id", "f9"], "table")
    ('f8', 'f9', 'f10')
    >>> find_columns(["v01..v03"], ["v03", "v02", "v01"], "table")
    ('v01', 'v02', 'v03')
    """
    found: list[str] = []
    for text in written:
        span = None if text in have else _RANGE.fullmatch(text)
        if span is not None and span[1] == span[3]:
            width = len(span[2]) if span[2].startswith("0") else 0
            found += [f"{span[1]}{i:0{width}d}" for i in range(int(span[2]), int(span[4]) + 1)]
        else:
            found += _matching(text, have, file) if "*" in text and text not in have else [text]
    if not found:
        raise InputError(f"{file}: {', '.join(written)} names no column")
    missing = next((name for name in found if name not in have), None)
    if missing is not None:
        raise InputError(f"{file}: has no column {shown(missing)}: its columns are {listed(have)}")
    twice = next((name for name in found if found.count(name) > 1 or have.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file}: the column {shown(twice)} is meant twice, or there twice: give each its own name")
    return tuple(found)


def angle_name(name: str) -> str:
    """A column's or array's own name, without the struct or group that it is in, in small letters."""
    return re.split(r"[./]", name)[-1].lower()


def find_poses(written: Sequence[str], have: Sequence[str], file: str) -> tuple[str, ...]:
    """The columns or arrays of the poses.

    Those that are written, where the name of a struct or group stands for the yaw, pitch and roll in it; else the
    usual ones in any case, ``poses``, or ``yaw``, ``pitch`` and ``roll``, which may be in one struct or group.

    >>> find_poses([], ["id", "Yaw", "Roll", "Pitch"], "table")
    ('Yaw', 'Pitch', 'Roll')
    >>> find_poses(["head"], ["head", "head.roll", "head.pitch", "head.yaw"], "table")
    ('head.yaw', 'head.pitch', 'head.roll')
    """
    groups: dict[str, dict[str, str]] = {"": {}}
    for name in sorted(have, key=str.islower):  # the one in small letters is put last and stays
        group = name[: len(name) - len(re.split(r"[./]", name)[-1])]
        groups.setdefault(group[:-1], {})[angle_name(name)] = name
    angles = {
        group: tuple(names[angle] for angle in ANGLES) for group, names in groups.items() if names.keys() >= {*ANGLES}
    }
    if len(written) == 1 and written[0] in angles:
        return angles[written[0]]
    if written:
        return find_columns(written, have, file)
    if "poses" in groups[""]:
        return (groups[""]["poses"],)
    return angles.get("", next(iter(angles.values())) if len(angles) == 1 else ())


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first and the last of many."""
    chosen = names if len(names) <= 8 else [*names[:5], "…", *names[-2:]]
    return ", ".join(name if name == "…" else shown(name)[1:-1] for name in chosen) or "none"


def _matching(pattern: str, have: Sequence[str], file: str) -> list[str]:
    form = re.compile(re.escape(pattern).replace(r"\*", "(.*)"), re.DOTALL)
    found = {name: match[1] for name in have if (match := form.fullmatch(name))}
    if not found:
        raise InputError(f"{file}: no column is named like {shown(pattern)}: its columns are {listed(have)}")
    numbers = {name: int(star) for name, star in found.items() if star.isascii() and star.isdigit()}
    if not numbers or pattern.count("*") > 1:
        return list(found)
    other = next((name for name in found if name not in numbers), None)
    if other is not None:
        raise InputError(f"{file}: {shown(pattern)} also means {shown(other)}: write a range such as f0..f511")
    first = min(numbers.values())
    gap = next((min(n, there) for n, there in enumerate(sorted(numbers.values()), first) if n != there), None)
    if gap is not None:
        raise InputError(f"{file}: of {shown(pattern)}, number {gap} is missing or there twice: check the table")
    return sorted(numbers, key=numbers.__getitem__)


def choose_arrays(arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]], columns: Columns, file: str) -> Columns:
    """The arrays, from name to (shape, dtype), that are asked for; else the only floats and the usual poses."""
    names = list(arrays)
    if columns.features:
        features = find_columns(columns.features, names, file)
        if len(features) != 1:
            raise InputError(f"{file}: --feature-columns names {len(features)} arrays: one holds the vectors")
    else:
        tables = [n for n, (shape, dtype) in arrays.items() if len(shape) == 2 and shape[1] > 3 and dtype in DTYPES]
        features = tuple(tables) if len(tables) == 1 else tuple(n for n in tables if n == "features")
        if not features:
            raise InputError(f"{file}: --feature-columns: say which array holds the vectors: {listed(names)}")
    shape, dtype = arrays[features[0]]
    check_array(f"{file}: {features[0]}", shape, dtype)
    poses = find_poses(columns.poses, names, file)
    if not poses:
        return Columns(features)
    if len(poses) not in (1, 3):
        raise InputError(f"{file}: --pose-columns names {len(poses)} arrays: give one (rows, 3), or three (rows,)")
    wanted = (shape[0], 3) if len(poses) == 1 else (shape[0],)
    for name in poses:
        there, kind = arrays[name]
        if kind.kind not in "fiu" or there != wanted:
            found = f"shape {there} and dtype {kind.str}"
            raise InputError(f"{file}: {name}: has {found}: poses of {shape[0]} rows are numbers {wanted}")
    return Columns(features, poses)


def block_rows(dim: int) -> int:
    """How many vectors to hold at a time."""
    return max(1, min(8192, _BLOCK_BYTES // (8 * dim)))


def sample_runs(rows: int, wanted: int) -> list[tuple[int, int]]:
    """Up to 32 runs of rows from all over a file, ``wanted`` rows in all: (first, end)."""
    if rows <= wanted:
        return [(0, rows)]
    run = -(-wanted // _SAMPLE_RUNS)
    return [(first, first + run) for first in np.linspace(0, rows - run, wanted // run).astype(int).tolist()]


def require(package: str, path: Path) -> None:
    """Refuses a file whose format needs a package that is not installed."""
    if importlib.util.find_spec(package) is None:
        raise InputError(f'{path}: reading it needs {package}: pip install "poseid[tables]"')
