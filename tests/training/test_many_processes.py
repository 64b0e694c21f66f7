"""Two processes with half a batch each do what one process does with the whole batch."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.launchers import LINE, outside, srun, torchrun

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("ddp_worker.py")
CLOSED_FORM = ("log_ridge", "ridge_power", "length_power", "metric_power", "shape", "bias", "quality")
SIMILARITY = "enhancer.similarity.weight"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def begin(line: list[str], told: dict[str, str], port: int, place: Path) -> subprocess.Popen[str]:
    environment = {
        **outside(),
        **{"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        **{"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
    }
    return subprocess.Popen(
        [sys.executable, *line],
        cwd=place,
        env=environment | told,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What one process with 32 rows a step leaves, and each of two with 16 rows a step."""
    directory = tmp_path_factory.mktemp("ddp")
    port = free_port()
    jobs = {
        "one": begin([str(WORKER), "1", "32", str(directory / "one")], torchrun(1, 0), port, directory),
        "first": begin([str(WORKER), "2", "16", str(directory / "first")], torchrun(2, 0), port, directory),
        "second": begin([str(WORKER), "2", "16", str(directory / "second")], torchrun(2, 1), port, directory),
    }
    try:
        for name, process in jobs.items():
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, f"{name}: {output}"
    finally:
        for process in jobs.values():
            process.kill()
    return {name: torch.load(directory / name, weights_only=True) for name in jobs}


BOTH = pytest.mark.parametrize("name", ["first", "second"])
MODELS = pytest.mark.parametrize("model", ["random", "ridge"])


@BOTH
@MODELS
def test_gradients_are_those_of_the_joined_batch(results: dict[str, Any], model: str, name: str) -> None:
    one, other = results["one"][model]["gradients"], results[name][model]["gradients"]
    assert one.keys() == other.keys()
    assert {"enhancer.pose_head.layers.0.weight", "decoder.layers.weight", "enhancer.strength"} <= one.keys()
    own = {f"enhancer.closed_form.{number}" for number in CLOSED_FORM} if model == "ridge" else {SIMILARITY}
    assert own <= one.keys()
    for parameter, gradient in one.items():
        assert gradient.abs().max() > 0, parameter
        torch.testing.assert_close(other[parameter], gradient, rtol=2e-4, atol=2e-6, msg=parameter)


@BOTH
def test_phi_moves_as_in_one_process(results: dict[str, Any], name: str) -> None:
    assert results[name]["ridge"]["phi"] == pytest.approx(results["one"]["ridge"]["phi"], rel=1e-3, abs=1e-4)
    assert results["one"]["ridge"]["phi"][0] != pytest.approx(results["one"]["random"]["phi"][0])


@BOTH
@MODELS
def test_logged_losses_and_validation_figures_are_those_of_one_process(
    results: dict[str, Any], model: str, name: str
) -> None:
    one, other = results["one"][model]["metrics"], results[name][model]["metrics"]
    assert one.keys() == other.keys()
    assert {"train/loss/contrast", "train/loss/detection", "val/loss/contrast", "val/selection"} <= one.keys()
    for metric, value in one.items():
        assert other[metric] == pytest.approx(value, rel=2e-3, abs=2e-4, nan_ok=True), metric


def test_the_documented_line_trains_in_two_processes_and_says_each_thing_once(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), *LINE.split(), "hydra.run.dir=run"],
        cwd=tmp_path,
        env={**outside(), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    lines = [one for one in said.splitlines() if "run directory" not in one and one.strip()]
    assert "verdict: no effect shown" in said
    assert lines.count("people: 15 train, 7 validation, 2 test; 240 training probes") == 1
    noise = ("Warning", "GLOBAL_RANK", "recommended", "site-packages")
    assert not [one for one in lines if any(word in one for word in noise)]
    assert not list((tmp_path / "run").glob("*process*"))
    assert len((tmp_path / "run" / "metrics.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2


def test_two_agents_of_torchrun_train_over_two_machines_and_leave_one_run(tmp_path: Path) -> None:
    port = free_port()
    each = "--nnodes=2 --nproc_per_node=1 --master_addr=127.0.0.1"
    line = [*LINE.replace("trainer.devices=2", "trainer.num_nodes=2").split(), "lambda_reconstruction=0.2"]
    agents = []
    for machine in range(2):
        agent = ["-m", "torch.distributed.run", *each.split(), f"--master_port={port}", f"--node_rank={machine}"]
        agents.append(begin([*agent, str(ROOT / "train.py"), *line], {}, port, tmp_path))
    try:
        said, silent = [agent.communicate(timeout=120)[0] for agent in agents]
    finally:
        for agent in agents:
            agent.kill()
    assert [agent.returncode for agent in agents] == [0, 0], said + silent
    assert "2 processes with 32 probes each: 64 a step" in said
    assert "verdict: " in said
    assert silent == ""
    (run,) = (tmp_path / "outputs").glob("*/*")
    assert {"checkpoints", "report", "enhancer.safetensors", "finished.json"} <= {one.name for one in run.iterdir()}


@pytest.mark.parametrize(
    ("told", "machines"), [(torchrun, 1), pytest.param(srun, 1, marks=pytest.mark.slow), (srun, 2)]
)
def test_processes_begun_from_outside_at_different_times_leave_one_run(
    told: Callable[[int, int, int], dict[str, str]], machines: int, tmp_path: Path
) -> None:
    port = free_port()
    # With a weight above 0 every layer has a gradient, which torch would remark on.
    shape = f"trainer.devices={2 // machines} trainer.num_nodes={machines}"
    line = [str(ROOT / "train.py"), *LINE.replace("trainer.devices=2", shape).split(), "lambda_reconstruction=0.2"]
    first = begin(line, told(2, 0, machines), port, tmp_path)
    try:
        time.sleep(1.5)  # Hydra names directories by the second
        second = begin(line, told(2, 1, machines), port, tmp_path)
        said, silent = first.communicate(timeout=120)[0], second.communicate(timeout=120)[0]
    finally:
        first.kill()
        second.kill()
    assert (first.returncode, second.returncode) == (0, 0), said + silent
    assert "verdict: " in said
    assert "Warning" not in said
    assert silent == ""
    (run,) = (tmp_path / "outputs").glob("*/*")
    assert {"checkpoints", "report", "enhancer.safetensors", "finished.json"} <= {one.name for one in run.iterdir()}
