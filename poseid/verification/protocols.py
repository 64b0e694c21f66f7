"""Official verification protocols: listed comparisons in folds, with accuracy as the field reports it."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseid.errors import InputError
from poseid.features.pairs import Pairs
from poseid.features.rows import FRONTAL
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.rates import checked_scores, eer, why_null


def best_threshold(scores: ArrayLike, same: ArrayLike) -> float:
    """The threshold that decides most comparisons rightly (accept when score >= t).

    It lies halfway between two neighbouring scores, or below or above them all; of equally good ones the middle one.

    >>> best_threshold([0.0, 0.25, 0.75, 1.0], [False, False, True, True])
    0.5
    """
    values = checked_scores(scores, "pair")
    truth = np.asarray(same, dtype=bool)
    order = np.argsort(values, kind="stable")
    values, truth = values[order], truth[order]
    candidates, first = np.unique(values, return_index=True)
    refused_rightly = np.concatenate([[0], np.cumsum(~truth)])
    accepted_rightly = truth.sum() - np.concatenate([[0], np.cumsum(truth)])
    ends = np.append(first, values.size)
    right = refused_rightly[ends] + accepted_rightly[ends]
    best = np.flatnonzero(right == right.max())
    between = (candidates[:-1].astype(np.float64) + candidates[1:]) / 2
    return float(np.concatenate([[-np.inf], between, [np.inf]])[best[best.size // 2]])


def folded_accuracy(scores: ArrayLike, same: ArrayLike, fold: ArrayLike) -> float:
    """Mean over folds of the accuracy at the threshold that is best on all other folds; higher is better.

    Raises `InputError` with fewer than two folds.

    >>> folded_accuracy([0.1, 0.9, 0.2, 0.8], [False, True, False, True], [1, 1, 2, 2])
    1.0
    """
    values, truth, folds = checked_scores(scores, "pair"), np.asarray(same, dtype=bool), np.asarray(fold)
    names = np.unique(folds)
    if names.size < 2:
        raise InputError(f"accuracy needs at least 2 folds and there are {names.size}")
    shares = []
    for name in names:
        here = folds == name
        threshold = best_threshold(values[~here], truth[~here])
        shares.append(np.mean((values[here] >= threshold) == truth[here]))
    return float(np.mean(shares))


@dataclass(frozen=True)
class ProtocolRates:
    """Of one form (raw or enhanced); NaN where not defined."""

    eer: float
    """Over all folds together."""
    accuracy: float
    """At the threshold of the other folds."""


@dataclass(frozen=True)
class ProtocolResult:
    genuine: int
    impostor: int
    raw: ProtocolRates
    enhanced: ProtocolRates


def protocol_results(
    pairs: Pairs, front: EmbeddingSet, video: EmbeddingSet, reasons: MutableMapping[str, str]
) -> dict[str, ProtocolResult]:
    """The listed comparisons by protocol; `front` and `video` are normalized.

    Where one row is frontal and the other is not, a frontal video row is the reference; else video rows are probes.
    """
    ends = (pairs.a_front, pairs.a_row), (pairs.b_front, pairs.b_row)
    for is_front, row in ends:
        limit = np.where(is_front, len(front.person), len(video.person))
        wrong = (row < 0) | (row >= limit)
        if wrong.any():
            bad = int(wrong.argmax())
            raise InputError(f"pair {bad} names row {int(row[bad])} of {int(limit[bad])}: check pairs.csv")
    frontal = [_picked(*end, front.kind, video.kind) == FRONTAL for end in ends]
    mixed = frontal[0] != frontal[1]
    out: dict[str, ProtocolResult] = {}
    for name in np.unique(pairs.protocol):
        here = pairs.protocol == name
        raw, enhanced = [], []
        for (is_front, row), is_frontal in zip(ends, frontal, strict=True):
            f, r, reference = is_front[here], row[here], (mixed & is_frontal)[here]
            raw.append(_picked(f, r, front.raw, video.raw))
            probe = _picked(f, r, front.reference, video.probe)
            enhanced.append(np.where(reference[:, None], _picked(f, r, front.reference, video.reference), probe))
        truth, fold = pairs.same[here], pairs.fold[here]
        genuine, impostor, folds = int(truth.sum()), int((~truth).sum()), len(np.unique(fold))
        why_not = why_null(genuine, impostor)
        if why_not:
            reasons[f"protocols.{name}"] = why_not
        elif folds < 2:
            reasons[f"protocols.{name}.accuracy"] = f"accuracy needs at least 2 folds and there are {folds}"
        rates = []
        for vectors in (raw, enhanced):
            scores = np.einsum("ij,ij->i", *vectors)
            rates.append(
                ProtocolRates(
                    eer=np.nan if why_not else eer(scores[truth], scores[~truth]),
                    accuracy=np.nan if why_not or folds < 2 else folded_accuracy(scores, truth, fold),
                )
            )
        out[str(name)] = ProtocolResult(genuine, impostor, *rates)
    return out


def _picked(
    is_front: NDArray[np.bool_], row: NDArray[np.int64], front: NDArray[Any], video: NDArray[Any]
) -> NDArray[Any]:
    """Entry `row` of the front or of the video array."""
    out = np.empty((len(row), *front.shape[1:]), dtype=front.dtype)
    out[is_front] = front[row[is_front]]
    out[~is_front] = video[row[~is_front]]
    return out
