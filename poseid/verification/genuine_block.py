"""What a report says about the genuine comparisons of `all`: improvement, similarity, and FNMR by pose."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL
from poseid.verification.bootstrap import interval, mean_resamples
from poseid.verification.scores import Genuine
from poseid.verification.sides import Side, UnitSide, unit_rows

YAW_BINS: tuple[tuple[int, int], ...] = ((-90, -45), (-45, -15), (-15, 15), (15, 45), (45, 90))
"""[−90, −45) [−45, −15) [−15, 15] (15, 45] (45, 90] in degrees."""
BEYOND, UNKNOWN = len(YAW_BINS), len(YAW_BINS) + 1

IMPROVED = 1e-6
"""A similarity that rose by less has only been rounded."""

Block = dict[str, Any]


def yaw_bin(yaw: NDArray[np.floating]) -> NDArray[np.intp]:
    """The index in `YAW_BINS` of each yaw in degrees; BEYOND 90 and UNKNOWN (NaN) have their own.

    >>> yaw_bin(np.array([-90.0, -45.0, -15.0, 15.0, 45.0, 45.1, 91.0, np.nan])).tolist()
    [0, 1, 2, 2, 3, 4, 5, 6]
    """
    # bins are closed towards the frontal head: the absolute yaw decides, then the sign
    size = np.searchsorted(np.array([15.0, 45.0, 90.0]), np.abs(yaw), side="left")
    bins = np.where(yaw < 0, 2 - size, 2 + size)
    bins = np.where(size == 3, BEYOND, bins)
    return np.where(np.isnan(yaw), UNKNOWN, bins).astype(np.intp)


def improvement(
    genuine: Genuine, video: UnitSide, weights: NDArray[np.integer] | None, reasons: MutableMapping[str, str]
) -> Block:
    """Improvement of the genuine comparisons of `all`: cosine after less cosine raw; higher is better."""
    gain = genuine.enhanced.astype(np.float64) - genuine.raw
    bins = yaw_bin(video.yaw[genuine.right])
    frontal = video.kind[genuine.right] == FRONTAL

    def mean(chosen: NDArray[np.bool_]) -> tuple[int, float | None, list[float] | None]:
        if not chosen.any():
            return 0, None, None
        values = gain[chosen]
        ci = None if weights is None else interval(mean_resamples(values, genuine.person[chosen], weights))
        return int(values.size), float(values.mean()), ci

    if not gain.size:
        reasons["improvement"] = "there are no genuine comparisons"
    elif not frontal.any():
        reasons["improvement.frontal"] = "no video row of these people is frontal"
    _, overall, overall_ci = mean(np.ones(gain.size, dtype=bool))
    _, straight, straight_ci = mean(frontal)
    by_yaw = []
    for n, (low, high) in enumerate(YAW_BINS):
        size, value, ci = mean(bins == n)
        by_yaw.append({"from": low, "to": high, "n": size, "mean": value, "ci95": ci})
    apart = {}
    for name, n in (("beyond_90", BEYOND), ("yaw_unknown", UNKNOWN)):
        size, value, ci = mean(bins == n)
        apart[name] = {"n": size, "mean": value, "ci95": ci}
    return {
        "n": int(gain.size),
        "mean": overall,
        "ci95": overall_ci,
        "share_improved": float(np.mean(gain > IMPROVED)) if gain.size else None,
        "frontal": straight,
        "frontal_ci95": straight_ci,
        "by_yaw": by_yaw,
        "beyond_90": apart["beyond_90"],
        "yaw_unknown": apart["yaw_unknown"],
    }


def similarity(
    genuine: Genuine, front: Side, video: Side, f: UnitSide, v: UnitSide, reasons: MutableMapping[str, str]
) -> Block:
    """Mean similarities of the genuine comparisons of `all`; `similarity_protection` is what was lost on average."""
    names = ("raw", "enhanced", "id_similarity", "similarity_protection", "share_below_raw")
    if not genuine.raw.size:
        reasons["similarity"] = "there are no genuine comparisons"
        return dict.fromkeys(names)
    raw, enhanced = genuine.raw.astype(np.float64), genuine.enhanced.astype(np.float64)
    identity = None
    if front.identity is None or video.identity is None:
        reasons["similarity.id_similarity"] = "the model has no identity space"
    else:
        identity = _mean_genuine(front.identity, f.person, video.identity, v.person) / raw.size
    lost = float(np.maximum(raw - enhanced, 0.0).mean())
    below = float((raw - enhanced > IMPROVED).mean())
    return dict(zip(names, (float(raw.mean()), float(enhanced.mean()), identity, lost, below), strict=True))


def _mean_genuine(
    left: NDArray[np.floating],
    left_person: NDArray[np.int64],
    right: NDArray[np.floating],
    right_person: NDArray[np.int64],
) -> float:
    """Sum of the cosines of all genuine comparisons: Σ over people of (Σ left rows) · (Σ right rows)."""
    people = max(left_person.max(), right_person.max()) + 1
    sums = []
    for rows, person, name in ((left, left_person, "front identity"), (right, right_person, "video identity")):
        unit = unit_rows(rows, np.float64, name)
        total = np.zeros((people, unit.shape[1]))
        np.add.at(total, person, unit)
        sums.append(total)
    return float(np.einsum("ij,ij->", *sums))


def by_pose(
    genuine: Genuine, front: UnitSide, video: UnitSide, headline: Block | None, reasons: MutableMapping[str, str]
) -> Block:
    """FNMR of the genuine comparisons of `all` by the yaw of probe (rows) and reference (columns).

    At the raw threshold of the headline set at FMR 1e-3, else 1e-2; rows beyond 90 degrees or of unknown yaw are
    in no bin and counted as `outside`.
    """
    size = len(YAW_BINS)
    label, threshold = "1e-3", None
    if headline is not None:
        for label in ("1e-3", "1e-2"):
            threshold = headline["fixed_threshold"][label]["threshold"]
            if threshold is not None:
                break
    probe, reference = yaw_bin(video.yaw[genuine.right]), yaw_bin(front.yaw[genuine.left])
    inside = (probe < size) & (reference < size)
    cell = probe[inside] * size + reference[inside]
    counts = np.bincount(cell, minlength=size * size)
    block: Block = {
        "fmr": label,
        "threshold": threshold,
        "bins": [{"from": low, "to": high} for low, high in YAW_BINS],
        "n": counts.reshape(size, size).tolist(),
        "outside": int((~inside).sum()),
    }
    if threshold is None:
        reasons["by_pose"] = "the headline set has no raw threshold"
    for form, scores in (("raw", genuine.raw), ("enhanced", genuine.enhanced)):
        if threshold is None:
            block[form] = None
            continue
        refused = np.bincount(cell, weights=scores[inside] < threshold, minlength=size * size)
        share = [None if n == 0 else float(r / n) for r, n in zip(refused, counts, strict=True)]
        block[form] = [share[start : start + size] for start in range(0, size * size, size)]
    return block
