"""Which of the named arrays of an npz or HDF5 file hold vectors and poses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from poseid.errors import InputError
from poseid.features.rows import DTYPES
from poseid.features.tables.names import find_columns, listed
from poseid.features.tables.table import Columns, check_angles

Arrays = Mapping[str, tuple[tuple[int, ...], np.dtype]]
"""Name to (shape, dtype)."""


def choose_arrays(arrays: Arrays, columns: Columns, file: str) -> Columns:
    """The arrays that are named, or the usual ones: the only table of floats, and ``poses`` if there.

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
    shape = arrays[features[0]][0]
    poses = columns.poses or (("poses",) if "poses" in arrays else ())
    if poses:
        poses = find_columns(poses, names, file)
        if len(poses) not in (1, 3):
            raise InputError(f"{file}: --pose-columns names {len(poses)} arrays: give one (rows, 3), or three (rows,)")
        for name in poses:
            check_angles(f"{file}: {name}", *arrays[name], shape[0], 3 if len(poses) == 1 else 1)
    return Columns(features, poses)
