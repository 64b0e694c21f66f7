"""The key figures are those of the block, at the operating point that its people allow."""

from __future__ import annotations

from poseid.enhancers.baselines.raw import Raw
from poseid.evaluation import evaluate_enhancer
from poseid.features.synthetic import synthetic
from poseid.reports.key_figures import key_figures


def test_figures_are_the_headlines() -> None:
    block = evaluate_enhancer(Raw(16), synthetic(people=30, probes=8, seed=1, dim=16), resamples=30).block
    shown = key_figures(block)
    headline = block["sets"]["frontal_profile"]
    assert headline["raw"]["fnmr_at_fmr"]["1e-3"] is None
    assert shown["fmr"] == "1e-2"
    assert shown["fnmr_at_fmr"]["raw"] == headline["raw"]["fnmr_at_fmr"]["1e-2"]
    assert shown["eer"] == {
        "raw": headline["raw"]["eer"],
        "enhanced": headline["enhanced"]["eer"],
        "difference": 0.0,
        "difference_ci95": [0.0, 0.0],
    }
    assert shown["raw_threshold"]["fmr_ratio"] == 1.0
    assert shown["people"] == 30
    assert (shown["verdict"], shown["headline"]) == ("no effect shown", "frontal_profile")
    assert shown["improvement"]["mean"] == 0.0


def test_a_missing_set_is_none() -> None:
    block = evaluate_enhancer(Raw(16), synthetic(people=4, probes=2, seed=1, dim=16), resamples=0).block
    block["sets"][block["headline"]] = None
    shown = key_figures(block)
    assert shown["eer"] is None
    assert shown["fmr"] is None
    assert shown["reason"] == block["reason"]
