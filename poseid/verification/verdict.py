"""The rule that says whether an enhancer helps, does harm or shows no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HELPS, NO_EFFECT, HARMS = "helps", "no effect shown", "harms"
NOT_JUDGED = "not judged: no confidence intervals yet"

LEAST_HARM = 0.005
"""A rise of FNMR that counts as harm, and a fall of the frontal similarity that does."""
MOST_FALSE_MATCHES = 1.05
"""Harm: the lower bound of the FMR ratio at the raw threshold lies above."""
UNCERTAIN_FALSE_MATCHES = 1.25
"""Help: the upper bound of the FMR ratio at the raw threshold lies at or below."""


def judge(
    name: str, headline: Mapping[str, Any] | None, frontal_ci95: list[float] | None, why_not: str = ""
) -> tuple[str, str]:
    """The verdict and one sentence with the figures that decide it.

    name          the headline set
    headline      its SET (difference, fixed_threshold), or None
    frontal_ci95  confidence interval of the mean improvement of frontal comparisons, or None
    why_not       why the set is None

    With f = 1e-3 (1e-2 where 1e-3 is null), looked at in this order:

    *harms*: the paired difference of FNMR at FMR f, or of FNMR at the raw threshold of f, is >= 0.005 with its
    interval above 0; or the lower bound of the FMR ratio at that threshold is > 1.05; or the upper bound of the
    frontal improvement is < -0.005.
    *helps*: the paired difference of FNMR at FMR f has its interval below 0, and the FMR ratio at the raw
    threshold is <= 1.00 with an upper bound <= 1.25.
    *no effect shown*: everything else, also where a figure is null.

    >>> judge("all", None, None, "there are no comparisons")
    ('no effect shown', 'The set all cannot be judged: there are no comparisons.')
    """
    frontal_harm = frontal_ci95 is not None and frontal_ci95[1] < -LEAST_HARM
    frontal = "" if frontal_ci95 is None else f"frontal comparisons change by {_signed(frontal_ci95)} in similarity"
    if headline is None:
        if frontal_harm:
            return HARMS, f"{frontal[0].upper()}{frontal[1:]}, and the set {name} cannot be judged: {why_not}."
        return NO_EFFECT, f"The set {name} cannot be judged: {why_not or 'it is empty'}."

    label, note = "1e-3", ""
    if headline["fixed_threshold"]["1e-3"]["threshold"] is None:
        label, note = "1e-2", " (too few impostor comparisons for 1e-3)"
    at = headline["fixed_threshold"][label]
    own = headline["difference"]["fnmr_at_fmr"][label]
    if at["threshold"] is None:
        few = f"the set {name} has {headline['impostor']} impostor comparisons, too few for FMR 1e-2"
        if frontal_harm:
            return HARMS, f"{frontal[0].upper()}{frontal[1:]}, and {few}."
        return NO_EFFECT, f"{few[0].upper()}{few[1:]}."

    before, after = headline["raw"]["fnmr_at_fmr"][label], headline["enhanced"]["fnmr_at_fmr"][label]
    change = f"FNMR at FMR {label}{note} on {name} goes from {before:.3f} to {after:.3f} ({_signed(own['ci95'])})"
    held = f"FNMR at the raw threshold changes by {at['fnmr_difference']:+.3f} ({_signed(at['fnmr_difference_ci95'])})"
    ratio, ratio_ci = at["fmr_ratio"], at["fmr_ratio_ci95"]
    times = "the ratio of FMR at the raw threshold is not defined"
    if ratio is not None:
        bounds = "no interval" if ratio_ci is None else f"95% {ratio_ci[0]:.2f} to {ratio_ci[1]:.2f}"
        times = f"FMR at the raw threshold is {ratio:.2f} times the raw one ({bounds})"

    harms = []
    if own["ci95"] is not None and own["ci95"][0] > 0 and own["mean"] >= LEAST_HARM:
        harms.append(change)
    held_ci = at["fnmr_difference_ci95"]
    if held_ci is not None and held_ci[0] > 0 and at["fnmr_difference"] >= LEAST_HARM:
        harms.append(held)
    if ratio_ci is not None and ratio_ci[0] > MOST_FALSE_MATCHES:
        harms.append(times)
    if frontal_harm:
        harms.append(frontal)
    if harms:
        return HARMS, _sentence(harms)

    lower = own["ci95"] is not None and own["ci95"][1] < 0
    safe = ratio is not None and ratio_ci is not None
    safe = safe and ratio <= 1.0 and ratio_ci[1] <= UNCERTAIN_FALSE_MATCHES
    return (HELPS if lower and safe else NO_EFFECT), _sentence([change, times])


def _signed(ci95: list[float] | None) -> str:
    return "no interval" if ci95 is None else f"95% {ci95[0]:+.3f} to {ci95[1]:+.3f}"


def _sentence(figures: list[str]) -> str:
    text = ", and ".join(figures)
    return f"{text[0].upper()}{text[1:]}."
