"""``train.py cv=K``: the folds, the model of everybody, going on, jobs of a multirun, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lightning as L
import pytest
import torch

import train
from poseid import cli
from poseid.enhancers.people import recorded_people
from poseid.enhancers.saving import read_info
from poseid.features.folder import read_folder, write_folder
from poseid.features.rows import FeatureSet
from poseid.features.synthetic import synthetic
from poseid.training.callbacks import MetricsFile
from tests.cli.caller import Caller
from tests.short_runs import summary

SHORT = [
    *("data=folder", "data.dim=32", "max_epochs=2", "batch_size=64", "threads=1", "resamples=100", "logger=csv"),
    *("trainer.progress_bar=false", "trainer.accelerator=cpu", "trainer.limit_train_batches=2"),
    "callbacks.diagnosis.every_n_epochs=0",
]
MADE_AT_THE_END = ("enhancer.safetensors", "metrics.csv", "report/summary.json", "report/report.html")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature folder of 24 people without pairs.csv."""
    directory = tmp_path_factory.mktemp("cv")
    made = synthetic(people=24, probes=8, seed=1, dim=32)
    write_folder(FeatureSet("data", made.front, made.video), directory / "data")
    return directory


def call(here: Path, *overrides: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        patch.setattr(sys, "argv", ["train.py"])
        return train.main([*overrides])


def run(here: Path, *overrides: str) -> int:
    return call(here, *SHORT, "data.dir=data", *overrides)


@pytest.fixture(scope="module")
def whole(here: Path) -> Path:
    assert run(here, "cv=3", "hydra.run.dir=whole") == 0
    return here / "whole"


def test_every_fold_is_a_run_and_everybody_is_tested_once(here: Path, whole: Path) -> None:
    people = read_folder(here / "data").people()
    tested: list[str] = []
    for fold in range(3):
        directory = whole / f"fold_{fold}"
        for file in (*MADE_AT_THE_END, "finished.json", "checkpoints/best.ckpt", "checkpoints/last.ckpt"):
            assert (directory / file).is_file(), file
        parts = recorded_people(read_info(directory / "enhancer.safetensors"), people)
        assert parts is not None
        assert set.union(*parts.values()) == set(people)
        assert sum(map(len, parts.values())) == len(people)
        tested += parts["test"]
        assert summary(directory)["test"]["people"] == 8
        assert summary(directory)["test"]["bootstrap"]["seed"] == fold
    assert sorted(tested) == people


def test_the_model_of_everybody_is_judged_by_its_folds(here: Path, whole: Path) -> None:
    for file in (*MADE_AT_THE_END, "finished.json"):
        assert (whole / file).is_file(), file
    said, info = summary(whole), read_info(whole / "enhancer.safetensors")
    parts = recorded_people(info, read_folder(here / "data").people())
    assert parts is not None
    assert {name: len(part) for name, part in parts.items()} == {"train": 16, "validation": 8, "test": 0}
    folds = [summary(whole / f"fold_{fold}") for fold in range(3)]
    assert said["test"] is None
    assert said["cross_validation"].keys() == folds[0]["test"].keys()
    assert said["cross_validation"]["people"] == 24
    mean = sum(fold["test"]["sets"]["all"]["enhanced"]["eer"] for fold in folds) / 3
    assert said["cross_validation"]["sets"]["all"]["enhanced"]["eer"] == pytest.approx(mean, abs=1e-12)
    mean = sum(fold["validation"]["sets"]["all"]["enhanced"]["eer"] for fold in folds) / 3
    assert said["validation"]["sets"]["all"]["enhanced"]["eer"] == pytest.approx(mean, abs=1e-12)
    assert [fold["verdict"] for fold in said["folds"]] == [fold["test"]["verdict"] for fold in folds]
    for key in ("epochs", "strength", "bias_shift"):
        assert said[key] == sorted(fold[key] for fold in folds)[1]
    assert info["report"]["people"] == "cross_validation"
    assert info["report"]["verdict"] == said["cross_validation"]["verdict"]
    assert "Judged by 3 folds" in info["report"]["judged_by"]
    assert "validation" not in info["report"]
    page = (whole / "report" / "report.html").read_text(encoding="utf-8")
    assert "24 out-of-fold test people" in page
    assert "Judged by 3 folds" in page
    assert "each tested by a model that had never seen them" in page
    assert "100 resamples of people, in each fold with a seed of its own<" in page
    assert "Not judged" not in page
    assert "alidation people" not in page.replace("training and validation people", "")
    assert all(page.count(f'<th scope="row">{fold}</th><td>8</td>') == 1 for fold in range(3))


def test_evaluate_refuses_its_people_and_compare_takes_its_folds(
    here: Path, whole: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    poseid = Caller(capsys)
    data = ("--data", "data", "--out")
    assert "was trained on or chosen by all 24 people" in poseid.refused("evaluate", "whole", *data, "e")
    block = summary(whole)["cross_validation"]
    same = ("--cv", "3", "--resamples", block["bootstrap"]["resamples"])
    said = poseid.done("compare", "raw", "whole", "mean_subtraction", "ridge", *same, *data, "c").splitlines()
    tables = said[said.index("figures") : next(n for n, line in enumerate(said) if line.startswith("left out: "))]
    assert max(map(len, tables)) <= 100
    compared = json.loads(Path("c/compare.json").read_text(encoding="utf-8"))
    headline = block["sets"][block["headline"]]
    model = compared["models"][1]
    assert model["eer"] == {"value": headline["enhanced"]["eer"], "ci95": headline["enhanced"]["eer_ci95"]}
    change = headline["difference"]["eer"]
    assert model["against_raw"]["eer"] == {"value": change["mean"], "ci95": change["ci95"]}
    assert (model["verdict"], model["reason"]) == (block["verdict"], block["reason"])
    assert compared["people"] == 24
    assert "has no model for each of these 4 folds" in poseid.refused("compare", "whole", "--cv", "4", *data, "d")
    assert "30 folds of 24 people" in poseid.refused("compare", "raw", "--cv", "30", *data, "d")
    assert cli.main(["export", "whole", "--out", "whole.onnx"]) == 0


def test_stopped_in_a_fold_it_goes_on_and_ends_in_the_same_bytes(
    here: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, starts = MetricsFile.on_train_epoch_end, []

    def stop(callback: MetricsFile, trainer: L.Trainer, module: L.LightningModule) -> None:
        starts.append(trainer.current_epoch)
        if len(starts) == 4:  # in the second epoch of the second fold
            raise KeyboardInterrupt
        original(callback, trainer, module)

    with monkeypatch.context() as patch:
        patch.setattr(MetricsFile, "on_train_epoch_end", stop)
        assert run(here, "cv=3", "hydra.run.dir=stopped") == 130
    stopped = here / "stopped"
    assert not (stopped / "enhancer.safetensors").exists()
    kept = (stopped / "fold_0" / "finished.json").stat().st_mtime_ns
    assert run(here, "cv=3", "hydra.run.dir=stopped") == 2  # it holds a run
    assert call(here, "resume=stopped", "cv=4") == 2  # other people
    assert call(here, "resume=stopped") == 0
    assert (stopped / "fold_0" / "finished.json").stat().st_mtime_ns == kept
    for directory in ("", "fold_0", "fold_1", "fold_2"):
        for file in ("enhancer.safetensors", "metrics.csv", "report/summary.json", "report/det.png"):
            assert (stopped / directory / file).read_bytes() == (whole / directory / file).read_bytes(), (
                directory,
                file,
            )
    assert call(here, "resume=stopped") == 0  # finished
    assert call(here, "resume=stopped/fold_1", "max_epochs=3") == 2
    assert "is a fold of a cross-validation: give resume=" in capsys.readouterr().err


def test_jobs_of_a_multirun_are_compared_on_validation_people_alone(here: Path) -> None:
    sweep = [*SHORT, "data.dir=data", "cv=2", "lambda_id=1,3", "max_epochs=1", "hydra.sweep.dir=sweep"]
    assert call(here, "-m", *sweep) == 0
    job = here / "sweep" / "1"
    said, folds = summary(job), [summary(job / f"fold_{fold}") for fold in range(2)]
    assert said["test"] is None
    assert said["cross_validation"] is None
    assert not list(job.rglob("test.npz"))
    assert [fold["test"] for fold in folds] == [None, None]
    key = ("sets", "frontal_profile", "enhanced", "eer")
    values = []
    for block in (said["validation"], *(fold["validation"] for fold in folds)):
        for name in key:
            block = block[name]
        values.append(block)
    assert values[0] == pytest.approx((values[1] + values[2]) / 2, abs=1e-12)
    assert "no confidence intervals" in said["validation"]["verdict"]
    assert said["judged_by"].startswith("Trained in 2 folds, whose test people were not evaluated. ")


def test_one_fold_alone_is_the_fold_of_the_whole(here: Path, whole: Path) -> None:
    assert run(here, "cv=3", "fold=2", "hydra.run.dir=alone") == 0
    one, other = (summary(directory)["test"] for directory in (here / "alone", whole / "fold_2"))
    assert one == other


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["cv=1"], "cv: should be greater than or equal to 2, got 1"),
        (["cv=3.5"], "cv: should be a valid integer"),
        (["cv=13"], "cv: 13 folds of 24 people: take from 2 to 12"),
        (["cv=2", "data.folds=[1]"], "data.folds: cv=2 chooses the test people by itself"),
        (["cv=2", "data.test_people=a.txt"], "data.test_people: cv=2 chooses the test people by itself"),
        (["fold=1"], "fold: 1 of no cross-validation"),
        (["cv=3", "fold=3"], "fold: should be from 0 to 2, got 3"),
        (["cv=3", "trainer.devices=2"], "trainer.devices: folds train in one process each"),
        (["cv=3", "init_from=whole/enhancer.safetensors"], "init_from: its weights have seen people"),
        (["cv=3", "sweep=optuna"], "sweep: optuna searches settings; add -m"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_is_refused_in_one_line(
    here: Path, overrides: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(here, *overrides, "hydra.run.dir=refused") == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith(f"error: {line}")
    assert "\n" not in error
    assert not list((here / "refused").glob("fold_*"))


@pytest.mark.slow
def test_folds_side_by_side_end_in_the_same_figures(here: Path, whole: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    assert run(here, "cv=3", "sweep=joblib", "hydra.launcher.n_jobs=2", "hydra.run.dir=together") == 0
    one, other = summary(here / "together"), summary(whole)
    assert one["cross_validation"] == other["cross_validation"]
    assert one["folds"] == other["folds"]
    assert not (here / "together" / "fold_1" / ".hydra").exists()


@pytest.mark.slow
def test_folds_that_are_refused_side_by_side_leave_nothing(here: Path) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    refused = ["cv=3", "sweep=joblib", "trainer.accelerator=mps", "hydra.run.dir=refused"]
    assert run(here, *refused) == (2 if not torch.backends.mps.is_available() else 0)
    assert (here / "refused").exists() == torch.backends.mps.is_available()
