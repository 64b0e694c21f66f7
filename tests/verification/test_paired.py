"""Paired figures of several models: the same as `evaluate` gives one model, and averages over splits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from poseid.verification import Side, evaluate
from poseid.verification.bootstrap import interval
from poseid.verification.paired import Sampled, differences, figures_of, measure, pooled

Sides = Callable[..., tuple[Side, Side]]


def test_figures_are_those_of_evaluate(sides: Sides) -> None:
    front, video = sides(people=40, fronts=5, probes=12, change=lambda rows: np.sign(rows) * np.abs(rows) ** 0.8)
    block = evaluate(front, video, resamples=80, seed=4)
    one = pooled([measure(front, video, 80, 4)])
    row = figures_of(one, 80)
    headline = block["sets"]["frontal_profile"]
    assert row["headline"] == block["headline"]
    assert row["eer"] == {"value": headline["enhanced"]["eer"], "ci95": headline["enhanced"]["eer_ci95"]}
    for label in ("1e-2", "1e-3"):
        assert row[f"fnmr_at_fmr_{label}"]["value"] == headline["enhanced"]["fnmr_at_fmr"][label]
        assert row[f"fnmr_at_fmr_{label}"]["ci95"] == headline["enhanced"]["fnmr_at_fmr_ci95"][label]
        assert row[f"fmr_ratio_{label}"]["value"] == headline["fixed_threshold"][label]["fmr_ratio"]
        assert row[f"fmr_ratio_{label}"]["ci95"] == headline["fixed_threshold"][label]["fmr_ratio_ci95"]
        for rate in ("fmr", "fnmr"):
            at_raw = headline["fixed_threshold"][label]["enhanced"][rate]
            assert row[f"{rate}_at_raw_threshold_{label}"]["value"] == at_raw
    assert row["fnmr_at_fmr_1e-2"]["ci95"] is not None
    assert row["rank1"]["value"] == block["rank1"]["enhanced"]
    assert row["improvement"] == {"value": block["improvement"]["mean"], "ci95": block["improvement"]["ci95"]}
    assert row["frontal_frontal_eer"]["value"] == block["sets"]["frontal_frontal"]["enhanced"]["eer"]
    assert (row["verdict"], row["reason"]) == (block["verdict"], block["reason"])
    assert one.genuine["all"] == block["sets"]["all"]["genuine"]


def test_a_model_against_itself_and_against_another(sides: Sides) -> None:
    def model(power: float) -> object:
        front, video = sides(people=30, fronts=4, probes=10, change=lambda rows: np.sign(rows) * np.abs(rows) ** power)
        return pooled([measure(front, video, 60, 1)])

    one, other = model(0.8), model(0.5)
    still = differences(one, one)
    assert still["eer"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    there, back = differences(one, other), differences(other, one)
    assert there["eer"]["value"] == -back["eer"]["value"] != 0
    assert there["eer"]["ci95"] == pytest.approx([-back["eer"]["ci95"][1], -back["eer"]["ci95"][0]])
    # paired: narrower than the two intervals apart would allow
    a, b = (figures_of(m, 60)["eer"]["ci95"] for m in (one, other))
    assert there["eer"]["ci95"][1] - there["eer"]["ci95"][0] < (a[1] - a[0]) + (b[1] - b[0])


def test_splits_are_averaged_in_every_resample(sides: Sides) -> None:
    parts = [measure(*sides(people=25, seed=s), 50, s) for s in (1, 2)]
    whole = pooled(parts)
    a, b = (part.enhanced["frontal_profile"].eer for part in parts)
    got = whole.enhanced["frontal_profile"].eer
    assert got.value == (a.value + b.value) / 2
    assert got.block()["ci95"] == interval((a.resampled + b.resampled) / 2)
    assert whole.people == 50
    assert whole.genuine["all"] == parts[0].genuine["all"] + parts[1].genuine["all"]


def test_no_resamples_no_intervals(sides: Sides) -> None:
    one = pooled([measure(*sides(), 0, 0)])
    row = figures_of(one, 0)
    assert row["eer"]["value"] is not None
    assert row["eer"]["ci95"] is None
    assert row["verdict"].startswith("not judged")


def test_ratio_of_nothing() -> None:
    nothing, some = Sampled(0.0, np.zeros(3)), Sampled(0.5, np.array([0.0, 0.5, 1.0]))
    assert some.over(nothing).block()["value"] is None
    assert nothing.over(some).resampled.tolist() == [1.0, 0.0, 0.0]
    assert nothing.over(some).value == 0.0


def test_without_profiles_the_headline_is_all(sides: Sides) -> None:
    front, video = sides()
    none = np.zeros(len(video.person), np.int8)
    flat = Side(video.raw, video.reference, video.probe, video.person, video.yaw, none)
    one = pooled([measure(front, flat, 20, 0)])
    row = figures_of(one, 20)
    assert row["headline"] == "all"
    assert row["profile_profile_fnmr_at_fmr_1e-2"] == {"value": None, "ci95": None}
    assert "frontal_profile" in one.missing
