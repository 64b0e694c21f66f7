"""Faults to seed into a folder, each with the id of the finding that must name it."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from poseid.doctor.examine import Examination, examine
from poseid.doctor.folder import open_folder
from poseid.features.rows import FeatureSet, Rows

BOTH, FRONT, VIDEO = ("front", "video"), ("front",), ("video",)
YAW = np.array([1.0, 0.0, 0.0])


@dataclass
class Loose:
    """The rows of one file, to be spoilt."""

    features: np.ndarray
    poses: np.ndarray
    entries: list[dict[str, object]]
    invalid: dict[int, object] = field(default_factory=dict)
    """Poses of some rows that are no poses."""

    def some(self, share: float, generator: np.random.Generator) -> np.ndarray:
        return np.sort(generator.permutation(len(self.features))[: max(1, round(share * len(self.features)))])

    def take(self, rows: np.ndarray) -> Loose:
        return Loose(self.features[rows], self.poses[rows], [dict(self.entries[i]) for i in rows.tolist()])

    def add(self, more: Loose) -> None:
        self.features = np.concatenate([self.features, more.features])
        self.poses = np.concatenate([self.poses, more.poses])
        self.entries += more.entries

    def rename(self, rows: np.ndarray, names: list[str], generator: np.random.Generator) -> None:
        """Gives rows the names of other people."""
        for entry in (self.entries[i] for i in rows.tolist()):
            entry["person_name"] = next(n for n in generator.choice(names, 50).tolist() if n != entry["person_name"])


Folder = dict[str, Loose]
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def loose(features: FeatureSet) -> Folder:
    def one(rows: Rows) -> Loose:
        return Loose(np.array(rows.features), np.array(rows.poses, float), [dict(entry) for entry in rows.metadata])

    return {"front": one(features.front), "video": one(features.video)}


def examine_loose(folder: Folder, path: Path) -> Examination:
    path = path / "folder"
    path.mkdir()
    for name, rows in folder.items():
        np.save(path / f"{name}_feature.npy", rows.features)
        known = [None if np.isnan(pose).any() else pose.tolist() for pose in rows.poses]
        poses = [rows.invalid.get(row, pose) for row, pose in enumerate(known)]
        text = json.dumps({"metadata": rows.entries, "poses": poses}, ensure_ascii=False)
        (path / f"{name}_metadata.json").write_text(text, encoding="utf-8")
    return examine(*open_folder(path), lambda rows: None)


def person_names(rows: Loose) -> list[str]:
    return [str(entry["person_name"]) for entry in rows.entries]


def change_rows(
    folder: Folder,
    generator: np.random.Generator,
    what: str,
    change: Change,
    files: Sequence[str] = BOTH,
    share: float = 1.0,
) -> None:
    """Changes the poses or vectors (`what`) of a share of the rows, computed in float64."""
    for rows in (folder[name] for name in files):
        some, values = rows.some(share, generator) if share < 1 else slice(None), getattr(rows, what)
        values[some] = change(values[some].astype(np.float64), generator)


poses, vectors = partial(change_rows, what="poses"), partial(change_rows, what="features")


def yaw(folder: Folder, generator: np.random.Generator, change: Change) -> None:
    folder["video"].poses[:, 0] = change(folder["video"].poses[:, 0], generator)


def rename_all(folder: Folder, generator: np.random.Generator, front: str, video: str) -> None:
    for rows, form in zip(folder.values(), (front, video), strict=True):
        for entry in rows.entries:
            entry["person_name"] = form.format(entry["person_name"])


def some_renamed(
    folder: Folder, generator: np.random.Generator, change: Callable[[str], str], share: float = 0.5
) -> None:
    """A share of the video rows."""
    for row in folder["video"].some(share, generator).tolist():
        entry = folder["video"].entries[row]
        entry["person_name"] = change(str(entry["person_name"]))


def copies(
    folder: Folder,
    generator: np.random.Generator,
    share: float,
    noise: float = 0.0,
    other_name: bool = False,
    of: str = "video",
) -> None:
    """Adds copies of some rows to the video file, perhaps with noise, perhaps under other names."""
    copy = folder[of].take(folder[of].some(share, generator))
    if other_name:
        copy.rename(np.arange(len(copy.entries)), person_names(folder["front"]), generator)
    if noise:
        added = generator.standard_normal(copy.features.shape)
        added *= noise * np.linalg.norm(copy.features, axis=1, keepdims=True) / np.sqrt(copy.features.shape[1])
        copy.features = (copy.features + added).astype(copy.features.dtype)
    folder["video"].add(copy)


def unit(vectors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def radians(poses: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.deg2rad(poses)


def length_from_the_top(vectors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / length * (1.1 * length.max() - length))


def to_front(folder: Folder, generator: np.random.Generator, low: float, high: float) -> None:
    """Moves half of the video rows turned by these angles to the front file."""
    size = np.abs(folder["video"].poses[:, 0])
    turned = np.flatnonzero((size > low) & (size < high))
    moved = turned[generator.permutation(len(turned))[: len(turned) // 2]]
    folder["front"].add(folder["video"].take(moved))
    folder["video"] = folder["video"].take(np.setdiff1d(np.arange(len(size)), moved))


def mirrored(folder: Folder, generator: np.random.Generator) -> None:
    """Turned rows in the front file too, and the front file's yaw of the other sign."""
    to_front(folder, generator, 15, 45)
    folder["front"].poses[:, 0] *= -1


