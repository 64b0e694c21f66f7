"""The verdict rule, case by case."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poseid.verification.estimates import Estimate
from poseid.verification.result import Figures
from poseid.verification.verdict import judge

GOOD: dict[str, Any] = {"own": -0.02, "own_ci": [-0.03, -0.01], "fixed": -0.02, "fixed_ci": [-0.03, -0.01]}
GOOD |= {"ratio": 0.9, "ratio_ci": [0.8, 1.0]}
NOTHING = Estimate(np.nan, np.full(100, np.nan))


def estimate(value: float | None, ci95: list[float] | None) -> Estimate:
    """A figure with this interval."""
    if value is None:
        return NOTHING
    return Estimate(value, np.full(100, np.nan) if ci95 is None else np.repeat(ci95, 50))


def figures(label: str = "1e-3", frontal: list[float] | None = None, **changes: Any) -> Figures:
    """The figures that decide, those at other FMRs than `label` not defined."""
    case = GOOD | changes
    nothing = {"raw": NOTHING, "enhanced": NOTHING}
    found = {"improvement_frontal": {"raw": NOTHING, "enhanced": estimate(0.0, frontal)}}
    found["eer"] = {"raw": estimate(0.1, [0.1, 0.1]), "enhanced": estimate(0.1, [0.1, 0.1])}
    for name, change, before in (("fnmr_at_fmr", "own", 0.4), ("fnmr_at_raw_threshold", "fixed", 0.0)):
        raw, value = Estimate(before, np.zeros(100)), before + case[change]
        for key in ("1e-2", "1e-3"):
            at = {"raw": raw, "enhanced": estimate(value, case[f"{change}_ci"])}
            found[f"{name}_{key}"] = at if key == label else nothing
    for key in ("1e-2", "1e-3"):
        at = {"raw": NOTHING, "enhanced": estimate(case["ratio"], case["ratio_ci"])}
        found[f"fmr_ratio_{key}"] = at if key == label else nothing
    return found


@pytest.mark.parametrize(
    ("changes", "frontal", "verdict", "words"),
    [
        ({}, None, "helps", "goes from 0.400 to 0.380 (95% -0.030 to -0.010), and FMR at the raw threshold is 0.90"),
        ({}, [-0.004, 0.001], "helps", "0.90 times"),
        # limits of helps
        ({"ratio": 1.0, "ratio_ci": [0.9, 1.25]}, None, "helps", "1.00 times"),
        ({"ratio": 1.001, "ratio_ci": [0.9, 1.1]}, None, "no effect shown", "1.00 times"),
        ({"ratio": 0.9, "ratio_ci": [0.7, 1.26]}, None, "no effect shown", "0.70 to 1.26"),
        ({"own_ci": [-0.03, 0.0]}, None, "no effect shown", "+0.000"),
        # harm, each way and its limits
        ({"own": 0.005, "own_ci": [0.001, 0.01]}, None, "harms", "0.400 to 0.405"),
        ({"own": 0.0049, "own_ci": [0.001, 0.01]}, None, "no effect shown", "0.405"),
        ({"own": 0.02, "own_ci": [0.0, 0.04]}, None, "no effect shown", "0.420"),
        ({"fixed": 0.006, "fixed_ci": [0.001, 0.01]}, None, "harms", "FNMR at the raw threshold changes by +0.006"),
        ({"fixed": 0.004, "fixed_ci": [0.001, 0.01]}, None, "helps", "0.380"),
        ({"fixed": 0.006, "fixed_ci": [0.0, 0.01]}, None, "helps", "0.380"),
        ({"ratio": 1.2, "ratio_ci": [1.051, 1.4]}, None, "harms", "is 1.20 times the raw one (95% 1.05 to 1.40)"),
        ({"ratio": 1.2, "ratio_ci": [1.05, 1.4]}, None, "no effect shown", "1.20"),
        ({}, [-0.02, -0.0051], "harms", "Frontal comparisons change by 95% -0.020 to -0.005"),
        ({}, [-0.02, -0.005], "helps", "0.380"),
        # harm is judged before help
        ({"fixed": 0.01, "fixed_ci": [0.005, 0.02]}, [-0.3, -0.2], "harms", ", and frontal comparisons"),
        # nulls
        ({"own_ci": None}, None, "no effect shown", "no interval"),
        ({"ratio_ci": None}, None, "no effect shown", "no interval"),
        ({"ratio": None, "ratio_ci": None}, None, "no effect shown", "not defined"),
        ({"own_ci": None, "fixed_ci": None, "ratio_ci": None}, [-0.2, -0.1], "harms", "Frontal"),
    ],
)
def test_the_table_of_cases(changes: dict[str, Any], frontal: list[float] | None, verdict: str, words: str) -> None:
    got, reason = judge("frontal_profile", figures(frontal=frontal, **changes), 396000)
    assert got == verdict
    assert words in reason
    assert reason.endswith(".")
    assert reason[0].isupper()
    assert "\n" not in reason


def test_a_higher_fmr_stands_in_and_is_named() -> None:
    verdict, reason = judge("all", figures("1e-2"), 396000)
    assert verdict == "helps"
    assert reason.startswith("FNMR at FMR 1e-2 (too few impostor comparisons for 1e-3) on all goes from")


def test_too_few_comparisons_for_any() -> None:
    assert judge("all", figures("none"), 2000) == (
        "no effect shown",
        "The set all has 2000 impostor comparisons, too few for FMR 1e-2.",
    )
    verdict, reason = judge("all", figures("none", [-0.2, -0.1]), 2000)
    assert verdict == "harms"
    assert "too few for FMR 1e-2" in reason


def test_no_set_at_all() -> None:
    found = dict(figures("none")) | {"eer": {"raw": NOTHING, "enhanced": NOTHING}}
    verdict, reason = judge("all", found, 0, "there are no comparisons")
    assert (verdict, reason) == ("no effect shown", "The set all cannot be judged: there are no comparisons.")
    harm = figures("none", [-0.2, -0.1])["improvement_frontal"]
    verdict, reason = judge("all", found | {"improvement_frontal": harm}, 0, "there are no comparisons")
    assert verdict == "harms"
    assert "cannot be judged: there are no comparisons" in reason
