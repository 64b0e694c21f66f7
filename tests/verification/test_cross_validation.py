"""Evaluations of folds as one: the averages, the intervals, and the file between two processes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poseid.errors import InputError
from poseid.verification import evaluate
from poseid.verification.cross_validation import average_of_folds, combined
from poseid.verification.metrics import METRICS, figures_of
from poseid.verification.result import FORMS, Evaluation
from poseid.verification.stored import read_evaluation, write_evaluation
from poseid.verification.verdict import NOT_JUDGED
from tests.verification.test_known_effect import shifted


def folds(people: int, seed: int, count: int, resamples: int, **options: Any) -> list[Evaluation]:
    """Folds of made-up people, each of other people, with a seed of its own."""
    return [
        evaluate(*shifted(people, seed=1000 * seed + fold), resamples=resamples, seed=fold, **options)
        for fold in range(count)
    ]


def test_rates_are_means_and_counts_are_sums() -> None:
    three = folds(50, 0, 3, 100)
    pooled, figures = average_of_folds(three), figures_of(three)
    block, blocks = pooled.block, [one.block for one in three]
    assert block.keys() == blocks[0].keys()
    assert block["people"] == 150
    assert block["sets"]["all"]["genuine"] == sum(one["sets"]["all"]["genuine"] for one in blocks)
    fnmr = [figures["fnmr_at_fmr_1e-2"][form].number for form in FORMS]
    assert f"from {fnmr[0]:.3f} to {fnmr[1]:.3f}" in block["reason"]
    json.dumps(block, allow_nan=False)
    again = figures_of([pooled])
    for metric in METRICS:
        if metric.name.startswith("fnir"):
            continue  # of searches, which are not kept together; it is among `pooled.metrics`
        for form in FORMS:
            one, other = again[metric.name][form], figures[metric.name][form]
            np.testing.assert_array_equal(one.value, other.value)
            if metric.name != "rank1":
                np.testing.assert_array_equal(one.resampled, other.resampled)
    assert pooled.metrics["fnir_at_fpir_1e-1"]["raw"].number == figures["fnir_at_fpir_1e-1"]["raw"].number
    expected = np.mean([one["sets"]["frontal_profile"]["enhanced"]["eer"] for one in blocks])
    assert block["sets"]["frontal_profile"]["enhanced"]["eer"] == pytest.approx(expected, abs=1e-15)
    bins = [entry for entry in block["improvement"]["by_yaw"] if entry["n"]]
    assert sum(entry["n"] for entry in bins) == block["improvement"]["n"]
    assert len(pooled.genuine.raw) == len(pooled.yaw) == block["improvement"]["n"]
    assert pooled.genuine.person.max() == 149


def test_the_interval_of_several_folds_is_narrower_than_that_of_one() -> None:
    widths = []
    for evaluations in (folds(50, 0, 4, 200), folds(50, 0, 1, 200)):
        low, high = average_of_folds(evaluations).block["improvement"]["ci95"]
        widths.append(high - low)
    assert widths[0] < 0.65 * widths[1]  # about half, as of four times the people


def test_what_one_fold_cannot_say_the_folds_cannot_say() -> None:
    mixed = [*folds(60, 0, 1, 50), *folds(12, 1, 1, 50)]
    block = average_of_folds(mixed).block
    assert mixed[0].block["sets"]["all"]["raw"]["fnmr_at_fmr"]["1e-2"] is not None
    assert block["sets"]["all"]["raw"]["fnmr_at_fmr"]["1e-2"] is None
    assert block["null_reasons"]["sets.all.1e-2"].endswith(" in one fold")


def test_what_all_folds_lack_has_the_reason_of_the_smallest() -> None:
    small = [*folds(16, 0, 1, 20), *folds(12, 1, 1, 20)]
    path = "sets.all.1e-2"
    assert average_of_folds(small).null_reasons[path] == small[1].null_reasons[path] != small[0].null_reasons[path]
    found = figures_of(small)["fnmr_at_fmr_1e-2"]["raw"].reason
    assert found == small[1].null_reasons[f"sets.{small[1].headline}.1e-2"]


def test_thresholds_of_different_sets_are_not_averaged() -> None:
    (one,) = folds(60, 0, 1, 20)
    front, video = shifted(60, seed=1)
    other = evaluate(front, replace(video, kind=np.zeros_like(video.kind)), resamples=20, seed=1)
    assert (one.headline, other.headline) == ("frontal_profile", "all")
    assert one.by_pose.fmr == other.by_pose.fmr
    block = average_of_folds([one, other]).block
    assert (block["by_pose"]["threshold"], block["by_pose"]["raw"]) == (None, None)
    assert "different sets" in block["null_reasons"]["by_pose"]


@pytest.mark.parametrize("folds", [[True, False], [np.bool_(True)] * 2, ["probe", "probe"]])
def test_what_is_neither_a_count_nor_a_rate_is_not_combined(folds: list[Any]) -> None:
    with pytest.raises(TypeError, match="neither a count nor a rate"):
        combined(folds)


def test_an_evaluation_comes_back_from_its_file_bit_for_bit(tmp_path: Path) -> None:
    (found,) = folds(40, 0, 1, 20)
    for name in ("a.npz", "b.npz"):
        write_evaluation(found, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = read_evaluation(tmp_path / "a.npz")
    assert back.block == found.block
    one, other = average_of_folds([back]), average_of_folds([found])
    assert one.block == other.block
    assert (
        figures_of([back])["fnir_at_fpir_1e-1"]["raw"].number == figures_of([found])["fnir_at_fpir_1e-1"]["raw"].number
    )


def test_without_intervals_nothing_is_judged(tmp_path: Path) -> None:
    for number, found in enumerate(folds(40, 0, 2, 20)):
        write_evaluation(found, tmp_path / f"{number}.npz", intervals=False)
    block = average_of_folds([read_evaluation(tmp_path / f"{number}.npz") for number in range(2)]).block
    assert block["verdict"] == NOT_JUDGED
    assert block["improvement"]["mean"] > 0
    assert block["improvement"]["ci95"] is None


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"no archive")
    for name in ("a.npz", "none.npz"):
        with pytest.raises(InputError, match="is missing or damaged"):
            read_evaluation(tmp_path / name)


def covered(repeats: int, resamples: int) -> tuple[int, int]:
    """In how many repeats the pooled interval of five folds holds the truth: of the improvement, and of the EER.

    The truth is what folds of this size say on average. For the EER, which is not linear in the scores, that is less
    than what one test of everybody would say: 40 people understate this change by .004.
    """
    many = [evaluate(*shifted(40, seed=seed), resamples=0, sets=("all",)) for seed in range(90_000, 90_400)]
    truth = [float(np.mean([figure(one) for one in many])) for figure in (_improvement, _eer_change)]
    hits = [0, 0]
    for repeat in range(repeats):
        pooled = average_of_folds(folds(40, repeat, 5, resamples, sets=("all",)))
        found = pooled.sets["all"]
        assert found is not None
        for n, estimate in enumerate((pooled.improvement.mean, found.enhanced.eer - found.raw.eer)):
            assert estimate.ci95 is not None
            hits[n] += estimate.ci95[0] <= truth[n] <= estimate.ci95[1]
    return hits[0], hits[1]


def _improvement(found: Evaluation) -> float:
    return float(found.improvement.mean.value)


def _eer_change(found: Evaluation) -> float:
    rates = found.sets["all"]
    assert rates is not None
    return float((rates.enhanced.eer - rates.raw.eer).value)


def test_the_pooled_interval_covers_the_truth() -> None:
    assert min(covered(20, 100)) >= 17


@pytest.mark.slow
def test_the_pooled_interval_covers_the_truth_in_at_least_90_of_100() -> None:
    assert min(covered(100, 200)) >= 90
