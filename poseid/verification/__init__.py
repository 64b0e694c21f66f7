"""Verification: from scores to error rates, intervals and a verdict. Knows vectors and people, no model.

`evaluate` gives the whole block of a report; `rates`, `identification`, `protocols` and `bootstrap` hold the pure
functions behind it. `metrics` (torchmetrics classes) is imported by name, so that the rest needs NumPy alone.
"""

from poseid.verification.evaluate import evaluate
from poseid.verification.rates import d_prime, det_points, eer, fmr_at, fnmr_at, fnmr_at_fmr, threshold_at_fmr
from poseid.verification.sides import Side
from poseid.verification.verdict import judge

__all__ = [
    "Side",
    "d_prime",
    "det_points",
    "eer",
    "evaluate",
    "fmr_at",
    "fnmr_at",
    "fnmr_at_fmr",
    "judge",
    "threshold_at_fmr",
]
