"""A sample of rows that stays in memory: what compares rows with rows compares these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.rows import NOBODY, Folder, rank_in_group

SAMPLE_ROWS = 40_000
MOST_OF_A_PERSON = 200
"""Rows of one file."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Up to `SAMPLE_ROWS` rows of randomly drawn people who have both front and video rows, if anybody has.

    Attributes:
        unit: (k, D) unit vectors.
        rows: (k,) their numbers in the folder, ascending, so that front rows come first.
        person: (k,) number of the person in `Folder.names`.
        front: (k,) bool: a front row.
        everybody: whether these are all rows of all people who have both.
    """

    unit: NDArray[np.float32]
    rows: NDArray[np.int64]
    person: NDArray[np.int32]
    front: NDArray[np.bool_]
    everybody: bool

    def unit_rows(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The unit vectors at some positions in the sample."""
        chosen: NDArray[np.float32] = self.unit[rows]
        return chosen


def draw_sample(folder: Folder, generator: np.random.Generator) -> tuple[NDArray[np.bool_], bool]:
    """(N,) which rows are in the sample, and whether these are all rows of all people who have both."""
    people, named = len(folder.names), folder.person != NOBODY
    both, wanted = np.ones(people, bool), np.zeros(len(folder), bool)
    for file in folder.files.values():
        both &= np.bincount(folder.person[file][named[file]], minlength=people) > 0
        order = file.start + generator.permutation(file.stop - file.start)
        order = order[named[order]]
        wanted[order[rank_in_group(folder.person[order]) < MOST_OF_A_PERSON]] = True
    if not both.any():
        both[:] = True
    drawn = generator.permutation(np.flatnonzero(both))
    rows_of = np.bincount(folder.person[wanted], minlength=people)
    inside = np.zeros(people + 1, bool)  # the last stands for nobody
    inside[drawn[np.cumsum(rows_of[drawn]) <= SAMPLE_ROWS]] = True
    wanted &= inside[folder.person]
    return wanted, not (np.append(both, False)[folder.person] & ~wanted).any()
