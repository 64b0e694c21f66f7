"""A directory belongs to one run, and a run to its data."""

from __future__ import annotations

import copy
import json
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import train
from poseid.errors import InputError
from poseid.features.folder import write_folder
from poseid.features.rows import FeatureSet, Rows
from poseid.features.synthetic import synthetic
from poseid.training.command import quiet_libraries
from poseid.training.data_record import data_record
from poseid.training.run_directory import reserve
from tests.training.small import loaded_data

BRIEF = [
    *("max_epochs=1", "batch_size=16", "logger=none", "threads=1", "resamples=100"),
    *("trainer.progress_bar=false", "trainer.accelerator=cpu"),
]
DATA = ["data=folder", "data.dim=16", "data.dir=data"]
BY_YEAR = "hydra.run.dir=m/${now:%Y}"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder ``data``, a folder ``other`` with other vectors and one other pose, and a run in ``m/YEAR``."""
    here = tmp_path_factory.mktemp("finished")
    write_folder(synthetic(people=12, probes=4, seed=1, dim=16), here / "data")
    shutil.copytree(here / "data", here / "other")
    vectors = np.load(here / "data" / "video_feature.npy")
    np.save(here / "other" / "video_feature.npy", vectors[:, ::-1].copy())
    metadata = json.loads((here / "other" / "video_metadata.json").read_text(encoding="utf-8"))
    metadata["poses"][-1] = [1, 2, 3]
    (here / "other" / "video_metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(here)
        patched.setattr(sys, "argv", ["train.py"])
        assert train.main([*BRIEF, *DATA, BY_YEAR]) == 0
    return here


@pytest.fixture
def here(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(finished, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "argv", ["train.py"])
    return tmp_path / "here"


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("directory", [BY_YEAR, "hydra.run.dir=m/${oc.env:YEAR}", "++hydra.run.dir=m/${now:%Y}"])
def test_a_refused_command_leaves_a_finished_run_as_it_was(
    directory: str, here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YEAR", next((here / "m").iterdir()).name)
    before = contents(here)
    assert train.main([*BRIEF, *DATA, "data.dir=other", directory]) == 2
    assert contents(here) == before
    assert capfd.readouterr().err.startswith("error: m")


def test_a_finished_run_without_its_checkpoints_is_not_written_over(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (run_dir,) = (here / "m").iterdir()
    shutil.rmtree(run_dir / "checkpoints")
    before = contents(here)
    assert train.main([*BRIEF, *DATA, f"hydra.run.dir={run_dir}"]) == 2
    assert contents(here) == before
    assert "holds a run already" in capfd.readouterr().err


def test_a_resume_compares_the_data_and_the_people(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (run_dir,) = (here / "m").iterdir()
    saved = {path: content for path, content in contents(run_dir).items() if path != "train.log"}
    resumed = [f"resume={run_dir}", "max_epochs=2"]
    assert train.main([*resumed, "data.dir=other"]) == 2
    assert "its vectors and poses are not those" in capfd.readouterr().err
    names = {part: f"data.{part}_people={here / part}.txt" for part in ("train", "validation", "test")}
    people = sorted({*synthetic(people=12, probes=4, seed=1, dim=16).people()})
    for part, chosen in (("train", people[:6]), ("validation", people[6:10]), ("test", people[10:])):
        (here / f"{part}.txt").write_text("\n".join(chosen), encoding="utf-8")
    assert train.main([*resumed, *names.values()]) == 2
    assert "its people are not those" in capfd.readouterr().err
    after = {path: content for path, content in contents(run_dir).items() if path != "train.log"}
    assert after == saved
    (here / "data").rename(here / "moved")
    assert train.main([*resumed, "data.dir=moved"]) == 0


def test_a_checkpoint_that_was_removed_is_one_line(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (run_dir,) = (here / "m").iterdir()
    best = run_dir / "checkpoints" / "best.ckpt"
    best.unlink()
    assert train.main([f"resume={run_dir}", "max_epochs=1"]) == 2
    assert capfd.readouterr().err == f"error: {best}: no such file\n"


def test_the_record_of_the_data_holds_every_row() -> None:
    made = loaded_data()
    many = np.resize(made.feature_set.video.features, (9000, 16)).copy()
    few = made.feature_set.video
    made.feature_set = FeatureSet("data", made.feature_set.front, Rows(
        many, np.resize(few.poses, (9000, 3)), np.resize(few.people, 9000), ({"person_name": "a"},) * 9000
    ))  # fmt: skip
    before = data_record(made)

    def changed(**parts: Any) -> set[str]:
        other = copy.copy(made)
        other.feature_set = replace(made.feature_set, video=replace(made.feature_set.video, **parts))
        return {part for part, value in data_record(other).items() if value != before[part]}

    rows, poses, people = many.copy(), made.feature_set.video.poses.copy(), made.feature_set.video.people.copy()
    rows[4501, 7] += 1
    poses[8999, 2] += 1
    people[1] = people[-1]
    ids = [{"person_name": "a", "template_id": n} for n in range(9000)]
    assert changed(features=rows) == {"vectors"}
    assert changed(poses=poses) == {"poses"}
    assert changed(people=people) == {"people"}
    assert changed(metadata=({"source": "profile/1"}, *made.feature_set.video.metadata[1:])) == {"sources"}
    assert changed(metadata=ids) == {"templates"}
    made.split = replace(made.split, test=made.split.validation, validation=made.split.test)
    assert changed() == {"people"}


def test_two_starts_within_one_second_have_two_directories(tmp_path: Path) -> None:
    taken = [reserve(tmp_path / "12-00-00", chosen=False).name for _ in range(3)]
    assert taken == ["12-00-00", "12-00-00-2", "12-00-00-3"]
    reserve(tmp_path / "mine", chosen=True)
    with pytest.raises(InputError, match="holds a run already"):
        reserve(tmp_path / "mine", chosen=True)
    assert not (tmp_path / "mine-2").exists()


@pytest.mark.parametrize("mode", ["dryrun", "", "Online"])
def test_a_wrong_wandb_mode_is_named(
    mode: str, here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", mode)
    assert train.main([*BRIEF, *DATA, "logger=wandb"]) == 2
    err = capfd.readouterr().err
    assert err.startswith("error: WANDB_MODE (")
    assert err.endswith(f"got {mode!r}\n")
    assert train.main([*BRIEF, *DATA, "logger=wandb", "logger.mode=live"]) == 2
    assert capfd.readouterr().err.startswith("error: logger.mode: ")


def test_remarks_about_what_was_asked_for_are_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    quiet_libraries()
    for device in ("GPU", "MPS", "TPU"):
        warnings.warn(f"{device} available but not used. You can set it by ...", stacklevel=1)
    warnings.warn("something else", stacklevel=1)
    assert [str(warning.message) for warning in recwarn] == ["something else"]
