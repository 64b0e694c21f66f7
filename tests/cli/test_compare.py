"""``poseid compare``: the table, on one split and on folds, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from poseid.features.folder import write_folder
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller, summary_of, write_lines


def test_compare(work: Path, tmp_path: Path, call: Caller) -> None:
    models = ("raw", "ridge:lambda=10", work / "ridge", "wccn")
    out = call.done("compare", *models, "--data", work / "data", "--resamples", "50", "--out", tmp_path / "o")
    report = json.loads((tmp_path / "o" / "compare.json").read_text(encoding="utf-8"))
    assert report["people"] == 6
    assert report["against"] == "ridge:lambda=10"
    by_name = {model["name"]: model for model in report["models"]}
    assert list(by_name) == ["raw", "ridge:lambda=10", str(work / "ridge"), "wccn"]
    assert by_name["raw"]["eer"] == report["raw"]["eer"]
    assert by_name["raw"]["against_raw"]["eer"]["value"] == 0.0
    assert by_name["ridge:lambda=10"]["against"]["eer"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    difference = by_name["wccn"]["eer"]["value"] - by_name["ridge:lambda=10"]["eer"]["value"]
    assert by_name["wccn"]["against"]["eer"]["value"] == pytest.approx(difference)
    assert report["splits"] == [{"name": "the test people", "test": 6, "train": 36, "validation": 18}]
    markdown = (tmp_path / "o" / "compare.md").read_text(encoding="utf-8")
    for text in (markdown, out):
        assert "paired differences from raw" in text
        assert "paired differences from ridge:lambda=10" in text
        assert "FMR at raw's 1e-2 threshold" not in text.split("left out:")[0]
        assert text.count("FMR 1e-2 needs 3000 impostor comparisons and there are 422") == 1
    assert markdown.count("\n| ") == 5 + 4 + 4  # heads and rows of three tables
    assert "| - |" not in markdown


def test_compare_says_the_same_as_evaluate(work: Path, tmp_path: Path, call: Caller) -> None:
    data = ("--data", work / "data", "--resamples", "40", "--seed", "3", "--frames", "2", "--out")
    call.done("compare", "raw", work / "ridge", *data, tmp_path / "c")
    call.done("evaluate", work / "ridge", *data, tmp_path / "e")
    block = summary_of(tmp_path / "e")["evaluation"]
    report = json.loads((tmp_path / "c" / "compare.json").read_text(encoding="utf-8"))
    row = report["models"][1]
    headline = block["sets"][block["headline"]]
    assert row["eer"] == {"value": headline["enhanced"]["eer"], "ci95": headline["enhanced"]["eer_ci95"]}
    assert row["against_raw"]["eer"] == {
        "value": headline["difference"]["eer"]["mean"],
        "ci95": headline["difference"]["eer"]["ci95"],
    }
    assert row["against_raw"]["fnmr_at_raw_threshold_1e-2"] == {
        "value": headline["fixed_threshold"]["1e-2"]["fnmr_difference"],
        "ci95": None,
        "reason": block["null_reasons"][f"sets.{block['headline']}.1e-2"],
    }
    assert (row["verdict"], row["reason"]) == (block["verdict"], block["reason"])
    # and so of pooled probes
    compared, evaluated = (found["frames"][0]["sets"]["any"] for found in (report, block))
    model, rates = compared["models"][str(work / "ridge")], evaluated["enhanced_weighted"]
    assert model["weighted"]["eer"] == {"value": rates["eer"], "ci95": rates["eer_ci95"]}
    change = evaluated["difference"]["enhanced_weighted_less_raw_mean"]["eer"]
    assert model["against_raw"]["mean"]["eer"] == {"value": change["mean"], "ci95": change["ci95"]}


def test_compare_folds(work: Path, tmp_path: Path, call: Caller) -> None:
    base = ("compare", "raw", "ridge:lambda=10")
    rest = ("--folds", "--data", work / "data", "--resamples", "20", "--out")
    assert "whose own test people are folds 1,2" in call.refused(*base, work / "ridge", *rest, tmp_path / "x")
    for folds in ("1,2", "3,4", "5"):
        fit = ("baseline", "ridge", "--data", work / "data", "--set", "lambda=10", "--folds", folds)
        call.done(*fit, "--out", tmp_path / "each" / folds.replace(",", "-"))
    call.done(*base, tmp_path / "each", *rest, tmp_path / "o")
    report = json.loads((tmp_path / "o" / "compare.json").read_text(encoding="utf-8"))
    assert [split["name"] for split in report["splits"]] == ["folds 1,2", "folds 3,4", "folds 5"]
    assert (report["people"], report["frames"]) == (60, [])
    fitted_here, fitted_before = report["models"][1:]
    # fitted anew on each split, or once beforehand and found by whose test people they are: the same
    assert fitted_here["eer"] == fitted_before["eer"]
    assert fitted_here["fitted_here"]
    assert not fitted_before["fitted_here"]
    shutil.rmtree(tmp_path / "each" / "5")
    assert "folds 5" in call.refused(*base, tmp_path / "each", *rest, tmp_path / "y")


def test_compare_pools_frames_on_every_split(work: Path, tmp_path: Path, call: Caller) -> None:
    base = ("compare", "raw", "ridge:lambda=10", "nan", "--data", work / "data", "--resamples", "20")
    out = call.done(*base, "--frames", "1,4,90", "--folds", "--out", tmp_path / "o")
    report = json.loads((tmp_path / "o" / "compare.json").read_text(encoding="utf-8"))
    assert [(entry["k"], list(entry["sets"])) for entry in report["frames"]] == [
        (k, ["profile", "any"]) for k in (1, 4)
    ]
    four = report["frames"][1]["sets"]["profile"]
    assert (four["people"], four["templates"]) == (39, 39)  # people of four profile rows: one set each
    assert set(four["raw"]) == {"mean", "length", "length_squared"}
    ridge, nan = four["models"]["ridge:lambda=10"], four["models"]["nan"]
    assert four["models"]["raw"]["mean"]["eer"] == four["raw"]["mean"]["eer"] == nan["mean"]["eer"]
    for found, one, other in (
        (nan["against_mean"], nan["weighted"], nan["mean"]),
        (nan["against_raw"]["length"], nan["weighted"], four["raw"]["length"]),
        (nan["against"], nan["weighted"], ridge["weighted"]),
    ):
        assert found["eer"]["value"] == pytest.approx(one["eer"]["value"] - other["eer"]["value"])
        low, high = found["eer"]["ci95"]
        assert low <= high
    assert ridge["against"]["eer"] == {"value": 0.0, "ci95": [0.0, 0.0]}
    for text in (out, (tmp_path / "o" / "compare.md").read_text(encoding="utf-8")):
        assert "several frames as one probe, profile frames: EER %" in text
        assert "several frames as one probe, profile frames: paired differences of EER, points of %" in text
        assert text.count("--frames 90: left out") == 1
        assert "nan, weighted, less its mean" in text
        assert "nan, weighted, less ridge:lambda=10, weighted" in text
    call.done(*base, "--folds", "--out", tmp_path / "plain")
    assert json.loads((tmp_path / "plain" / "compare.json").read_text(encoding="utf-8"))["frames"] == []


def test_compare_refuses(work: Path, data: FeatureSet, tmp_path: Path, call: Caller) -> None:
    rest = ("--data", work / "data", "--out", tmp_path / "o")
    assert "is not among the MODELs" in call.refused("compare", "raw", "ridge", "--against", "wccn", *rest)
    assert "takes no such option" in call.refused("compare", "raw", "ridge:lamda=10", *rest)
    names = write_lines(tmp_path / "all.txt", data.people())
    assert "was trained on 36" in call.refused("compare", "raw", work / "ridge", "--people", names, *rest)
    assert "0 people outside" in call.refused("compare", "raw", "ridge", "--people", names, *rest)
    plain = synthetic(people=12, dim=32)
    write_folder(FeatureSet("plain", plain.front, plain.video), tmp_path / "plain")
    err = call.refused("compare", "raw", "--folds", "--data", tmp_path / "plain", "--out", tmp_path / "o")
    assert "has no pairs.csv" in err
    assert not (tmp_path / "o").exists()
