"""Official verification protocols: listed comparisons in folds, with accuracy as the field reports it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseid.errors import InputError
from poseid.verification.rates import checked_scores


class PairList(Protocol):
    """The columns of ``pairs.csv``: one entry a listed comparison."""

    @property
    def protocol(self) -> NDArray[np.str_]: ...
    @property
    def fold(self) -> NDArray[np.integer]: ...
    @property
    def a_front(self) -> NDArray[np.bool_]: ...
    @property
    def a_row(self) -> NDArray[np.integer]: ...
    @property
    def b_front(self) -> NDArray[np.bool_]: ...
    @property
    def b_row(self) -> NDArray[np.integer]: ...
    @property
    def same(self) -> NDArray[np.bool_]: ...


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
    places = np.append(first, values.size)
    right = refused_rightly[places] + accepted_rightly[places]
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
