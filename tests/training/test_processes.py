"""Which process of a training this is, and launchers that do not fit the configuration."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import train
from poseid.errors import InputError
from poseid.training.override_text import NO_LOG
from poseid.training.processes import check_processes, first_process, process_arguments
from tests.training.launchers import LINE, outside, srun, torchrun

ROOT = str(Path(train.__file__).parent)
LIGHTNING = {"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}
KUBEFLOW = {"RANK": "1", "WORLD_SIZE": "2"}
TORCHRUN_SAYS = "trainer.devices: is 2 on one machine, but torchrun started"
SLURM_MUST = "trainer.devices: is 2, so Slurm must start 2 tasks on one machine: srun --nodes=1 --ntasks-per-node=2"
BY_HAND = {**srun(2, 1), "SLURM_JOB_NAME": "interactive"}
"""Told to a process that Lightning takes for the first."""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in (*torchrun(2, 1), *srun(2, 1), *LIGHTNING):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    logging.disable(logging.NOTSET)


def tell(monkeypatch: pytest.MonkeyPatch, told: dict[str, str]) -> None:
    for name, value in told.items():
        monkeypatch.setenv(name, value)


def place_of(arguments: list[str]) -> list[str]:
    return [item for item in arguments if item.startswith("hydra.run.dir=")]


@pytest.mark.parametrize(
    ("told", "devices", "first"),
    [
        ({}, 1, True),
        ({}, 2, True),
        (torchrun(2, 0), 2, True),
        (torchrun(2, 1), 2, False),
        (srun(2, 0), 2, True),
        (srun(2, 1), 2, False),
        (LIGHTNING, 2, False),
        ({**srun(1, 0), **LIGHTNING}, 1, True),
        (srun(4, 3), 1, True),  # tasks that train by themselves
        (torchrun(4, 0, 2), 4, True),
        (torchrun(4, 2, 2), 4, False),  # the first of the second machine
        (srun(4, 2, 2), 4, False),
        (KUBEFLOW, 2, True),
        (BY_HAND, 2, True),
    ],
)
def test_which_process_is_the_first(
    told: dict[str, str], devices: int, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, told)
    assert first_process(devices) == first
    with process_arguments([f"trainer.num_nodes={devices}"]) as arguments:
        assert bool(place_of(arguments)) == (not first)
    with process_arguments([f"trainer.devices={devices}"]) as arguments:
        place = place_of(arguments)
        assert bool(place) == (NO_LOG in arguments) == (not first)
        for item in place:
            assert Path(item.partition("=")[2].strip("'")).is_dir()
    assert not any(Path(item.partition("=")[2].strip("'")).exists() for item in place)


def test_a_directory_that_was_chosen_is_kept_and_the_last_of_two_values_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, srun(2, 1))
    with process_arguments(["trainer.devices=2", "hydra.run.dir=mine"]) as arguments:
        assert [item for item in arguments if item.startswith("hydra.run.dir=")] == ["hydra.run.dir=mine"]
    with process_arguments(["trainer.devices=2", "trainer.devices=1"]) as arguments:
        assert arguments == ["trainer.devices=2", "trainer.devices=1"]


@pytest.mark.parametrize(
    ("told", "asked", "message"),
    [
        (
            torchrun(2, 0),
            (1, 1),
            "trainer.devices: is 1 on one machine, but torchrun started 2 of 2 processes here: add",
        ),
        (torchrun(3, 0), (2, 1), f"{TORCHRUN_SAYS} 3 of 3 processes here: add trainer.devices=3 trainer.num_nodes=1"),
        (
            torchrun(4, 0, 2),
            (2, 1),
            f"{TORCHRUN_SAYS} 2 of 4 processes here: add trainer.devices=2 trainer.num_nodes=2",
        ),
        (torchrun(4, 3, 4), (2, 2), "trainer.devices: is 2 on each of 2 machines (trainer.num_nodes), but torchrun"),
        (srun(4, 0), (2, 1), SLURM_MUST),
        ({"SLURM_NTASKS": "2"}, (2, 1), SLURM_MUST),
        ({**srun(2, 0), "SLURM_NTASKS_PER_NODE": "1"}, (2, 1), SLURM_MUST),
        (srun(2, 0, 2), (2, 1), SLURM_MUST),
        (srun(2, 0), (1, 2), "trainer.devices: is 1, so Slurm must start 1 tasks on each of 2 machines"),
        (
            {},
            (1, 2),
            "trainer.num_nodes: is 2, so torchrun or Slurm must start the training, on each machine: torchrun",
        ),
        (LIGHTNING, (2, 2), "trainer.num_nodes: is 2, so torchrun or Slurm must start the training"),
    ],
)
def test_another_number_of_processes_is_refused_before_anything_is_written(
    told: dict[str, str],
    asked: tuple[int, int],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(monkeypatch, told)
    devices, machines = asked
    with pytest.raises(InputError, match="trainer.devices|trainer.num_nodes"):
        check_processes(devices, machines, "cpu")
    assert train.main([f"trainer.devices={devices}", f"trainer.num_nodes={machines}", "logger=csv"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")
    assert not Path("outputs").exists()


def test_a_task_among_several_of_slurm_trains_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {name: value for name, value in srun(4, 3).items() if name != "SLURM_NTASKS_PER_NODE"}
    tell(monkeypatch, told)  # as salloc --ntasks=4 leaves it
    line = [item for item in LINE.split() if "devices" not in item]
    assert train.main([*line, "max_epochs=1", "hydra.run.dir=run"]) == 0
    assert Path("run/enhancer.safetensors").is_file()
    assert "verdict" not in Path("run/train.log").read_text(encoding="utf-8")
    assert "people: 15 train" in Path("run/train.log").read_text(encoding="utf-8")


def test_jobs_of_a_multirun_take_one_process_each(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["-m", "trainer.accelerator=cpu", "lambda_id=1,2", "logger=csv", "hydra.sweep.dir=sweep"]
    assert train.main([*line, "trainer.devices=2"]) == 2
    assert "trainer.devices and trainer.num_nodes: jobs of a multirun" in capsys.readouterr().err
    assert not Path("sweep").exists()
    assert train.main([*line, "trainer.num_nodes=2"]) == 2
    assert "and trainer.num_nodes: jobs of a multirun train in one process each" in capsys.readouterr().err
    train.main([*line, "seed=2", "trainer.devices=${seed}"])
    assert "trainer.num_nodes: jobs of a multirun train in one process each" in capsys.readouterr().out
    assert len(list(Path("sweep").glob("*/failed.json"))) == 2


def test_more_processes_than_cores_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["trainer.accelerator=cpu", "trainer.devices=4096", "logger=csv"]) == 2
    assert "trainer.devices: is 4096, but this machine has" in capsys.readouterr().err


def test_of_the_processes_of_torchrun_the_first_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(monkeypatch, torchrun(2, 1))
    assert train.main(["trainer.devices=2", "lambda_id=-1", "logger=csv"]) == 2
    assert capsys.readouterr().err == ""


def test_what_one_process_kept_to_itself_the_next_run_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as told:
        tell(told, torchrun(2, 1))
        assert train.main(["trainer.devices=2", "init_from=nowhere.ckpt", "logger=csv"]) == 2
    assert train.main(["init_from=nowhere.ckpt", "logger=csv", "hydra.run.dir=run"]) == 2
    assert not logging.root.manager.disable


def test_more_than_one_process_on_an_apple_gpu_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr("platform.processor", lambda: "arm")
    line = [item for item in LINE.split() if "accelerator" not in item]
    assert train.main([*line, "trainer.accelerator=mps", "hydra.run.dir=run"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: trainer: ")
    assert "MPS" in error or "mps" in error


def test_ctrl_c_is_for_the_first_process() -> None:
    # whoever runs the tests may ignore Ctrl-C, which commands inherit
    heard = "import signal, poseid.interrupt as i\nsignal.signal(2, signal.default_int_handler)\n"
    code = heard + "i.importing()\nprint(signal.getsignal(2) is signal.SIG_IGN)"
    for told, ignored in (({}, "False"), (LIGHTNING, "True")):
        environment = {**outside(), "PYTHONPATH": ROOT, **told}
        said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert said.stdout.strip() == ignored
