"""What the raw vectors score, before anything is trained: equal error rate, and similarity by yaw."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.folder import Folder
from poseid.doctor.rows import add_by_group
from poseid.doctor.scan import Sample
from poseid.features.rows import FRONTAL, PROFILE
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.evaluate import evaluate
from poseid.verification.genuine import UNKNOWN, YAW_BINS, yaw_bin
from poseid.verification.rates import why_null

MOST_COMPARISONS = 2_000_000
_RESAMPLES = 100

Block = dict[str, Any]


def measure(folder: Folder, sample: Sample) -> tuple[Block, Block | None]:
    """Compares rows of the sample, with the poses of the folder.

    Returns:
        ``raw`` of doctor.json: the ``set`` (``frontal_profile``, else ``all``, else None with the reason), its people,
        comparisons and equal error rate, and similarity by yaw.
        And the histogram of the scores as in summary.json, if there are any.
    """
    yaw, kinds = folder.yaw[sample.rows], folder.kinds[sample.rows]
    raw: Block = {"set": None, "people": 0, "reason": None}
    raw |= dict.fromkeys(("genuine", "impostor", "eer", "eer_ci95"))
    raw["by_yaw"] = _by_yaw(sample, yaw, folder.yaw[folder.files["video"]])
    order = np.random.default_rng(0).permutation(sample.people)  # people are drawn until comparisons are too many
    for name, left, right in (
        ("frontal_profile", kinds == FRONTAL, kinds == PROFILE),
        ("all", sample.front, ~sample.front),
    ):
        a, b = (np.bincount(sample.person[rows], minlength=sample.people) for rows in (left, right))
        chosen = np.zeros(sample.people, bool)
        chosen[order[np.cumsum(a[order]) * np.cumsum(b[order]) <= MOST_COMPARISONS]] = True
        a, b = a[chosen], b[chosen]
        raw["reason"] = why_null(int(a @ b), int(a.sum() * b.sum() - a @ b))
        if raw["reason"] is None:
            left, right = (np.flatnonzero(rows & chosen[sample.person]) for rows in (left, right))
            references, probes = (
                EmbeddingSet(unit, unit, unit, sample.person[rows], yaw[rows], kinds[rows])
                for unit, rows in ((sample.unit[left], left), (sample.unit[right], right))
            )
            found = evaluate(references, probes, sets=("all",), resamples=_RESAMPLES, details=False)
            block = found.block["sets"]["all"]
            raw |= {"set": name, "people": found.people}
            raw |= {key: block[key] for key in ("genuine", "impostor")}
            raw |= {key: block["raw"][key] for key in ("eer", "eer_ci95")}
            return raw, block["histogram"]
    return raw, None


def _by_yaw(sample: Sample, yaw: NDArray[np.float32], all_yaw: NDArray[np.float32]) -> list[Block]:
    """Mean cosines of all front rows with the video rows of each bin of yaw: a mean of products is a product of sums.

    ``rows`` are those of the file, also outside the sample; ``n`` are genuine comparisons.
    """
    front, video = np.flatnonzero(sample.front), np.flatnonzero(~sample.front)
    sums = np.zeros((sample.people, sample.unit.shape[1]))
    add_by_group(sums, sample.person[front], sample.unit[front])
    references = np.bincount(sample.person[front], minlength=sample.people)[sample.person[video]]
    own = np.einsum("ij,ij->i", sample.unit[video], sums[sample.person[video]])
    everyone = sample.unit[video] @ sums.sum(axis=0)
    bins, rows = yaw_bin(yaw[video]), np.bincount(yaw_bin(all_yaw), minlength=UNKNOWN + 1)
    names = [f"{low:+d} to {high:+d}" for low, high in YAW_BINS] + ["beyond ±90", "unknown"]
    out = []
    for bin, name in enumerate(names):
        here = bins == bin
        n = int(references[here].sum())
        others = int(here.sum()) * len(front) - n
        genuine = float(own[here].sum() / n) if n else None
        impostor = float((everyone[here] - own[here]).sum() / others) if others else None
        if rows[bin] or bin < len(YAW_BINS):
            out.append({"where": name, "rows": int(rows[bin]), "n": n, "genuine": genuine, "impostor": impostor})
    return out
