"""What the genuine comparisons of `all` say: improvement, similarity, and FNMR by pose."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL
from poseid.verification.embeddings import EmbeddingSet, unit_rows
from poseid.verification.estimates import Estimate, mean_estimate
from poseid.verification.operating_points import POINTS
from poseid.verification.scores import Genuine
from poseid.verification.set_result import SetResult

YAW_BINS: tuple[tuple[int, int], ...] = ((-90, -45), (-45, -15), (-15, 15), (15, 45), (45, 90))
"""[−90, −45) [−45, −15) [−15, 15] (15, 45] (45, 90] in degrees."""
BEYOND, UNKNOWN = len(YAW_BINS), len(YAW_BINS) + 1

IMPROVED = 1e-6
"""A similarity that rose by less has only been rounded."""


def yaw_bin(yaw: NDArray[np.floating]) -> NDArray[np.intp]:
    """The index in `YAW_BINS` of each yaw in degrees; BEYOND 90 and UNKNOWN (NaN) have their own.

    >>> yaw_bin(np.array([-90.1, -90, -45.1, -45, -15.1, -15, 0, 15, 15.1, 45, 45.1, 90, 90.1, np.nan])).tolist()
    [5, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6]
    """
    # bins are closed towards the frontal head: the absolute yaw decides, then the sign
    frontal = len(YAW_BINS) // 2
    edges = np.array([high for _, high in YAW_BINS[frontal:]], dtype=np.float64)
    size = np.searchsorted(edges, np.abs(yaw), side="left")
    bins = np.where(yaw < 0, frontal - size, frontal + size)
    bins = np.where(size == edges.size, BEYOND, bins)
    return np.where(np.isnan(yaw), UNKNOWN, bins).astype(np.intp)


@dataclass(frozen=True)
class Improvement:
    """Cosine after less cosine raw; higher is better."""

    n: int
    mean: Estimate
    share_improved: float
    frontal: Estimate
    """Of frontal probes."""
    by_yaw: tuple[tuple[int, Estimate], ...]
    """Number of comparisons and their mean by the yaw of the probe: `YAW_BINS`, `BEYOND`, `UNKNOWN`."""

    def to_dict(self) -> dict[str, Any]:
        entries = [{"n": n, "mean": mean.number, "ci95": mean.ci95} for n, mean in self.by_yaw]
        return {
            "n": self.n,
            "mean": self.mean.number,
            "ci95": self.mean.ci95,
            "share_improved": self.share_improved,
            "frontal": self.frontal.number,
            "frontal_ci95": self.frontal.ci95,
            "by_yaw": [
                {"from": low, "to": high, **entry}
                for (low, high), entry in zip(YAW_BINS, entries[: len(YAW_BINS)], strict=True)
            ],
            "beyond_90": entries[BEYOND],
            "yaw_unknown": entries[UNKNOWN],
        }


def improvement(
    genuine: Genuine, video: EmbeddingSet, weights: NDArray[np.integer] | None, reasons: MutableMapping[str, str]
) -> Improvement:
    """The improvement of the genuine comparisons of `all`."""
    gain = genuine.enhanced.astype(np.float64) - genuine.raw
    bins = yaw_bin(video.yaw[genuine.right])
    frontal = video.kind[genuine.right] == FRONTAL
    if not gain.size:
        reasons["improvement"] = "there are no genuine comparisons"
    elif not frontal.any():
        reasons["improvement.frontal"] = "no video row of these people is frontal"

    def mean(chosen: NDArray[np.bool_]) -> Estimate:
        return mean_estimate(gain[chosen], genuine.person[chosen], weights)

    return Improvement(
        n=int(gain.size),
        mean=mean_estimate(gain, genuine.person, weights),
        share_improved=float(np.mean(gain > IMPROVED)) if gain.size else np.nan,
        frontal=mean(frontal),
        by_yaw=tuple((int(np.sum(bins == n)), mean(bins == n)) for n in range(UNKNOWN + 1)),
    )


@dataclass(frozen=True)
class Similarity:
    """Mean cosines of the genuine comparisons of `all`; NaN where there are none."""

    raw: float
    enhanced: float
    id_similarity: float
    """In the identity space of the model, where it has one."""
    similarity_protection: float
    """What was lost on average."""
    share_below_raw: float


def similarity(
    genuine: Genuine, front: EmbeddingSet, video: EmbeddingSet, reasons: MutableMapping[str, str]
) -> Similarity:
    """The mean similarities; `front` and `video` are normalized."""
    if not genuine.raw.size:
        reasons["similarity"] = "there are no genuine comparisons"
        return Similarity(*[np.nan] * 5)
    raw, enhanced = genuine.raw.astype(np.float64), genuine.enhanced.astype(np.float64)
    identity = np.nan
    if front.identity is None or video.identity is None:
        reasons["similarity.id_similarity"] = "the model has no identity space"
    else:
        # Σ over people of (Σ front rows) · (Σ video rows) is the sum over all genuine comparisons
        sums = []
        for rows, person, name in ((front.identity, front.person, "front"), (video.identity, video.person, "video")):
            unit = unit_rows(rows, np.float64, f"{name} identity")
            sums.append(np.zeros((int(max(front.person.max(), video.person.max())) + 1, unit.shape[1])))
            np.add.at(sums[-1], person, unit)
        identity = float(np.einsum("ij,ij->", *sums)) / raw.size
    lost = raw - enhanced
    return Similarity(
        float(raw.mean()),
        float(enhanced.mean()),
        identity,
        float(np.maximum(lost, 0.0).mean()),
        float((lost > IMPROVED).mean()),
    )


@dataclass(frozen=True)
class ByPose:
    """FNMR of the genuine comparisons of `all` by the yaw of probe (rows) and reference (columns)."""

    fmr: str
    """The operating point: 1e-3, else 1e-2, at the raw threshold of the headline set."""
    threshold: float | None
    bins: list[dict[str, int]]
    n: NDArray[np.int64]
    """(bins, bins) comparisons."""
    outside: int
    """Comparisons with a row beyond 90 degrees or of unknown yaw: they are in no bin."""
    raw: NDArray[np.float64] | None
    """(bins, bins) FNMR, NaN in empty cells; None without a threshold."""
    enhanced: NDArray[np.float64] | None


def by_pose(
    genuine: Genuine,
    front: EmbeddingSet,
    video: EmbeddingSet,
    headline: SetResult | None,
    reasons: MutableMapping[str, str],
) -> ByPose:
    """FNMR by the yaw of both rows."""
    size = len(YAW_BINS)
    label, threshold = (POINTS[0], None) if headline is None else headline.operating_point()
    if threshold is None:
        reasons["by_pose"] = "the headline set has no raw threshold"
    probe, reference = yaw_bin(video.yaw[genuine.right]), yaw_bin(front.yaw[genuine.left])
    inside = (probe < size) & (reference < size)
    cell = probe[inside] * size + reference[inside]
    counts = np.bincount(cell, minlength=size * size)

    def fnmr(scores: NDArray[np.floating]) -> NDArray[np.float64] | None:
        if threshold is None:
            return None
        missed = np.bincount(cell, weights=scores[inside] < threshold, minlength=size * size)
        with np.errstate(invalid="ignore"):
            return (missed / counts).reshape(size, size)

    return ByPose(
        fmr=label,
        threshold=threshold,
        bins=[{"from": low, "to": high} for low, high in YAW_BINS],
        n=counts.reshape(size, size),
        outside=int((~inside).sum()),
        raw=fnmr(genuine.raw),
        enhanced=fnmr(genuine.enhanced),
    )
