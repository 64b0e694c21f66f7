"""Made-up people in the format of a feature folder, for a first run and for tests: no photo, no real face."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from poseid.errors import InputError
from poseid.features.pairs import Pairs
from poseid.features.rows import FRONTAL, PROFILE, FeatureSet, Rows

NOTICE = "synthetic people: results say nothing about real faces"

MAX_YAW = 82.0
FOLDS = 5
# Raw mean genuine cosine by |yaw|, and mean norm, as real features at known head turns have them.
_YAW = np.array([0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0])
_GENUINE = np.array([0.516, 0.505, 0.469, 0.404, 0.318, 0.168, 0.03])
_NORM = np.array([3.60, 3.45, 3.17, 2.82, 2.44, 2.04, 1.75])
_SHIFT = np.array([0.10, 0.12, 0.18, 0.24, 0.32, 0.48, 0.60])
_TURNED = np.array([0.0, 0.06, 0.17, 0.29, 0.38, 0.43, 0.43])  # b: what the turn moves elsewhere, and can be moved back
_FRONT_QUALITY = 0.72
_SPREAD = np.array([0.17, 0.17, 0.18, 0.20, 0.26, 0.38, 0.45])  # of a photo's quality: profiles differ most
TRACKS = 4  # of a person's video rows, each a quarter of the range of yaw
_SAME_NOISE, _SAME_QUALITY = 0.5, 0.7  # of the variance of noise, and of quality and length: what a track has in common
_DECAY = 50.0  # eigenvalues exp(-k / 50): an effective rank of 100, as real identity vectors have
_RANK = 24
_RECOGNISER = 20240229  # key of the imaginary recogniser, the same for every seed
_GIVEN = ["李娜", "Søren", "Ольга", "محمد", "さくら", "Zoë", "지훈", "Αλέξης", "नेहा", "Ana María", "王芳", "Tomáš"]


@dataclass(frozen=True)
class _Recogniser:
    """The imaginary recogniser: what every person and every photo have in common."""

    basis: np.ndarray  # (D, K) orthonormal columns, K = min(D, 256)
    scale: np.ndarray  # (K,) standard deviations, squares sum to 1
    side: np.ndarray  # (2, r, K) orthonormal rows: where a left and a right turn move identity
    common: np.ndarray  # (K,) unit mean of all vectors
    drift: np.ndarray  # (2, K) unit shift of left and right profiles


def _recogniser(dim: int) -> _Recogniser:
    generator = np.random.default_rng([_RECOGNISER, dim])
    k = min(dim, 256)
    basis = np.linalg.qr(generator.standard_normal((dim, k)))[0]
    variance = np.exp(-np.arange(k) / _DECAY)
    scale = np.sqrt(variance / variance.sum())
    r = min(_RANK, k // 2)
    side = np.stack([np.linalg.qr(generator.standard_normal((min(k, 100), r)))[0].T for _ in range(2)])
    side = np.concatenate([side, np.zeros((2, r, k - side.shape[2]))], axis=2)
    directions = generator.standard_normal((3, k)) * scale
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return _Recogniser(basis, scale, side, directions[0], directions[1:])


def synthetic(
    people: int = 300, probes: int = 16, seed: int = 0, dim: int = 512, fronts: int = 2, comparisons: int = 100
) -> FeatureSet:
    """Draw made-up people, each with front rows and with video rows over yaw -82…+82 degrees.

    Identity z_i is a unit vector in K = min(D, 256) dimensions whose covariance has eigenvalues
    ∝ exp(-k / 50). A photo at yaw ψ, side s = left (ψ < 0) or right, has the unit vector

        x̂ = B · unit(q a(ψ) z_i + q b(ψ) h_s(z_i) + m(ψ) c_s(ψ) + n(ψ) ε)

    - a falls with abs(ψ) so that the mean genuine cosine follows what real features measure:
      .516 .505 .469 .404 .318 .168 at 0/15/30/45/60/75 degrees.
    - q is the photo's quality: mean 1, spread .17 (frontal) to .45 (profile), half of its variance the
      person's.
    - h_s(z) = unit(U_sᵀ (t + tanh(2t) / 2)), t = the r = 24 strongest numbers of z, scaled: identity bent,
      and moved to other directions, differently for left and right; b grows with abs(ψ). All people share
      this part, so it can be learned and moved back.
    - c_s(ψ) goes from the mean of all vectors to a drift of its side, and m grows with abs(ψ): shared by all
      too.
    - ε is noise of the same covariance as identity, n² = 1 - q²a² - q²b² - m², so its share against identity
      grows with abs(ψ). This part is lost for good.

    The video rows of a person come in 4 tracks of ``probes`` / 4 frames. In a track the head turns evenly through a
    quarter of the range of yaw. Half of the variance of ε, and .7 of that of q's draw and of e below, belong to the
    track and the rest to the frame: the mean of frames of one track keeps noise that the mean over several tracks
    loses. A single row is distributed as without tracks. Metadata have ``template_id`` (the track) and ``frame``, but
    no ``media_id``: a track is one clip, and with one media in every template the sum of weights would no longer grow
    with the number of frames. Each frame is a media of its own, with a weight of its own.

    x = L(ψ) exp(0.11 e) · x̂, e ~ N(0, 1): norms fall from 3.6 to about 2 in profile. Front rows have yaw
    ~ N(0, 6°). Pitch and roll are small and change nothing; the poses given have errors of 1.5 degrees.
    B, U and c belong to one imaginary recogniser that is the same for every seed: people of another seed are
    new people before the same camera. Names, some of them Chinese, carry the seed and are unlike those of any
    other seed.

    ``pairs`` holds 5 folds with nobody in two, protocols FP (front row, profile probe) and FF (front row,
    frontal probe), half of the comparisons genuine; it is None with fewer than 10 people or where a fold has
    too few comparisons.

    Args:
        people: number of people, each with ``probes`` video rows and ``fronts`` front rows.
        seed: the same seed gives the same bits, and with more people the first ones stay who they are.
        dim: D, at least 16.
        comparisons: genuine comparisons of each protocol in each fold, and as many impostor ones.

    Raises:
        InputError: an argument out of its range.

    >>> data = synthetic(people=3, probes=4)
    >>> data.video.features.shape, data.front.features.dtype, data.pairs is None
    ((12, 512), dtype('float32'), True)
    """
    least = {"people": 1, "probes": 1, "seed": 0, "dim": 16, "fronts": 1, "comparisons": 1}
    for (name, smallest), value in zip(least.items(), (people, probes, seed, dim, fronts, comparisons), strict=True):
        if value < smallest:
            raise InputError(f"synthetic data: {name} is {value}: give at least {smallest}")
    world = _recogniser(dim)
    # one stream a kind of draw, people first: a person's draws do not depend on how many others there are
    identity = np.random.default_rng([seed, 1]).standard_normal((people, len(world.scale))) * world.scale
    identity /= np.linalg.norm(identity, axis=1, keepdims=True)
    front_yaw = 6.0 * np.random.default_rng([seed, 2]).standard_normal((people, fronts))
    # one probe in each of `probes` equal parts of the range, so that everybody is seen from all sides
    track = np.arange(probes) * TRACKS // probes
    part = np.arange(probes) + np.random.default_rng([seed, 3]).random((people, TRACKS))[:, track]
    video_yaw = MAX_YAW * (2 * part / probes - 1)
    names = np.array([f"{_GIVEN[i % len(_GIVEN)]} {seed}-{i:04d}" for i in range(people)])
    ease = np.random.default_rng([seed, 4]).standard_normal(people)
    front = _rows(world, identity, ease, names, front_yaw, [seed, 5])
    video = _rows(world, identity, ease, names, video_yaw, [seed, 6], track)
    for row, entry in enumerate(video.metadata):
        i, frame = divmod(row, probes)
        entry |= {
            "template_id": f"{seed}-{i:04d}-{track[frame]}",
            "frame": int(frame - np.searchsorted(track, track[frame])),
        }
    pairs = _pairs(people, front, video, comparisons, np.random.default_rng([seed, 7]))
    return FeatureSet("synthetic", front, video, pairs)


def _bent(world: _Recogniser, identity: np.ndarray) -> np.ndarray:
    """h_s(z) for both sides: (2, n, K), unit rows."""
    r = world.side.shape[1]
    t = identity[:, :r] / np.sqrt(np.mean(world.scale[:r] ** 2))
    moved = (t + np.tanh(2 * t) / 2) @ world.side
    return np.asarray(moved / np.linalg.norm(moved, axis=2, keepdims=True))


def _rows(
    world: _Recogniser,
    identity: np.ndarray,
    ease: np.ndarray,
    names: np.ndarray,
    yaw: np.ndarray,
    key: list[int],
    track: np.ndarray | None = None,
) -> Rows:
    """The photos of n people at yaw (n, m): n·m rows, a person's rows together; ``track`` (m,) numbers their tracks."""
    n, m = yaw.shape
    k = len(world.scale)
    draws = np.random.default_rng(key).standard_normal((n, m, k + 7))
    if track is not None:
        same = np.repeat([_SAME_NOISE, _SAME_QUALITY], [k, 2])
        common = np.random.default_rng([*key, 1]).standard_normal((n, TRACKS, k + 2))[:, track]
        draws[..., : k + 2] = np.sqrt(same) * common + np.sqrt(1 - same) * draws[..., : k + 2]
    noise, quality, norm = draws[..., :k] * world.scale, draws[..., k], draws[..., k + 1]
    turn = np.abs(yaw)
    right = (yaw > 0).astype(int)
    a = np.interp(turn, _YAW, _GENUINE) / _FRONT_QUALITY
    b = np.interp(turn, _YAW, _TURNED)
    shift = np.interp(turn, _YAW, _SHIFT)
    worth = 1 + np.interp(turn, _YAW, _SPREAD) * (quality + ease[:, None]) / np.sqrt(2)
    worth = np.minimum(np.maximum(worth, 0.1), np.sqrt((0.95 - shift**2) / (a**2 + b**2)))
    a, b = a * worth, b * worth
    rest = np.sqrt(1 - a**2 - b**2 - shift**2)
    blend = (turn / MAX_YAW)[..., None]
    shared = (1 - blend) * world.common + blend * world.drift[right]
    shared /= np.linalg.norm(shared, axis=2, keepdims=True)
    bent = _bent(world, identity)[right, np.arange(n)[:, None]]
    code = a[..., None] * identity[:, None] + b[..., None] * bent + shift[..., None] * shared + rest[..., None] * noise
    code /= np.linalg.norm(code, axis=2, keepdims=True)
    norms = np.interp(turn, _YAW, _NORM) * np.exp(0.11 * norm)
    features = (code * norms[..., None]) @ world.basis.T
    pitch, roll = 8.0 * draws[..., k + 2], 3.0 * draws[..., k + 3]
    poses = np.stack([yaw, pitch, roll], axis=2) + 1.5 * draws[..., k + 4 : k + 7]
    people = np.repeat(names, m)
    entries = tuple({"person_name": name} for name in people.tolist())
    return Rows(
        features.reshape(n * m, -1).astype(np.float32), poses.reshape(n * m, 3).astype(np.float32), people, entries
    )


