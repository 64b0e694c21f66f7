"""Metadata of very many rows as Parquet: a column for each key, and yaw, pitch and roll for the pose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseid.features.rows import TableEntries
from poseid.features.tables.arrow import angles_of, reading
from poseid.features.tables.names import find_columns
from poseid.features.tables.poses import ANGLES


def read_parquet_metadata(path: Path) -> tuple[TableEntries, np.ndarray]:
    """The entries and (n, 3) float64 poses in degrees; a null or NaN angle is unknown.

    Raises:
        InputError: no Parquet file, or some of the columns yaw, pitch and roll but not all.
    """
    with reading(path):
        table = pq.read_table(path)
    poses = np.full((len(table), 3), np.nan)
    if set(ANGLES) & set(table.column_names):
        find_columns(ANGLES, table.column_names, str(path))
        first = 0
        for batch in table.select(list(ANGLES)).to_batches():
            poses[first : first + len(batch)] = angles_of(batch, ANGLES, str(path), first)
            first += len(batch)
        table = table.drop_columns(list(ANGLES))
    return TableEntries(table), poses


def metadata_table(people: np.ndarray, entries: Sequence[dict[str, Any]], poses: np.ndarray) -> pa.Table:
    """What :func:`read_parquet_metadata` reads back.

    Raises:
        pyarrow.ArrowException: the values of a key have different types, so that they make no column.
    """
    keys = dict.fromkeys(key for entry in entries for key in entry if key not in ("person_name", *ANGLES))
    columns = {"person_name": pa.array(people.tolist(), pa.string())}
    columns |= {key: pa.array([entry.get(key) for entry in entries]) for key in keys}
    columns |= {name: pa.array(poses[:, i], from_pandas=True) for i, name in enumerate(ANGLES)}
    return pa.table(columns)
