"""A feature folder, as far as it can be read: what training would refuse becomes a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import Figures, Finding, finding, share
from poseid.features.folder import inspect_folder
from poseid.features.metadata import Problem
from poseid.features.rows import FeatureSet, column_of, kinds_of

NOBODY = -1
"""The person of a row that names none."""

MOST_ROWS = 1000
"""A finding names no more rows; how many there are stands in its figures."""

_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class Folder:
    """A feature folder of P people. The N rows of both files are numbered as one, front rows first.

    Attributes:
        name: its own name, never a path.
        arrays: the vectors of ``front`` and ``video``, (n, D) as on disk; may be memory maps.
        person: (N,) number of the person in `names`, `NOBODY` where none is named.
        names: (P,) of the people.
        poses: (N, 3) float32 degrees, NaN where unknown.
        declared: (N,) FRONTAL or PROFILE where ``source`` says so, else OTHER.
        pairs: the number of comparisons in ``pairs.csv``; None where there is none, or it cannot be used.
    """

    name: str
    arrays: dict[str, NDArray[np.floating]]
    person: NDArray[np.int32]
    names: tuple[str, ...]
    poses: NDArray[np.float32]
    declared: NDArray[np.int8]
    pairs: int | None

    def __len__(self) -> int:
        return len(self.person)

    @property
    def first_video(self) -> int:
        """The first video row."""
        return len(self.arrays["front"])

    @property
    def files(self) -> dict[str, slice]:
        """The rows of the front and of the video file."""
        return {"front": slice(0, self.first_video), "video": slice(self.first_video, len(self))}

    @property
    def dim(self) -> int:
        """D."""
        return int(self.arrays["front"].shape[1])

    @property
    def rows_of_people(self) -> NDArray[np.int64]:
        """(2, P) the number of front and of video rows of each person."""
        persons = (self.person[rows] for rows in self.files.values())
        return np.stack([np.bincount(person[person != NOBODY], minlength=len(self.names)) for person in persons])

    @property
    def paired(self) -> int:
        """People with front and video rows: the only ones that training can use."""
        return int(self.rows_of_people.all(axis=0).sum())

    @property
    def yaw(self) -> NDArray[np.float32]:
        """(N,) degrees, NaN where unknown."""
        return self.poses[:, 0]

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) rows of known pose."""
        return np.asarray(~np.isnan(self.poses).any(axis=1))

    @property
    def kinds(self) -> NDArray[np.int8]:
        """(N,) FRONTAL, PROFILE or OTHER: as declared, else by yaw."""
        return kinds_of(self.declared, self.yaw)

    def row_names(self, rows: Iterable[int] | NDArray[np.integer]) -> tuple[str, ...]:
        """Rows as ``front:12`` or ``video:7``, `MOST_ROWS` at most."""
        first = self.first_video
        return tuple(f"front:{row}" if row < first else f"video:{row - first}" for row in islice(rows, MOST_ROWS))

    def finding(
        self,
        id: str,
        rows: NDArray[np.integer],
        total: int,
        more: str = "",
        figures: Figures | None = None,
        severity: str | None = None,
    ) -> Finding:
        """A finding about some rows of so many in total; `more` goes on after "3 of 100 (3.0 %) rows"."""
        counts = {"n": len(rows), "of": total, **(figures or {})}
        return finding(id, f"{share(len(rows), total)} rows{more}.", counts, self.row_names(rows), severity)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """All rows in float32, a block at a time, with their numbers.

        A memory map is read, not mapped: pages once mapped would count as memory until the end.
        """
        step = max(1, _BLOCK_BYTES // (4 * self.dim))
        for name, rows in self.files.items():
            array = self.arrays[name]
            for start in range(0, len(array), step):
                block = array[start : start + step]
                if isinstance(array, np.memmap) and array.flags.c_contiguous and array.filename is not None:
                    offset = array.offset + start * array.strides[0]
                    block = np.fromfile(array.filename, array.dtype, block.size, offset=offset).reshape(block.shape)
                first = rows.start + start
                with np.errstate(over="ignore", invalid="ignore"):
                    yield slice(first, first + len(block)), block.astype(np.float32)

    def unit_rows(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """(k, D) the unit vectors of some rows."""
        out, video = np.empty((len(rows), self.dim)), rows >= self.first_video
        out[~video] = self.arrays["front"][rows[~video]]
        out[video] = self.arrays["video"][rows[video] - self.first_video]
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        return out


def open_folder(path: Path) -> tuple[Folder, list[Finding]]:
    """Reads what can be read.

    Of a row whose person or pose cannot be used, the vector remains: its person is `NOBODY`, its pose NaN.

    Raises:
        InputError: a file is missing, or is no npy or metadata file of the right form, or the two npy files hold
            vectors of different lengths: then nothing can be said.
    """
    features, problems = inspect_folder(path)
    files = {"front": features.front, "video": features.video}
    number = {"": NOBODY}
    folder = Folder(
        features.name,
        {name: rows.features for name, rows in files.items()},
        np.array([number.setdefault(n, len(number) - 1) for rows in files.values() for n in rows.names()], np.int32),
        tuple(number)[1:],
        np.concatenate([rows.poses for rows in files.values()]),
        np.concatenate([rows.declared_kinds() for rows in files.values()]),
        None if features.pairs is None else len(features.pairs),
    )
    found = [_finding(problem, folder) for problem in problems]
    return folder, found or [*_templates_in_both_files(folder, features)]


def _templates_in_both_files(folder: Folder, features: FeatureSet) -> Iterator[Finding]:
    """Video rows whose person has a front row of the same template, such as a track: nearly a copy of the probe."""
    front, video = (
        list(zip(rows.names(), column_of(rows.metadata, "template_id") or (), strict=False))
        for rows in (features.front, features.video)
    )
    references = {key for key in front if key[1] is not None}
    rows = np.flatnonzero([key in references for key in video])
    if rows.size:
        more = " are of a template that has a front row too"
        yield folder.finding("template-in-both-files", folder.first_video + rows, len(features.video), more)


def _finding(problem: Problem, folder: Folder) -> Finding:
    rows = folder.files["video" if problem.file.name.startswith("video") else "front"]
    figures, evidence = dict(problem.figures), problem.message.removeprefix(f"{problem.file}: ")
    if problem.kind in ("bad-names", "bad-poses", "bad-ids"):
        figures = {"n": len(problem.rows), "of": rows.stop - rows.start}
        evidence = f"{figures['n']:,} of {figures['of']:,} rows; {evidence.rpartition(': ')[0]}"
    elif problem.kind == "bad-metadata" and figures["n"] > 1:
        evidence += f". And {figures['n'] - 1:,} more"
    elif problem.kind == "rows-disagree":
        evidence = "{vectors:,} vectors, {metadata:,} metadata entries, {poses:,} poses".format(**figures)
    names = folder.row_names(rows.start + row for row in problem.rows)
    return finding(problem.kind, f"{evidence}.", {**figures, "file": problem.file.name}, names)
