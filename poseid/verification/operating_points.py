"""Which operating point a figure is given at: the strictest that the number of impostors allows."""

from __future__ import annotations

from collections.abc import Mapping

POINTS = ("1e-3", "1e-2")
"""FMRs, the preferred one first."""


def strictest(figures: Mapping[str, object]) -> str | None:
    """FMR 1e-3, or 1e-2 where its figure is null for want of impostors; None where both are.

    figures  by FMR, such as `fnmr_at_fmr` of an evaluation

    >>> strictest({"1e-2": 0.3, "1e-3": None}), strictest({})
    ('1e-2', None)
    """
    return next((fmr for fmr in POINTS if figures.get(fmr) is not None), None)
