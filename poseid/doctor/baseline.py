"""What the raw vectors score, before anything is trained: equal error rate, and similarity by yaw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.rows import Folder, add_by_group
from poseid.doctor.sample import Sample
from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.genuine import UNKNOWN, YAW_BINS, yaw_bin
from poseid.verification.rates import why_null

MOST_COMPARISONS = 2_000_000
_RESAMPLES = 100


@dataclass(frozen=True)
class ByYaw:
    """Genuine and impostor comparisons of front rows with the video rows of one bin of yaw.

    Attributes:
        where: the bin in degrees, or ``beyond ±90`` or ``unknown``.
        rows: video rows of the file, also those outside the sample.
        n: genuine comparisons.
        genuine, impostor: mean cosine; None where there is none.
    """

    where: str
    rows: int
    n: int
    genuine: float | None
    impostor: float | None


@dataclass(frozen=True)
class Baseline:
    """The raw vectors, as they would be verified.

    Attributes:
        set: ``frontal_profile``, ``all`` where there are no profiles, or None where nothing can be compared.
        block: that set as in summary.json; raw and enhanced are the same.
        people: number of people in it.
        reason: why `set` is None.
        by_yaw: from left to right.
    """

    set: str | None
    block: dict[str, Any] | None
    people: int
    reason: str | None
    by_yaw: tuple[ByYaw, ...]


def measure(folder: Folder, sample: Sample) -> Baseline:
    """Compares rows of the sample, with the poses of the folder."""
    yaw, kinds = folder.yaw[sample.rows], folder.kinds[sample.rows]
    by_yaw = _by_yaw(sample, yaw, folder.yaw[folder.files["video"]])
    people = int(sample.person.max(initial=-1)) + 1
    reason: str | None = None
    for name, left, right in (
        ("frontal_profile", kinds == FRONTAL, kinds == PROFILE),
        ("all", sample.front, ~sample.front),
    ):
        chosen = _few_enough(sample.person[left], sample.person[right], people)[sample.person]
        left, right = np.flatnonzero(left & chosen), np.flatnonzero(right & chosen)
        a, b = (np.bincount(sample.person[rows], minlength=people) for rows in (left, right))
        reason = why_null(int(a @ b), int(a.sum() * b.sum() - a @ b))
        if reason is None:
            references, probes = (
                EmbeddingSet(unit, unit, unit, sample.person[rows], yaw[rows], kinds[rows])
                for unit, rows in ((sample.unit[left], left), (sample.unit[right], right))
            )
            found = evaluate(references, probes, sets=("all",), resamples=_RESAMPLES, details=False)
            return Baseline(name, found.block["sets"]["all"], found.people, None, by_yaw)
    return Baseline(None, None, 0, reason, by_yaw)


def _few_enough(left: NDArray[np.int32], right: NDArray[np.int32], people: int) -> NDArray[np.bool_]:
    """(P,) people drawn so that their rows make `MOST_COMPARISONS` at most; everybody where they do."""
    order = np.random.default_rng(0).permutation(people)
    a, b = (np.cumsum(np.bincount(person, minlength=people)[order]) for person in (left, right))
    chosen = np.zeros(people, bool)
    chosen[order[a * b <= MOST_COMPARISONS]] = True
    return chosen


def _by_yaw(sample: Sample, yaw: NDArray[np.float32], all_yaw: NDArray[np.float32]) -> tuple[ByYaw, ...]:
    """Means over all front rows × video rows of a bin, from sums of rows: a mean of products is a product of sums."""
    front, video = np.flatnonzero(sample.front), np.flatnonzero(~sample.front)
    people = int(sample.person.max(initial=-1)) + 1
    sums = np.zeros((people, sample.unit.shape[1]))
    add_by_group(sums, sample.person[front], sample.unit[front])
    count, person = np.bincount(sample.person[front], minlength=people), sample.person[video]
    own = np.einsum("ij,ij->i", sample.unit[video], sums[person])
    everyone = sample.unit[video] @ sums.sum(axis=0)
    bins, all_bins = yaw_bin(yaw[video]), np.bincount(yaw_bin(all_yaw), minlength=UNKNOWN + 1)
    names = [f"{low:+d} to {high:+d}" for low, high in YAW_BINS] + ["beyond ±90", "unknown"]
    out = []
    for bin, name in enumerate(names):
        here = bins == bin
        n = int(count[person[here]].sum())
        others = int(here.sum()) * len(front) - n
        genuine = float(own[here].sum() / n) if n else None
        impostor = float((everyone[here] - own[here]).sum() / others) if others else None
        if all_bins[bin] or bin < len(YAW_BINS):
            out.append(ByYaw(name, int(all_bins[bin]), n, genuine, impostor))
    return tuple(out)