def no_poses(folder: Folder, generator: np.random.Generator) -> None:
    for rows in folder.values():
        rows.poses[:] = np.nan
        for entry in rows.entries:
            entry.pop("source", None)


def frontal_only(folder: Folder, generator: np.random.Generator) -> None:
    folder["video"] = folder["video"].take(np.flatnonzero(np.abs(folder["video"].poses[:, 0]) < 15))


def invalid_poses(folder: Folder, generator: np.random.Generator) -> None:
    folder["video"].invalid = {row: [1.0, 2.0] for row in folder["video"].some(0.02, generator).tolist()}


def wrong_names(folder: Folder, generator: np.random.Generator) -> None:
    folder["video"].rename(folder["video"].some(0.03, generator), person_names(folder["front"]), generator)


def centred(folder: Folder, generator: np.random.Generator) -> None:
    mean = np.concatenate([rows.features for rows in folder.values()]).astype(np.float64).mean(axis=0)
    vectors(folder, generator, change=lambda x, _: x - mean)


def nan_rows(folder: Folder, generator: np.random.Generator) -> None:
    folder["video"].features[folder["video"].some(0.02, generator)] = np.nan
    folder["front"].features[3] = 0


def other_recogniser(folder: Folder, generator: np.random.Generator, share: float, files: Sequence[str]) -> None:
    """Turns some vectors by one rotation."""
    turn = np.linalg.qr(generator.standard_normal((folder["front"].features.shape[1],) * 2))[0]
    for rows in (folder[name] for name in files):
        some = rows.some(share, generator)
        rows.features[some] = (rows.features[some].astype(np.float64) @ turn).astype(rows.features.dtype)


