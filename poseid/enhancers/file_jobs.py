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
        target: its final name; where rows are pooled, that of all inputs.
        poses: a file of poses for it, None where it holds them itself or none are to be used.
    """

    source: Path
    target: Path
    poses: Path | None


def is_feature_folder(inputs: Sequence[Path]) -> bool:
    """Whether the inputs are one feature folder."""
    return len(inputs) == 1 and (inputs[0] / VIDEO).is_file() and (inputs[0] / FRONT).is_file()


def plan_files(inputs: Sequence[Path], poses: Path | None, out: Path, pooled: bool) -> tuple[list[Job], list[str]]:
    """One job a file; and the names of what is in a directory of shards besides.

    Args:
        inputs: one file, several, or one directory of shards.
        poses: a file of poses; for several inputs a directory of them.
        out: the new file; for several inputs, unless they are pooled, the directory of the new files.
        pooled: whether all rows go to one file.

    Raises:
        InputError: an input is missing; there is no file to enhance; two have one name; an output is an input;
            ``--out`` or ``--poses`` is a file where a directory is needed, or the other way round; files that are
            pooled have different formats, or one is given twice.
    """
    missing = next((path for path in inputs if not path.exists()), None)
    if missing is not None:
        raise InputError(f"{missing}: no such file or directory")
    single = len(inputs) == 1 and not inputs[0].is_dir()
    sources, others = (list(inputs), []) if single else _shards(inputs)
    kind = suffix_of(sources[0])
    if pooled:
        other = next((source for source in sources if suffix_of(source) != kind), None)
        if other is not None:
            raise InputError(f"{other}: is another kind of file than {sources[0].name}: pool files of one format")
        twice = _twice([source.resolve() for source in sources])
        if twice is not None:
            raise InputError(f"{sources[twice]}: is given twice: each row counts once")
    if single or pooled:
        if out.is_dir():
            raise InputError(f"--out {out}: is a directory: name a file")
        if kind in SUFFIXES and suffix_of(out) != kind:
            raise InputError(f"--out {out}: give it the suffix of {sources[0].name}: files keep their format")
    elif out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: is a file: {len(sources)} inputs go to a directory")
    twice = None if pooled and poses is None else _twice([source.name for source in sources])
    if twice is not None:
        raise InputError(f"{sources[twice].name}: two inputs have this name: rename one")
    if poses is not None and poses.is_dir() == single:
        how = "is a directory: name a file" if single else "several inputs need a directory with a file for each name"
        raise InputError(f"--poses {poses}: {how}")
    known = {(path.stem, suffix_of(path)): path for path in (sorted(poses.iterdir()) if poses and not single else ())}
    jobs = [
        Job(
            source,
            out if single or pooled else out / source.name,
            poses if single or poses is None else _poses_of(source, poses, known),
        )
        for source in sources
    ]
    for job in jobs:
        # a link to an input is that input too
        if job.source.resolve() == job.target.resolve() or (job.target.exists() and job.target.samefile(job.source)):
            raise InputError(f"--out {out}: would write over the input {job.source}: choose another place")
    used = {job.poses for job in jobs}
    return jobs, [path.name for path in others if path not in used]


def _twice(values: Sequence[object]) -> int | None:
    """Where a value stands that stood there before."""
    return next((at for at, value in enumerate(values) if value in values[:at]), None)


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
        self._by = dict(by)
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

    def difference(self, target: Path) -> str:
        """Why ``target``, which is there, is not done."""
        if target.name not in self._lines:
            return f", but not in the record {self.path.name}"
        return ", made with another model, option or input, or changed since"

    def made_all(self) -> bool:
        """Whether every file beside the record is as this model made it, from whatever inputs."""
        files = [path for path in self.path.parent.iterdir() if path != self.path] if self.path.is_file() else []
        lines = [self._lines.get(path.name, {}) for path in files]
        return bool(files) and all(
            line == self._entry(path.name, path, {}) | {"inputs": line.get("inputs")}
            for path, line in zip(files, lines, strict=True)
        )

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
        return {"file": name, "output": _stamp(written), "inputs": made_from, "by": self._by}


def _stamp(path: Path) -> dict[str, int]:
    """Size and time of a file: enough to see that it was written anew."""
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}
