"""The ``poseid`` command: what it prints and writes, whom it evaluates on, what it refuses, its exit statuses."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from poseid import cli
from poseid.cli import evaluate as evaluate_command
from poseid.enhancers.registry import build
from poseid.enhancers.saving import open_model, read_info, save_enhancer
from poseid.features.fingerprint import digest, hash_people
from poseid.features.folder import read_folder, write_folder
from poseid.features.people import split_by_folds, split_people
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature folder of 60 people, 5 folds, and a ridge fitted on it by the default split."""
    here = tmp_path_factory.mktemp("cli")
    write_folder(synthetic(people=60, probes=8, seed=1, dim=32, comparisons=40), here / "data")
    assert cli.main(["baseline", "ridge", "--data", str(here / "data"), "--out", str(here / "fitted")]) == 0
    return here


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a call that must end with status 2 and leave no output."""
    status, out, err = call(capsys, *arguments)
    assert status == 2, out + err
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def write_names(path: Path, names: list[str]) -> Path:
    path.write_text("\n".join(names) + "\n", encoding="utf-8")
    return path


def summary_of(directory: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((directory / "summary.json").read_text(encoding="utf-8"))
    return content


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in cli.COMMANDS:
        status, out, _ = call(capsys, command.NAME, "--help")
        assert status == 0
        assert "--out" in out


@pytest.mark.parametrize(
    "arguments", [[], ["evaluat"], ["evaluate"], ["evaluate", "raw", "--data", "d", "--out", "o", "-x"]]
)
def test_a_wrong_call_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, *arguments)


@pytest.mark.parametrize("value", ["-1", "many", "1.5"])
def test_numbers_are_checked(value: str, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    err = refused(capsys, "evaluate", "raw", "--data", work / "data", "--out", work / "x", "--resamples", value)
    assert "--resamples" in err
    assert "whole number" in err


def test_exit_statuses(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call_it = ("evaluate", "raw", "--data", work / "data", "--out", tmp_path / "o")

    def interrupted(arguments: object) -> None:
        raise KeyboardInterrupt

    def broken(arguments: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(evaluate_command, "run", interrupted)
    assert call(capsys, *call_it)[0] == 130
    monkeypatch.setattr(evaluate_command, "run", broken)
    status, _, err = call(capsys, *call_it)
    assert status == 1
    assert err.count("\n") == 1
    assert "RuntimeError: two lines" in err
    assert "Traceback" not in err
    monkeypatch.setenv(cli.TRACEBACK, "1")
    assert "Traceback" in call(capsys, *call_it)[2]


@pytest.mark.parametrize(
    ("name", "status", "line"),
    [
        ("torch", 2, "error: this command needs the package torch: pip install torch\n"),
        ("sklearn.svm", 2, "error: this command needs the package sklearn: pip install sklearn\n"),
        (
            "poseid.evaluation",
            1,
            "error: unexpected ModuleNotFoundError: No module (set POSEID_TRACEBACK=1 to see where)\n",
        ),
    ],
)
def test_a_missing_module(
    name: str, status: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package that is not installed can be; a module of ours cannot."""

    def missing(arguments: object) -> None:
        raise ModuleNotFoundError("No module", name=name)

    monkeypatch.setattr(evaluate_command, "run", missing)
    assert call(capsys, "evaluate", "raw", "--data", "d", "--out", "o") == (status, "", line)


def test_a_terminal_without_the_characters(tmp_path: Path) -> None:
    """A Windows code page: names in other scripts are escaped, nothing crashes."""
    folder = tmp_path / "数据"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "poseid", "synthetic", "--out", str(folder), "--people", "3"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert rb"\u6570\u636e" in done.stdout
    assert read_folder(folder).people()
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert again.returncode == 2
    assert again.stderr.startswith(b"error: ")


def test_synthetic_is_the_embedded_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(capsys, "synthetic", "--out", tmp_path / "made", "--people", "12", "--seed", "7")
    assert status == 0
    assert "synthetic people" in out
    made, want = read_folder(tmp_path / "made"), synthetic(people=12, seed=7)
    assert np.array_equal(made.video.features, want.video.features)
    assert digest(made) == digest(want)


def test_baseline_header(work: Path) -> None:
    info = read_info(work / "fitted" / "enhancer.safetensors")
    data = read_folder(work / "data")
    split = split_people(data.people(), 0)
    assert info["model"] == {"name": "ridge", "dim": 32, "sides": "probe"}
    assert info["data"] == {"name": "data", "digest": digest(data)}
    for part in ("train", "validation", "test"):
        assert info["people"][part] == hash_people(getattr(split, part), info["people"]["salt"])
    assert info["fingerprint"]["dim"] == 32
    assert json.loads((work / "fitted" / "baseline.json").read_text(encoding="utf-8")) == info
    assert not any(name in (work / "fitted" / "baseline.json").read_text(encoding="utf-8") for name in data.people())


