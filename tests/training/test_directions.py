"""What a user turns moves what ships, in the direction that its name says."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import poseid
import train
from poseid.features.synthetic import synthetic
from poseid.training.config import check_config
from poseid.training.run import run_training
from poseid.training.run_directory import RunContext
from tests.short_runs import summary

CONF = Path(__file__).resolve().parents[2] / "conf"
QUIET = ["logger=none", "threads=1", "resamples=100", "trainer.progress_bar=false", "trainer.accelerator=cpu"]
SHORT = [
    *["data.synthetic_people=120", "data.dim=64", "data.split_seed=3", "seed=1"],
    *["max_epochs=6", "batch_size=512", "lr=1e-4", "weight_decay=0.05", "warmup_epochs=1", "network_after=3"],
    *["callbacks.early_stopping=false", "callbacks.diagnosis.every_n_epochs=0"],
]
WEIGHTS = {
    **{"id": 2.0, "pose": 0.05, "ortho": 0.01, "contrast": 2.0, "reconstruction": 0.0},
    **{"similarity_protection": 4.0, "impostor_protection": 2.0, "detection": 5.0},
}
RATES = {
    **{"bias": 0.001, "strength": 0.01, "ridge": 0.01, "ridge_power": 0.01, "length_power": 0.01, "shape": 0.01},
    **{"metric_power": 0.004, "quality": 0.0003},
    **{"gate_slope": 0.003, "gate_centre": 0.1, "gate_full": 0.0, "gate_unknown": 0.01},
}


def validation(run_dir: Path, **factors: float) -> dict[str, Any]:
    """The validation block of a run with some of the weights multiplied."""
    weights = [f"lambda_{name}={weight * factors.get(name, 1.0)}" for name, weight in WEIGHTS.items()]
    rates = [f"model.phi.{name}.lr={rate}" for name, rate in RATES.items()]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", [*SHORT, *QUIET, *weights, *rates]), resolve=True)
    assert isinstance(config, dict)
    resolved = {str(key): value for key, value in config.items()}
    check_config(resolved)
    context = RunContext(run_dir, "run", None, [], evaluate_test=False)
    found = run_training(resolved, context)
    assert found is not None
    block: dict[str, Any] = found["validation"]
    return block


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One run as it is, and one for each weight that is turned up."""
    place = tmp_path_factory.mktemp("directions")
    turned = {"similarity_protection": 5.0, "impostor_protection": 5.0, "id": 3.0}
    return {
        "as it is": validation(place / "base"),
        **{name: validation(place / name, **{name: factor}) for name, factor in turned.items()},
    }


def at_the_untouched_threshold(block: dict[str, Any]) -> dict[str, Any]:
    """Of the system in use: raw's threshold for FMR 1e-2."""
    entry: dict[str, Any] = block["sets"]["frontal_profile"]["fixed_threshold"]["1e-2"]
    return entry


def test_more_similarity_protection_refuses_fewer_pairs(blocks: dict[str, dict[str, Any]]) -> None:
    base, turned = blocks["as it is"], blocks["similarity_protection"]
    assert turned["improvement"]["mean"] > base["improvement"]["mean"] + 0.0005
    fnmr = [at_the_untouched_threshold(block)["enhanced"]["fnmr"] for block in (turned, base)]
    assert fnmr[0] < fnmr[1] - 0.001


def test_more_impostor_protection_lets_fewer_impostors_in(blocks: dict[str, dict[str, Any]]) -> None:
    ratio = [at_the_untouched_threshold(blocks[name])["fmr_ratio"] for name in ("impostor_protection", "as it is")]
    assert ratio[0] < ratio[1] - 0.01


def test_more_identity_brings_photos_of_one_person_closer(blocks: dict[str, dict[str, Any]]) -> None:
    turned, base = (blocks[name]["improvement"]["mean"] for name in ("id", "as it is"))
    assert turned > base + 0.0003


@pytest.mark.usefixtures("own_directory")
def test_six_jobs_over_loss_weights_are_six_enhancers() -> None:
    tiny = ["data.synthetic_people=60", "data.dim=32", "max_epochs=3", "callbacks.diagnosis.every_n_epochs=0"]
    jobs = ["-m", "loss=before,after", "lambda_id=1,2,3", "hydra.sweep.dir=jobs"]
    assert train.main([*jobs, *tiny, *QUIET]) == 0
    probes = synthetic(people=20, dim=32, seed=9).video
    enhanced, improvement = [], []
    for number in range(6):
        run_dir = Path("jobs", str(number))
        enhanced.append(poseid.load(run_dir).enhance(probes.features, probes.poses))
        improvement.append(summary(run_dir)["validation"]["improvement"]["mean"])
    length = np.linalg.norm(probes.features, axis=1)
    for one, other in itertools.combinations(enhanced, 2):
        assert (np.linalg.norm(one - other, axis=1) / length).max() > 1e-3
    assert len(set(improvement)) == 6
