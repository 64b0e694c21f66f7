"""The parts of an examination against plain formulas and cases known by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import normalize

from poseid.doctor import folder as folder_module
from poseid.doctor.baseline import measure
from poseid.doctor.duplicates import NEAR, find_duplicates
from poseid.doctor.examine import examine
from poseid.doctor.folder import Folder, open_folder
from poseid.doctor.labels import find_likeness
from poseid.doctor.people import MEASURED, outlook
from poseid.doctor.recognisers import check_recognisers
from poseid.doctor.scan import NOT_FINITE, OUT_OF_RANGE, USABLE, ZERO, Advance, Sample, Scan, scan
from poseid.doctor.yaw import find_centre, find_drop, find_repeated, side_effect
from poseid.features.folder import write_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.synthetic import synthetic
from poseid.features.tables import npy
from poseid.verification.genuine import yaw_bin
from poseid.verification.rates import eer

ROOT = Path(__file__).resolve().parents[2]


def seen(features: FeatureSet, path: Path, advance: Advance = lambda rows: None) -> tuple[Folder, Scan]:
    write_folder(features, path / "folder")
    folder, findings = open_folder(path / "folder")
    assert findings == []
    return folder, scan(folder, advance)


def joined(features: FeatureSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit rows of both files, their people and pose bins."""
    parts = [
        (normalize(rows.features.astype(float)), rows.people, yaw_bin(rows.poses[:, 0]))
        for rows in (features.front, features.video)
    ]
    x, people, bins = (np.concatenate(part) for part in zip(*parts, strict=True))
    return x, people, bins


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return synthetic(people=25, probes=8, seed=1, dim=32)


@pytest.fixture(scope="module")
def scanned(features: FeatureSet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Folder, Scan]:
    return seen(features, tmp_path_factory.mktemp("scanned"))


