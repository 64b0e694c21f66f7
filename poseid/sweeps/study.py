"""Optuna's study of a sweep: it follows the objective, and goes on where an earlier call stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from poseid.errors import InputError


def prepare_study(sweeper: DictConfig, overrides: list[str], wanted: list[str], sweep_dir: Path) -> int:
    """Readies the sweeper's configuration and, where there is one, the study that it goes on with.

    A trial that was running when an earlier call was killed counts as failed, and the search's seed moves on by the
    trials that are there: it would draw the same ones again. One call at a time may work on a study.

    Args:
        sweeper: ``hydra.sweeper``, changed in place; nothing is to be done for a plain grid.
        overrides: of the call, which with ``sweeper.params`` say what is searched.
        wanted: directions, ``minimize`` or ``maximize`` for each objective.
        sweep_dir: made where it is not there, since the study's file comes before the first job.

    Returns:
        How many trials the study has, whatever became of them.

    Raises:
        InputError: trials at once below 1; the study has other directions or searches other values.
    """
    sweep_dir.mkdir(parents=True, exist_ok=True)
    if "study_name" not in sweeper:
        return 0
    sweeper.direction = wanted
    if sweeper.n_jobs < 1:
        raise InputError(f"hydra.sweeper.n_jobs: expected at least 1 trial at once, got {sweeper.n_jobs}")
    if sweeper.storage is None or sweeper.study_name is None:
        return 0
    import optuna

    names = [study.study_name for study in optuna.get_all_study_summaries(sweeper.storage)]
    if sweeper.study_name not in names:
        return 0
    study = optuna.load_study(study_name=sweeper.study_name, storage=sweeper.storage)
    if [direction.name.lower() for direction in study.directions] != wanted:
        raise InputError(
            f"objective: the study in {sweep_dir} was begun with other directions; "
            "keep its objective, or give another hydra.sweep.dir"
        )
    trials = study.get_trials(deepcopy=False)
    check_space(trials, [f"{key}={value}" for key, value in (sweeper.params or {}).items()] + overrides)
    for trial in trials:
        if trial.state == optuna.trial.TrialState.RUNNING:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    if sweeper.sampler.get("seed") is not None:
        sweeper.sampler.seed += len(trials)
    return len(trials)


def check_space(trials: list[Any], overrides: list[str]) -> None:
    """Refuses to search a key over other values than earlier trials did, which Optuna cannot."""
    from hydra_plugins.hydra_optuna_sweeper._impl import create_params_from_overrides
    from optuna.distributions import check_distribution_compatibility

    space, _ = create_params_from_overrides(overrides)
    for trial in trials:
        for key in space.keys() & trial.distributions.keys():
            try:
                check_distribution_compatibility(trial.distributions[key], space[key])
            except ValueError:
                raise InputError(
                    f"{key}: the study in this directory searches other values of it; "
                    "keep them, or give another hydra.sweep.dir"
                ) from None
