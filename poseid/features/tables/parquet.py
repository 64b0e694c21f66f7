"""A stream of vectors in a Parquet file; the other columns, the schema and its metadata pass through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseid.errors import InputError
from poseid.features.rows import check_array, shown
from poseid.features.tables.arrow import angles_of, ids_of, is_lists, reading, schema_columns, vectors
from poseid.features.tables.pooled import FRAMES, WEIGHT, Pool, Pooling
from poseid.features.tables.table import Block, Change, Columns, Table, block_rows, find_columns, find_poses, listed

_SAMPLED_GROUPS = 8
_GROUP_BYTES = 64 * 2**20
_IDS = 16_384


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which columns, and a sample from up to 8 row groups."""
    with reading(path), pq.ParquetFile(path, buffer_size=2**20) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        chosen = _choose(schema, columns, path)
        if not rows:
            raise InputError(f"{path}: holds no rows")
        groups = np.unique(np.linspace(0, file.num_row_groups - 1, _SAMPLED_GROUPS).astype(int)).tolist()
        most = max(1, sampled // len(groups))
        parts: list[np.ndarray] = []
        # Writers leave empty row groups: the vectors may stand in none of the sampled ones.
        for number, group in enumerate([*groups, *range(file.num_row_groups)]):
            if number >= len(groups) and parts:
                break
            batches = file.iter_batches(most, row_groups=[group], columns=list(chosen.features))
            filled = (batch for batch in batches if len(batch))
            parts += [vectors(batch, chosen.features, f"{path}: row group {group}", 0) for batch in islice(filled, 1)]
    if not parts:
        raise InputError(f"{path}: says that it holds {rows} rows, but has none: it is damaged, save it again")
    dims = {part.shape[1] for part in parts}
    if len(dims) > 1:
        raise InputError(f"{path}: its vectors have different dimensions: {sorted(dims)}")
    sample = np.concatenate(parts)
    check_array(str(path), sample.shape, sample.dtype)
    return Table(rows, sample.shape[1], sample.dtype, chosen, sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """The file with changed vectors and the same schema, compression and row groups (of up to 64 MiB of vectors)."""
    with _reading(source) as read:
        codecs, dictionaries = _storage(read, columns.features)
        with pq.ParquetWriter(target, read.schema_arrow, compression=codecs, use_dictionary=dictionaries) as out:
            waiting: list[pa.RecordBatch] = []
            group = 0
            for number, batch, block in _blocks(read, source, columns, 0):
                if number != group or sum(map(len, waiting)) * block[1].shape[1] * 4 >= _GROUP_BYTES:
                    _write(out, waiting)
                group = number
                waiting.append(_with_vectors(batch, columns.features, change(*block)))
            _write(out, waiting)


def column_names(path: Path) -> list[str]:
    """The names of the columns."""
    with reading(path), pq.ParquetFile(path, buffer_size=2**20) as file:
        return list(file.schema_arrow.names)


def read_ids(path: Path, names: Sequence[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """Blocks of columns of ids."""
    with reading(path), pq.ParquetFile(path, buffer_size=2**20) as file:
        for group in range(file.num_row_groups):  # one iterator keeps all groups that it goes through in memory
            for batch in file.iter_batches(_IDS, row_groups=[group], columns=list(names)):
                yield {name: ids_of(batch, name) for name in names}


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """One file with the schema of the first and two columns more, in row groups of up to 64 MiB of vectors."""
    names, dim = sources[0].table.columns.features, sources[0].table.dim
    with _reading(sources[0].path) as read:
        before = read.schema_arrow
        codecs, dictionaries = _storage(read, names)
    schema = before.append(pa.field(FRAMES, pa.int64())).append(pa.field(WEIGHT, pa.float32()))
    others = [name for name in before.names if name not in names]
    begun: list[pa.RecordBatch] = []  # first rows of templates that are not written, without their vectors
    waiting: list[pa.RecordBatch] = []
    with pq.ParquetWriter(target, schema, compression=codecs or "snappy", use_dictionary=dictionaries) as out:
        for number, source in enumerate(sources):
            with _reading(source.path) as read:
                if not read.schema_arrow.equals(before):
                    fault = f"has other columns or types than {sources[0].path.name}"
                    raise InputError(f"{source.path}: {fault}: save all alike")
                for _, batch, block in _blocks(read, source.path, source.table.columns, dim):
                    begun.append(batch.select(others).take(pa.array(source.begins(block[0], block[0] + len(batch)))))
                    done = pool(number, *block)
                    rows = pa.Table.from_batches(begun, batch.select(others).schema)
                    begun = rows.slice(len(done[0])).to_batches()
                    waiting += _pooled(rows.slice(0, len(done[0])), schema, names, done)
                    if sum(map(len, waiting)) * dim * 4 >= _GROUP_BYTES:
                        _write(out, waiting)
        _write(out, waiting)


def _pooled(
    rows: pa.Table, schema: pa.Schema, names: tuple[str, ...], done: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> list[pa.RecordBatch]:
    """First rows of templates with their vectors, numbers of frames and weights."""
    features, frames, weight = done
    columns = {FRAMES: pa.array(frames), WEIGHT: pa.array(weight)}
    for number, name in enumerate(names):
        values = features if len(names) == 1 else features[:, number]
        columns[name] = _array_like(schema.field(name).type, values)
    arrays = [columns[name] if name in columns else rows.column(name) for name in schema.names]
    batches: list[pa.RecordBatch] = pa.Table.from_arrays(arrays, schema=schema).combine_chunks().to_batches()
    return batches


def _blocks(
    file: pq.ParquetFile, path: Path, columns: Columns, dim: int
) -> Iterator[tuple[int, pa.RecordBatch, Block]]:
    """Batches, each with the number of its row group, its vectors (of D = ``dim``; 0: as the first) and its angles.

    They end where row groups do: pyarrow keeps all groups in memory that one iterator goes through.
    """
    first = 0
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(block_rows(dim or 512), row_groups=[group]):
            features = vectors(batch, columns.features, str(path), first)
            dim = dim or features.shape[1]
            if features.shape[1] != dim:
                raise InputError(f"{path}: row {first}: a vector of {features.shape[1]} numbers, the first of {dim}")
            poses = angles_of(batch, columns.poses, str(path), first) if columns.poses else None
            yield group, batch, (first, features, poses)
            first += len(batch)


@contextmanager
def _reading(path: Path) -> Iterator[pq.ParquetFile]:
    with reading(path), pq.ParquetFile(path, buffer_size=2**20) as file:
        # Reading a row of every column refuses a damaged one; pyarrow ends the process if it is asked for its codec.
        next(file.iter_batches(1, row_groups=[0]), None)
        yield file


def _write(out: pq.ParquetWriter, waiting: list[pa.RecordBatch]) -> None:
    if waiting:
        out.write_table(pa.Table.from_batches(waiting), row_group_size=sum(map(len, waiting)))
        waiting.clear()


def _with_vectors(batch: pa.RecordBatch, names: tuple[str, ...], values: np.ndarray) -> pa.RecordBatch:
    for number, name in enumerate(names):
        at = batch.schema.get_field_index(name)
        field = batch.schema.field(at)
        column = _array_like(field.type, values if len(names) == 1 else values[:, number])
        batch = batch.set_column(at, field, column)
    return batch


def _array_like(kind: pa.DataType, values: np.ndarray) -> pa.Array:
    """(n,) or (n, D) numbers as an Arrow array of a type."""
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _array_like(kind.storage_type, values))
    if values.ndim == 1:
        return pa.array(np.ascontiguousarray(values), kind)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1]).cast(kind)


def _choose(schema: pa.Schema, columns: Columns, path: Path) -> Columns:
    names = list(schema.names)
    poses = find_poses(columns.poses, schema_columns(schema), str(path))
    if columns.features:
        features = find_columns(columns.features, names, str(path))
    else:
        lists = [field.name for field in schema if is_lists(field.type) and field.name not in poses]
        features = tuple(lists) if len(lists) == 1 else tuple(name for name in lists if name == "features")
        if not features:
            raise InputError(f"{path}: --feature-columns: say which hold the vectors; the columns are {listed(names)}")
    kind = schema.field(features[0]).type
    if len(features) == 1 and (not is_lists(kind) or is_lists(kind.value_type)):
        raise InputError(f"{path}: {shown(features[0])} holds {kind}, not lists of numbers")
    if set(poses) & set(features):
        raise InputError(f"{path}: {shown(poses[0])} is among the columns of the vectors and of the poses")
    return Columns(features, poses)


def _storage(file: pq.ParquetFile, features: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    """The codec of each leaf column, by its path, and the paths that are stored by dictionary, vectors apart."""
    if not file.num_row_groups:
        return {}, []
    group = file.metadata.row_group(0)
    leaves = [group.column(i) for i in range(group.num_columns)]
    codecs = {leaf.path_in_schema: leaf.compression.replace("UNCOMPRESSED", "NONE") for leaf in leaves}
    paths = [leaf.path_in_schema for leaf in leaves if "RLE_DICTIONARY" in leaf.encodings]
    return codecs, [path for path in paths if path not in features and path.split(".")[0] not in features]
