"""A study that goes on: directions from the objective, trials that were killed, other draws, other search spaces."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from poseid.errors import InputError
from poseid.sweeps.multirun import JOB_NUMBER, prepare, prepare_study
from poseid.sweeps.plan import read_plan

optuna = pytest.importorskip("optuna")
pytest.importorskip("hydra_plugins.hydra_optuna_sweeper")
WANTED = ["minimize", "maximize"]


def sweeper(directory: Path, **keys: Any) -> DictConfig:
    values = {
        "sampler": {"seed": 3},
        "direction": "minimize",
        "storage": f"sqlite:///{directory / 'optuna.db'}",
        "study_name": "sweep",
        "n_jobs": 1,
        "params": {"lambda_id": "choice(0, 1, 3)"},
    }
    return OmegaConf.create({**values, **keys})


def begun(directory: Path) -> DictConfig:
    """The sweeper's configuration of a study with one trial that is complete and one that was killed."""
    config = sweeper(directory)
    prepare_study(config, [], WANTED, directory)
    assert list(config.direction) == ["minimize", "maximize"]
    assert config.sampler.seed == 3
    study = optuna.create_study(study_name="sweep", storage=config.storage, directions=list(config.direction))
    for _ in range(2):
        trial = study.ask({"lambda_id": optuna.distributions.CategoricalDistribution((0, 1, 3))})
    study.tell(0, [0.1, 0.2])
    assert trial.number == 1
    return sweeper(directory)


def test_a_killed_trial_counts_as_failed_and_the_search_draws_on(tmp_path: Path) -> None:
    config = begun(tmp_path)
    assert prepare_study(config, [], WANTED, tmp_path) == 2
    study = optuna.load_study(study_name="sweep", storage=config.storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL"]
    assert config.sampler.seed == 5


def test_other_directions_or_other_values_are_refused_and_narrower_ones_are_not(tmp_path: Path) -> None:
    config = begun(tmp_path)
    with pytest.raises(InputError, match="objective: the study in .* other directions"):
        prepare_study(sweeper(tmp_path), [], WANTED[:1], tmp_path)
    with pytest.raises(InputError, match="lambda_id: the study in this directory searches other values"):
        prepare_study(sweeper(tmp_path), ["lambda_id=1,2"], WANTED, tmp_path)
    study = optuna.load_study(study_name="sweep", storage=config.storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "RUNNING"]  # a refusal changes nothing
    prepare_study(sweeper(tmp_path), ["lambda_id=1", "lr=1e-3,1e-4"], WANTED, tmp_path)


def test_no_trials_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="hydra.sweeper.n_jobs: expected at least 1"):
        prepare_study(sweeper(tmp_path, n_jobs=-1), [], WANTED, tmp_path)


def test_a_trial_that_was_killed_before_it_had_a_directory_keeps_its_number(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "0").mkdir()  # of the trial that is complete
    node = {
        "sweeper": {**sweeper(tmp_path), "n_trials": 10},
        "sweep": {"dir": str(tmp_path), "subdir": JOB_NUMBER},
        "overrides": {"task": ["lambda_id=0,1,3"], "hydra": []},
    }
    config = OmegaConf.create({"hydra": node, "objective": ["minimize improvement.mean", "maximize similarity.raw"]})
    assert prepare(config) == 2
    plan = read_plan(tmp_path)
    assert (plan.trials, plan.first_job, plan.task) == (10, 2, ("lambda_id=0,1,3",))
