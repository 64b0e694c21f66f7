"""Seeded faults: each is found, by its id, in made-up and in real folders; sound folders are silent."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from poseid.doctor.examine import Examination, examine_folder
from poseid.errors import InputError
from poseid.features.folder import read_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.synthetic import synthetic

REAL = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass
class Loose:
    """The rows of one file, to be spoilt."""

    features: np.ndarray
    poses: list[list[float] | None]
    entries: list[dict[str, object]]

    def rows(self, share: float, generator: np.random.Generator) -> np.ndarray:
        return np.sort(generator.permutation(len(self.features))[: max(1, round(share * len(self.features)))])

    def angles(self) -> np.ndarray:
        return np.array([[np.nan] * 3 if pose is None else pose for pose in self.poses])

    def take(self, rows: np.ndarray) -> Loose:
        return Loose(
            self.features[rows], [self.poses[i] for i in rows.tolist()], [dict(self.entries[i]) for i in rows.tolist()]
        )

    def add(self, more: Loose) -> None:
        self.features = np.concatenate([self.features, more.features])
        self.poses += more.poses
        self.entries += more.entries

    def change_poses(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        self.poses = change(self.angles()).tolist()


@dataclass
class Spoilt:
    """A folder to be spoilt and written."""

    front: Loose
    video: Loose

    @property
    def files(self) -> dict[str, Loose]:
        return {"front": self.front, "video": self.video}

    def write(self, path: Path) -> Path:
        path.mkdir(parents=True)
        for name, rows in self.files.items():
            np.save(path / f"{name}_feature.npy", rows.features)
            text = json.dumps({"metadata": rows.entries, "poses": rows.poses}, ensure_ascii=False)
            (path / f"{name}_metadata.json").write_text(text, encoding="utf-8")
        return path


def loose(features: FeatureSet) -> Spoilt:
    def one(rows: Rows) -> Loose:
        entries = [dict(entry) for entry in rows.metadata]
        return Loose(np.array(rows.features), [[float(v) for v in pose] for pose in rows.poses.tolist()], entries)

    return Spoilt(one(features.front), one(features.video))


def _reorder(order: list[int]) -> Callable[[Spoilt, np.random.Generator], None]:
    def spoil(folder: Spoilt, generator: np.random.Generator) -> None:
        for rows in folder.files.values():
            rows.change_poses(lambda poses: poses[:, order])

    return spoil


def radians(folder: Spoilt, generator: np.random.Generator) -> None:
    for rows in folder.files.values():
        rows.change_poses(np.deg2rad)


def radians_in_video(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.change_poses(np.deg2rad)


def radians_in_front(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.front.change_poses(np.deg2rad)


def full_circle(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.change_poses(lambda poses: np.column_stack([poses[:, 0] % 360, poses[:, 1:]]))


def mirrored(folder: Spoilt, generator: np.random.Generator) -> None:
    """Turned rows in the front file too, and the front file's yaw of the other sign."""
    turned = np.flatnonzero((np.abs(folder.video.angles()[:, 0]) > 15) & (np.abs(folder.video.angles()[:, 0]) < 45))
    moved = turned[generator.permutation(len(turned))[: len(turned) // 2]]
    folder.front.add(folder.video.take(moved))
    folder.video = folder.video.take(np.setdiff1d(np.arange(len(folder.video.features)), moved))
    folder.front.change_poses(lambda poses: poses * [-1.0, 1.0, 1.0])


def half_mirrored(folder: Spoilt, generator: np.random.Generator) -> None:
    signs = generator.choice([-1.0, 1.0], len(folder.video.features))
    folder.video.change_poses(lambda poses: np.column_stack([poses[:, 0] * signs, poses[:, 1:]]))


def unsigned(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.change_poses(lambda poses: np.column_stack([np.abs(poses[:, 0]), poses[:, 1:]]))


def shuffled_poses(folder: Spoilt, generator: np.random.Generator) -> None:
    order = generator.permutation(len(folder.video.features))
    folder.video.change_poses(lambda poses: poses[order])


def zero_poses(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.change_poses(np.zeros_like)


def no_poses(folder: Spoilt, generator: np.random.Generator) -> None:
    for rows in folder.files.values():
        rows.poses = [None] * len(rows.poses)
        for entry in rows.entries:
            entry.pop("source", None)


def some_poses_missing(folder: Spoilt, generator: np.random.Generator) -> None:
    for row in folder.video.rows(0.2, generator).tolist():
        folder.video.poses[row] = None


def broken_poses(folder: Spoilt, generator: np.random.Generator) -> None:
    for row in folder.video.rows(0.02, generator).tolist():
        folder.video.poses[row] = [1.0, 2.0]


def frontal_only(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video = folder.video.take(np.flatnonzero(np.abs(folder.video.angles()[:, 0]) < 15))
    for entry in folder.video.entries:
        entry.pop("source", None)


def turned_fronts(folder: Spoilt, generator: np.random.Generator) -> None:
    turned = np.flatnonzero(np.abs(folder.video.angles()[:, 0]) > 50)
    some = turned[generator.permutation(len(turned))[: len(folder.front.features) // 4]]
    folder.front.add(folder.video.take(some))
    folder.video = folder.video.take(np.setdiff1d(np.arange(len(folder.video.features)), some))


def rows_twice(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.add(folder.video.take(folder.video.rows(0.05, generator)))


def rows_nearly_twice(folder: Spoilt, generator: np.random.Generator) -> None:
    copy = folder.video.take(folder.video.rows(0.05, generator))
    noise = generator.standard_normal(copy.features.shape)
    noise *= 0.08 * np.linalg.norm(copy.features, axis=1, keepdims=True) / np.sqrt(copy.features.shape[1])
    copy.features = (copy.features + noise).astype(copy.features.dtype)
    folder.video.add(copy)


def under_two_names(folder: Spoilt, generator: np.random.Generator) -> None:
    copy = folder.video.take(folder.video.rows(0.01, generator))
    names = [str(entry["person_name"]) for entry in folder.front.entries]
    for entry in copy.entries:
        entry["person_name"] = next(n for n in generator.choice(names, 50).tolist() if n != entry["person_name"])
    folder.video.add(copy)


def nearly_under_two_names(folder: Spoilt, generator: np.random.Generator) -> None:
    before = len(folder.video.features)
    under_two_names(folder, generator)
    new = folder.video.features[before:]
    noise = generator.standard_normal(new.shape)
    noise *= 0.08 * np.linalg.norm(new, axis=1, keepdims=True) / np.sqrt(new.shape[1])
    folder.video.features[before:] = new + noise


def front_in_video(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.add(folder.front.take(folder.front.rows(0.5, generator)))


def wrong_names(folder: Spoilt, generator: np.random.Generator) -> None:
    names = [str(entry["person_name"]) for entry in folder.front.entries]
    for row in folder.video.rows(0.03, generator).tolist():
        entry = folder.video.entries[row]
        entry["person_name"] = next(n for n in generator.choice(names, 50).tolist() if n != entry["person_name"])


def normalised(folder: Spoilt, generator: np.random.Generator) -> None:
    for rows in folder.files.values():
        wide = rows.features.astype(np.float64)
        rows.features = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(rows.features.dtype)


def front_rescaled(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.front.features = (folder.front.features * 8).astype(folder.front.features.dtype)


def centred(folder: Spoilt, generator: np.random.Generator) -> None:
    both = np.concatenate([folder.front.features, folder.video.features]).astype(np.float64)
    for rows in folder.files.values():
        rows.features = (rows.features - both.mean(axis=0)).astype(rows.features.dtype)


def constant_columns(folder: Spoilt, generator: np.random.Generator) -> None:
    for rows in folder.files.values():
        rows.features[:, -7:] = 0


def an_index_inside(folder: Spoilt, generator: np.random.Generator) -> None:
    for rows in folder.files.values():
        rows.features[:, 0] = np.arange(len(rows.features)) % 1000


def nan_rows(folder: Spoilt, generator: np.random.Generator) -> None:
    some = folder.video.rows(0.02, generator)
    folder.video.features[some] = np.nan
    folder.front.features[3] = 0


def other_recogniser_in_part(folder: Spoilt, generator: np.random.Generator) -> None:
    turn = _rotation(folder, generator)
    for rows in folder.files.values():
        some = rows.rows(0.4, generator)
        rows.features[some] = (rows.features[some].astype(np.float64) @ turn).astype(rows.features.dtype)


def other_recogniser_in_front(folder: Spoilt, generator: np.random.Generator) -> None:
    turn = _rotation(folder, generator)
    folder.front.features = (folder.front.features.astype(np.float64) @ turn).astype(folder.front.features.dtype)


def _rotation(folder: Spoilt, generator: np.random.Generator) -> np.ndarray:
    dim = folder.front.features.shape[1]
    rotation: np.ndarray = np.linalg.qr(generator.standard_normal((dim, dim)))[0]
    return rotation


def no_partner(folder: Spoilt, generator: np.random.Generator) -> None:
    names = sorted({str(entry["person_name"]) for entry in folder.video.entries})
    gone = set(generator.choice(names, len(names) // 3, replace=False).tolist())
    keep = [i for i, entry in enumerate(folder.video.entries) if entry["person_name"] not in gone]
    folder.video = folder.video.take(np.array(keep))


def nobody_in_both(folder: Spoilt, generator: np.random.Generator) -> None:
    for entry in folder.video.entries:
        entry["person_name"] = f"{entry['person_name']}.mp4"


def capitals(folder: Spoilt, generator: np.random.Generator) -> None:
    for entry in folder.front.entries:
        entry["person_name"] = f"Person {entry['person_name']}"
    for entry in folder.video.entries:
        entry["person_name"] = f"person_{entry['person_name']}"


def nameless(folder: Spoilt, generator: np.random.Generator) -> None:
    del folder.video.entries[4]["person_name"]
    folder.video.entries[5]["person_name"] = " "


def two_spellings(folder: Spoilt, generator: np.random.Generator) -> None:
    for form, rows in zip(("NFC", "NFD"), folder.files.values(), strict=True):
        rows.entries[0]["person_name"] = unicodedata.normalize(form, "José")


def one_entry_short(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.entries.pop()


def one_name_for_many(folder: Spoilt, generator: np.random.Generator) -> None:
    for row in folder.video.rows(0.4, generator).tolist():
        folder.video.entries[row]["person_name"] = "unknown"


def heads_turned_away(folder: Spoilt, generator: np.random.Generator) -> None:
    folder.video.change_poses(lambda poses: poses * [1.3, 1.0, 1.0])


FAULTS: dict[str, tuple[Callable[[Spoilt, np.random.Generator], None], str]] = {
    "pitch, yaw, roll": (_reorder([1, 0, 2]), "pose-order"),
    "roll, pitch, yaw": (_reorder([2, 1, 0]), "pose-order"),
    "radians": (radians, "radians"),
    "radians in video": (radians_in_video, "radians"),
    "radians in front": (radians_in_front, "radians"),
    "yaw from 0 to 360": (full_circle, "yaw-range"),
    "heads turned away": (heads_turned_away, "beyond-90"),
    "mirrored between the files": (mirrored, "mirrored-yaw"),
    "sign of half the rows": (half_mirrored, "yaw-sign"),
    "unsigned yaw": (unsigned, "one-sided-yaw"),
    "shuffled poses": (shuffled_poses, "poses-explain-nothing"),
    "all poses 0": (zero_poses, "constant-yaw"),
    "no poses": (no_poses, "no-poses"),
    "some poses missing": (some_poses_missing, "missing-poses"),
    "broken poses": (broken_poses, "bad-poses"),
    "no profiles": (frontal_only, "no-profiles"),
    "turned front rows": (turned_fronts, "front-not-frontal"),
    "rows twice": (rows_twice, "duplicate-rows"),
    "rows nearly twice": (rows_nearly_twice, "near-duplicate-rows"),
    "rows under two names": (under_two_names, "duplicates-across-people"),
    "rows nearly under two names": (nearly_under_two_names, "near-duplicates-across-people"),
    "front rows in video": (front_in_video, "front-in-video"),
    "3 % wrong names": (wrong_names, "wrong-labels"),
    "normalised": (normalised, "unit-length"),
    "front rescaled": (front_rescaled, "lengths-disagree"),
    "centred": (centred, "centred"),
    "constant columns": (constant_columns, "constant-columns"),
    "an index inside": (an_index_inside, "dominant-column"),
    "NaN and zero rows": (nan_rows, "bad-rows"),
    "two recognisers mixed": (other_recogniser_in_part, "mixed-recognisers"),
    "another recogniser in front": (other_recogniser_in_front, "files-disagree"),
    "people without a partner": (no_partner, "people-without-pair"),
    "nobody in both files": (nobody_in_both, "no-pairs"),
    "names differ in capitals": (capitals, "names-alike"),
    "rows without a name": (nameless, "bad-names"),
    "two spellings": (two_spellings, "name-spellings"),
    "one entry short": (one_entry_short, "rows-disagree"),
    "one name for many": (one_name_for_many, "uneven-people"),
}
"""Each fault and the id of the finding that must name it."""


REAL_FAULTS = (
    "pitch, yaw, roll",
    "roll, pitch, yaw",
    "radians",
    "radians in front",
    "mirrored between the files",
    "sign of half the rows",
    "shuffled poses",
    "turned front rows",
    "rows twice",
    "rows nearly twice",
    "rows under two names",
    "front rows in video",
    "3 % wrong names",
    "front rescaled",
    "centred",
    "two recognisers mixed",
    "another recogniser in front",
)
"""Those that depend on what the vectors are like."""

UNSEEN = {("cfp", "mirrored between the files"), ("cfp", "sign of half the rows")}
"""Poses of cfp are rough, with a left for a right now and then: of 100 people nothing can be said about signs."""


@pytest.fixture(scope="module")
def made_up() -> FeatureSet:
    return synthetic(people=80, probes=12, seed=3, dim=128)


def few(name: str, people: int, seed: int) -> FeatureSet:
    """Some people of a real folder, and every other row of `turned`."""
    if not (REAL / name).is_dir():
        pytest.skip("../shared/data is not here: the real features are for research and not part of the project")
    features = read_folder(REAL / name)
    everybody = features.people()
    chosen = np.random.default_rng(seed).permutation(len(everybody))[:people]
    features = features.select([everybody[i] for i in chosen.tolist()])
    if name == "cfp":
        return features
    return FeatureSet(name, features.front, features.video.take(slice(None, None, 2)))


@pytest.fixture(scope="module")
def real() -> dict[str, FeatureSet]:
    return {name: few(name, 100, 1) for name in ("cfp", "turned")}


def spoilt(features: FeatureSet, fault: str, path: Path) -> Examination:
    folder = loose(features)
    FAULTS[fault][0](folder, np.random.default_rng(7))
    return examine_folder(folder.write(path / "folder"))


def grave(examination: Examination) -> list[str]:
    return [f"{f.id}: {f.evidence}" for f in examination.findings if f.severity != "note"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_by_its_id(fault: str, made_up: FeatureSet, tmp_path: Path) -> None:
    examination = spoilt(made_up, fault, tmp_path)
    assert FAULTS[fault][1] in [finding.id for finding in examination.findings]
    for finding in examination.findings:
        assert finding.evidence
        assert finding.remedy
    try:
        read_folder(tmp_path / "folder")
    except InputError:
        # what training refuses is an error
        assert "error" in [finding.severity for finding in examination.findings]


@pytest.mark.parametrize("name", ["cfp", "turned"])
@pytest.mark.parametrize("fault", REAL_FAULTS)
def test_a_fault_is_found_in_real_features(fault: str, name: str, real: dict[str, FeatureSet], tmp_path: Path) -> None:
    if (name, fault) in UNSEEN:
        pytest.skip("the poses are too rough for it")
    assert FAULTS[fault][1] in [finding.id for finding in spoilt(real[name], fault, tmp_path).findings]


@pytest.mark.parametrize(("people", "seed"), [(20, 0), (20, 1), (40, 2), (90, 4)])
def test_made_up_people_are_sound(people: int, seed: int, tmp_path: Path) -> None:
    features = synthetic(people=people, probes=12, seed=seed, dim=128)
    assert grave(examine_folder(loose(features).write(tmp_path / "folder"))) == []


@pytest.mark.parametrize("name", ["cfp", "turned"])
@pytest.mark.parametrize(("people", "seed"), [(20, 0), (50, 5), (100, 1)])
def test_real_people_are_sound(name: str, people: int, seed: int, tmp_path: Path) -> None:
    assert grave(examine_folder(loose(few(name, people, seed)).write(tmp_path / "folder"))) == []


def test_wrong_names_are_named(made_up: FeatureSet, tmp_path: Path) -> None:
    """Most of the rows pointed at are those that were spoilt, and most of the spoilt are pointed at."""
    folder = loose(made_up)
    before = [entry["person_name"] for entry in folder.video.entries]
    wrong_names(folder, np.random.default_rng(5))
    spoilt_rows = {f"video:{i}" for i, entry in enumerate(folder.video.entries) if entry["person_name"] != before[i]}
    (finding,) = [f for f in examine_folder(folder.write(tmp_path / "folder")).findings if f.id == "wrong-labels"]
    right = spoilt_rows & set(finding.rows)
    assert len(right) >= 0.9 * len(finding.rows)
    assert len(right) >= 0.6 * len(spoilt_rows)
    assert finding.figures["n"] == len(finding.rows)


def test_poses_read_right_are_judged_right(made_up: FeatureSet, tmp_path: Path) -> None:
    """Swapped and in radians at once: both are named, and nothing is said that is true only of the misread poses."""
    folder = loose(made_up)
    radians(folder, np.random.default_rng(0))
    FAULTS["pitch, yaw, roll"][0](folder, np.random.default_rng(0))
    examination = examine_folder(folder.write(tmp_path / "folder"))
    assert {line.split(":")[0] for line in grave(examination)} == {"radians", "pose-order"}
    np.testing.assert_allclose(
        examination.folder.poses[examination.folder.files["video"]], made_up.video.poses, atol=1e-3
    )
