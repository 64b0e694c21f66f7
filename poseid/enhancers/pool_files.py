"""Files of vectors, enhanced and pooled: the rows of each template become one row of one file."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poseid.atomic import atomic_directory, atomic_file, check_new
from poseid.enhancers.enhance_files import (
    FileEnhancer,
    Inspected,
    degrees_of,
    enhance_jobs,
    inspect_jobs,
    naming_the_row,
)
from poseid.enhancers.file_jobs import FRONT, RECORD, VIDEO, Job, plan_pooled
from poseid.enhancers.open_templates import OpenTemplates
from poseid.errors import InputError
from poseid.features.folder import write_json_metadata
from poseid.features.metadata import find_metadata, read_metadata
from poseid.features.rows import column_of, keys_of
from poseid.features.tables.pooled import FRAMES, WEIGHT, Pool, Pooling, id_columns, read_ids, write_pooled
from poseid.features.tables.table import SUFFIXES, listed
from poseid.features.template_runs import TemplateRuns, find_runs


@dataclass(frozen=True)
class PooledOutcome:
    """What was done: rows became templates in so many seconds, with poses from there; no rows: it was done before."""

    rows: int
    templates: int
    seconds: float
    poses: list[str]


def pool_files(
    files: FileEnhancer,
    inputs: Sequence[Path],
    poses: Path | None,
    out: Path,
    name: str,
    resume: bool,
    force: bool,
    say: Callable[[str], None],
) -> PooledOutcome:
    """Enhances files, or a directory of shards, and pools their rows into the one file ``out``.

    Args:
        files, inputs, poses, resume, force: as for :func:`poseid.enhancers.enhance_files.enhance_files`.
        out: the new file, of the inputs' format; one row a template, in the order of their first rows.
        name: the column of template ids.
        say: called with a line about the memory that is needed, before vectors are read.

    Raises:
        InputError: as `enhance_files`; no column of ids, a wrong id, a template over two people or without direction.
    """
    jobs, left_out = plan_pooled(inputs, poses, out)
    record = files.record(out.with_name(f"_{out.name}.enhanced.jsonl"), name)
    roles = {f"{role} {n}": path for n, job in enumerate(jobs) for role, path in job.inputs.items()}
    if resume and record.done(out, roles):
        return PooledOutcome(0, 0, 0.0, [])
    if out.exists() and not force:
        other = "and not made by this model from these inputs" if resume else "already"
        raise InputError(f"--out {out}: is there {other}: remove it, choose another name or --force")
    inspected = inspect_jobs(files, jobs)
    if left_out:
        files.warn(f"{inputs[0]}: left out {listed(left_out)}: not {', '.join(SUFFIXES)}")
    for one in inspected:
        if (one.table.dim, one.table.dtype) != (inspected[0].table.dim, inspected[0].table.dtype):
            kinds = f"{one.table.dim} {one.table.dtype}, those of {jobs[0].source.name} {inspected[0].table.dim}"
            raise InputError(f"{one.job.source}: vectors are {kinds} {inspected[0].table.dtype}: save all alike")
    readers = [functools.partial(read_ids, one.job.source, name, one.table.rows) for one in inspected]
    runs = find_runs([(str(one.job.source), read) for one, read in zip(inspected, readers, strict=True)], name)
    say(memory_line(runs, inspected[0].table.dim))

    def finished(written: Path) -> None:
        record.add(out.name, written, roles)

    with atomic_file(out, finished) as partial:
        return _write(files, inspected, runs, partial)[0]


def pool_folder(
    files: FileEnhancer, source: Path, out: Path, name: str, resume: bool, force: bool, say: Callable[[str], None]
) -> PooledOutcome:
    """Enhances a feature folder and pools its video rows; front rows are as without pooling.

    ``pairs.csv`` names rows that are no more, and is left out.

    Args:
        files, name, resume, force, say: as for `pool_files`; ids stand under the key ``name``.
        source: the feature folder.
        out: the new one; the metadata of a template are those of its first row, with ``frames`` and ``weight``.

    Raises:
        InputError: as `pool_files`.
    """
    if out.resolve() == source.resolve():
        raise InputError(f"--out {out}: is the input: choose another place")
    metadata = find_metadata(source, "video")
    job = Job(source / VIDEO, out / VIDEO, None if files.no_pose else metadata)
    front_metadata = find_metadata(source, "front")
    front = Job(source / FRONT, out / FRONT, None if files.no_pose else front_metadata)
    enhanced_front = [front] if files.enhancer.info.sides == "both" else []
    roles = {"features": job.source, "metadata": metadata}
    record = files.record(out / RECORD, name)
    if resume and record.done(job.target, roles) and all(record.done(j.target, j.inputs) for j in enhanced_front):
        return PooledOutcome(0, 0, 0.0, [])
    if not force:
        check_new(out)
    video, *fronts = inspect_jobs(files, [job, *enhanced_front])
    entries, poses = read_metadata(metadata)
    if not len(entries) == len(poses) == video.table.rows:
        raise InputError(f"{metadata}: {len(entries)} entries for {video.table.rows} rows of {VIDEO}: they must agree")
    columns = {
        key: _array(column_of(entries, key), len(entries)) for key in id_columns(name, keys_of(entries), metadata)
    }
    runs = find_runs([(str(metadata), lambda: [columns])], name)
    say(memory_line(runs, video.table.dim))
    with atomic_directory(out, replaces=VIDEO if force else None) as partial:
        inside = files.record(partial / RECORD, name)
        shutil.copyfile(front_metadata, partial / front_metadata.name)
        if fronts:
            enhance_jobs(files, [replace(one, job=replace(one.job, target=partial / FRONT)) for one in fronts], inside)
        else:
            shutil.copyfile(front.source, partial / FRONT)
        outcome, weight = _write(files, [video], runs, partial / VIDEO)
        inside.add(VIDEO, partial / VIDEO, roles)
        if metadata.suffix == ".parquet":
            from poseid.features.tables.parquet_metadata import write_pooled_metadata

            write_pooled_metadata(metadata, partial / metadata.name, runs.first, runs.frames, weight)
        else:
            added = zip(runs.first.tolist(), runs.frames.tolist(), weight.tolist(), strict=True)
            pooled = [{**entries[row], FRAMES: frames, WEIGHT: value} for row, frames, value in added]
            write_json_metadata(partial / metadata.name, pooled, poses[runs.first])
    return outcome


def memory_line(runs: TemplateRuns, dim: int) -> str:
    """How many templates there are, and what those take that are held at one time: 8 bytes a number."""
    held = runs.most_held()
    count = f"{len(runs.first):,} templates of {int(runs.frames.sum()):,} rows"
    return f"{count}, at most {held:,} held at a time: {held * dim * 8 / 2**20:,.1f} MiB"


def _write(
    files: FileEnhancer, inspected: Sequence[Inspected], runs: TemplateRuns, target: Path
) -> tuple[PooledOutcome, np.ndarray]:
    """Enhances and pools; returns the weights of the templates too."""
    began = time.monotonic()
    table = inspected[0].table
    ends = np.cumsum([one.table.rows for one in inspected])
    offsets = ends - [one.table.rows for one in inspected]
    rows = int(ends[-1])
    firsts = np.split(runs.first, np.searchsorted(runs.first, ends[:-1]))
    sources = [
        Pooling(one.job.source, one.table, first - offset)
        for one, first, offset in zip(inspected, firsts, offsets.tolist(), strict=True)
    ]
    held = OpenTemplates(runs, table.dim)
    weight: list[np.ndarray] = []
    with files.progress(rows) as advance:
        write_pooled(sources, target, _pooling(files, inspected, offsets, held, weight, advance))
    poses = sorted({one.poses_from for one in inspected})
    return PooledOutcome(rows, len(runs.first), time.monotonic() - began, poses), np.concatenate(weight)


def _pooling(
    files: FileEnhancer,
    inspected: Sequence[Inspected],
    offsets: np.ndarray,
    held: OpenTemplates,
    weight: list[np.ndarray],
    advance: Callable[[int], None],
) -> Pool:
    """What enhances blocks and gives the templates that are complete; their weights are kept in ``weight`` too."""
    dtype = inspected[0].table.dtype
    opened: dict[int, Callable[[int, int, np.ndarray | None], np.ndarray | None]] = {}

    def pool(
        number: int, first: int, features: np.ndarray, angles: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if number not in opened:
            opened.clear()  # poses of one file at a time
            opened[number] = degrees_of(files, inspected[number])
        with naming_the_row(features, inspected[number], first):
            degrees = opened[number](first, len(features), angles)
            enhanced, weights = files.enhancer.enhance_weighted(features, degrees)
        done = held.add(int(offsets[number]) + first, enhanced, weights)
        weight.append(done.weight)
        advance(len(features))
        return done.features.astype(dtype, copy=False), done.frames, done.weight

    return pool


def _array(values: list[object] | None, rows: int) -> np.ndarray:
    """(n,) values as they are, which may be lists."""
    column = np.empty(rows, object)
    column[:] = values
    return column
