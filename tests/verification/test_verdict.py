"""The verdict rule, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from poseid.verification.verdict import judge

GOOD: dict[str, Any] = {"own": -0.02, "own_ci": [-0.03, -0.01], "held": -0.02, "held_ci": [-0.03, -0.01]}
GOOD |= {"ratio": 0.9, "ratio_ci": [0.8, 1.0]}


def headline(label: str = "1e-3", **changes: Any) -> dict[str, Any]:
    case = GOOD | changes
    null = {"threshold": None, "fmr_ratio": None, "fmr_ratio_ci95": None}
    null |= {"fnmr_difference": None, "fnmr_difference_ci95": None}
    at = {"threshold": 0.3, "fmr_ratio": case["ratio"], "fmr_ratio_ci95": case["ratio_ci"]}
    at |= {"fnmr_difference": case["held"], "fnmr_difference_ci95": case["held_ci"]}
    labels = ("1e-2", "1e-3")
    return {
        "genuine": 4000,
        "impostor": 396000,
        "raw": {"fnmr_at_fmr": {key: 0.4 for key in labels}},
        "enhanced": {"fnmr_at_fmr": {key: 0.4 + case["own"] for key in labels}},
        "difference": {
            "fnmr_at_fmr": {
                key: {"mean": case["own"], "ci95": case["own_ci"]} if key == label else {"mean": None, "ci95": None}
                for key in labels
            }
        },
        "fixed_threshold": {key: at if key == label else null for key in labels},
    }


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
        ({"held": 0.006, "held_ci": [0.001, 0.01]}, None, "harms", "FNMR at the raw threshold changes by +0.006"),
        ({"held": 0.004, "held_ci": [0.001, 0.01]}, None, "helps", "0.380"),
        ({"held": 0.006, "held_ci": [0.0, 0.01]}, None, "helps", "0.380"),
        ({"ratio": 1.2, "ratio_ci": [1.051, 1.4]}, None, "harms", "is 1.20 times the raw one (95% 1.05 to 1.40)"),
        ({"ratio": 1.2, "ratio_ci": [1.05, 1.4]}, None, "no effect shown", "1.20"),
        ({}, [-0.02, -0.0051], "harms", "Frontal comparisons change by 95% -0.020 to -0.005"),
        ({}, [-0.02, -0.005], "helps", "0.380"),
        # harm is looked at before help
        ({"held": 0.01, "held_ci": [0.005, 0.02]}, [-0.3, -0.2], "harms", ", and frontal comparisons"),
        # nulls
        ({"own_ci": None}, None, "no effect shown", "no interval"),
        ({"ratio_ci": None}, None, "no effect shown", "no interval"),
        ({"ratio": None, "ratio_ci": None}, None, "no effect shown", "not defined"),
        ({"own_ci": None, "held_ci": None, "ratio_ci": None}, [-0.2, -0.1], "harms", "Frontal"),
    ],
)
def test_the_table_of_cases(changes: dict[str, Any], frontal: list[float] | None, verdict: str, words: str) -> None:
    got, reason = judge("frontal_profile", headline(**changes), frontal)
    assert got == verdict
    assert words in reason
    assert reason.endswith(".")
    assert reason[0].isupper()
    assert "\n" not in reason


def test_a_higher_fmr_stands_in_and_is_named() -> None:
    verdict, reason = judge("all", headline("1e-2"), None)
    assert verdict == "helps"
    assert reason.startswith("FNMR at FMR 1e-2 (too few impostor comparisons for 1e-3) on all goes from")


def test_too_few_comparisons_for_any() -> None:
    few = headline("none") | {"impostor": 2000}
    assert judge("all", few, None) == (
        "no effect shown",
        "The set all has 2000 impostor comparisons, too few for FMR 1e-2.",
    )
    verdict, reason = judge("all", few, [-0.2, -0.1])
    assert verdict == "harms"
    assert "too few for FMR 1e-2" in reason


def test_no_set_at_all() -> None:
    verdict, reason = judge("all", None, None, "there are no comparisons")
    assert (verdict, reason) == ("no effect shown", "The set all cannot be judged: there are no comparisons.")
    verdict, reason = judge("all", None, [-0.2, -0.1], "there are no comparisons")
    assert verdict == "harms"
    assert "cannot be judged: there are no comparisons" in reason
