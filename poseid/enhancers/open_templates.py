"""Pooling of rows that arrive block by block: only templates that have begun and cannot be written yet are held."""

from __future__ import annotations

import numpy as np

from poseid.enhancers.pooling import Pooled, finish, sum_rows, weighted_units
from poseid.features.template_runs import TemplateRuns

_BLOCK_ROWS = 1024  # that are summed at a time: copies in float64 stay small


class OpenTemplates:
    """The sums of the templates that have begun, until they and all before them are complete.

    It gives what :func:`poseid.enhancers.pooling.pool` gives for all rows at once, to the last bits of a float64 sum.
    """

    def __init__(self, runs: TemplateRuns, dim: int) -> None:
        """
        Args:
            runs: of all rows.
            dim: D.
        """
        self._runs = runs
        self._complete = runs.complete()
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
        self._sums[at] += sum_rows(weighted_units(features, share), number)
        self._weight[at] += np.bincount(number, weights=share)
        written, self._written = self._written, int(np.searchsorted(self._complete, end, side="left"))
        done = np.arange(written, self._written)
        at = done % len(self._sums)
        place = lambda template: self._runs.place(int(self._runs.first[written + template]))  # noqa: E731
        pooled = finish(self._sums[at], self._runs.frames[done], self._weight[at], place)
        self._sums[at], self._weight[at] = 0.0, 0.0
        return pooled
