"""The registered metrics: the figures of the summary, averaged over splits and compared between models in pairs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from poseid.verification import Evaluation, evaluate, metrics
from poseid.verification.estimates import Estimate, interval
from poseid.verification.identification import one_reference
from poseid.verification.metrics import METRICS, Metric, common_headline, figures_of
from poseid.verification.rates import threshold_at_fmr
from tests.verification.people import sides


def squeezed(power: float) -> Callable[[np.ndarray], np.ndarray]:
    """An enhancer of some effect."""
    return lambda rows: np.sign(rows) * np.abs(rows) ** power


def at(block: dict[str, Any], key: str) -> Any:
    """The entry of a block at a dotted key."""
    for part in key.replace("sets.headline", f"sets.{block['headline']}").split("."):
        block = block[part]
    return block


def test_figures_are_those_of_the_summary_and_names_are_unique() -> None:
    found = evaluate(*sides(people=40, fronts=5, probes=12, change=squeezed(0.8)), resamples=80, seed=4)
    figures = figures_of([found])
    for metric in METRICS:
        for form in ("raw", "enhanced") if "{form}" in (metric.key or "{form}") else ("enhanced",):
            assert figures[metric.name][form].number == at(found.block, metric.block_key(form)), metric.name
    headline = found.block["sets"]["frontal_profile"]
    assert figures["eer"]["enhanced"].ci95 == headline["enhanced"]["eer_ci95"]
    assert figures["fnmr_at_fmr_1e-2"]["enhanced"].ci95 == headline["enhanced"]["fnmr_at_fmr_ci95"]["1e-2"] is not None
    assert figures["fmr_ratio_1e-2"]["enhanced"].ci95 == headline["fixed_threshold"]["1e-2"]["fmr_ratio_ci95"]
    assert figures["fmr_ratio_1e-2"]["raw"].ci95 == [1.0, 1.0]
    assert figures["improvement"]["enhanced"].ci95 == found.block["improvement"]["ci95"]
    assert figures["improvement"]["raw"].to_dict() == {"value": 0.0, "ci95": [0.0, 0.0]}
    assert len({metric.name for metric in METRICS}) == len({metric.block_key() for metric in METRICS}) == len(METRICS)


def test_a_new_metric_is_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def spread(evaluation: Evaluation, form: str) -> Estimate:
        return Estimate(np.std(getattr(evaluation.genuine, form)))

    def nothing(evaluation: Evaluation, form: str) -> Estimate:
        return Estimate(np.nan, reason="an example")

    everything = (*METRICS, Metric("spread", "spread", "rate", spread), Metric("nothing", "nothing", "rate", nothing))
    monkeypatch.setattr(metrics, "METRICS", everything)
    monkeypatch.setitem(evaluate.__globals__, "METRICS", everything)
    found = evaluate(*sides(change=squeezed(0.5)), resamples=0)
    entry = found.block["metrics"]["spread"]
    assert entry["difference"] == entry["enhanced"] - entry["raw"] != 0
    assert found.block["null_reasons"]["metrics.nothing"] == "an example"


def test_fnir_at_fpir_of_an_evaluation() -> None:
    """Against the definition, with one reference a person as the gallery; null with too few searches."""
    front, video = sides(people=20, fronts=3, probes=20, noise=0.5, change=squeezed(0.7))
    found = evaluate(front, video, resamples=0)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (front.reference, video.probe)]
    gallery = one_reference(front.person, front.kind)
    scores = unit[1] @ unit[0][gallery].T
    own = video.person[:, None] == front.person[gallery][None, :]
    other = np.where(own, -np.inf, scores).max(axis=1)
    threshold = threshold_at_fmr(other, 0.1)
    missed = [not (o >= threshold and o > best) for o, best in zip(scores[own], other, strict=True)]
    assert 0 < np.mean(missed) < 1
    assert found.block["metrics"]["fnir_at_fpir_1e-1"]["enhanced"] == pytest.approx(np.mean(missed), abs=1e-12)
    assert found.block["metrics"]["fnir_at_fpir_1e-2"]["enhanced"] is None
    reason = found.block["null_reasons"]["metrics.fnir_at_fpir_1e-2"]
    assert reason == "FPIR 1e-2 needs 3000 searches and there are 400"


def test_differences_are_paired() -> None:
    one, other = (
        figures_of([evaluate(*sides(people=30, fronts=4, probes=10, change=squeezed(power)), resamples=60, seed=1)])
        for power in (0.8, 0.5)
    )
    a, b = one["eer"]["enhanced"], other["eer"]["enhanced"]
    assert (a - a).to_dict() == {"value": 0.0, "ci95": [0.0, 0.0]}
    there, back = (a - b).to_dict(), (b - a).to_dict()
    assert there["value"] == -back["value"] != 0
    assert there["ci95"] == pytest.approx([-back["ci95"][1], -back["ci95"][0]])
    # paired: narrower than the two intervals apart would allow
    assert np.ptp(there["ci95"]) < np.ptp(a.ci95) + np.ptp(b.ci95)


def test_splits_are_averaged_in_every_resample() -> None:
    parts = [evaluate(*sides(people=25, seed=s), resamples=50, seed=s) for s in (1, 2)]
    a, b = (figures_of([part])["eer"]["enhanced"] for part in parts)
    got = figures_of(parts)["eer"]["enhanced"]
    assert got.value == (a.value + b.value) / 2
    assert got.ci95 == interval((a.resampled + b.resampled) / 2)


def test_no_resamples_no_intervals() -> None:
    eer = figures_of([evaluate(*sides(), resamples=0)])["eer"]["enhanced"]
    assert eer.number is not None
    assert eer.ci95 is None


def test_ratio_of_nothing() -> None:
    nothing, some = Estimate(0.0, np.zeros(3)), Estimate(0.5, np.array([0.0, 0.5, 1.0]))
    assert some.over(nothing).number is None
    assert nothing.over(some).resampled.tolist() == [1.0, 0.0, 0.0]
    assert nothing.over(some).number == 0.0


def test_without_profiles_in_one_split_the_headline_is_all() -> None:
    front, video = sides()
    flat = replace(video, kind=np.zeros(len(video.person), np.int8))
    both = [evaluate(front, rows, resamples=20) for rows in (video, flat)]
    assert common_headline(both) == "all"
    figures = figures_of(both)
    of_all = [one.sets["all"].enhanced.eer.value for one in both]  # type: ignore[union-attr]
    assert figures["eer"]["enhanced"].value == pytest.approx(np.mean(of_all))
    assert figures["profile_profile_fnmr_at_fmr_1e-2"]["enhanced"].to_dict() == {
        "value": None,
        "ci95": None,
        "reason": "FMR 1e-2 needs 3000 impostor comparisons and there are 656",
    }
