"""One angle and the similarity with the person's front rows, which falls with its size if it is the yaw."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.rows import ranks

_FEWEST, _SHARE, _TIMES_THE_NEXT = 10, 0.03, 3
_SHIFTS = np.array(sorted(range(-90, 91, 5), key=abs), float)  # degrees; the first of equals is the smallest


class Repeated(NamedTuple):
    """A value that `n` rows have, more than three times as many as the next most frequent one."""

    value: float
    n: int
    next: int


def find_repeated(angle: NDArray[np.floating]) -> Repeated | None:
    """The value that far more rows have than any other, 3 % and ten at least; NaN is none.

    >>> find_repeated(np.append(np.arange(1.0, 21.0), [0.0] * 12))
    Repeated(value=0.0, n=12, next=1)
    """
    values, counts = np.unique(angle[~np.isnan(angle)], return_counts=True)
    if len(values) < 2:
        return None
    n, next = (int(count) for count in np.sort(counts)[:-3:-1])
    if n < max(_FEWEST, _SHARE * counts.sum(), _TIMES_THE_NEXT * next):
        return None
    return Repeated(float(values[counts.argmax()]), n, next)


class Centre(NamedTuple):
    """The value of an angle about which similarity falls evenly to both sides.

    Attributes:
        shift: the value, in steps of 5 degrees.
        fall: rank correlation of similarity with nearness to it.
        fall_from_0: the same with nearness to 0.
    """

    shift: float
    fall: float
    fall_from_0: float


def find_centre(angle: NDArray[np.floating], similarity: NDArray[np.float64]) -> Centre:
    """The centre of an angle, over rows of another value than a repeated one."""
    repeated = find_repeated(angle)
    if repeated is not None:
        angle, similarity = (values[angle != repeated.value] for values in (angle, similarity))
    target = ranks(similarity)
    falls = np.array([-float(ranks(np.abs(angle - shift)) @ target) for shift in _SHIFTS]) / max(len(angle), 1)
    best = int(falls.argmax())
    return Centre(float(_SHIFTS[best]), float(falls[best]), float(falls[0]))
