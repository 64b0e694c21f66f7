"""Metadata of very many rows as Parquet: a column for each key, and yaw, pitch and roll for the pose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseid.features.metadata import LARGEST_ANGLE
from poseid.features.rows import TableEntries
from poseid.features.tables.arrow import angles_of, reading
from poseid.features.tables.pooled import FRAMES, WEIGHT
from poseid.features.tables.table import ANGLES, find_columns


def read_parquet_metadata(path: Path) -> tuple[TableEntries, np.ndarray, list[int]]:
    """The entries, (n, 3) float64 poses in degrees, unknown rows all NaN, and the rows with impossible angles."""
    with reading(path):
        table = pq.read_table(path)
        table.validate(full=True)  # such as text that is not UTF-8, which is found in no other way before it is used
    poses = np.full((len(table), 3), np.nan)
    if set(ANGLES) & set(table.column_names):
        find_columns(ANGLES, table.column_names, str(path))
        first = 0
        for batch in table.select(list(ANGLES)).to_batches():
            poses[first : first + len(batch)] = angles_of(batch, ANGLES, str(path), first)
            first += len(batch)
        table = table.drop_columns(list(ANGLES))
    poses[np.isnan(poses).any(axis=1)] = np.nan
    return TableEntries(table), poses, np.flatnonzero((np.abs(poses) >= LARGEST_ANGLE).any(axis=1)).tolist()


def write_parquet_metadata(path: Path, entries: Sequence[dict[str, Any]], poses: np.ndarray) -> bool:
    """Writes n entries and (n, 3) poses; returns False, and writes nothing, if they make no columns of plain values."""
    keys = dict.fromkeys(key for entry in entries for key in entry)
    try:
        columns = {key: pa.array([entry.get(key) for entry in entries]) for key in keys}
    except (pa.ArrowException, OverflowError):  # values of one key have different types, or an integer has 65 bits
        return False
    if set(keys) & set(ANGLES) or any(pa.types.is_nested(column.type) for column in columns.values()):
        return False
    columns |= {name: pa.array(poses[:, i], from_pandas=True) for i, name in enumerate(ANGLES)}
    pq.write_table(pa.table(columns), path)
    return True


def write_pooled_metadata(
    source: Path, target: Path, first: np.ndarray, frames: np.ndarray, weight: np.ndarray
) -> None:
    """The rows ``first`` of a metadata file, with ``frames`` and ``weight`` of the templates that begin there."""
    with reading(source):
        table = pq.read_table(source).take(pa.array(first))
    pq.write_table(table.append_column(FRAMES, pa.array(frames)).append_column(WEIGHT, pa.array(weight)), target)
