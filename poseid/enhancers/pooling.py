"""Pooling: the rows of a template become one vector. Of rows that arrive block by block, only templates that have begun
and cannot be written yet are held."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import MIN_NORM
from poseid.features.template_runs import TemplateRuns
from poseid.features.templates import Templates

_BLOCK_ROWS = 1024  # that are summed at a time: copies in float64 stay small
ONE_LENGTH = 1e-3  # standard deviation of log lengths up to which all vectors have one length


class Pooled(NamedTuple):
    """T templates as one row each, in the order of their first rows."""

    features: NDArray[np.float32]
    """(T, D) unit rows."""
    frames: NDArray[np.int64]
    """(T,) rows of each template."""
    weight: NDArray[np.float32]
    """(T,) sum of the mean weights of its media, that is of its rows where each is a media of its own."""


def pool(features: NDArray[np.floating], weights: NDArray[np.floating], templates: Templates) -> Pooled:
    """unit(Σ_media mean over the rows of the media of (w · unit(h))) of each template.

    Args:
        features: (n, D) rows h, of any length.
        weights: (n,) w of each row, at least 0 and not all 0 in a template.
        templates: of the rows.

    Raises:
        InputError: a template whose weighted rows cancel out, so that it has no direction.

    >>> one = Templates(np.array([0, 0, 1]), np.array([0, 1, 2]))
    >>> pool(np.array([[2.0, 0.0], [0.0, 9.0], [0.0, -1.0]]), np.array([3.0, 4.0, 1.0]), one).features.tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, -1.0]]
    """
    share = np.asarray(weights, np.float64) / np.bincount(templates.media)[templates.media]
    return _finish(
        _sum_rows(_weighted_units(features, share), templates.template),
        np.bincount(templates.template),
        np.bincount(templates.template, weights=share).astype(np.float64),
        lambda template: f"row {np.argmax(templates.template == template)}",
    )


def _weighted_units(features: NDArray[np.floating], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, D) share · unit(h) of (n, D) rows h of any length and (n,) shares; the zero vector stays zero."""
    rows = np.asarray(features, np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    scaled: NDArray[np.float64] = rows * (share / np.maximum(lengths, MIN_NORM))[:, None]
    return scaled


def _sum_rows(rows: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """(max + 1, D) sums of the rows of each number; every number from 0 to the largest occurs. No rows: (0, D)."""
    order = np.argsort(number, kind="stable")
    return np.add.reduceat(rows[order], np.flatnonzero(np.diff(number[order], prepend=-1)), axis=0)


def _finish(
    sums: NDArray[np.float64], frames: NDArray[np.int64], weight: NDArray[np.float64], place: Callable[[int], str]
) -> Pooled:
    """The templates from the sums of their media; ``place`` names the first row of a template, for messages.

    Raises:
        InputError: a template without a direction.
    """
    length = np.sqrt(np.einsum("ij,ij->i", sums, sums))
    lost = np.flatnonzero(~(length > MIN_NORM * np.maximum(weight, MIN_NORM)))
    if lost.size:
        fault = "the template that begins here has rows that cancel out and leave no direction"
        raise InputError(f"{place(int(lost[0]))}: {fault}: remove the wrong ones")
    return Pooled((sums / length[:, None]).astype(np.float32), frames, weight.astype(np.float32))


class OpenTemplates:
    """The sums of the templates that have begun, until they and all before them are complete.

    It gives what :func:`pool` gives for all rows at once, to the last bits of a float64 sum.
    """

    def __init__(self, runs: TemplateRuns, dim: int) -> None:
        """
        Args:
            runs: of all rows.
            dim: D.
        """
        self._runs = runs
        self._completion_row = runs.completion_row()
        # a ring: template t lies at t modulo its length, which no two templates held at one time share
        places = max(1, min(len(runs.first), runs.most_held() + _BLOCK_ROWS))
        self._sums = np.zeros((places, dim))
        self._weight = np.zeros(places)
        self._written = 0

    def add(self, first: int, features: np.ndarray, weights: np.ndarray) -> Pooled:
        """Adds the rows from ``first`` on, which follow those added before.

        Args:
            first: number of the first row.
            features: (n, D) enhanced rows, of any length.
            weights: (n,) of each.

        Returns:
            The templates that are now complete, as those before them are, in order; perhaps none.

        Raises:
            InputError: a template without a direction.
        """
        parts = [
            self._add(first + start, features[start : start + _BLOCK_ROWS], weights[start : start + _BLOCK_ROWS])
            for start in range(0, max(1, len(features)), _BLOCK_ROWS)
        ]
        return Pooled(*map(np.concatenate, zip(*parts, strict=True)))

    def _add(self, first: int, features: np.ndarray, weights: np.ndarray) -> Pooled:
        end = first + len(features)
        share = np.asarray(weights, np.float64) / self._runs.media_rows_of(first, end)
        found, number = np.unique(self._runs.template_of(first, end), return_inverse=True)
        at = found % len(self._sums)
        self._sums[at] += _sum_rows(_weighted_units(features, share), number)
        self._weight[at] += np.bincount(number, weights=share)
        written, self._written = self._written, int(np.searchsorted(self._completion_row, end, side="left"))
        done = np.arange(written, self._written)
        at = done % len(self._sums)

        def place(template: int) -> str:
            return self._runs.place(int(self._runs.first[written + template]))

        pooled = _finish(self._sums[at], self._runs.frames[done], self._weight[at], place)
        self._sums[at], self._weight[at] = 0.0, 0.0
        return pooled
