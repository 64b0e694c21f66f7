"""What every format of a file of vectors has in common."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import DTYPES

_SAMPLE_RUNS = 32
_BLOCK_BYTES = 32 * 2**20

Change = Callable[[int, np.ndarray, "np.ndarray | None"], np.ndarray]
"""(number of the first row, (n, D) vectors, (n, 3) angles as they stand in the file or None) to (n, D), same dtype."""


@dataclass(frozen=True)
class Columns:
    """The columns or arrays of a file that hold vectors and head poses; empty: those with the usual names.

    Attributes:
        features: one that holds whole vectors, or D that hold one number each, in order.
        poses: one that holds three angles a row, or three that hold one each.
    """

    features: tuple[str, ...] = ()
    poses: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """A file of vectors, looked at but not read.

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


def checked(file: str, shape: tuple[int, ...], dtype: np.dtype) -> tuple[int, int]:
    """(rows, D) of an array of vectors.

    Raises:
        InputError: another shape or dtype than :class:`Table` says, or no rows.
    """
    if dtype not in DTYPES:
        raise InputError(
            f"{file}: holds {dtype.str} values: save it as float16, float32 or float64 in the machine's byte order"
        )
    if len(shape) != 2 or min(shape) < 1:
        raise InputError(f"{file}: has shape {shape}: save one vector a row, shape (rows, dimensions)")
    return shape[0], shape[1]


def check_angles(file: str, shape: tuple[int, ...], dtype: np.dtype, rows: int, width: int) -> None:
    """Refuses an array of angles that is not (rows,) for width 1 or (rows, 3) for width 3, of real numbers."""
    wanted = (rows,) if width == 1 else (rows, width)
    if dtype.kind not in "fiu" or shape != wanted:
        raise InputError(f"{file}: has shape {shape} and dtype {dtype.str}: poses of {rows} rows are numbers {wanted}")


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
