"""A stream of vectors in a dataset of an HDF5 file; everything else in the file stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from poseid.errors import InputError, shortened
from poseid.features.tables.npy import native
from poseid.features.tables.table import Change, Columns, Table, block_rows, choose_arrays, sample_runs

_CHUNK_CACHE = 64 * 2**20


def inspect(path: Path, columns: Columns, sampled: int) -> Table:
    """Shape, dtype, which datasets, and a sample; vectors that lie in another file are refused."""
    with _opened(path, "r") as file:
        arrays = {}

        def visit(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and item.shape is not None:
                arrays[name] = (item.shape, native(item.dtype))

        file.visititems(visit)
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
        dataset = file[columns.features[0]]
        angles = [file[name] for name in columns.poses]
        rows, dim = dataset.shape
        chunk = dataset.chunks[0] if dataset.chunks else 1
        step = max(1, block_rows(dim) // chunk) * chunk if chunk <= 4 * block_rows(dim) else block_rows(dim)
        for first in range(0, rows, step):
            block = slice(first, min(first + step, rows))
            poses = np.column_stack([array[block] for array in angles]) if angles else None
            dataset[block] = change(first, dataset[block].astype(native(dataset.dtype), copy=False), poses)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[h5py.File]:
    try:
        file = h5py.File(path, mode, rdcc_nbytes=_CHUNK_CACHE)
    except OSError as error:
        raise InputError(f"{path}: is no HDF5 file, or cannot be opened ({shortened(str(error))})") from None
    with file:
        yield file
