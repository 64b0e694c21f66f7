"""What every format of a file of vectors has in common."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import DTYPES, check_array
from poseid.features.tables.names import find_columns, listed

_SAMPLE_RUNS = 32
_BLOCK_BYTES = 32 * 2**20

Change = Callable[[int, np.ndarray, "np.ndarray | None"], np.ndarray]
"""(number of the first row, (n, D) vectors, (n, 3) angles as they stand in the file or None) to (n, D), same dtype."""


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


def choose_arrays(arrays: Mapping[str, tuple[tuple[int, ...], np.dtype]], columns: Columns, file: str) -> Columns:
    """The arrays, by name to (shape, dtype), that are asked for, or the only table of floats, and ``poses`` if there.

    Raises:
        InputError: a name that is not there, several tables to choose from, or poses of another shape.
    """
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
    poses = columns.poses or (("poses",) if "poses" in arrays else ())
    if not poses:
        return Columns(features)
    poses = find_columns(poses, names, file)
    if len(poses) not in (1, 3):
        raise InputError(f"{file}: --pose-columns names {len(poses)} arrays: give one (rows, 3), or three (rows,)")
    wanted = (shape[0], 3) if len(poses) == 1 else (shape[0],)
    for name in poses:
        there, kind = arrays[name]
        if kind.kind not in "fiu" or there != wanted:
            raise InputError(
                f"{file}: {name}: has shape {there} and dtype {kind.str}: poses of {shape[0]} rows are numbers {wanted}"
            )
    return Columns(features, poses)


def block_rows(dim: int) -> int:
    """How many vectors to hold at a time."""
    return max(1, min(8192, _BLOCK_BYTES // (8 * dim)))


def sample_runs(rows: int, wanted: int) -> list[tuple[int, int]]:
    """Up to 32 runs of rows from all over a file, ``wanted`` rows in all: (first, end).

    >>> sample_runs(3, 4096)
    [(0, 3)]
    >>> sample_runs(10**6, 4096)[-1]
    (999872, 1000000)
    """
    if rows <= wanted:
        return [(0, rows)]
    run = -(-wanted // _SAMPLE_RUNS)
    return [(first, first + run) for first in np.linspace(0, rows - run, wanted // run).astype(int).tolist()]


def require(package: str, path: Path) -> None:
    """Refuses a file whose format needs a package that is not installed."""
    if importlib.util.find_spec(package) is None:
        raise InputError(f'{path}: reading it needs {package}: pip install "poseid[tables]"')
