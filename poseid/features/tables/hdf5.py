"""A stream of vectors in a dataset of an HDF5 file; everything else in the file stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from poseid.errors import InputError, shortened
from poseid.features.tables.npy import native
from poseid.features.tables.pooled import (
    FRAMES,
    WEIGHT,
    Arrays,
    Pool,
    Pooling,
    check_ids,
    ids_of_array,
    row_arrays,
)
from poseid.features.tables.table import Change, Columns, Table, block_rows, choose_arrays, sample_runs

_CHUNK_CACHE = 64 * 2**20
_IDS = 16_384


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which datasets, and a sample; vectors that lie in another file are refused."""
    with _opened(path, "r") as file:
        arrays = _datasets(file)
        chosen = choose_arrays(arrays, columns, str(path))
        dataset = file[chosen.features[0]]
        rows, dim = dataset.shape
        if dataset.is_virtual or dataset.external:
            raise InputError(f"{path}: {chosen.features[0]}: its values lie in other files: give those files")
        dtype = native(dataset.dtype)
        sample = np.concatenate([dataset[first:end].astype(dtype) for first, end in sample_runs(rows, sampled)])
        return Table(rows, dim, dtype, chosen, sample)


def rewrite(source: Path, target: Path, columns: Columns, change: Change) -> None:
    """A copy of the file whose vectors are then changed in place: links, attributes and chunks stay."""
    shutil.copyfile(source, target)
    with _opened(target, "r+") as file:
        for block, vectors, poses in _blocks(file, columns):
            file[columns.features[0]][block] = change(block.start, vectors, poses)


def column_names(path: Path) -> list[str]:
    """The names of the datasets."""
    with _opened(path, "r") as file:
        return list(_datasets(file))


def read_ids(path: Path, names: Sequence[str], rows: int) -> Iterator[dict[str, np.ndarray]]:
    """Blocks of datasets of ids."""
    with _opened(path, "r") as file:
        check_ids(_datasets(file), names, rows, str(path))
        for first in range(0, rows, _IDS):
            yield {name: ids_of_array(file[name][first : first + _IDS], str(path), name) for name in names}


def write_pooled(sources: Sequence[Pooling], target: Path, pool: Pool) -> None:
    """One file: vectors pooled, of each other dataset with as many rows the first of each template."""
    found = []
    for source in sources:
        with _opened(source.path, "r") as file:
            found.append(_datasets(file))
    arrays = row_arrays(found, sources)
    (features,) = sources[0].table.columns.features
    with h5py.File(target, "w") as out:
        with _opened(sources[0].path, "r") as file:
            _copy_structure(file, out, arrays)
        total = len(out[features])
        frames, weight = out.create_dataset(FRAMES, total, np.int64), out.create_dataset(WEIGHT, total, np.float32)
        written = begun = 0
        for number, source in enumerate(sources):
            with _opened(source.path, "r") as file:
                for block, vectors, poses in _blocks(file, source.table.columns):
                    pooled = pool(number, block.start, vectors, poses)
                    place = slice(written, written + len(pooled[0]))
                    for column, values in zip((out[features], frames, weight), pooled, strict=True):
                        column[place] = values
                    written = place.stop
                    rows = source.begins(block.start, block.stop)
                    for name in arrays.keys() - {features}:
                        out[name][begun : begun + len(rows)] = file[name][block][rows]
                    begun += len(rows)


def _datasets(file: h5py.File) -> Arrays:
    arrays: Arrays = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            arrays[name] = (item.shape, native(item.dtype))

    file.visititems(visit)
    return arrays


def _copy_structure(file: h5py.File, out: h5py.File, arrays: Arrays) -> None:
    """Groups, attributes and datasets; those of ``arrays`` empty, of their new shape."""
    out.attrs.update(file.attrs)

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Group):
            out.require_group(name).attrs.update(item.attrs)
        elif name not in arrays:
            file.copy(item, out, name)
        else:
            shape, dtype = arrays[name]
            chunks = None if item.chunks is None else tuple(map(min, item.chunks, shape))
            made = out.create_dataset(
                name,
                shape,
                dtype,
                chunks=chunks,
                compression=item.compression,
                compression_opts=item.compression_opts,
                shuffle=item.shuffle or None,
            )
            made.attrs.update(item.attrs)

    file.visititems(visit)


def _blocks(file: h5py.File, columns: Columns) -> Iterator[tuple[slice, np.ndarray, np.ndarray | None]]:
    """Blocks of rows that end where chunks do: their numbers, vectors and angles."""
    dataset, angles = file[columns.features[0]], [file[name] for name in columns.poses]
    rows, dim = dataset.shape
    chunk = dataset.chunks[0] if dataset.chunks else 1
    step = max(1, block_rows(dim) // chunk) * chunk if chunk <= 4 * block_rows(dim) else block_rows(dim)
    for first in range(0, rows, step):
        block = slice(first, min(first + step, rows))
        poses = np.column_stack([array[block] for array in angles]) if angles else None
        yield block, dataset[block].astype(native(dataset.dtype), copy=False), poses


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, mode, rdcc_nbytes=_CHUNK_CACHE)
    except OSError as error:
        raise InputError(f"{path}: is no HDF5 file, or cannot be opened ({shortened(str(error))})") from None
    with file:
        yield file
