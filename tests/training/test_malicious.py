"""Files from other people: nothing in a checkpoint or a run directory is ever executed."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

import train
from poseid.cli import main as poseid_main
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from tests.short_runs import SHORT


class Trap:
    """Leaves a file behind when a pickle that holds it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(autouse=True)
def _faces(own_directory: None) -> None:
    write_folder(synthetic(people=8, dim=64, seed=1), Path("faces"))


def write_malicious(kind: str, good: Path, path: Path) -> Path:
    """Writes a malicious checkpoint; returns what its trap would leave behind."""
    trap = path.parent / "sprung"
    content = torch.load(good, weights_only=True)
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap(trap)))
    elif kind == "in the weights":
        torch.save({**content, "state_dict": {**content["state_dict"], "x": Trap(trap)}}, path)
    elif kind == "in the hyper-parameters":
        torch.save({**content, "hyper_parameters": {**content["hyper_parameters"], "model": Trap(trap)}}, path)
    elif kind == "in a callback's state":
        torch.save({**content, "callbacks": Trap(trap)}, path)
    elif kind == "instead of the archive's pickle":
        torch.save(content, path)
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, part in parts.items():
                archive.writestr(name, pickle.dumps(Trap(trap)) if name.endswith("data.pkl") else part)
    return trap


@pytest.mark.parametrize(
    "kind",
    [
        "pickle",
        "in the weights",
        "in the hyper-parameters",
        "in a callback's state",
        "instead of the archive's pickle",
    ],
)
def test_a_checkpoint_that_would_execute_is_refused_by_every_door(
    kind: str, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.ckpt"
    trap = write_malicious(kind, finished_run / "checkpoints" / "last.ckpt", path)
    parted = tmp_path / "parted"
    for part in (".hydra", "checkpoints"):
        (parted / part).mkdir(parents=True)
    for file in ("overrides.yaml", "hydra.yaml"):
        (parted / ".hydra" / file).write_bytes((finished_run / ".hydra" / file).read_bytes())
    (parted / "checkpoints" / "last.ckpt").write_bytes(path.read_bytes())
    doors = {
        "resume": lambda: train.main(["resume=parted"]),
        "ckpt_path": lambda: train.main([*SHORT, "logger=csv", "hydra.run.dir=a", "ckpt_path=evil.ckpt"]),
        "init_from": lambda: train.main([*SHORT, "logger=csv", "hydra.run.dir=b", "init_from=evil.ckpt"]),
        "evaluate": lambda: poseid_main(["evaluate", "evil.ckpt", "--data", "faces", "--out", "report"]),
    }
    for door, enter in doors.items():
        assert enter() == 2, door
        error = capsys.readouterr().err.strip()
        assert error.startswith("error: "), door
        assert "not a checkpoint of poseid, or damaged" in error
        assert "\n" not in error
        assert not trap.exists(), door
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("model", [{"_target_": "os.mkdir", "path": "sprung"}, {"name": "os.mkdir", "path": "sprung"}])
def test_only_our_own_classes_are_made_whatever_a_checkpoint_names(
    model: dict[str, str], finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = torch.load(finished_run / "checkpoints" / "last.ckpt", weights_only=True)
    ours = content["hyper_parameters"]["model"]
    for number, named in enumerate((model, {**ours, **model}, {**model, "name": ours["name"]})):
        content["hyper_parameters"]["model"] = named
        torch.save(content, tmp_path / f"{number}.ckpt")
        arguments = ["evaluate", f"{number}.ckpt", "--data", "faces", "--out", "report"]
        # An option too many is refused even where the rest is right.
        assert poseid_main(arguments) == 2, named
        assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "line",
    [
        "+hydra.callbacks.evil._target_=os.mkdir",
        "hydra/launcher=evil",
        "~hydra.sweep",
        "--config-dir=evil",
        "-m",
        "+model@hydra.callbacks.evil=residual",
        "+data._target_=os.mkdir",
    ],
)
def test_a_run_directory_of_somebody_else_sets_keys_of_a_run_alone(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "parted" / ".hydra" / "overrides.yaml"
    saved.parent.mkdir(parents=True)
    saved.write_text(f"- max_epochs=1\n- '{line}'\n", encoding="utf-8")
    assert train.main(["resume=parted"]) == 2
    assert "is no key of a run" in capsys.readouterr().err


def test_a_checkpoint_without_the_state_of_a_training_is_refused(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = torch.load(finished_run / "checkpoints" / "last.ckpt", weights_only=True)
    wrong: dict[str, Any] = {"optimizer_states": [{"state": {}, "param_groups": []}], "loops": {}, "epoch": "0"}
    for key, value in wrong.items():
        torch.save({**content, key: value}, "damaged.ckpt")
        assert train.main([*SHORT, "logger=csv", "hydra.run.dir=a", "ckpt_path=damaged.ckpt"]) == 2
        assert "no state of a training that could go on" in capsys.readouterr().err
