"""The rule that says whether an enhancer helps, does harm or shows no effect."""

from __future__ import annotations

from collections.abc import Sequence

from poseid.verification.estimates import Estimate
from poseid.verification.operating_points import POINTS, Rates, strictest
from poseid.verification.rates import LABELS

HELPS, NO_EFFECT, HARMS = "helps", "no effect shown", "harms"
NOT_JUDGED = "not judged: no confidence intervals yet"

LEAST_HARM = 0.005
"""A rise of FNMR that counts as harm, and a fall of the frontal similarity that does."""
MOST_FALSE_MATCHES = 1.05
"""Harm: the lower bound of the FMR ratio at the raw threshold lies above."""
UNCERTAIN_FALSE_MATCHES = 1.25
"""Help: the upper bound of the FMR ratio at the raw threshold lies at or below."""


def judge(
    name: str, rates: tuple[Rates, Rates] | None, frontal_improvement: Estimate, impostors: int, why_not: str = ""
) -> tuple[str, str]:
    """The verdict and one sentence with the figures that decide it.

    name                 the headline set
    rates                its rates, raw and enhanced; None where there are none
    frontal_improvement  mean improvement of frontal probes
    impostors            its number of impostor comparisons
    why_not              why the set has no rates

    With f = 1e-3 (1e-2 where 1e-3 is not defined), in this order:

    *harms*: the paired difference of FNMR at FMR f, or of FNMR at the raw threshold of f, is >= 0.005 with its
    interval above 0; or the lower bound of the FMR ratio at that threshold is > 1.05; or the upper bound of the
    frontal improvement is < -0.005.
    *helps*: the paired difference of FNMR at FMR f has its interval below 0, and the FMR ratio at the raw
    threshold is <= 1.00 with an upper bound <= 1.25.
    *no effect shown*: everything else, also where a figure is not defined. The sentence then ends with the conditions
    of *helps* that are not met.
    """
    frontal_ci = frontal_improvement.ci95
    frontal = f"frontal comparisons change by {_signed(frontal_ci)} in similarity"
    frontal_harm = frontal_ci is not None and frontal_ci[1] < -LEAST_HARM
    label = None
    unknown = f"the set {name} cannot be judged: {why_not or 'it is empty'}"
    if rates is not None:
        label = strictest({fmr: rates[0].fnmr_at_fmr[LABELS.index(fmr)].number for fmr in POINTS})
        unknown = f"the set {name} has {impostors} impostor comparisons, too few for FMR 1e-2"
    if rates is None or label is None:
        return (HARMS, _sentence([frontal, unknown])) if frontal_harm else (NO_EFFECT, _sentence([unknown]))

    (raw, enhanced), n = rates, LABELS.index(label)
    change = (enhanced.fnmr_at_fmr - raw.fnmr_at_fmr)[n]
    fixed_change = (enhanced.fnmr_at_raw_threshold - raw.fnmr_at_raw_threshold)[n]
    times = enhanced.fmr_at_raw_threshold[n].over(raw.fmr_at_raw_threshold[n])
    note = "" if label == POINTS[0] else f" (too few impostor comparisons for {POINTS[0]})"
    before, after = float(raw.fnmr_at_fmr.value[n]), float(enhanced.fnmr_at_fmr.value[n])
    said = f"FNMR at FMR {label}{note} on {name} goes from {before:.3f} to {after:.3f} ({_signed(change.ci95)})"
    said_times = "the ratio of FMR at the raw threshold is not defined"
    ratio_ci = times.ci95
    if times.number is not None:
        bounds = "no interval" if ratio_ci is None else f"95% {ratio_ci[0]:.2f} to {ratio_ci[1]:.2f}"
        said_times = f"FMR at the raw threshold is {times.number:.2f} times the raw one ({bounds})"

    harms = []
    if _rises(change):
        harms.append(said)
    if _rises(fixed_change):
        rise = f"{fixed_change.value:+.3f} ({_signed(fixed_change.ci95)})"
        harms.append(f"FNMR at the raw threshold changes by {rise}")
    if ratio_ci is not None and ratio_ci[0] > MOST_FALSE_MATCHES:
        harms.append(said_times)
    if frontal_harm:
        harms.append(frontal)
    if harms:
        return HARMS, _sentence(harms)
    missing = _missing(change, times)
    return NO_EFFECT if missing else HELPS, _sentence([said, said_times], missing)


def _missing(change: Estimate, times: Estimate) -> list[str]:
    """The conditions of *helps* that a change of FNMR and a ratio of FMR do not meet."""
    missing = []
    if change.ci95 is None:
        missing.append("the FNMR difference has no interval")
    elif change.ci95[1] >= 0:
        missing.append(f"the interval of the FNMR difference {'includes' if change.ci95[0] <= 0 else 'is above'} 0")
    if times.number is not None and times.number > 1.0:
        missing.append("the FMR ratio is above 1.00")
    if times.ci95 is None:
        missing.append("the FMR ratio has no interval")
    elif times.ci95[1] > UNCERTAIN_FALSE_MATCHES:
        missing.append(f"the upper bound of the FMR ratio is above {UNCERTAIN_FALSE_MATCHES}")
    return missing


def _rises(change: Estimate) -> bool:
    return change.ci95 is not None and change.ci95[0] > 0 and float(change.value) >= LEAST_HARM


def _signed(ci95: list[float] | None) -> str:
    return "no interval" if ci95 is None else f"95% {ci95[0]:+.3f} to {ci95[1]:+.3f}"


def _sentence(figures: list[str], conditions: Sequence[str] = ()) -> str:
    text = ", and ".join(figures) + (f": {', and '.join(conditions)}" if conditions else "")
    return f"{text[0].upper()}{text[1:]}."
