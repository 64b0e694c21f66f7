"""Error rates of a set of scores: pure functions of the genuine and the impostor scores (ISO/IEC 19795).

A comparison is accepted when ``score >= t``. FMR is the share of impostor comparisons accepted, FNMR the share of
genuine comparisons rejected; both are fractions and lower is better. Scores are compared as they come, ties
included, and are never rounded or squashed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poseid.errors import InputError

FMRS: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
"""The false match rates that are reported."""

LABELS = ("1e-2", "1e-3", "1e-4")
"""Their keys in a report."""

MINIMUM_FALSE_MATCHES = 30
"""Fewer expected false matches than this say nothing about an FMR (the rule of 30)."""


def fmr_label(fmr: float) -> str:
    """The key of an FMR in a report.

    >>> fmr_label(0.001)
    '1e-3'
    """
    mantissa, exponent = f"{fmr:e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def allowed_false_matches(fmr: float, impostors: int) -> int:
    """k = ⌊fmr · impostors⌋ with `fmr` read as the decimal that it prints as.

    A float product falls short of the integer now and then:

    >>> int(0.29 * 100), allowed_false_matches(0.29, 100)
    (28, 29)
    """
    over, under = _ratio(float(fmr))
    return over * int(impostors) // under


@lru_cache
def _ratio(fmr: float) -> tuple[int, int]:
    """The decimal that an FMR prints as, as a ratio: a bootstrap asks for it in every resample."""
    return Fraction(repr(fmr)).as_integer_ratio()


def impostors_needed(fmr: float) -> int:
    """How many impostor comparisons an FMR needs: the least n with fmr · n >= 30.

    >>> impostors_needed(1e-3)
    30000
    """
    return math.ceil(MINIMUM_FALSE_MATCHES / Fraction(repr(float(fmr))))


def why_null(genuine: int, impostors: int, fmr: float | None = None) -> str | None:
    """Why a rate of so many comparisons is null, or None where it can be given.

    >>> why_null(10, 500, 1e-2)
    'FMR 1e-2 needs 3000 impostor comparisons and there are 500'
    """
    if genuine == 0 and impostors == 0:
        return "there are no comparisons"
    if genuine == 0:
        return f"there are {impostors} impostor comparisons and no genuine ones"
    if impostors == 0:
        return f"there are {genuine} genuine comparisons and no impostor ones"
    if fmr is not None and impostors < impostors_needed(fmr):
        return f"FMR {fmr_label(fmr)} needs {impostors_needed(fmr)} impostor comparisons and there are {impostors}"
    return None


def checked_scores(scores: ArrayLike, name: str) -> NDArray[np.floating]:
    """The scores as one line of float32 or float64; NaN is refused (`InputError`)."""
    array = np.asarray(scores).reshape(-1)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32 if array.dtype == np.float16 else np.float64)
    missing = np.isnan(array)
    if missing.any():
        raise InputError(f"{name} score {int(missing.argmax())} is NaN: check the features behind it")
    return array


def just_above(score: np.floating) -> float:
    """The next number above a score in the score's own precision."""
    return float(np.nextafter(score, score.dtype.type(np.inf)))


def threshold_at_fmr(impostor: ArrayLike, fmr: float) -> float:
    """The lowest threshold whose FMR is at most `fmr`.

    With k = ⌊fmr · n⌋ it is the next float above the (k+1)-th largest impostor score; −inf for fmr = 1.
    Ties at that score are all rejected, so that the FMR is then lower than asked.

    >>> threshold_at_fmr([0.0, 0.25, 0.5, 0.75], 0.5)
    0.25000000000000006
    """
    scores = checked_scores(impostor, "impostor")
    if not 0.0 <= fmr <= 1.0:
        raise InputError(f"FMR {fmr} is not a fraction: give a number from 0 to 1")
    if not scores.size:
        raise InputError("no threshold: there are no impostor comparisons")
    k = allowed_false_matches(fmr, scores.size)
    if k == scores.size:
        return -math.inf
    index = scores.size - 1 - k
    return just_above(np.partition(scores, index)[index])


def d_prime(mean_g: float, variance_g: float, mean_i: float, variance_i: float) -> float:
    """d′ = (μ_g − μ_i) / √((σ_g² + σ_i²) / 2) of genuine and impostor scores; higher is better.

    The variances are mean squared deviations; NaN where neither side has any spread.

    >>> d_prime(3.0, 1.0, 1.0, 1.0)
    2.0
    """
    spread = math.sqrt((variance_g + variance_i) / 2)
    return float((mean_g - mean_i) / spread) if spread > 0 else math.nan


def eer(genuine: ArrayLike, impostor: ArrayLike) -> float:
    """Equal error rate: where FMR and FNMR cross, linear between neighbouring operating points; lower is better.

    >>> eer([0.4, 0.6, 0.8], [0.1, 0.2, 0.5])
    0.3333333333333333
    """
    g, i = checked_scores(genuine, "genuine"), checked_scores(impostor, "impostor")
    if reason := why_null(g.size, i.size):
        raise InputError(f"no error rate: {reason}")
    g, negated = np.sort(g), np.sort(-i)
    return crossing(float, float, crossing_indices(g, negated), g.size, i.size)


Indices = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]


def crossing_indices(genuine: NDArray[np.floating], negated: NDArray[np.floating]) -> Indices:
    """For each genuine score g, ascending: how many impostors score >= g, how many > g, how many genuine score < g.

    `negated` holds the impostor scores negated and ascending, that is the largest score first.
    """
    return (
        np.searchsorted(negated, -genuine, side="right"),
        np.searchsorted(negated, -genuine, side="left"),
        np.searchsorted(genuine, genuine, side="left"),
    )


def crossing(
    genuine_below: Callable[[int], float],
    impostor_above: Callable[[int], float],
    indices: Indices,
    genuine_total: float,
    impostor_total: float,
    first: int = 0,
) -> float:
    """The equal error rate of weighted comparisons; -1 where the crossing lies below every genuine score given.

    `genuine_below(n)` is the weight of the n lowest genuine scores, `impostor_above(n)` that of the n highest
    impostor scores, `indices` what `crossing_indices` found, of the genuine scores from number `first` on. FMR − FNMR
    never rises with the threshold, so the last genuine score at which it is >= 0 is next to the crossing: the crossing
    lies there, or among the impostor scores up to the next genuine score, over which FNMR stays the same.
    """
    at_or_above, above, below = indices

    def rates(n: int) -> tuple[float, float]:
        """FMR and FNMR at the n-th genuine score."""
        return impostor_above(int(at_or_above[n])) / impostor_total, genuine_below(int(below[n])) / genuine_total

    # by halves: few of very many genuine scores are read
    last, beyond = -1, at_or_above.size
    while beyond - last > 1:
        middle = (last + beyond) // 2
        fmr, fnmr = rates(middle)
        last, beyond = (middle, beyond) if fmr >= fnmr else (last, middle)
    if last < 0:
        return -1.0
    fmr, fnmr = rates(last)
    # one past the last genuine score of this value: ties of g share one gap, so `last` ends its tie
    next_fmr = impostor_above(int(above[last])) / impostor_total
    next_fnmr = genuine_below(first + last + 1) / genuine_total
    if next_fmr >= next_fnmr:
        return next_fnmr
    gap = fmr - fnmr
    share = gap / (gap - (next_fmr - next_fnmr))
    return fmr + share * (next_fmr - fmr)