def no_partner(folder: Folder, generator: np.random.Generator) -> None:
    of = np.array(person_names(folder["video"]))
    people = np.unique(of)
    gone = generator.choice(people, len(people) // 3, replace=False)
    folder["video"] = folder["video"].take(np.flatnonzero(~np.isin(of, gone)))


def nameless(folder: Folder, generator: np.random.Generator) -> None:
    del folder["video"].entries[4]["person_name"]
    folder["video"].entries[5]["person_name"] = " "


def no_number_ids(folder: Folder, generator: np.random.Generator) -> None:
    for row, entry in enumerate(folder["video"].entries):
        entry["template_id"] = row / 2


def template_of_two_people(folder: Folder, generator: np.random.Generator) -> None:
    names = [entry["person_name"] for entry in folder["video"].entries]
    for row in (0, next(i for i, name in enumerate(names) if name != names[0])):
        folder["video"].entries[row]["template_id"] = "one for two"


def tracks_in_both_files(folder: Folder, generator: np.random.Generator) -> None:
    track = {}
    for number, entry in enumerate(folder["video"].entries):
        entry["template_id"] = track.setdefault(entry["person_name"], f"track {number}")
    for entry in folder["front"].entries:
        entry["template_id"] = track[entry["person_name"]]


def two_spellings(folder: Folder, generator: np.random.Generator) -> None:
    for form, rows in zip(("NFC", "NFD"), folder.values(), strict=True):
        rows.entries[0]["person_name"] = unicodedata.normalize(form, "José")


REAL_FAULTS = {
    "pitch, yaw, roll": (partial(poses, change=lambda p, _: p[:, [1, 0, 2]]), "pose-order"),
    "roll, pitch, yaw": (partial(poses, change=lambda p, _: p[:, [2, 1, 0]]), "pose-order"),
    "radians": (partial(poses, change=radians), "radians"),
    "radians in front": (partial(poses, change=radians, files=FRONT), "radians"),
    "mirrored between the files": (mirrored, "mirrored-yaw"),
    "sign of half the rows": (partial(yaw, change=lambda y, g: y * g.choice([-1.0, 1.0], len(y))), "yaw-sign"),
    "shuffled poses": (partial(poses, change=lambda p, g: g.permutation(p), files=VIDEO), "poses-explain-nothing"),
    "turned front rows": (partial(to_front, low=50, high=999), "front-not-frontal"),
    "rows twice": (partial(copies, share=0.05), "duplicate-rows"),
    "rows nearly twice": (partial(copies, share=0.05, noise=0.08), "near-duplicate-rows"),
    "rows under two names": (partial(copies, share=0.01, other_name=True), "duplicates-across-people"),
    "front rows in video": (partial(copies, share=0.5, of="front"), "front-in-video"),
    "3 % wrong names": (wrong_names, "wrong-labels"),
    "front rescaled": (partial(vectors, change=lambda x, _: x * 8, files=FRONT), "lengths-disagree"),
    "centred": (centred, "centred"),
    "half of the poses in radians": (partial(poses, change=radians, share=0.5), "some-radians"),
    "a third of the video poses in radians": (partial(poses, change=radians, share=0.33, files=VIDEO), "some-radians"),
    "most poses in radians": (partial(poses, change=radians, share=0.9), "some-radians"),
    "half of the rows normalised": (partial(vectors, change=unit, share=0.5), "unit-length"),
    "a fifth of the video rows normalised": (partial(vectors, change=unit, share=0.2, files=VIDEO), "unit-length"),
    "half of the front rows normalised": (partial(vectors, change=unit, share=0.5, files=FRONT), "unit-length"),
    "video yaw shifted": (partial(poses, change=lambda p, _: p - 24 * YAW, files=VIDEO), "yaw-offset"),
    "front yaw shifted": (partial(poses, change=lambda p, _: p + 24 * YAW, files=FRONT), "yaw-offset"),
    "all yaw shifted": (partial(poses, change=lambda p, _: p - 40 * YAW), "yaw-offset"),
    "yaw 0 for unknown": (partial(poses, change=lambda p, _: p * (1 - YAW), share=0.25, files=VIDEO), "repeated-yaw"),
    "all angles 0 for unknown": (partial(poses, change=lambda p, _: p * 0, share=0.1, files=VIDEO), "repeated-yaw"),
    "yaw 90 for unknown": (
        partial(poses, change=lambda p, _: p * (1 - YAW) + 90 * YAW, share=0.25, files=VIDEO),
        "repeated-yaw",
    ),
    "1/length": (partial(vectors, change=lambda x, _: x / (x**2).sum(axis=1, keepdims=True)), "length-inverted"),
    "length from the top": (partial(vectors, change=length_from_the_top), "length-inverted"),
    "two recognisers mixed": (partial(other_recogniser, share=0.4, files=BOTH), "mixed-recognisers"),
    "another recogniser in front": (partial(other_recogniser, share=1, files=FRONT), "files-disagree"),
}
"""Those that depend on what the vectors are like, and the id of the finding that must name each."""

FAULTS = REAL_FAULTS | {
    "radians in video": (partial(poses, change=radians, files=VIDEO), "radians"),
    "yaw from 0 to 360": (partial(yaw, change=lambda y, _: y % 360), "yaw-range"),
    "heads turned away": (partial(yaw, change=lambda y, _: y * 1.3), "beyond-90"),
    "unsigned yaw": (partial(yaw, change=lambda y, _: np.abs(y)), "one-sided-yaw"),
    "all poses 0": (partial(poses, change=lambda p, _: p * 0, files=VIDEO), "constant-yaw"),
    "no poses": (no_poses, "no-poses"),
    "some poses missing": (partial(poses, change=lambda p, _: p * np.nan, share=0.2, files=VIDEO), "missing-poses"),
    "invalid poses": (invalid_poses, "bad-poses"),
    "no profiles": (frontal_only, "no-profiles"),
    "rows nearly under two names": (
        partial(copies, share=0.01, noise=0.08, other_name=True),
        "near-duplicates-across-people",
    ),
    "normalised": (partial(vectors, change=unit), "unit-length"),
    "constant columns": (partial(vectors, change=lambda x, _: x * (np.arange(x.shape[1]) >= 7)), "constant-columns"),
    "an index inside": (
        partial(vectors, change=lambda x, _: np.column_stack([np.arange(len(x)) % 1000, x[:, 1:]])),
        "dominant-column",
    ),
    "NaN and zero rows": (nan_rows, "bad-rows"),
    "people without a partner": (no_partner, "people-without-pair"),
    "nobody in both files": (partial(rename_all, front="{}", video="{}.mp4"), "no-pairs"),
    "names differ in capitals": (partial(rename_all, front="Person {}", video="person_{}"), "names-alike"),
    "an invisible character in names": (partial(some_renamed, change=lambda n: n + "\u200b"), "names-alike"),
    "full-width digits in names": (
        partial(some_renamed, change=lambda n: n.translate({48 + i: 0xFF10 + i for i in range(10)})),
        "names-alike",
    ),
    "rows without a name": (nameless, "bad-names"),
    "ids with a decimal point": (no_number_ids, "bad-ids"),
    "one template for two people": (template_of_two_people, "template-of-two-people"),
    "tracks in both files": (tracks_in_both_files, "template-in-both-files"),
    "two spellings": (two_spellings, "name-spellings"),
    "one entry short": (lambda folder, _: folder["video"].entries.pop(), "rows-disagree"),
    "one name for many": (partial(some_renamed, change=lambda n: "unknown", share=0.4), "uneven-people"),
}
