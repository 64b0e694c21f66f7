"""Files of vectors, enhanced block by block: each is written in full or not at all, and a record lists its inputs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from poseid.atomic import atomic_directory, atomic_file, check_new
from poseid.enhancers.file_enhancer import FileEnhancer, Inspected
from poseid.enhancers.file_jobs import FRONT, RECORD, VIDEO, Job, plan_files
from poseid.enhancers.pool_files import pool_files, pool_folder
from poseid.errors import InputError
from poseid.features.metadata import find_metadata
from poseid.features.tables.table import SUFFIXES, listed, rewrite_file


@dataclass(frozen=True)
class Outcome:
    """What was done: files left out because they were done before, files enhanced, their rows and seconds, and
    where their poses came from."""

    done_before: int
    enhanced: int
    rows: int
    seconds: float
    poses: list[str]


def enhance_files(
    file_enhancer: FileEnhancer, inputs: Sequence[Path], poses: Path | None, out: Path, resume: bool, force: bool
) -> Outcome:
    """Enhances one file to the file ``out``, or several, or a directory of shards, to the directory ``out``; pooled,
    all go to the file ``out``.

    Args:
        file_enhancer: the enhancer, and how to read.
        inputs: files, or one directory.
        poses: a file of poses, or a directory of them for several inputs; None: those that the files hold, if any.
        out: a file or directory.
        resume: leave out files that the record lists and that have not changed since.
        force: write over what is there.

    Raises:
        InputError: as `plan_files` and `pool_files`; an output is there; a file cannot be read, or does not fit the
            model.
    """
    began = time.monotonic()
    jobs, left_out = plan_files(inputs, poses, out, file_enhancer.pool is not None)
    one_file = jobs[0].target == out
    record = file_enhancer.record(out.with_name(f"_{out.name}.enhanced.jsonl") if one_file else out / RECORD)
    made_from: dict[Path, dict[str, Path]] = {}
    for number, job in enumerate(jobs):
        roles = {"features": job.source} | ({} if job.poses is None else {"poses": job.poses})
        numbered = {role if file_enhancer.pool is None else f"{role} {number}": path for role, path in roles.items()}
        made_from.setdefault(job.target, {}).update(numbered)
    done = {target for target, made in made_from.items() if resume and record.done(target, made)}
    for target in () if force else made_from:
        if target not in done and target.exists():
            other = "and made by another model or from other inputs" if resume else "already"
            raise InputError(f"--out {target}: is there {other}: remove it, choose another name or --force")
    inspected = file_enhancer.inspect([job for job in jobs if job.target not in done])
    if left_out:
        file_enhancer.warn(f"{inputs[0]}: left out {listed(left_out)}: not {', '.join(SUFFIXES)}")

    def recorded(target: Path) -> Callable[[Path], None]:
        return lambda written: record.add(target.name, written, made_from[target])

    if file_enhancer.pool is not None and inspected:
        write = pool_files(file_enhancer, inspected, file_enhancer.pool)
        with atomic_file(out, recorded(out)) as partial:
            write(partial)
    elif inspected:
        with file_enhancer.progress(sum(one.table.rows for one in inspected)) as advance:
            for one in inspected:
                with atomic_file(one.job.target, recorded(one.job.target)) as partial:
                    _enhance(file_enhancer, one, partial, advance)
    return _outcome(inspected, began, len(done))


def enhance_folder(file_enhancer: FileEnhancer, source: Path, out: Path, resume: bool, force: bool) -> Outcome:
    """Enhances the video rows of a feature folder, and the front rows where the model is for both sides.

    Pooled, it leaves ``pairs.csv`` out, which names rows that are no more.

    Args:
        file_enhancer, force: as for `enhance_files`; ``force`` replaces a feature folder only.
        source: the feature folder.
        out: the new one.
        resume: leave it as it is where no file of either has changed since; make it anew where one of ``source`` has.

    Raises:
        InputError: as `enhance_files` and `pool_folder`.
    """
    if out.resolve() == source.resolve():
        raise InputError(f"--out {out}: is the input: choose another place")
    began = time.monotonic()
    metadata = {side: find_metadata(source, side) for side in ("front", "video")}
    names = [FRONT, VIDEO, *(path.name for path in metadata.values())] + ["pairs.csv"] * (file_enhancer.pool is None)
    inputs = {name: source / name for name in names if (source / name).is_file()}
    record = file_enhancer.record(out / RECORD)
    if resume and all(record.done(out / name, inputs) for name in inputs):
        return _outcome([], began, 1)
    anew = force or (resume and record.made_all())
    if not anew:
        check_new(out)
    sides = {VIDEO: "video"} | ({FRONT: "front"} if file_enhancer.enhancer.info.sides == "both" else {})
    poses = {} if file_enhancer.no_pose else metadata
    video, *others = file_enhancer.inspect(
        [Job(source / name, out / name, poses.get(side)) for name, side in sides.items()]
    )
    ids = file_enhancer.pool
    pool = None if ids is None else pool_folder(file_enhancer, video, metadata["video"], ids)
    made = {*sides} | ({metadata["video"].name} if pool else set())
    with atomic_directory(out, replaces=VIDEO if anew else None) as partial:
        for name in inputs.keys() - made:
            shutil.copyfile(source / name, partial / name)
        enhanced = others if pool else [video, *others]
        with file_enhancer.progress(sum(one.table.rows for one in enhanced)) as advance:
            for one in enhanced:
                _enhance(file_enhancer, one, partial / one.job.target.name, advance)
        if pool is not None:
            pool(partial)
        inside = file_enhancer.record(partial / RECORD)
        for name in inputs:
            inside.add(name, partial / name, inputs)
    return _outcome([video, *others], began, 0)


def _outcome(inspected: Sequence[Inspected], began: float, done_before: int) -> Outcome:
    rows = sum(one.table.rows for one in inspected)
    poses = sorted({one.poses_from for one in inspected})
    return Outcome(done_before, len(inspected), rows, time.monotonic() - began, poses)


def _enhance(file_enhancer: FileEnhancer, one: Inspected, target: Path, advance: Callable[[int], None]) -> None:
    """Writes a copy of a file with enhanced vectors."""
    enhance = file_enhancer.block_enhancer(one)

    def change(first: int, features: np.ndarray, angles: np.ndarray | None) -> np.ndarray:
        enhanced, _ = enhance(first, features, angles)
        advance(len(features))
        return enhanced

    rewrite_file(one.job.source, target, one.table.columns, change)
