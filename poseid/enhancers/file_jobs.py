"""Which input of `poseid enhance` goes to which output, and the record of what is done: _enhanced.jsonl."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poseid.errors import InputError
from poseid.features.tables.table import SUFFIXES, files_in, suffix_of

POSE_SUFFIXES = (".npy", ".json", ".csv", ".parquet")
VIDEO, FRONT = "video_feature.npy", "front_feature.npy"
RECORD = "_enhanced.jsonl"
"""Named so that readers of a directory of Parquet shards pass it over."""


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
    _check_there(inputs)
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
        _check_names(sources, "enhance them into different directories")
        if out.exists() and not out.is_dir():
            raise InputError(f"--out {out}: is a file: {len(sources)} inputs go to a directory")
        jobs = _jobs_of_shards(sources, [out / source.name for source in sources], poses)
    _check_targets(jobs, out)
    return jobs, _left_out(jobs, others)


def plan_pooled(inputs: Sequence[Path], poses: Path | None, out: Path) -> tuple[list[Job], list[str]]:
    """One job an input file, all with the one target ``out``, and what is left out of a directory.

    Raises:
        InputError: as `plan_files`; inputs of different formats; a file that is given twice.
    """
    _check_there(inputs)
    single = len(inputs) == 1 and not inputs[0].is_dir()
    sources, others = ([inputs[0]], []) if single else _shards(inputs)
    kind = suffix_of(sources[0])
    other = next((source for source in sources if suffix_of(source) != kind), None)
    if other is not None:
        raise InputError(f"{other}: is another kind of file than {sources[0].name}: pool files of one format")
    if out.is_dir():
        raise InputError(f"--out {out}: is a directory: name a file, pooled rows go to one")
    if kind in SUFFIXES and suffix_of(out) != kind:
        raise InputError(f"--out {out}: give it the suffix of {sources[0].name}: files keep their format")
    resolved = [source.resolve() for source in sources]
    twice = next((source for source in sources if resolved.count(source.resolve()) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: is given twice: each row counts once")
    if single:
        if poses is not None and poses.is_dir():
            raise InputError(f"--poses {poses}: is a directory: name a file")
        jobs = [Job(sources[0], out, poses)]
    else:
        if poses is not None:
            _check_names(sources, "their poses are found by it")
        jobs = _jobs_of_shards(sources, [out] * len(sources), poses)
    _check_targets(jobs, out)
    return jobs, _left_out(jobs, others)


def _jobs_of_shards(sources: Sequence[Path], targets: Sequence[Path], poses: Path | None) -> list[Job]:
    """The jobs of several files, each with the file of poses of its name, if any are to be used."""
    if poses is not None and not poses.is_dir():
        raise InputError(f"--poses {poses}: several inputs need a directory with a file of the same name for each")
    known = {(path.stem, suffix_of(path)): path for path in (() if poses is None else sorted(poses.iterdir()))}
    return [
        Job(source, target, poses and _poses_of(source, poses, known))
        for source, target in zip(sources, targets, strict=True)
    ]


def _left_out(jobs: Sequence[Job], others: Sequence[Path]) -> list[str]:
    """The names of files of a directory that no job uses."""
    used = {job.poses for job in jobs}
    return [path.name for path in others if path not in used]


def _check_there(inputs: Sequence[Path]) -> None:
    missing = next((path for path in inputs if not path.exists()), None)
    if missing is not None:
        raise InputError(f"{missing}: no such file or directory")


def _check_names(sources: Sequence[Path], why: str) -> None:
    names = [path.name for path in sources]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: two inputs have this name: {why}")


def _check_targets(jobs: Sequence[Job], out: Path) -> None:
    for job in jobs:
        # a link to an input is that input too
        if job.source.resolve() == job.target.resolve() or (job.target.exists() and job.target.samefile(job.source)):
            raise InputError(f"--out {out}: would write over the input {job.source}: choose another place")


def _shards(inputs: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to enhance, and what else is in their directory."""
    if len(inputs) > 1:
        for path in inputs:
            if path.is_dir():
                raise InputError(f"{path}: is a directory: give one directory alone, or files")
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


def model_digest(model: str) -> str:
    """SHA-256 of the files that a MODEL is read from; "raw" is its own."""
    path = Path(model)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path] if path.is_file() else []
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest() if files else model


class Record:
    """The record of one output: append-only, so that a killed process loses at most the line it was writing."""

    def __init__(self, path: Path, by: Mapping[str, Any]) -> None:
        """
        Args:
            path: of the record.
            by: the model and the options that decide what it makes.
        """
        self.path = path
        self._by = by
        self._lines: dict[str, dict[str, Any]] = {}
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        self._cut = not text.endswith("\n") and text != ""
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._lines[entry["file"]] = entry
            except (ValueError, TypeError, KeyError):
                continue  # cut short when a process was killed

    def done(self, target: Path, inputs: Mapping[str, Path]) -> bool:
        """Whether ``target`` is there as this model made it from these inputs as they are now."""
        return target.is_file() and self._lines.get(target.name) == self._entry(target.name, target, inputs)

    def add(self, name: str, written: Path, inputs: Mapping[str, Path]) -> None:
        """Puts on the disk that ``written``, soon named ``name``, is finished."""
        entry = self._entry(name, written, inputs)
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n" * self._cut + json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._cut = False
        self._lines[name] = entry

    def _entry(self, name: str, written: Path, inputs: Mapping[str, Path]) -> dict[str, Any]:
        made_from = {role: {"name": path.name, **_stamp(path)} for role, path in inputs.items()}
        return {"file": name, "output": _stamp(written), "inputs": made_from, "by": dict(self._by)}


def _stamp(path: Path) -> dict[str, int]:
    """Size and time of a file: enough to see that it was written anew."""
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
