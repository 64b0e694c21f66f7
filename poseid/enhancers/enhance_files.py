"""Files of vectors, enhanced block by block: each is written in full or not at all, and a record lists its inputs."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poseid.atomic import atomic_directory, atomic_file, check_new
from poseid.enhancers.api import LoadedEnhancer
from poseid.enhancers.file_jobs import FRONT, RECORD, VIDEO, Job, Record, plan_files
from poseid.errors import InputError
from poseid.features.fingerprint import differences
from poseid.features.metadata import find_metadata
from poseid.features.rows import check_features
from poseid.features.tables.poses import looks_like_radians, pose_format, read_poses
from poseid.features.tables.table import SUFFIXES, Columns, Table, inspect_file, listed, rewrite_file

_SAMPLE = 4096


@dataclass(frozen=True)
class FileEnhancer:
    """An enhancer, and how the files it is given are to be read.

    Attributes:
        enhancer: the opened model.
        digest: of the model, for the record.
        columns: as the user named them; empty: those with the usual names.
        no_pose: whether poses that a file holds are withheld.
        order: of the angles, see :func:`pose_format`; None: as the columns say, else yaw, pitch, roll.
        unit: of the angles, "deg" or "rad".
        warn: called with a line about what is doubtful.
        progress: makes a context that yields a function to call with the number of rows just done, from their total.
    """

    enhancer: LoadedEnhancer
    digest: str
    columns: Columns
    no_pose: bool
    order: str | None
    unit: str
    warn: Callable[[str], None]
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]]

    def record(self, path: Path, pool: str | None = None) -> Record:
        """The record at a path, for this model, these options and the column of template ids, where rows are pooled."""
        options = {"no_pose": self.no_pose, "order": self.order, "unit": self.unit}
        if pool is not None:
            options["pool"] = pool
        columns = {"features": list(self.columns.features), "poses": list(self.columns.poses)}
        return Record(path, {"model": self.digest} | columns | options)


@dataclass(frozen=True)
class Outcome:
    """What was done: files left out because they were done before, files written, their rows and seconds, and
    where their poses came from."""

    done_before: int
    written: int
    rows: int
    seconds: float
    poses: list[str]


@dataclass(frozen=True)
class Inspected:
    """A file that was inspected. ``table.columns.poses`` are those to use; none with a file of poses."""

    job: Job
    table: Table
    poses_from: str


def enhance_files(
    files: FileEnhancer, inputs: Sequence[Path], poses: Path | None, out: Path, resume: bool, force: bool
) -> Outcome:
    """Enhances one file to the file ``out``, or several, or a directory of shards, to the directory ``out``.

    Args:
        files: the enhancer, and how to read.
        inputs: files, or one directory.
        poses: a file of poses, or a directory of them for several inputs; None: those that the files hold, if any.
        out: a file or directory.
        resume: leave out files that the record lists and that have not changed since.
        force: write over what is there.

    Raises:
        InputError: as `plan_files`; an output is there; a file cannot be read, or does not fit the model.
    """
    jobs, left_out = plan_files(inputs, poses, out)
    single = jobs[0].target == out
    record = files.record(out.with_name(f"_{out.name}.enhanced.jsonl") if single else out / RECORD)
    waiting = [job for job in jobs if not (resume and record.done(job.target, job.inputs))]
    for job in () if force else waiting:
        if job.target.exists():
            other = "and not made by this model from this input" if resume else "already"
            raise InputError(f"--out {job.target}: is there {other}: remove it, choose another name or --force")
    inspected = inspect_jobs(files, waiting)
    if left_out:
        files.warn(f"{inputs[0]}: left out {listed(left_out)}: not {', '.join(SUFFIXES)}")
    return _outcome(inspected, enhance_jobs(files, inspected, record), len(jobs) - len(waiting))


def enhance_folder(files: FileEnhancer, source: Path, out: Path, resume: bool, force: bool) -> Outcome:
    """Enhances the video rows of a feature folder, and the front rows where the model is for both sides.

    Args:
        files, resume, force: as for `enhance_files`; ``force`` replaces a feature folder only.
        source: the feature folder.
        out: the new one.

    Raises:
        InputError: as `enhance_files`.
    """
    if out.resolve() == source.resolve():
        raise InputError(f"--out {out}: is the input: choose another place")
    sides = {"video": VIDEO} | ({"front": FRONT} if files.enhancer.info.sides == "both" else {})
    poses = {side: None if files.no_pose else find_metadata(source, side) for side in sides}
    jobs = [Job(source / name, out / name, poses[side]) for side, name in sides.items()]
    record = files.record(out / RECORD)
    if resume and all(record.done(job.target, job.inputs) for job in jobs):
        return _outcome([], 0.0, len(jobs))
    if not force:
        check_new(out)
    inspected = inspect_jobs(files, jobs)
    with atomic_directory(out, replaces=VIDEO if force else None) as partial:
        metadata = {find_metadata(source, side).name for side in ("front", "video")}
        for name in sorted({FRONT, VIDEO, "pairs.csv", *metadata} - set(sides.values())):
            if (source / name).is_file():
                shutil.copyfile(source / name, partial / name)
        inside = [replace(one, job=replace(one.job, target=partial / one.job.target.name)) for one in inspected]
        seconds = enhance_jobs(files, inside, files.record(partial / RECORD))
    return _outcome(inspected, seconds, 0)


def _outcome(inspected: Sequence[Inspected], seconds: float, done_before: int) -> Outcome:
    rows = sum(one.table.rows for one in inspected)
    return Outcome(done_before, len(inspected), rows, seconds, sorted({one.poses_from for one in inspected}))


def inspect_jobs(files: FileEnhancer, jobs: Sequence[Job]) -> list[Inspected]:
    """Inspects every file before any is enhanced, and a sample of all of them.

    Raises:
        InputError: a file that cannot be read or does not fit the model, or that is doubtful, with ``--strict``.
    """
    inspected: list[Inspected] = []
    samples: list[np.ndarray] = []
    info = files.enhancer.info
    for job in jobs:
        asked = files.columns if job.poses is None else replace(files.columns, poses=())
        table = inspect_file(job.source, asked, max(1, _SAMPLE // len(jobs)))
        info.check_dim(table.dim, str(job.source))
        own = () if files.no_pose or job.poses is not None else table.columns.poses
        if job.poses is not None:
            poses_from = f"from {job.poses.name}"
        else:
            poses_from = f"in {', '.join(own)}" if own else "none, the enhancer goes by the vectors alone"
        samples.append(table.sample)
        columns = replace(table.columns, poses=own)
        inspected.append(Inspected(job, replace(table, columns=columns, sample=table.sample[:0]), poses_from))
    if samples and info.fingerprint is not None:
        for line in differences(np.concatenate(samples), info.fingerprint):
            files.warn(f"{jobs[0].source}{f' and {len(jobs) - 1} more' if len(jobs) > 1 else ''}: {line}")
    return inspected


def enhance_jobs(files: FileEnhancer, inspected: Sequence[Inspected], record: Record) -> float:
    """Enhances one file after the other, each atomic and recorded; returns the seconds it took."""
    began = time.monotonic()
    with files.progress(sum(one.table.rows for one in inspected)) as advance:
        for one in inspected:

            def finished(written: Path, job: Job = one.job) -> None:
                record.add(job.target.name, written, job.inputs)

            with atomic_file(one.job.target, finished) as partial:
                _enhance_file(files, one, partial, advance)
    return time.monotonic() - began


def _enhance_file(files: FileEnhancer, one: Inspected, target: Path, advance: Callable[[int], None]) -> None:
    degrees = degrees_of(files, one)

    def change(first: int, features: np.ndarray, poses: np.ndarray | None) -> np.ndarray:
        with naming_the_row(features, one, first):
            enhanced = files.enhancer.enhance(features, degrees(first, len(features), poses))
        advance(len(features))
        return enhanced

    rewrite_file(one.job.source, target, one.table.columns, change)


def degrees_of(files: FileEnhancer, one: Inspected) -> Callable[[int, int, np.ndarray | None], np.ndarray | None]:
    """What gives (n, 3) float32 degrees, or None, for the first row of a block, n, and the angles of the file itself.

    Raises:
        InputError: a file of poses that cannot be read or has another number of rows; the function, a wrong angle.
    """
    file, table = str(one.job.source), one.table
    angles, pose_file = None, file
    names: Sequence[str] = table.columns.poses
    if one.job.poses is not None:
        pose_file = str(one.job.poses)
        angles, names = read_poses(one.job.poses, files.columns.poses)
        if len(angles) != table.rows:
            raise InputError(f"{pose_file}: {len(angles)} poses for {table.rows} rows of {file}: they must agree")
    written = pose_format(files.order, files.unit, names)

    def degrees(first: int, count: int, poses: np.ndarray | None) -> np.ndarray | None:
        if angles is not None:
            poses = angles[first : first + count]
        found = None if poses is None else written.degrees(poses, pose_file, first)
        if first == 0 and found is not None and files.unit == "deg" and looks_like_radians(found):
            files.warn(f"{pose_file}: all angles are within 3.15: if they are radians, say --pose-unit rad")
        return found

    return degrees


@contextmanager
def naming_the_row(features: np.ndarray, one: Inspected, first: int) -> Iterator[None]:
    """Has a message about a vector name the file and its row."""
    try:
        yield
    except InputError:
        check_features(features, str(one.job.source), first)  # the same fault, with the file and its row
        raise
