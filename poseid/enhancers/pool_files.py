"""The rows of files, pooled: those of each template become one row of one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from poseid.enhancers.file_enhancer import FileEnhancer, Inspected
from poseid.enhancers.pooling import OpenTemplates
from poseid.errors import InputError
from poseid.features.folder import write_json_metadata
from poseid.features.metadata import read_metadata
from poseid.features.rows import column_of, keys_of
from poseid.features.tables.pooled import FRAMES, WEIGHT, Pooling, id_columns, read_ids, write_pooled
from poseid.features.template_runs import TemplateRuns, find_runs


def pool_files(file_enhancer: FileEnhancer, inspected: Sequence[Inspected], name: str) -> Callable[[Path], object]:
    """Reads the ids in the column ``name``; returns what enhances and pools the rows of all files into a new one.

    It has one row a template, in the order of first rows.

    Raises:
        InputError: vectors of different dtypes or D; no column of ids, a wrong id, a template over two people. What is
            returned: a vector that cannot be used, a template without direction.
    """
    table = inspected[0].table
    for one in inspected:
        if (one.table.dim, one.table.dtype) != (table.dim, table.dtype):
            kinds = f"{one.table.dim} {one.table.dtype}, those of {inspected[0].job.source.name} {table.dim}"
            raise InputError(f"{one.job.source}: vectors are {kinds} {table.dtype}: save all alike")
    sources = [(one.job.source, one.table.rows) for one in inspected]
    runs = find_runs([(str(path), partial(read_ids, path, name, rows)) for path, rows in sources], name)
    file_enhancer.say(memory_line(runs, table.dim))
    return partial(_pool, file_enhancer, inspected, runs)


def pool_folder(file_enhancer: FileEnhancer, video: Inspected, metadata: Path, name: str) -> Callable[[Path], None]:
    """Reads the ids under the key ``name``; returns what enhances and pools video rows into a new folder.

    It writes vectors and metadata: those of the first row of each template, with the number of its rows and its weight.

    Raises:
        InputError: as `pool_files`; or metadata that cannot be used.
    """
    entries, poses = read_metadata(metadata)
    if not len(entries) == len(poses) == video.table.rows:
        rows = f"{video.table.rows} rows of {video.job.source.name}"
        raise InputError(f"{metadata}: {len(entries)} entries for {rows}: they must agree")
    columns: dict[str, np.ndarray] = {}
    for key in id_columns(name, keys_of(entries), metadata):
        columns[key] = np.empty(len(entries), object)  # a value may be a list
        columns[key][:] = column_of(entries, key)
    runs = find_runs([(str(metadata), lambda: [columns])], name)
    file_enhancer.say(memory_line(runs, video.table.dim))

    def write(folder: Path) -> None:
        weight = _pool(file_enhancer, [video], runs, folder / video.job.source.name)
        if metadata.suffix == ".parquet":
            from poseid.features.tables.parquet_metadata import write_pooled_metadata

            write_pooled_metadata(metadata, folder / metadata.name, runs.first, runs.frames, weight)
            return
        added = zip(runs.first.tolist(), runs.frames.tolist(), weight.tolist(), strict=True)
        pooled = ({**entries[row], FRAMES: frames, WEIGHT: value} for row, frames, value in added)
        write_json_metadata(folder / metadata.name, pooled, poses[runs.first])

    return write


def memory_line(runs: TemplateRuns, dim: int) -> str:
    """How many templates there are, and what those take that are held at one time: 8 bytes a number."""
    held = runs.most_held()
    count = f"{len(runs.first):,} templates of {int(runs.frames.sum()):,} rows"
    return f"{count}, at most {held:,} held at a time: {held * dim * 8 / 2**20:,.1f} MiB"


def _pool(file_enhancer: FileEnhancer, inspected: Sequence[Inspected], runs: TemplateRuns, target: Path) -> np.ndarray:
    """Enhances and pools; returns the weights of the templates."""
    table = inspected[0].table
    offsets = [first for _, first in runs.files]
    firsts = np.split(runs.first, np.searchsorted(runs.first, offsets[1:]))
    sources = [
        Pooling(one.job.source, one.table, first - offset)
        for one, first, offset in zip(inspected, firsts, offsets, strict=True)
    ]
    held = OpenTemplates(runs, table.dim)
    weight: list[np.ndarray] = []
    opened = lru_cache(1)(lambda number: file_enhancer.block_enhancer(inspected[number]))  # poses of one file at a time
    with file_enhancer.progress(sum(one.table.rows for one in inspected)) as advance:

        def pool(
            number: int, first: int, features: np.ndarray, angles: np.ndarray | None
        ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            done = held.add(offsets[number] + first, *opened(number)(first, features, angles))
            weight.append(done.weight)
            advance(len(features))
            return done.features.astype(table.dtype, copy=False), done.frames, done.weight

        write_pooled(sources, target, pool)
    return np.concatenate(weight)
