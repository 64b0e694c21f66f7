"""Reading a feature folder as far as it can be read: what training would refuse becomes a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, Finding, row_names
from poseid.features.folder import inspect_folder
from poseid.features.metadata import Problem
from poseid.features.rows import OTHER, Rows

NOBODY = -1
"""The person of a row that names none."""

PROBLEMS = {
    "bad-metadata": ("Entries of {file} that cannot be kept", "Correct these entries."),
    "rows-disagree": (
        "{file} and the vectors do not belong together",
        "Write vectors, metadata and poses together, one entry a row in the same order.",
    ),
    "bad-names": (
        "Rows of {file} that name nobody",
        "Give every entry a person_name: text, not empty, in one line, no blanks at its ends.",
    ),
    "bad-poses": (
        "Poses of {file} that are no angles",
        "Write [yaw, pitch, roll] in degrees, or null where the pose is unknown.",
    ),
    "name-spellings": (
        "One name is spelt with different characters",
        "Write each name one way; what looks alike may be composed differently (é).",
    ),
    "bad-pairs": ("pairs.csv cannot be used", "Correct the line, or remove pairs.csv."),
}
"""Title and remedy of what the reader of feature folders finds, by the kind of its problem."""

_BLOCK_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class FileRows:
    """The rows of one file and what stands beside them.

    Attributes:
        name: ``front`` or ``video``.
        features: (n, D) as on disk; may be a memory map.
        person: (n,) number of the person in `Folder.names`, `NOBODY` where none is named.
        poses: (n, 3) float32 degrees, NaN where unknown.
        sources: what ``source`` says of each row, None where it says nothing; empty if it never does.
    """

    name: str
    features: NDArray[np.floating]
    person: NDArray[np.int32]
    poses: NDArray[np.float32]
    sources: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.features)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) rows of known pose."""
        return np.asarray(~np.isnan(self.poses).any(axis=1))

    @property
    def kinds(self) -> NDArray[np.int8]:
        """(n,) FRONTAL, PROFILE or OTHER."""
        entries = tuple({"source": source} for source in self.sources) or ({},) * len(self)
        return Rows(self.features, self.poses, self.person.astype(np.str_), entries).kinds()

    def blocks(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """The rows in float32, a block at a time, with the number of the first.

        A memory map is read, not mapped: pages once mapped would count as memory until the end.
        """
        step = max(1, _BLOCK_BYTES // (4 * self.features.shape[1]))
        array = self.features
        for start in range(0, len(array), step):
            rows = min(step, len(array) - start)
            if isinstance(array, np.memmap) and array.flags.c_contiguous and array.filename is not None:
                offset = array.offset + start * array.strides[0]
                flat = np.fromfile(array.filename, array.dtype, rows * array.shape[1], offset=offset)
                block: NDArray[np.floating] = flat.reshape(rows, -1)
            else:
                block = array[start : start + rows]
            with np.errstate(over="ignore", invalid="ignore"):
                single = block.astype(np.float32)
            yield start, single


@dataclass(frozen=True, eq=False)
class Folder:
    """A feature folder, as far as it could be read.

    Attributes:
        name: its own name, never a path.
        names: of the people.
        pairs: the number of comparisons in ``pairs.csv``; None where there is none, or it cannot be used.
    """

    name: str
    names: tuple[str, ...]
    front: FileRows
    video: FileRows
    pairs: int | None

    @property
    def files(self) -> tuple[FileRows, FileRows]:
        return self.front, self.video

    @property
    def dim(self) -> int:
        """D."""
        return int(self.front.features.shape[1])

    def with_poses(self, change: Callable[[FileRows], NDArray[np.float32]]) -> Folder:
        """The folder with other poses."""
        front, video = (replace(file, poses=change(file)) for file in self.files)
        return replace(self, front=front, video=video)


def open_folder(path: Path) -> tuple[Folder, list[Finding]]:
    """Reads what can be read.

    A row whose person or pose cannot be used keeps its vector: its person is `NOBODY`, its pose NaN.

    Raises:
        InputError: a file is missing, or is no npy or JSON file of the right form, or the two npy files hold vectors
            of different lengths: then nothing can be said.
    """
    features, problems = inspect_folder(path)
    number: dict[str, int] = {"": NOBODY}
    front, video = (_file(side, rows, number) for side, rows in (("front", features.front), ("video", features.video)))
    pairs = None if features.pairs is None else len(features.pairs)
    findings = [
        _finding(problem, features.video if "video" in problem.file.name else features.front) for problem in problems
    ]
    return Folder(features.name, tuple(number)[1:], front, video, pairs), findings


def _file(side: str, rows: Rows, number: dict[str, int]) -> FileRows:
    person = [number.setdefault(name, len(number) - 1) for name in rows.names()]
    declared = rows.declared_kinds()
    sources = [("frontal/", "profile/", None)[kind] for kind in declared.tolist()] if (declared != OTHER).any() else ()
    return FileRows(side, rows.features, np.array(person, np.int32), rows.poses, tuple(sources))


def _finding(problem: Problem, rows: Rows) -> Finding:
    file, n, of = problem.file.name, len(problem.rows), len(rows)
    title, remedy = PROBLEMS[problem.kind]
    evidence = f"{problem.message.removeprefix(f'{problem.file}: ')}."
    figures = dict(problem.figures)
    if problem.kind in ("bad-names", "bad-poses"):
        evidence, figures = f"{n:,} of {of:,} rows; {evidence}", {"n": n, "of": of}
    if problem.kind == "rows-disagree":
        evidence += " Nothing was checked that needs the people or poses of these rows."
    names = row_names(file.partition("_")[0], problem.rows)
    return Finding(problem.kind, ERROR, title.format(file=file), evidence, remedy, figures, names)