def _pairs(people: int, front: Rows, video: Rows, comparisons: int, generator: np.random.Generator) -> Pairs | None:
    if people < 2 * FOLDS:
        return None
    fronts, probes = len(front) // people, len(video) // people
    fold_of = np.empty(people, np.int64)
    fold_of[generator.permutation(people)] = np.arange(people) % FOLDS + 1
    front_person, video_person = np.arange(len(front)) // fronts, np.arange(len(video)) // probes
    kinds = video.kinds()
    a_rows, b_rows = [], []
    for kind, fold in product((PROFILE, FRONTAL), range(1, FOLDS + 1)):
        a = np.flatnonzero(fold_of[front_person] == fold)
        b = np.flatnonzero((fold_of[video_person] == fold) & (kinds == kind))
        same = front_person[a][:, None] == video_person[b]
        for genuine in (True, False):
            at_a, at_b = np.nonzero(same == genuine)
            if len(at_a) < comparisons:
                return None
            chosen = generator.choice(len(at_a), comparisons, replace=False)
            a_rows.append(a[at_a[chosen]])
            b_rows.append(b[at_b[chosen]])
    a_row, b_row = np.concatenate(a_rows), np.concatenate(b_rows)
    front_rows = np.ones(len(a_row), bool)
    return Pairs(
        protocol=np.repeat(["FP", "FF"], len(a_row) // 2),
        fold=fold_of[front_person[a_row]],
        a_front=front_rows,
        a_row=a_row,
        b_front=~front_rows,
        b_row=b_row,
        same=front_person[a_row] == video_person[b_row],
    )