def test_scan_in_blocks_of_a_memory_map(features: FeatureSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven rows at a time from a map on disk give what numpy gives on all rows."""
    monkeypatch.setattr(folder_module, "_BLOCK_BYTES", 7 * 4 * 32)
    monkeypatch.setattr(npy, "MEMORY_MAP_BYTES", 0)
    done: list[int] = []
    folder, found = seen(features, tmp_path, done.append)
    assert isinstance(folder.arrays["video"], np.memmap)
    assert max(done) == 7
    assert sum(done) == 25 * 10
    raw, video = features.video.features.astype(np.float64), found.columns["video"]
    np.testing.assert_allclose(found.lengths[folder.files["video"]], np.linalg.norm(raw, axis=1), rtol=1e-6)
    np.testing.assert_allclose(video.mean, raw.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(video.energy - video.mean**2, raw.var(axis=0), atol=1e-6)
    assert video.rows == 200
    np.testing.assert_array_equal([video.low, video.high], [raw.min(axis=0), raw.max(axis=0)])
    x, names, bins = joined(features)
    for k, name in enumerate(folder.names):
        np.testing.assert_allclose(found.sums[k], x[names == name].sum(axis=0), atol=1e-5)
        assert found.counts[k].tolist() == np.bincount(bins[names == name], minlength=7).tolist()
    np.testing.assert_allclose(found.bin_means[3], x[bins == 3].mean(axis=0), atol=1e-6)
    assert found.sample.everybody
    np.testing.assert_allclose(found.sample.unit, x, atol=1e-6)


def test_rows_without_a_direction(features: FeatureSet, tmp_path: Path) -> None:
    write_folder(features, tmp_path / "folder")
    rows = features.video.features.copy()
    rows[1, 3], rows[2], rows[5], rows[6, 0] = np.nan, 0, 1e-20, -np.inf
    np.save(tmp_path / "folder" / "video_feature.npy", rows)
    examination = examine(*open_folder(tmp_path / "folder"), lambda rows: None)
    found, first = examination.found, examination.folder.first_video
    status = found.status[first : first + 8].tolist()
    assert status == [USABLE, NOT_FINITE, ZERO, USABLE, USABLE, OUT_OF_RANGE, NOT_FINITE, USABLE]
    assert not np.isin(first + np.array([1, 2, 5, 6]), found.sample.rows).any()
    assert np.isfinite(found.sums).all()
    (finding,) = [f for f in examination.findings if f.severity == "error"]
    assert finding.rows == ("video:1", "video:2", "video:5", "video:6")


def test_duplicates_against_all_pairs(tmp_path: Path) -> None:
    """Of 400 rows with near copies at known angles, the pairs found are those of a full comparison."""
    generator = np.random.default_rng(0)
    base = normalize(generator.standard_normal((200, 64)))
    away = generator.standard_normal((200, 64))
    away = normalize(away - (away * base).sum(axis=1, keepdims=True) * base)
    angle = np.linspace(0, 0.3, 200)[:, None]
    rows = np.concatenate([base, np.cos(angle) * base + np.sin(angle) * away]).astype(np.float32)
    names = np.array([f"p{i}" for i in range(200)])
    files = [Rows(half, np.zeros((200, 3), np.float32), names, ({},) * 200) for half in (rows[:200], rows[200:])]
    folder, found = seen(FeatureSet("made", *files), tmp_path)
    a, b, cosines, more = find_duplicates(folder, found)
    cosine = np.triu(normalize(rows) @ normalize(rows).T, 1)
    expected = {tuple(pair) for pair in np.argwhere(cosine >= NEAR).tolist()}
    got = set(zip(a.tolist(), b.tolist(), strict=True))
    assert len(expected) > 80
    assert got <= expected
    assert len(got) >= 0.97 * len(expected)
    np.testing.assert_allclose(cosines, cosine[a, b], atol=1e-6)
    assert not more


def test_likeness_against_plain_sums(features: FeatureSet, scanned: tuple[Folder, Scan]) -> None:
    folder, found = scanned
    likeness = find_likeness(folder, found, lambda rows: None)
    assert likeness is not None
    x, names, bins = joined(features)
    for b in np.unique(bins):
        x[bins == b] -= x[bins == b].mean(axis=0)
    assert len(likeness.row) == likeness.judged == len(x)
    for k in (0, 17, 60, 249):
        i = int(likeness.row[k])
        others = (names == names[i]) & (np.arange(len(x)) != i)
        assert likeness.own[k] == pytest.approx(_cosine(x[i], x[others].sum(axis=0)), abs=1e-4)
        rest = {n: _cosine(x[i], x[names == n].sum(axis=0)) for n in folder.names if n != names[i]}
        best = max(rest, key=lambda n: rest[n])
        assert likeness.other[k] == pytest.approx(rest[best], abs=1e-4)
        assert folder.names[int(likeness.likely[k])] == best


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_drop_against_ranks(features: FeatureSet, scanned: tuple[Folder, Scan]) -> None:
    folder, found = scanned
    drop = find_drop(found.sample, folder.poses)
    centre = {n: normalize(features.front.features[features.front.people == n]).sum(axis=0) for n in features.people()}
    pairs = zip(normalize(features.video.features), features.video.people.tolist(), strict=True)
    similarity = np.array([_cosine(x, centre[n]) for x, n in pairs])
    np.testing.assert_allclose(drop.similarity, similarity, atol=1e-5)
    order = similarity.argsort().argsort().astype(float)
    ranks = np.abs(features.video.poses).argsort(axis=0).argsort(axis=0).astype(float)
    expected = [np.corrcoef(order, column)[0, 1] for column in ranks.T]
    np.testing.assert_allclose(drop.alone, expected, atol=1e-3)
    scaled = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    joint = LinearRegression().fit(scaled, (order - order.mean()) / order.std()).coef_
    np.testing.assert_allclose(drop.joint, joint, atol=1e-3)


def test_side_effect_known_by_hand() -> None:
    """People in directions of their own; left profiles share one axis, right ones another: cosines .8 + .2 or .8."""
    people, each = 30, 8
    rows = np.zeros((people * each, people + 2), np.float32)
    person = np.repeat(np.arange(people), each)
    yaw = np.tile([-60.0, 60.0], people * each // 2)
    rows[np.arange(len(rows)), person] = np.sqrt(0.8)
    rows[np.arange(len(rows)), people + (yaw > 0)] = np.sqrt(0.2)
    sample = Sample(rows, np.arange(len(rows)), person.astype(np.int32), np.zeros(len(rows), bool), True)
    effect = side_effect(sample, yaw.astype(np.float32))
    assert effect is not None
    assert effect.effect == pytest.approx(0.2, abs=1e-6)
    assert effect.n == people * each * (each - 1) / 2
    assert side_effect(sample, np.abs(yaw).astype(np.float32)) is None


def test_centre_and_repeated_value_known_by_hand() -> None:
    """Similarity that falls by a thousandth a degree from yaw 30; a fifth of the rows say 0 whatever they are."""
    yaw = np.linspace(-80, 80, 161)
    similarity = 1 - np.abs(yaw - 30) / 1000
    assert find_repeated(yaw) is None
    centre = find_centre(yaw, similarity)
    assert (centre.shift, centre.fall) == (30.0, pytest.approx(1.0))
    assert centre.fall_from_0 < 0.8
    told = np.where(np.arange(161) % 5 == 0, 0.0, yaw)
    assert find_repeated(told) == (0.0, 33, 1)
    assert find_centre(told, similarity) == (30.0, pytest.approx(1.0), pytest.approx(centre.fall_from_0, abs=0.02))
    assert find_centre(yaw, -np.abs(yaw)).shift == 0


def test_baseline_against_plain_means(features: FeatureSet, scanned: tuple[Folder, Scan]) -> None:
    folder, found = scanned
    raw, histogram = measure(folder, found.sample)
    a, b = normalize(features.front.features), normalize(features.video.features)
    same = features.front.people[:, None] == features.video.people
    bins = yaw_bin(features.video.poses[:, 0])
    scores = a @ b.T
    for k, entry in enumerate(raw["by_yaw"][:5]):
        here = np.broadcast_to(bins == k, same.shape)
        assert entry["rows"] == int((bins == k).sum())
        assert entry["n"] == int((same & here).sum())
        assert entry["genuine"] == pytest.approx(scores[same & here].mean(), abs=1e-5)
        assert entry["impostor"] == pytest.approx(scores[~same & here].mean(), abs=1e-5)
    x, people, _ = joined(features)
    kinds = np.concatenate([features.front.kinds(), features.video.kinds()])
    left, right = np.flatnonzero(kinds == 0), np.flatnonzero(kinds == 1)
    same = people[left][:, None] == people[right]
    scores = x[left] @ x[right].T
    assert raw["set"] == "frontal_profile"
    assert histogram is not None
    assert raw["genuine"] == int(same.sum())
    assert raw["eer"] == pytest.approx(eer(scores[same], scores[~same]), abs=1e-4)


def test_recognisers_are_told_by_frontal_rows_alone(tmp_path: Path) -> None:
    """Rows of another recogniser are found among frontal rows; other rows do not count."""
    folder, found = seen(synthetic(people=25, probes=8, seed=1, dim=256), tmp_path)
    frontal, sample = folder.kinds == 0, found.sample
    for turned, expected in ((~frontal, []), (frontal & ~sample.front, ["files-disagree"])):
        unit = np.where(turned[:, None], np.roll(sample.unit, 1, axis=1), sample.unit)
        findings = check_recognisers(replace(sample, unit=unit), folder.kinds)
        assert [finding.id for finding in findings] == expected


def test_outlook_is_that_of_the_results_page() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    for row in MEASURED:
        start = f"| cfp | {row.people} | 10 | {row.helped} | {10 - row.helped - row.harmed} | {row.harmed} |"
        assert f"{start} {row.eer_change:.1f} % (" in page
    assert "Expect nothing" in outlook(20)
    assert "with 100 training people" in outlook(200)
