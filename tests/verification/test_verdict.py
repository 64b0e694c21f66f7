"""The verdict rule, case by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poseid.verification.estimates import Estimate
from poseid.verification.operating_points import Rates
from poseid.verification.rates import LABELS
from poseid.verification.verdict import judge

GOOD: dict[str, Any] = {"own": -0.02, "own_ci": [-0.03, -0.01], "fixed": -0.02, "fixed_ci": [-0.03, -0.01]}
GOOD |= {"ratio": 0.9, "ratio_ci": [0.8, 1.0]}
NOTHING = Estimate(np.nan, np.full(100, np.nan))


def estimate(value: float | None, ci95: list[float] | None) -> Estimate:
    """A figure with this interval."""
    if value is None:
        return NOTHING
    return Estimate(value, np.full(100, np.nan) if ci95 is None else np.repeat(ci95, 50))


def rates(label: str = "1e-3", **changes: Any) -> tuple[Rates, Rates]:
    """The rates that decide, those at other FMRs than `label` not defined."""
    case = GOOD | changes

    def at_label(value: float | None, ci95: list[float] | None) -> Estimate:
        each = [estimate(value, ci95) if key == label else NOTHING for key in LABELS]
        return Estimate([one.value for one in each], np.stack([one.resampled for one in each]))

    def form(own: Estimate, fmr: Estimate, fixed: Estimate) -> Rates:
        return Rates(estimate(0.1, [0.1, 0.1]), np.nan, np.full(3, np.nan), own, fmr, fixed)

    def moved(before: float, name: str) -> Estimate:
        ci95 = case[f"{name}_ci"]
        return at_label(before + case[name], ci95 and [before + bound for bound in ci95])

    # raw's FMR is 1, so that a ratio is a rate; of a ratio that is not defined it is 0
    ones = at_label(1.0, [1.0, 1.0]) if case["ratio"] is not None else at_label(0.0, [0.0, 0.0])
    raw = form(at_label(0.4, [0.4, 0.4]), ones, at_label(0.0, [0.0, 0.0]))
    return raw, form(moved(0.4, "own"), at_label(case["ratio"], case["ratio_ci"]), moved(0.0, "fixed"))


@pytest.mark.parametrize(
    ("changes", "frontal", "verdict", "words"),
    [
        ({}, None, "helps", "goes from 0.400 to 0.380 (95% -0.030 to -0.010), and FMR at the raw threshold is 0.90"),
        ({}, [-0.004, 0.001], "helps", "0.90 times"),
        # limits of helps
        ({"ratio": 1.0, "ratio_ci": [0.9, 1.25]}, None, "helps", "1.00 times"),
        (
            {"ratio": 1.001, "ratio_ci": [0.9, 1.1]},
            None,
            "no effect shown",
            ": the FMR ratio is above 1.00.",
        ),
        (
            {"ratio": 0.9, "ratio_ci": [0.7, 1.26]},
            None,
            "no effect shown",
            "1.26): the upper bound of the FMR ratio is",
        ),
        ({"own_ci": [-0.03, 0.0]}, None, "no effect shown", ": the interval of the FNMR difference includes 0."),
        # harm, each way and its limits
        ({"own": 0.005, "own_ci": [0.001, 0.01]}, None, "harms", "0.400 to 0.405"),
        (
            {"own": 0.0049, "own_ci": [0.001, 0.01]},
            None,
            "no effect shown",
            "FNMR difference is above 0.",
        ),
        ({"own": 0.02, "own_ci": [0.0, 0.04]}, None, "no effect shown", "FNMR difference includes 0."),
        ({"fixed": 0.006, "fixed_ci": [0.001, 0.01]}, None, "harms", "FNMR at the raw threshold changes by +0.006"),
        ({"fixed": 0.004, "fixed_ci": [0.001, 0.01]}, None, "helps", "0.380"),
        ({"fixed": 0.006, "fixed_ci": [0.0, 0.01]}, None, "helps", "0.380"),
        ({"ratio": 1.2, "ratio_ci": [1.051, 1.4]}, None, "harms", "is 1.20 times the raw one (95% 1.05 to 1.40)"),
        (
            {"ratio": 1.2, "ratio_ci": [1.05, 1.4]},
            None,
            "no effect shown",
            "1.00, and the upper bound of",
        ),
        ({}, [-0.02, -0.0051], "harms", "Frontal comparisons change by 95% -0.020 to -0.005"),
        ({}, [-0.02, -0.005], "helps", "0.380"),
        # harm is judged before help
        ({"fixed": 0.01, "fixed_ci": [0.005, 0.02]}, [-0.3, -0.2], "harms", ", and frontal comparisons"),
        # nulls
        ({"own_ci": None}, None, "no effect shown", ": the FNMR difference has no interval."),
        ({"ratio_ci": None}, None, "no effect shown", ": the FMR ratio has no interval."),
        ({"ratio": None, "ratio_ci": None}, None, "no effect shown", "not defined: the FMR ratio has no interval."),
        ({"own_ci": None, "fixed_ci": None, "ratio_ci": None}, [-0.2, -0.1], "harms", "Frontal"),
    ],
)
def test_the_table_of_cases(changes: dict[str, Any], frontal: list[float] | None, verdict: str, words: str) -> None:
    got, reason = judge("frontal_profile", rates(**changes), estimate(0.0, frontal), 396000)
    assert got == verdict
    assert words in reason
    assert reason.endswith(".")
    assert reason[0].isupper()
    assert "\n" not in reason


def test_a_higher_fmr_stands_in_and_is_named() -> None:
    verdict, reason = judge("all", rates("1e-2"), NOTHING, 396000)
    assert verdict == "helps"
    assert reason.startswith("FNMR at FMR 1e-2 (too few impostor comparisons for 1e-3) on all goes from")


def test_too_few_comparisons_for_any() -> None:
    assert judge("all", rates("none"), NOTHING, 2000) == (
        "no effect shown",
        "The set all has 2000 impostor comparisons, too few for FMR 1e-2.",
    )
    verdict, reason = judge("all", rates("none"), estimate(0.0, [-0.2, -0.1]), 2000)
    assert verdict == "harms"
    assert "too few for FMR 1e-2" in reason


def test_no_set_at_all() -> None:
    verdict, reason = judge("all", None, NOTHING, 0, "there are no comparisons")
    assert (verdict, reason) == ("no effect shown", "The set all cannot be judged: there are no comparisons.")
    verdict, reason = judge("all", None, estimate(0.0, [-0.2, -0.1]), 0, "there are no comparisons")
    assert verdict == "harms"
    assert "cannot be judged: there are no comparisons" in reason
