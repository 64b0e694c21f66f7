"""An enhancer for files: what they hold is checked before any is written, and blocks of their rows are enhanced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from poseid.enhancers.api import LoadedEnhancer
from poseid.enhancers.file_jobs import Job, Record
from poseid.errors import InputError
from poseid.features.fingerprint import differences
from poseid.features.rows import check_features
from poseid.features.tables.poses import looks_like_radians, pose_format, read_poses
from poseid.features.tables.table import Columns, Table, inspect_file

BlockEnhancer = Callable[[int, np.ndarray, np.ndarray | None], tuple[np.ndarray, np.ndarray]]
"""From the number of a block's first row, (n, D) vectors and (n, 3) angles as they stand in the file, or None, to
(n, D) vectors and (n,) weights."""
_SAMPLE = 4096


@dataclass(frozen=True)
class Inspected:
    """A file that was inspected. ``table.columns.poses`` are those to use; none with a file of poses."""

    job: Job
    table: Table
    poses_from: str


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
        pool: the column, or key of metadata, of template ids: rows of one are pooled; None: they are not.
        warn: called with a line about what is doubtful.
        say: called with a line about the memory that pooling needs, before vectors are read.
        progress: makes a context that yields a function to call with the number of rows just done, from their total.
    """

    enhancer: LoadedEnhancer
    digest: str
    columns: Columns
    no_pose: bool
    order: str | None
    unit: str
    pool: str | None
    warn: Callable[[str], None]
    say: Callable[[str], None]
    progress: Callable[[int], AbstractContextManager[Callable[[int], None]]]

    def record(self, path: Path) -> Record:
        """The record at a path, for this model and these options."""
        options = {"no_pose": self.no_pose, "order": self.order, "unit": self.unit}
        if self.pool is not None:
            options["pool"] = self.pool
        columns = {"features": list(self.columns.features), "poses": list(self.columns.poses)}
        return Record(path, {"model": self.digest} | columns | options)

    def inspect(self, jobs: Sequence[Job]) -> list[Inspected]:
        """Inspects every file before any is enhanced, and a sample of all of them.

        Raises:
            InputError: a file that cannot be read or does not fit the model, or that is doubtful, with ``--strict``.
        """
        inspected: list[Inspected] = []
        samples: list[np.ndarray] = []
        info = self.enhancer.info
        for job in jobs:
            asked = self.columns if job.poses is None else replace(self.columns, poses=())
            table = inspect_file(job.source, asked, max(1, _SAMPLE // len(jobs)))
            info.check_dim(table.dim, str(job.source))
            own = () if self.no_pose or job.poses is not None else table.columns.poses
            if job.poses is not None:
                poses_from = f"from {job.poses.name}"
            else:
                poses_from = f"in {', '.join(own)}" if own else "none, the enhancer goes by the vectors alone"
            samples.append(table.sample)
            columns = replace(table.columns, poses=own)
            inspected.append(Inspected(job, replace(table, columns=columns, sample=table.sample[:0]), poses_from))
        if samples and info.fingerprint is not None:
            for line in differences(np.concatenate(samples), info.fingerprint):
                self.warn(f"{jobs[0].source}{f' and {len(jobs) - 1} more' if len(jobs) > 1 else ''}: {line}")
        return inspected

    def block_enhancer(self, one: Inspected) -> BlockEnhancer:
        """What enhances the blocks of a file.

        Raises:
            InputError: a file of poses that cannot be read or has another number of rows; the function, a wrong angle
                or vector, with the file and its row.
        """
        file, table = str(one.job.source), one.table
        angles, pose_file = None, file
        names: Sequence[str] = table.columns.poses
        if one.job.poses is not None:
            pose_file = str(one.job.poses)
            angles, names = read_poses(one.job.poses, self.columns.poses)
            if len(angles) != table.rows:
                raise InputError(f"{pose_file}: {len(angles)} poses for {table.rows} rows of {file}: they must agree")
        written = pose_format(self.order, self.unit, names)

        def enhance(first: int, features: np.ndarray, poses: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
            if angles is not None:
                poses = angles[first : first + len(features)]
            degrees = None if poses is None else written.degrees(poses, pose_file, first)
            if first == 0 and degrees is not None and self.unit == "deg" and looks_like_radians(degrees):
                self.warn(f"{pose_file}: all angles are within 3.15: if they are radians, say --pose-unit rad")
            try:
                return self.enhancer.enhance_weighted(features, degrees)
            except InputError:
                check_features(features, file, first)  # the same fault, with the file and its row
                raise

        return enhance