def test_baseline_folds_and_people(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = read_folder(work / "data")
    base = ("baseline", "ridge", "--data", work / "data", "--set", "lambda=10", "--out")
    assert call(capsys, *base, tmp_path / "a", "--folds", "1,2")[0] == 0
    people = read_info(tmp_path / "a" / "enhancer.safetensors")["people"]
    split = split_by_folds(data, [1, 2], 0, 1 / 3)
    for part in ("train", "validation", "test"):
        assert people[part] == hash_people(getattr(split, part), people["salt"])
    names = write_names(tmp_path / "some.txt", data.people()[:30])
    assert call(capsys, *base, tmp_path / "b", "--people", names)[0] == 0
    people = read_info(tmp_path / "b" / "enhancer.safetensors")["people"]
    assert len(people["train"]) == 20
    assert len(people["validation"]) == 10
    assert people["test"] == []
    assert "no fold 9" in refused(capsys, *base, tmp_path / "c", "--folds", "9")
    assert "fold numbers" in refused(capsys, *base, tmp_path / "c", "--folds", "one")
    assert "no such baseline" in refused(capsys, "baseline", "rigde", "--data", work / "data", "--out", tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_evaluate_takes_the_runs_test_people(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("evaluate", work / "fitted", "--data", work / "data", "--resamples", "50", "--out")
    status, out, _ = call(capsys, *arguments, tmp_path / "a")
    assert status == 0
    assert "the 6 test people of the split" in out
    assert "verdict" in out
    summary = summary_of(tmp_path / "a")
    assert summary["model"] == "ridge"
    assert summary["sides"] == "probe"
    assert summary["data"] == "data"
    assert summary["poses_used"] is True
    assert summary["evaluation"]["people"] == 6
    assert summary["evaluation"]["bootstrap"]["resamples"] == 50
    assert set(summary["evaluation"]["protocols"]) <= {"FP", "FF"}
    assert call(capsys, *arguments, tmp_path / "b", "--no-pose")[0] == 0
    assert summary_of(tmp_path / "b")["poses_used"] is False


def test_evaluate_on_other_data_takes_everybody_it_was_not_trained_on(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same people in another folder: training and validation people are known by their salted hashes."""
    data = read_folder(work / "data")
    other = synthetic(people=5, probes=8, seed=2, dim=32)
    mixed = FeatureSet("mixed", joined(data.front, other.front), joined(data.video, other.video))
    write_folder(mixed, tmp_path / "mixed")
    arguments = ("evaluate", work / "fitted", "--data", tmp_path / "mixed", "--resamples", "0", "--out", tmp_path / "o")
    status, out, _ = call(capsys, *arguments)
    assert status == 0
    assert "the 11 people the model was not trained on" in out  # 6 test people and 5 new ones
    assert summary_of(tmp_path / "o")["evaluation"]["people"] == 11


def joined(a: Any, b: Any) -> Any:
    return type(a)(
        np.concatenate([a.features, b.features]),
        np.concatenate([a.poses, b.poses]),
        np.concatenate([a.people, b.people]),
        (*a.metadata, *b.metadata),
    )


def test_evaluate_refuses_people_it_was_trained_on(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = split_people(read_folder(work / "data").people(), 0)
    arguments = ("evaluate", work / "fitted", "--data", work / "data", "--out", tmp_path / "o", "--people")
    names = write_names(tmp_path / "train.txt", [*split.test, *split.train[:3]])
    assert "was trained on 3 of the 9 people" in refused(capsys, *arguments, names)
    names = write_names(tmp_path / "validation.txt", list(split.validation))
    assert "was chosen by 18 of the 18 people" in refused(capsys, *arguments, names)
    assert not (tmp_path / "o").exists()
    names = write_names(tmp_path / "test.txt", list(split.test))
    status, out, _ = call(capsys, *arguments, names, "--resamples", "0")
    assert status == 0
    assert "the 6 people of test.txt" in out


def test_raw_is_evaluated_on_everybody(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(
        capsys, "evaluate", "raw", "--data", work / "data", "--resamples", "20", "--out", tmp_path / "o"
    )
    assert status == 0
    assert "all 60 people" in out
    evaluation = summary_of(tmp_path / "o")["evaluation"]
    assert evaluation["verdict"] == "no effect shown"
    assert evaluation["sets"]["all"]["raw"] == evaluation["sets"]["all"]["enhanced"]
    assert evaluation["protocols"]["FP"]["raw"]["accuracy"] > 0.5


def test_a_checkpoint_finds_its_people_beside_it(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = read_folder(work / "data")
    split = split_people(data.people(), 0)
    model = {"name": "residual", "dim": 32, "rank": 4, "pose_dim": 4, "sides": "both"}
    enhancer = build("residual", {key: value for key, value in model.items() if key != "name"})
    torch.nn.init.normal_(enhancer.linear_path.weight, std=0.1)
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    state = {f"enhancer.{key}": value for key, value in enhancer.state_dict().items()} | {"decoder.x": torch.ones(1)}
    content = {"state_dict": state, "hyper_parameters": {"model": model, "lr": 1e-3}}
    checkpoint = run / "checkpoints" / "best.ckpt"
    torch.save(content, checkpoint)
    arguments = ("evaluate", checkpoint, "--data", work / "data", "--resamples", "0", "--out")
    status, out, _ = call(capsys, *arguments, tmp_path / "a")
    assert status == 0
    assert "are unknown" in out
    assert "warning" in out
    assert "never trained on" not in out
    assert summary_of(tmp_path / "a")["training_people_known"] is False
    assert summary_of(tmp_path / "a")["sides"] == "both"
    salt = digest(data)
    info = {
        "model": model,
        "sides": "both",
        "data": {"name": "data", "digest": salt},
        "people": {"salt": salt}
        | {part: hash_people(getattr(split, part), salt) for part in ("train", "validation", "test")},
    }
    save_enhancer(enhancer, info, run / "enhancer.safetensors")
    status, out, _ = call(capsys, *arguments, tmp_path / "b")
    assert status == 0
    assert "the 6 test people" in out
    x = torch.from_numpy(data.video.features[:4])
    with torch.no_grad():
        assert torch.equal(open_model(str(checkpoint)).enhancer(x).features, open_model(str(run)).enhancer(x).features)


def test_what_is_no_model(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.ckpt").write_bytes(b"no")
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    (tmp_path / "bad.txt").write_bytes(b"no")
    for text, message in (
        (tmp_path / "empty", "holds no enhancer.safetensors"),
        (tmp_path / "none", "no such file"),
        (tmp_path / "bad.ckpt", "not a checkpoint"),
        (tmp_path / "bad.safetensors", "not a readable safetensors"),
        (tmp_path / "bad.txt", "is no MODEL"),
        ("ridge", "poseid baseline ridge"),
    ):
        assert message in refused(capsys, "evaluate", text, "--data", work / "data", "--out", tmp_path / "o")


def test_bad_input_is_one_line(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start = ("evaluate", work / "fitted", "--out", tmp_path / "o", "--data")
    write_folder(synthetic(people=12, dim=16), tmp_path / "small")
    assert "vectors of 32 numbers" in refused(capsys, *start, tmp_path / "small")
    names = write_names(tmp_path / "names.txt", ["nobody at all"])
    assert "nobody in the data" in refused(capsys, *start, work / "data", "--people", names)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("protocol,fold,a,b,same\nFP,1,front:0,video:999999,1\n", encoding="utf-8")
    assert "does not exist" in refused(capsys, *start, work / "data", "--pairs", pairs)
    write_folder(synthetic(people=1, dim=32), tmp_path / "alone")
    assert "needs at least 2" in refused(capsys, *start, tmp_path / "alone")
    assert "does not exist" in refused(capsys, *start, tmp_path / "nowhere")
    assert not (tmp_path / "o").exists()


def test_pairs_from_a_file(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = read_folder(work / "data")
    same = int(np.flatnonzero(data.video.people == data.front.people[0])[0])
    other = int(np.flatnonzero(data.video.people != data.front.people[0])[0])
    pairs = tmp_path / "mine.csv"
    lines = [f"MINE,{fold},front:0,video:{row},{truth}" for fold in (1, 2) for row, truth in ((same, 1), (other, 0))]
    pairs.write_text("\n".join(["protocol,fold,a,b,same", *lines]) + "\n", encoding="utf-8")
    arguments = (
        "evaluate",
        "raw",
        "--data",
        work / "data",
        "--resamples",
        "0",
        "--pairs",
        pairs,
        "--out",
        tmp_path / "o",
    )
    assert call(capsys, *arguments)[0] == 0
    assert set(summary_of(tmp_path / "o")["evaluation"]["protocols"]) == {"MINE"}


def test_output_appears_whole_or_not_at_all(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine", encoding="utf-8")
    arguments = ("evaluate", "raw", "--data", work / "data", "--resamples", "0", "--out")
    assert "not empty" in refused(capsys, *arguments, full)
    assert "no directory" in refused(capsys, *arguments, full / "mine.txt")
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert call(capsys, *arguments, empty)[0] == 0
    assert (empty / "summary.json").is_file()

    def broken(*arguments: object) -> None:
        Path(str(arguments[-1])).joinpath("half.txt").write_text("half", encoding="utf-8")
        raise RuntimeError("disk")

    monkeypatch.setattr("poseid.verification.report.write_report", broken)
    assert call(capsys, *arguments, tmp_path / "gone")[0] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]


def test_compare(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = call(
        capsys,
        *("compare", "raw", "ridge:lambda=10", work / "fitted", "wccn", "--data", work / "data"),
        *("--resamples", "50", "--out", tmp_path / "o"),
    )
    assert status == 0
    report = json.loads((tmp_path / "o" / "compare.json").read_text(encoding="utf-8"))
    assert report["people"] == 6
    assert report["against"] == "ridge:lambda=10"
    by_name = {model["name"]: model for model in report["models"]}
    assert list(by_name) == ["raw", "ridge:lambda=10", str(work / "fitted"), "wccn"]
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
    assert markdown.count("\n| ") == 5 + 5 + 4 + 4  # heads and rows of four tables


def test_compare_says_the_same_as_evaluate(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", work / "data", "--resamples", "40", "--seed", "3", "--out")
    assert call(capsys, "compare", "raw", work / "fitted", *data, tmp_path / "c")[0] == 0
    assert call(capsys, "evaluate", work / "fitted", *data, tmp_path / "e")[0] == 0
    block = summary_of(tmp_path / "e")["evaluation"]
    row = json.loads((tmp_path / "c" / "compare.json").read_text(encoding="utf-8"))["models"][1]
    headline = block["sets"][block["headline"]]
    assert row["eer"] == {"value": headline["enhanced"]["eer"], "ci95": headline["enhanced"]["eer_ci95"]}
    assert row["against_raw"]["eer"] == {
        "value": headline["difference"]["eer"]["mean"],
        "ci95": headline["difference"]["eer"]["ci95"],
    }
    fixed = headline["fixed_threshold"]["1e-2"]
    assert row["against_raw"]["fnmr_at_raw_threshold_1e-2"] == {
        "value": fixed["fnmr_difference"],
        "ci95": fixed["fnmr_difference_ci95"],
    }
    assert (row["verdict"], row["reason"]) == (block["verdict"], block["reason"])


def test_compare_folds(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ("compare", "raw", "ridge:lambda=10")
    rest = ("--folds", "--data", work / "data", "--resamples", "20", "--out")
    assert "whose own test people are folds 1,2" in refused(capsys, *base, work / "fitted", *rest, tmp_path / "x")
    for folds in ("1,2", "3,4", "5"):
        fit = ("baseline", "ridge", "--data", work / "data", "--set", "lambda=10", "--folds", folds)
        assert call(capsys, *fit, "--out", tmp_path / "each" / folds.replace(",", "-"))[0] == 0
    assert call(capsys, *base, tmp_path / "each", *rest, tmp_path / "o")[0] == 0
    report = json.loads((tmp_path / "o" / "compare.json").read_text(encoding="utf-8"))
    assert [split["name"] for split in report["splits"]] == ["folds 1,2", "folds 3,4", "folds 5"]
    assert report["people"] == 60
    fitted_here, fitted_before = report["models"][1:]
    # fitted anew on each split, or once beforehand and found by whose test people they are: the same
    assert fitted_here["eer"] == fitted_before["eer"]
    assert fitted_here["fitted_here"]
    assert not fitted_before["fitted_here"]
    shutil.rmtree(tmp_path / "each" / "5")
    assert "folds 5" in refused(capsys, *base, tmp_path / "each", *rest, tmp_path / "y")


def test_compare_refuses(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rest = ("--data", work / "data", "--out", tmp_path / "o")
    assert "is not among the MODELs" in refused(capsys, "compare", "raw", "ridge", "--against", "wccn", *rest)
    assert "takes no such option" in refused(capsys, "compare", "raw", "ridge:lamda=10", *rest)
    names = write_names(tmp_path / "all.txt", read_folder(work / "data").people())
    assert "was trained on 36" in refused(capsys, "compare", "raw", work / "fitted", "--people", names, *rest)
    assert "0 people outside" in refused(capsys, "compare", "raw", "ridge", "--people", names, *rest)
    plain = synthetic(people=12, dim=32)
    write_folder(FeatureSet("plain", plain.front, plain.video), tmp_path / "plain")
    err = refused(capsys, "compare", "raw", "--folds", "--data", tmp_path / "plain", "--out", tmp_path / "o")
    assert "has no pairs.csv" in err
    assert not (tmp_path / "o").exists()
