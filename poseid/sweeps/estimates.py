"""A mean with its interval from a handful of repeats; the front of settings that no other one beats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean of n values; the 95 % interval is None where one value says nothing about chance."""

    mean: float
    ci95: list[float] | None
    n: int


def t_interval(values: Sequence[float]) -> Estimate:
    """The mean and Student's interval, mean ± t₀.₉₇₅(n − 1) · s / √n with s the standard deviation over n − 1.

    >>> t_interval([1.0, 2.0, 3.0]).mean, t_interval([1.0]).ci95
    (2.0, None)
    """
    data = np.asarray(values, dtype=np.float64)
    mean = float(data.mean())
    if len(data) < 2:
        return Estimate(mean, None, len(data))
    # equal values are equal, whatever their mean was rounded to
    spread = float(data.std(ddof=1)) if data.min() < data.max() else 0.0
    half = t_quantile(len(data) - 1) * spread / math.sqrt(len(data))
    return Estimate(mean, [mean - half, mean + half], len(data))


def t_quantile(freedom: int) -> float:
    """The t that Student's |T| stays below with probability 0.95.

    The distribution for whole degrees of freedom is a finite series (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)
    that rises with the angle θ = arctan(t / √ν): halving finds the angle.

    >>> round(t_quantile(2), 3), round(t_quantile(30), 3)
    (4.303, 2.042)
    """
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < LEVEL else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    """P(|T| < √ν tan θ)."""
    odd = freedom % 2
    square = math.cos(angle) ** 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= square * (power + 1) / (power + 2)
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total


def on_front(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points no other point beats: no worse in any column and better in one. Equal points stand together.

    Args:
        costs: (n, k), lower is better.

    >>> on_front(np.array([[1.0, 3.0], [2.0, 2.0], [2.0, 3.0]])).tolist()
    [True, True, False]
    """
    no_worse = np.all(costs[None] <= costs[:, None], axis=2)
    better = np.any(costs[None] < costs[:, None], axis=2)
    beaten: NDArray[np.bool_] = np.any(no_worse & better, axis=1)
    return ~beaten
