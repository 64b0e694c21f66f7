"""Made-up people: the curve, the error rates, what can be learned and what is lost."""

from __future__ import annotations

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.features.people import split_people
from poseid.features.rows import PROFILE, FeatureSet
from poseid.features.synthetic import NOTICE, TRACKS, _bent, _recogniser, synthetic
from poseid.features.templates import templates_of


@pytest.fixture(scope="module", params=(0, 1))
def data(request: pytest.FixtureRequest) -> FeatureSet:
    return synthetic(seed=request.param)


def unit(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def eer(scores: np.ndarray, same: np.ndarray) -> float:
    """Where the share of impostors at or above a threshold meets that of genuine scores below it."""
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    fmr = 1 - np.searchsorted(impostor, genuine) / impostor.size
    fnmr = np.arange(genuine.size) / genuine.size
    at = int(np.argmin(np.abs(fmr - fnmr)))
    return float(fmr[at] + fnmr[at]) / 2


def scores(data: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
    same = data.front.people[:, None] == data.video.people
    return unit(data.front.features) @ unit(data.video.features).T, same


def test_the_genuine_curve_is_the_real_one(data: FeatureSet) -> None:
    score, same = scores(data)
    turn = np.abs(data.video.poses[:, 0])
    for angle, expected in zip((0, 15, 30, 45, 60, 75), (0.516, 0.505, 0.469, 0.404, 0.318, 0.168), strict=True):
        near = np.abs(turn - angle) < 7.5
        assert abs(score[:, near][same[:, near]].mean() - expected) < 0.03, angle


def test_scores_spread_as_real_ones_do(data: FeatureSet) -> None:
    score, same = scores(data)
    assert abs(eer(score, same) - 0.112) < 0.03  # 0.112 on real features at known turns
    assert abs(score[~same].mean() - 0.004) < 0.02
    assert abs(score[~same].std() - 0.097) < 0.01
    frontal = np.abs(data.video.poses[:, 0]) < 7.5
    assert abs(score[:, frontal][same[:, frontal]].std() - 0.148) < 0.03
    assert abs(eer(score[:, frontal], same[:, frontal]) - 0.020) < 0.01


def test_norms_fall_in_profile_and_profiles_share_a_direction(data: FeatureSet) -> None:
    norm, yaw = np.linalg.norm(data.video.features, axis=1), data.video.poses[:, 0]
    for angle, expected in ((0, 3.51), (30, 3.16), (45, 2.81), (75, 2.03)):
        near = norm[np.abs(np.abs(yaw) - angle) < 7.5]
        assert abs(near.mean() - expected) < 0.15
        assert 0.05 < near.std() / near.mean() < 0.2
    for angle, expected in ((0, 0.23), (30, 0.28), (-45, 0.31), (60, 0.37), (75, 0.53), (-75, 0.52)):
        size = np.linalg.norm(unit(data.video.features[np.abs(yaw - angle) < 7.5]).mean(axis=0))
        assert abs(size - expected) < 0.13


def test_everybody_is_seen_from_all_sides(data: FeatureSet) -> None:
    yaw = data.video.poses[:, 0].reshape(300, 16)
    assert (yaw.min(axis=1) < -65).all()
    assert (yaw.max(axis=1) > 65).all()
    assert np.abs(yaw).max() < 82 + 10
    assert (np.abs(data.front.poses[:, 0]) <= 20).mean() > 0.98
    assert np.abs(data.video.poses[:, 1:]).max() < 50


def ridge(train: FeatureSet, test: FeatureSet, penalty: float = 10.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Raw and corrected profile vectors of the test people, and the targets (mean of the unit front rows)."""

    def profiles(part: FeatureSet) -> tuple[np.ndarray, np.ndarray]:
        names = np.unique(part.front.people)
        member = (names[:, None] == part.front.people).astype(float)
        at = part.video.kinds() == PROFILE
        targets = unit(member @ unit(part.front.features))[np.searchsorted(names, part.video.people[at])]
        return unit(part.video.features[at]), targets

    x, y = profiles(train)
    centred = x - x.mean(axis=0)
    gram = centred.T @ centred + penalty * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, centred.T @ (y - y.mean(axis=0) - centred))
    raw, target = profiles(test)
    return raw, unit(raw + (raw - x.mean(axis=0)) @ weights), target


def test_tracks_are_templates_in_which_the_head_turns_evenly(data: FeatureSet) -> None:
    found = templates_of(data.video, "video")
    assert found is not None
    assert found.template.tolist() == np.repeat(np.arange(300 * TRACKS), 4).tolist()
    assert found.media.tolist() == list(range(300 * 16))  # each frame is a media, with a weight of its own
    assert data.video.column("frame") == [0, 1, 2, 3] * (300 * TRACKS)
    assert data.front.column("template_id") is None
    step = np.diff(data.video.poses[:, 0].reshape(-1, 4), axis=1)
    assert abs(step.mean() - 10.25) < 0.1
    assert step.std() < 2.5  # of which the errors of the poses are 2.1


def pooled_eer(data: FeatureSet, frames: list[int]) -> float:
    """Of the mean of these unit rows of each person."""
    pooled = unit(unit(data.video.features).reshape(300, 16, -1)[:, frames].mean(axis=1))
    return eer(unit(data.front.features) @ pooled.T, data.front.people[:, None] == data.video.people[::16])


def test_pooling_within_a_track_helps_less_than_over_tracks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four profile rows of one track, and four with the same sizes of yaw, two of each side."""
    within, over = [[0, 1, 2, 3], [12, 13, 14, 15]], [[0, 1, 12, 13], [2, 3, 14, 15], [0, 3, 13, 14], [1, 2, 12, 15]]

    def rates(seed: int) -> tuple[float, float]:
        data = synthetic(seed=seed)
        single = np.mean([pooled_eer(data, [frame]) for frame in (*within[0], *within[1])])
        one, two = (np.mean([pooled_eer(data, frames) for frames in sets]) for sets in (within, over))
        return float(one / single), float(two / single)

    left = np.mean([rates(seed) for seed in (0, 1)], axis=0)
    monkeypatch.setattr("poseid.features.synthetic._SAME_NOISE", 0.0)
    monkeypatch.setattr("poseid.features.synthetic._SAME_QUALITY", 0.0)
    independent = np.mean([rates(seed) for seed in (0, 1)], axis=0)
    assert left[0] < 0.9  # it does help
    assert left[0] > left[1] + 0.1
    assert left[0] > independent[0] + 0.1  # and this is because the frames of a track are alike


def test_what_a_turn_moves_can_be_learned(data: FeatureSet) -> None:
    split = split_people(data.people(), seed=0)
    test = data.select(split.validation + split.test)
    raw, corrected, target = ridge(data.select(split.train), test)
    assert ((corrected - raw) * target).sum(axis=1).mean() > 0.01
    same = test.front.people[:, None] == test.video.people[test.video.kinds() == PROFILE]
    front = unit(test.front.features)
    before, after = eer(front @ raw.T, same), eer(front @ corrected.T, same)
    assert after < before - 0.015
    assert after > 0.05  # and a part is lost for good


def test_left_and_right_differ(data: FeatureSet) -> None:
    yaw = data.video.poses[:, 0]
    left, right = data.video.take(yaw < -45), data.video.take(yaw > 45)
    means = unit(np.stack([unit(side.features).mean(axis=0) for side in (left, right)]))
    assert abs(means[0] @ means[1]) < 0.5
    # what is learned on one side does not carry over to the other
    split = split_people(data.people(), seed=0)

    def part(names: tuple[str, ...], side: int) -> FeatureSet:
        chosen = data.select(names)
        return FeatureSet("side", chosen.front, chosen.video.take(chosen.video.poses[:, 0] * side > 0))

    gains = {}
    for side in (-1, 1):
        raw, corrected, target = ridge(part(split.train, 1), part(split.validation, side))
        gains[side] = ((corrected - raw) * target).sum(axis=1).mean()
    assert gains[1] > gains[-1] + 0.02


def test_the_bend_is_not_linear() -> None:
    """On unit vectors a matrix would give h exactly, were it linear but for its norm."""
    world = _recogniser(64)
    identity = np.random.default_rng(0).standard_normal((2000, len(world.scale))) * world.scale
    strongest = unit(identity[:, : world.side.shape[1]])
    for bent in _bent(world, identity):
        assert np.allclose(np.linalg.norm(bent, axis=1), 1)
        fitted = np.linalg.lstsq(strongest, bent, rcond=None)[0]
        assert np.linalg.norm(strongest @ fitted - bent, axis=1).mean() > 0.05


def test_the_same_seed_gives_the_same_bits_and_more_people_leave_the_first_ones() -> None:
    first, second, other = (synthetic(people=20, probes=4, dim=32, seed=s) for s in (5, 5, 6))
    assert first.video.features.tobytes() == second.video.features.tobytes()
    assert first.front.poses.tobytes() == second.front.poses.tobytes()
    assert first.people() == second.people()
    assert not set(first.people()) & set(other.people())
    assert not np.allclose(first.video.features, other.video.features)
    few, many = (synthetic(people=n, probes=4, dim=32) for n in (5, 50))
    assert np.allclose(few.video.features, many.video.features[: len(few.video)], atol=1e-6)
    assert few.video.people.tolist() == many.video.people[: len(few.video)].tolist()


def test_all_seeds_share_one_recogniser() -> None:
    """What is learned on people of one seed helps people of another."""
    train, test = synthetic(seed=0), synthetic(people=100, seed=9)
    raw, corrected, target = ridge(train, test)
    assert ((corrected - raw) * target).sum(axis=1).mean() > 0.01


def test_pairs_are_a_protocol(data: FeatureSet) -> None:
    pairs = data.pairs
    assert pairs is not None
    assert len(pairs) == 2 * 5 * 2 * 100
    a, b = pairs.names(data.front.people, data.video.people)
    assert np.array_equal(a == b, pairs.same)
    assert pairs.same.mean() == 0.5
    assert pairs.a_front.all()
    assert not pairs.b_front.any()
    folds = [set(a[pairs.fold == f].tolist()) | set(b[pairs.fold == f].tolist()) for f in range(1, 6)]
    assert sum(map(len, folds)) == len(set().union(*folds))
    kinds = data.video.kinds()[pairs.b_row]
    assert (kinds[pairs.protocol == "FP"] == PROFILE).all()
    assert (kinds[pairs.protocol == "FF"] == 0).all()
    assert len(set(zip(pairs.protocol.tolist(), pairs.a_row.tolist(), pairs.b_row.tolist(), strict=True))) == len(pairs)


def test_small_ones_and_bad_arguments() -> None:
    assert synthetic(people=1, probes=1, fronts=1, dim=16).pairs is None
    for name, value, least in (("people", 0, 1), ("dim", 8, 16), ("seed", -1, 0)):
        with pytest.raises(InputError, match=f"{name} is {value}: give at least {least}"):
            synthetic(**{name: value})
    assert "nothing about real faces" in NOTICE
