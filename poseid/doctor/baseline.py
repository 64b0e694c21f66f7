"""What the raw vectors score, before anything is trained: equal error rate, and similarity by yaw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.scan import Sample, SampleRows
from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.estimates import resample_people
from poseid.verification.genuine import UNKNOWN, YAW_BINS, yaw_bin
from poseid.verification.result import plain
from poseid.verification.scores import compare
from poseid.verification.set_result import set_result
from poseid.verification.sets import Group, Part

MOST_COMPARISONS = 2_000_000
_RESAMPLES = 100


@dataclass(frozen=True)
class ByYaw:
    """Genuine and impostor comparisons of front rows with the video rows of one bin of yaw.

    Attributes:
        where: the bin in degrees, or ``beyond ±90`` or ``unknown``.
        rows: video rows of the whole file.
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
        people: whom it is made of.
        reason: why `set` is None.
        by_yaw: from left to right.
    """

    set: str | None
    block: dict[str, Any] | None
    people: int
    reason: str | None
    by_yaw: tuple[ByYaw, ...]


def measure(sample: Sample, yaw: NDArray[np.floating]) -> Baseline:
    """Compares rows of the sample.

    Args:
        sample: the rows.
        yaw: (n,) of all video rows, for their number by bin.
    """
    table = _by_yaw(sample, yaw)
    reasons: dict[str, str] = {}
    for name in ("frontal_profile", "all"):
        left, right = _sides(sample, name)
        keep = _few_enough(left, right)
        left, right = (group.take(np.flatnonzero(keep[group.person])) for group in (left, right))
        inside, code = np.unique(np.concatenate([left.person, right.person]), return_inverse=True)
        if len(inside) < 2:
            reasons[name] = "there are fewer than two people to compare"
            continue
        left, right = (
            Group(group.raw, group.enhanced, part.astype(np.int64), group.yaw)
            for group, part in ((left, code[: len(left.person)]), (right, code[len(left.person) :]))
        )
        compared = compare((Part(left, right),), len(inside), deepest_fmr=1e-2, with_people=True)
        found = set_result(compared, resample_people(len(inside), _RESAMPLES, 0), name, reasons)
        if found is not None:
            return Baseline(name, plain(found), len(inside), None, table)
    return Baseline(None, None, 0, reasons.get("all", "there are no comparisons"), table)


def _sides(sample: Sample, name: str) -> tuple[Group, Group]:
    front, video = sample.front, sample.video
    if name == "all":
        return _group([(front, np.ones(len(front), bool))]), _group([(video, np.ones(len(video), bool))])
    both = (front, video)
    return (
        _group([(part, part.kinds == FRONTAL) for part in both]),
        _group([(part, part.kinds == PROFILE) for part in both]),
    )


def _group(parts: list[tuple[SampleRows, NDArray[np.bool_]]]) -> Group:
    unit = np.concatenate([part.unit[mask] for part, mask in parts])
    person = np.concatenate([part.person[mask] for part, mask in parts]).astype(np.int64)
    yaw = np.concatenate([part.yaw[mask] for part, mask in parts]).astype(np.float64)
    return Group(unit, unit, person, yaw)


def _few_enough(left: Group, right: Group) -> NDArray[np.bool_]:
    """(P,) people drawn so that their rows make `MOST_COMPARISONS` at most; everybody where they do."""
    people = int(max(left.person.max(initial=-1), right.person.max(initial=-1))) + 1
    order = np.random.default_rng(0).permutation(people)
    a, b = (np.cumsum(np.bincount(group.person, minlength=people)[order]) for group in (left, right))
    keep = np.zeros(people, bool)
    keep[order[a * b <= MOST_COMPARISONS]] = True
    return keep


def _by_yaw(sample: Sample, yaw: NDArray[np.floating]) -> tuple[ByYaw, ...]:
    """Means over all front rows × video rows of a bin, from sums of rows: a mean of products is a product of sums."""
    front, video = sample.front, sample.video
    people = int(max(front.person.max(initial=-1), video.person.max(initial=-1))) + 1
    sums = np.zeros((people, front.unit.shape[1]), np.float64)
    np.add.at(sums, front.person, front.unit)
    count = np.bincount(front.person, minlength=people)
    bins, all_bins = yaw_bin(video.yaw), np.bincount(yaw_bin(yaw), minlength=UNKNOWN + 1)
    own = np.einsum("ij,ij->i", video.unit, sums[video.person]) if people else np.empty(0)
    everyone = video.unit @ sums.sum(axis=0)
    out = []
    names = [f"{low:+d} to {high:+d}" for low, high in YAW_BINS] + ["beyond ±90", "unknown"]
    for place, name in enumerate(names):
        here = bins == place
        n = int(count[video.person[here]].sum())
        others = int(here.sum()) * len(front) - n
        genuine = float(own[here].sum() / n) if n else None
        impostor = float((everyone[here] - own[here]).sum() / others) if others else None
        if all_bins[place] or place < len(YAW_BINS):
            out.append(ByYaw(name, int(all_bins[place]), n, genuine, impostor))
    return tuple(out)
