"""Which input of `poseid enhance` goes to which output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poseid.errors import InputError
from poseid.features.tables.table import SUFFIXES, files_in, suffix_of

POSE_SUFFIXES = (".npy", ".json", ".csv", ".parquet")
VIDEO, FRONT = "video_feature.npy", "front_feature.npy"


@dataclass(frozen=True)
class Job:
    """One file to enhance.

    Attributes:
        source: the input.
        target: its final name.
        poses: a file of poses for it, None where it holds them itself or none are to be used.
    """

    source: Path
    target: Path
    poses: Path | None

    @property
    def inputs(self) -> dict[str, Path]:
        """The files that the target is made from, by their role."""
        return {"features": self.source} | ({} if self.poses is None else {"poses": self.poses})


def is_feature_folder(inputs: Sequence[Path]) -> bool:
    """Whether the inputs are one feature folder."""
    return len(inputs) == 1 and (inputs[0] / VIDEO).is_file() and (inputs[0] / FRONT).is_file()


def plan_files(inputs: Sequence[Path], poses: Path | None, out: Path) -> tuple[list[Job], list[str]]:
    """One job a file; and the names of what is in a directory of shards besides.

    Raises:
        InputError: an input is missing; there is no file to enhance; two have one name; an output is an input;
            ``--out`` or ``--poses`` is a file where a directory is needed, or the other way round.
    """
    missing = next((path for path in inputs if not path.exists()), None)
    if missing is not None:
        raise InputError(f"{missing}: no such file or directory")
    if len(inputs) == 1 and not inputs[0].is_dir():
        source = inputs[0]
        if out.is_dir():
            raise InputError(f"--out {out}: is a directory: name the file that {source.name} becomes")
        if suffix_of(source) in SUFFIXES and suffix_of(out) != suffix_of(source):
            raise InputError(f"--out {out}: give it the suffix of {source.name}: files keep their format")
        if poses is not None and poses.is_dir():
            raise InputError(f"--poses {poses}: is a directory: name a file")
        others: list[Path] = []
        jobs = [Job(source, out, poses)]
    else:
        sources, others = _shards(inputs)
        if out.exists() and not out.is_dir():
            raise InputError(f"--out {out}: is a file: {len(sources)} inputs go to a directory")
        if poses is not None and not poses.is_dir():
            raise InputError(f"--poses {poses}: several inputs need a directory with a file of the same name for each")
        known = {(path.stem, suffix_of(path)): path for path in (() if poses is None else sorted(poses.iterdir()))}
        jobs = [Job(source, out / source.name, poses and _poses_of(source, poses, known)) for source in sources]
    for job in jobs:
        # a link to an input is that input too
        if job.source.resolve() == job.target.resolve() or (job.target.exists() and job.target.samefile(job.source)):
            raise InputError(f"--out {out}: would write over the input {job.source}: choose another place")
    used = {job.poses for job in jobs}
    return jobs, [path.name for path in others if path not in used]


def _shards(inputs: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to enhance, and what else is in their directory."""
    if len(inputs) > 1:
        for path in inputs:
            if path.is_dir():
                raise InputError(f"{path}: is a directory: give one directory alone, or files")
        names = [path.name for path in inputs]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"{twice}: two inputs have this name: enhance them into different directories")
        return list(inputs), []
    (directory,) = inputs
    found, others = files_in(directory, SUFFIXES)
    if not found:
        raise InputError(f"{directory}: holds no {', '.join(SUFFIXES)}, nor is it a feature folder")
    return found, others


def _poses_of(source: Path, poses: Path, known: Mapping[tuple[str, str], Path]) -> Path:
    for suffix in POSE_SUFFIXES:
        found = known.get((source.stem, suffix))
        if found is not None and found.resolve() != source.resolve():
            return found
    raise InputError(f"--poses {poses}: has no {source.stem}{', '.join(POSE_SUFFIXES)} for {source}")
