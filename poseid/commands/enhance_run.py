"""``poseid enhance``: from a MODEL and files of vectors to files of enhanced vectors."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import poseid
from poseid.atomic import atomic_directory, atomic_file, check_new
from poseid.commands.enhance_jobs import FRONT, VIDEO, Job, is_feature_folder, plan_files
from poseid.commands.enhance_record import RECORD, Record, model_digest
from poseid.commands.progress import progress
from poseid.enhancers.api import Enhancer
from poseid.errors import InputError
from poseid.features.metadata import find_metadata
from poseid.features.resemblance import differences
from poseid.features.rows import check_features
from poseid.features.tables.files import inspect_file, rewrite_file
from poseid.features.tables.names import split_names
from poseid.features.tables.poses import looks_like_radians, pose_format, read_poses
from poseid.features.tables.table import Columns, Table

_SAMPLE = 4096


@dataclass(frozen=True)
class _Call:
    """What a call of the command asks for, beside its files."""

    enhancer: Enhancer
    columns: Columns
    no_pose: bool
    order: str | None
    unit: str
    strict: bool

    def warn(self, line: str) -> None:
        """Says what is doubtful, or refuses it."""
        if self.strict:
            raise InputError(f"{line} (--strict)")
        print(f"warning: {line}", file=sys.stderr)


@dataclass(frozen=True)
class _Work:
    """A file that has been looked at. ``table.columns.poses`` are those to use; none with a file of poses."""

    job: Job
    table: Table
    poses_from: str


def run_enhance(arguments: argparse.Namespace) -> None:
    """Enhances and writes; prints how many rows, with which poses, and where."""
    folder = is_feature_folder(arguments.inputs)
    asked = Columns(split_names(arguments.feature_columns), split_names(arguments.pose_columns))
    pose_format(arguments.pose_order, arguments.pose_unit, asked.poses)
    if folder and (asked != Columns() or arguments.poses is not None):
        raise InputError(f"{arguments.inputs[0]}: a feature folder has its own vectors and poses: leave out the names")
    enhancer = poseid.load(arguments.model)
    call = _Call(enhancer, asked, arguments.no_pose, arguments.pose_order, arguments.pose_unit, arguments.strict)
    by = {
        "model": model_digest(arguments.model),
        "features": list(asked.features),
        "poses": list(asked.poses),
        "no_pose": call.no_pose,
        "order": call.order,
        "unit": call.unit,
    }
    if folder:
        _enhance_folder(call, arguments, by)
    else:
        _enhance_files(call, arguments, by)


def _enhance_files(call: _Call, arguments: argparse.Namespace, by: dict[str, object]) -> None:
    out: Path = arguments.out
    jobs = plan_files(arguments.inputs, arguments.poses, out)
    single = jobs[0].target == out
    record = Record(out.with_name(f"_{out.name}.enhanced.jsonl") if single else out / RECORD, by)
    waiting = [job for job in jobs if not (arguments.resume and record.done(job.target, _inputs(job)))]
    if not arguments.force:
        for job in waiting:
            if job.target.exists():
                other = "and not made by this model from this input" if arguments.resume else "already"
                raise InputError(f"--out {job.target}: is there {other}: remove it, choose another name or --force")
    works = _looked_at(call, waiting)
    seconds = _write(call, works, record)
    if len(waiting) < len(jobs):
        print(f"{len(jobs) - len(waiting)} of {len(jobs)} files were done before")
    if works:
        _say(works, seconds, call)
    print(f"enhanced: {out}")


def _enhance_folder(call: _Call, arguments: argparse.Namespace, by: dict[str, object]) -> None:
    source, out = arguments.inputs[0], arguments.out
    if out.resolve() == source.resolve():
        raise InputError(f"--out {out}: is the input: choose another place")
    sides = {"video": VIDEO} | ({"front": FRONT} if call.enhancer.info.sides == "both" else {})
    poses = {side: None if call.no_pose else find_metadata(source, side) for side in sides}
    jobs = [Job(source / name, out / name, poses[side]) for side, name in sides.items()]
    record = Record(out / RECORD, by)
    if arguments.resume and all(record.done(job.target, _inputs(job)) for job in jobs):
        print(f"was done before\nenhanced: {out}")
        return
    if not arguments.force:
        check_new(out)
    works = _looked_at(call, jobs)
    with atomic_directory(out, replaces=VIDEO if arguments.force else None) as partial:
        metadata = {find_metadata(source, side).name for side in ("front", "video")}
        for name in sorted({FRONT, VIDEO, "pairs.csv", *metadata} - set(sides.values())):
            if (source / name).is_file():
                shutil.copyfile(source / name, partial / name)
        inside = [replace(work, job=replace(work.job, target=partial / work.job.target.name)) for work in works]
        seconds = _write(call, inside, Record(partial / RECORD, by))
    _say(works, seconds, call)
    print(f"enhanced: {out}")


def _write(call: _Call, works: Sequence[_Work], record: Record) -> float:
    """Enhances one file after the other, each whole and recorded; returns the seconds it took."""
    began = time.monotonic()
    with progress(sum(work.table.rows for work in works)) as advance:
        for work in works:

            def finished(written: Path, job: Job = work.job) -> None:
                record.add(job.target.name, written, _inputs(job))

            with atomic_file(work.job.target, finished) as partial:
                _enhance_file(call, work, partial, advance)
    return time.monotonic() - began


def _inputs(job: Job) -> dict[str, Path]:
    return {"features": job.source} | ({} if job.poses is None else {"poses": job.poses})


def _looked_at(call: _Call, jobs: Sequence[Job]) -> list[_Work]:
    """Looks at every file before any is enhanced, and at a sample of all of them."""
    works: list[_Work] = []
    samples: list[np.ndarray] = []
    for job in jobs:
        asked = call.columns if job.poses is None else replace(call.columns, poses=())
        table = inspect_file(job.source, asked, max(1, _SAMPLE // len(jobs)))
        if call.enhancer.info.dim not in (None, table.dim):
            raise InputError(
                f"{job.source}: vectors have {table.dim} numbers, the model is made for {call.enhancer.info.dim}: "
                "take the recogniser that it was trained on"
            )
        own = () if call.no_pose or job.poses is not None else table.columns.poses
        if job.poses is not None:
            poses_from = f"from {job.poses.name}"
        else:
            poses_from = f"in {', '.join(own)}" if own else "none, the enhancer goes by the vectors alone"
        samples.append(table.sample)
        columns = replace(table.columns, poses=own)
        works.append(_Work(job, replace(table, columns=columns, sample=table.sample[:0]), poses_from))
    if samples and call.enhancer.info.fingerprint is not None:
        for line in differences(np.concatenate(samples), call.enhancer.info.fingerprint):
            call.warn(f"{jobs[0].source}{f' and {len(jobs) - 1} more' if len(jobs) > 1 else ''}: {line}")
    return works


def _enhance_file(call: _Call, work: _Work, target: Path, advance: Callable[[int], None]) -> None:
    file, table = str(work.job.source), work.table
    angles, pose_file = None, file
    names: Sequence[str] = table.columns.poses
    if work.job.poses is not None:
        pose_file, names = str(work.job.poses), call.columns.poses
        angles = read_poses(work.job.poses, names)
        if len(angles) != table.rows:
            raise InputError(f"{pose_file}: {len(angles)} poses for {table.rows} rows of {file}: they must agree")
    written = pose_format(call.order, call.unit, names)

    def change(first: int, features: np.ndarray, poses: np.ndarray | None) -> np.ndarray:
        if angles is not None:
            poses = angles[first : first + len(features)]
        degrees = None if poses is None else written.degrees(poses, pose_file, first)
        if first == 0 and degrees is not None and call.unit == "deg" and looks_like_radians(degrees):
            call.warn(f"{pose_file}: all angles are within 3.15: if they are radians, say --pose-unit rad")
        try:
            enhanced = call.enhancer.enhance(features, degrees)
        except InputError:
            check_features(features, file, table.dim, first)  # the same fault, with the file and its row
            raise
        advance(len(features))
        return enhanced

    rewrite_file(work.job.source, target, table.columns, change)


def _say(works: Sequence[_Work], seconds: float, call: _Call) -> None:
    total = sum(work.table.rows for work in works)
    files = f"{len(works)} file{'s' if len(works) != 1 else ''}"
    print(f"{total:,} rows in {files}, {total / max(seconds, 1e-9):,.0f} rows/s")
    for poses_from in sorted({work.poses_from for work in works}):
        print(f"poses: {poses_from}")
    if call.enhancer.info.sides == "both":
        print("this model is made for both sides of a comparison: references need enhancing too")
