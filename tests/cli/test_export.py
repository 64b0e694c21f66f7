"""``poseid export``: what it writes, its card, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import poseid
from poseid.enhancers.saving import read_info, save_enhancer
from poseid.reports.model_card import card
from poseid.verification.verdict import NOT_JUDGED
from tests.cli.caller import Caller
from tests.enhancers.models_to_try import DIM, made, rows

FIGURES = {
    "people": 40,
    "references": 200,
    "probes": 360,
    "headline": "frontal_profile",
    "verdict": "helps",
    "reason": "FNMR falls.",
    "improvement": {"mean": 0.01, "mean_ci95": [0.005, 0.015], "frontal": 0.0, "frontal_ci95": None},
    "eer": {"raw": 0.0944, "enhanced": 0.0849, "difference": -0.0095, "difference_ci95": [-0.012, -0.007]},
    "fmr": "1e-3",
    "fnmr_at_fmr": {"raw": 0.421, "enhanced": 0.407, "difference": -0.014, "difference_ci95": [-0.03, -0.002]},
    "raw_threshold": dict(fmr_ratio=0.99, fmr_ratio_ci95=[0.8, 1.2], fnmr_difference=-0.01, fnmr_difference_ci95=None),
}
MORE = {
    "people": {"salt": "s", "train": ["a"] * 240, "validation": ["b"] * 120, "test": ["c"] * 40},
    "data": {"name": "secret data", "digest": "d" * 64},
    "fingerprint": {
        "dim": DIM,
        "rows": 3240,
        "mean_direction": [1.0] + [0.0] * (DIM - 1),
        "mean_length": 0.132,
        "length_quantiles": [1.0, 1.5, 2.0, 3.061, 4.0, 4.2, 4.3],
    },
    "versions": {"poseid": "0.1.0"},
    "report": {
        "people": "test",
        "verdict": "helps",
        "reason": "FNMR falls.",
        "fitted_on": "training people",
        "validation": FIGURES | {"eer": None, "fmr": None, "fnmr_at_fmr": None, "raw_threshold": None},
        "test": FIGURES,
    },
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("run")
    enhancer, header = made("ridge")
    save_enhancer(enhancer, header | MORE, directory / "enhancer.safetensors")
    return directory


def test_both_formats_with_their_cards(run: Path, tmp_path: Path, call: Caller) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    place = tmp_path / "new" / "型"
    for name in ("m.onnx", "m.safetensors"):
        status, out, err = call("export", run, "--out", place / name)
        assert (status, err) == (0, "")
        assert out.startswith(str(place / name))
    assert {path.name for path in place.iterdir()} == {"m.onnx", "m.onnx.md", "m.safetensors", "m.safetensors.md"}
    assert read_info(place / "m.safetensors") == read_info(run / "enhancer.safetensors")
    features, poses = rows(5)
    enhanced = [poseid.load(place / name) for name in ("m.onnx", "m.safetensors")]
    np.testing.assert_allclose(*(one.enhance(features, poses) for one in enhanced), atol=1e-5)
    for one in enhanced:
        assert one.info.verdict == "helps"
        assert one.info.report["test"]["eer"]["raw"] == 0.0944
        assert one.info.training_people == 240
    text = (place / "m.onnx.md").read_text(encoding="utf-8")
    assert "largest difference from torch" in text
    assert "opset 18" in text
    # what was exported is a MODEL, but not one to export again
    assert "exported already" in call.refused("export", place / "m.onnx", "--out", tmp_path / "again.onnx")


def test_card() -> None:
    _, header = made("ridge")
    text = card(header | MORE, DIM, "m.onnx", "Made")
    for words in (
        "| EER | 9.44 % | 8.49 % | -0.95 [-1.20, -0.70] points |",
        "| FNMR at FMR 1e-3 | 42.10 % | 40.70 % | -1.40 [-3.00, -0.20] points |",
        "at the raw threshold for FMR 1e-3: 0.99x [0.80x, 1.20x] the impostors accepted; FNMR changes by -1.00 points",
        "240 training people and 120 validation people; fitted on training people",
        "**helps**",
        "**probes only are enhanced**",
    ):
        assert words in text
    assert "secret" not in text
    assert "None" not in text
    assert "|  |" not in text.replace("\n|  |", "")  # no empty cell
    weak = MORE | {"report": MORE["report"] | {"guard": "Half of it."}}
    assert "Half of it." in card(header | weak, DIM, "m.onnx", "Made")
    both = card({**made("wccn")[1], "model": {"name": "wccn"}}, DIM, "m.onnx", "Made")
    assert "references and probes are both enhanced" in both
    assert "carries no report" in both
    assert "not recorded" in both


def test_the_card_of_a_cross_validation_says_what_its_folds_say() -> None:
    header, report = made("ridge")[1] | MORE, MORE["report"] | {"judged_by": "Judged by 3 folds"}
    del report["test"], report["validation"]
    text = card(header | {"report": report | {"cross_validation": FIGURES}}, DIM, "m.onnx", "Made")
    for words in ("Judged by 3 folds.", "**helps**", "40 people, each tested once", "| EER | 9.44 %", "chose nothing"):
        assert words in text
    for words in ("No test people", "flatter", "None"):
        assert words not in text
    # a job of a multirun, which evaluates no test people
    report |= {"verdict": NOT_JUDGED, "reason": "No intervals.", "validation": FIGURES, "cross_validation": None}
    text = card(header | {"report": report}, DIM, "m.onnx", "Made")
    for words in (
        "The report does not judge it. No intervals.",
        "40 validation people",
        "No test people were evaluated",
    ):
        assert words in text


def test_a_strange_header_cannot_write_the_card() -> None:
    evil = "<script>alert(1)</script>\n# [x](http://x)"
    report = MORE["report"] | {"reason": evil, "verdict": evil}
    text = card({"model": {"name": evil}, "versions": {evil: evil}, "report": report}, DIM, "m.onnx", "Made")
    assert "<script>" not in text
    assert "\n# [" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "m.txt"], "must end in .onnx or .safetensors"),
        (["--out", "m.safetensors", "--fp16"], "are for .onnx"),
        (["--out", "m.safetensors", "--opset", "20"], "are for .onnx"),
        (["--out", "m.onnx", "--opset", "17"], "whole number from 18"),
        (["--out", "there.onnx"], "is there already"),
        (["--out", "carded.onnx"], "carded.onnx.md: is there already"),
        (["--out", "there.onnx/m.onnx"], "cannot be made"),
    ],
)
def test_bad_calls_are_one_line(run: Path, tmp_path: Path, arguments: list[str], message: str, call: Caller) -> None:
    for name in ("there.onnx", "carded.onnx.md"):
        (tmp_path / name).write_bytes(b"mine")
    arguments = [str(tmp_path / part) if "m." in part or "onnx" in part else part for part in arguments]
    assert message in call.refused("export", run, *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["carded.onnx.md", "there.onnx"]
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"


def test_nothing_is_left_when_it_fails(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    def broken(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("poseid.reports.model_card.card", broken)
    assert call("export", run, "--out", tmp_path / "m.safetensors")[0] == 130
    assert list(tmp_path.iterdir()) == []
