"""Head poses in the order and unit in which users have them, to [yaw, pitch, roll] in degrees."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.errors import InputError
from poseid.features.metadata import read_metadata
from poseid.features.rows import shown
from poseid.features.tables.npy import read_array
from poseid.features.tables.table import ANGLES, angle_name, find_columns, find_poses, require, suffix_of

ORDERS = tuple(itertools.permutations(ANGLES))
_LARGEST = 360.0
_ENOUGH = 50  # known poses, to suspect radians


@dataclass(frozen=True)
class PoseFormat:
    """How three angles are written.

    Attributes:
        order: what the first, second and third one is.
        unit: "deg" or "rad".
    """

    order: tuple[str, ...] = ANGLES
    unit: str = "deg"

    def degrees(self, angles: np.ndarray, file: str, first: int = 0) -> np.ndarray:
        """[yaw, pitch, roll] in degrees, (n, 3) float32; a row of (n, 3) angles with NaN is NaN throughout.

        Raises:
            InputError: an angle that is infinite or beyond 360 degrees; names the file and the row, from ``first`` on.

        >>> PoseFormat(("pitch", "yaw", "roll"), "rad").degrees(np.array([[0.0, math.pi / 2, 0.0]]), "p").tolist()
        [[90.0, 0.0, 0.0]]
        """
        turned = np.asarray(angles, np.float64)[:, [self.order.index(name) for name in ANGLES]]
        if self.unit == "rad":
            turned = turned * (180.0 / math.pi)
        unknown = np.isnan(turned).any(axis=1)
        wrong = ~unknown & (np.abs(turned) > _LARGEST).any(axis=1)
        if wrong.any():
            row = int(np.argmax(wrong))
            pose, unit = shown(np.asarray(angles)[row].tolist()), "radians" if self.unit == "rad" else "degrees"
            remedy = "check the columns and the unit, and leave unknown angles empty (NaN)"
            raise InputError(f"{file}: row {first + row}: pose {pose} is no head pose in {unit}: {remedy}")
        turned[unknown] = np.nan
        return turned.astype(np.float32)


def pose_format(order: str | None, unit: str, names: Sequence[str]) -> PoseFormat:
    """From the command line; without an order, three columns that are named like angles are what they say.

    Raises:
        InputError: no permutation of yaw, pitch, roll; or one that contradicts the names.

    >>> pose_format(None, "deg", ["Pitch", "Yaw", "Roll"]).order
    ('pitch', 'yaw', 'roll')
    """
    named = tuple(angle_name(name) for name in names)
    if order is None:
        return PoseFormat(named if named in ORDERS else ANGLES, unit)
    given = tuple(part.strip().lower() for part in order.split(","))
    if given not in ORDERS:
        raise InputError(f"--pose-order {order}: write yaw, pitch and roll in your order, such as pitch,yaw,roll")
    if named in ORDERS and named != given:
        raise InputError(f"--pose-order {order}: contradicts the columns {', '.join(names)}: leave it out")
    return PoseFormat(given, unit)


def looks_like_radians(degrees: np.ndarray) -> bool:
    """Whether poses given as degrees are likely radians: all are within π, which heads in many photos are not."""
    known = degrees[~np.isnan(degrees).any(axis=1)]
    return len(known) >= _ENOUGH and 0.1 < float(np.abs(known).max()) <= math.pi + 1e-3


def read_poses(path: Path, names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The angles of a file of poses alone, as they stand there: (N, 3), perhaps memory-mapped, unknown ones NaN; and
    the names of their columns where the file has any.

    Args:
        path: .npy (N, 3); .json like the metadata of a feature folder; .csv or .parquet with three columns.
        names: of the columns; empty: yaw, pitch, roll.

    Raises:
        InputError: no such file, another kind of file, or no three numbers a row.
    """
    if suffix_of(path) == ".npy":
        angles = read_array(path)
        if angles.ndim != 2 or angles.shape[1] != 3 or angles.dtype.kind not in "fiu":
            raise InputError(f"{path}: has shape {angles.shape}: poses are (rows, 3) numbers")
        return angles, ()
    if not path.is_file():
        raise InputError(f"{path}: no such file: give poses as .npy, .json, .csv or .parquet")
    if suffix_of(path) == ".json" or (path.name in ("front_metadata.parquet", "video_metadata.parquet") and not names):
        return read_metadata(path)[1], ()
    if suffix_of(path) not in (".csv", ".parquet"):
        raise InputError(f"{path}: poses are read from .npy, .json, .csv or .parquet")
    require("pyarrow", path)
    from poseid.features.tables.arrow import angles_of, table_batches, table_columns

    have = table_columns(path)
    columns = find_poses(names, have, str(path)) or find_columns(ANGLES, have, str(path))
    numbers = () if len(columns) == 1 else columns
    parts = [np.empty((0, 3))]
    for batch in table_batches(path, columns, numbers):
        parts.append(angles_of(batch, columns, str(path), sum(map(len, parts))))
    return np.concatenate(parts), columns
