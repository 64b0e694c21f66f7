"""Every file under conf/ composes, and what is misspelt or of the wrong type fails before training."""

import copy
import inspect
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from poseid.enhancers.pose_transformer import AGGREGATIONS
from poseid.enhancers.registry import ENHANCERS
from poseid.errors import InputError
from poseid.sweeps.analysis import OPERATING_POINTS
from poseid.sweeps.multirun import search_space
from poseid.training.arguments import SWEEP_PLUGINS, hydra_arguments
from poseid.training.config import check_config
from poseid.training.losses import TERMS
from poseid.training.objective import check_objective
from poseid.training.schedule import SCHEDULES

CONF = Path(__file__).resolve().parents[1] / "conf"
FILES = [path.relative_to(CONF) for path in CONF.glob("*/**/*.yaml")]
CHOICES = sorted((path.parent.as_posix(), path.stem) for path in FILES if path.parts[0] != "hydra")


def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()}


@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=[f"{g}={c}" for g, c in CHOICES])
def test_every_file_composes_and_passes_the_checks(group: str, choice: str) -> None:
    if group == "sweep":
        needs_plugin(choice)
    check_config(composed(f"{group}={choice}"))


@pytest.mark.parametrize("name", sorted(ENHANCERS))
def test_defaults_of_an_enhancer_are_those_of_its_file(name: str) -> None:
    options = composed(f"model={name}")["model"]
    phi = options["phi"]
    defaults = {key: one.default for key, one in inspect.signature(ENHANCERS[name]).parameters.items()}
    named = [key for key in options if key not in ("name", "dim", "phi")]
    assert {key: defaults[key] for key in named} == {key: options[key] for key in named}
    given = ENHANCERS[name](dim=16, init="ridge", phi=phi).phi_values()
    assert ENHANCERS[name](dim=16, init="ridge").phi_values() == given


def needs_plugin(choice: str) -> None:
    """Skips where the extra of a choice of ``sweep`` is not installed; each of them needs one."""
    plugin, extra = SWEEP_PLUGINS[choice]
    try:
        distribution(plugin)
    except PackageNotFoundError:
        pytest.skip(f"needs the extra {extra}")


@pytest.mark.parametrize("space", ["weights", "enhancer", "schedule"])
def test_every_value_of_a_search_space_passes_the_checks(space: str) -> None:
    needs_plugin(space)
    params = searched(f"sweep={space}")
    parsed = OverridesParser.create().parse_overrides([f"{key}={values}" for key, values in params.items()])
    assert len(parsed) >= 4
    config = composed(f"sweep={space}")
    for override in parsed:
        *parents, name = override.key_or_group.split(".")
        for value in override.sweep_iterator():
            changed = copy.deepcopy(config)
            group = changed
            for parent in parents:
                group = group[parent]
            assert name in group
            group[name] = value
            check_config(changed)


def sweeper(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides), return_hydra_config=True).hydra.sweeper


def searched(*overrides: str) -> dict[str, str]:
    """The search space as a sweep takes it."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", list(overrides), return_hydra_config=True)
    return search_space(config.hydra.sweeper.params, config)


@pytest.mark.parametrize(
    ("choices", "sampler"),
    [
        ("weights", "TPESampler"),
        ("[schedule,optuna]", "TPESampler"),
        ("[enhancer,optuna_pareto]", "NSGAIISampler"),
        ("[optuna_pareto,joblib,weights]", "NSGAIISampler"),
    ],
)
def test_choices_of_sweep_go_together_in_any_order(choices: str, sampler: str) -> None:
    needs_plugin("optuna")
    needs_plugin("joblib")
    chosen = sweeper(f"sweep={choices}")
    assert chosen.sampler._target_ == f"optuna.samplers.{sampler}"
    assert chosen.n_jobs == (2 if "joblib" in choices else 1)
    assert chosen.params
    config = composed(f"sweep={choices}")
    assert len(config["objective"]) == (2 if "pareto" in choices else 1)
    check_objective(config["objective"])
    if "pareto" in choices:
        assert tuple(entry.removeprefix("minimize ") for entry in config["objective"]) in OPERATING_POINTS.values()


def test_the_space_of_the_enhancer_has_every_aggregation() -> None:
    needs_plugin("enhancer")
    assert searched("sweep=enhancer")["model.aggregation"] == f"choice({', '.join(AGGREGATIONS)})"


def test_the_space_of_the_weights_is_all_of_them_over_the_same_values() -> None:
    needs_plugin("weights")
    values = {f"lambda_{name}": "choice(0, .01, .03, .1, .3, 1, 3)" for name in TERMS}
    assert searched("sweep=weights") == values
    assert searched("sweep=weights", "+hydra.sweeper.params.lambda_id='1,2'") == values | {"lambda_id": "1,2"}


def test_a_choice_without_its_extra_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("poseid.training.arguments.distribution", missing)
    with pytest.raises(InputError, match=r'sweep=slurm: needs pip install "poseid\[slurm\]"'):
        hydra_arguments(["-m", "sweep=[slurm,weights]"])
    assert hydra_arguments(["-m", "lambda_id=1,2"]) == ["-m", "lambda_id=1,2"]


PRESETS = {
    "before": (1.0, 0.5, 0.1, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0),
    "after": (2.0, 0.3, 0.05, 0.2, 0.5, 0.5, 0.0, 0.0, 0.0),
    "stronger": (3.0, 0.3, 0.05, 0.2, 0.8, 0.5, 0.0, 0.0, 0.0),
    "identity_only": (5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
}


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_presets_have_their_published_weights(preset: str) -> None:
    config = composed(f"loss={preset}")
    assert tuple(config[f"lambda_{name}"] for name in TERMS) == PRESETS[preset]


@pytest.mark.parametrize("order", [["lambda_id=3.5", "loss=before"], ["loss=before", "lambda_id=3.5"]])
def test_command_line_beats_preset_in_either_order(order: list[str]) -> None:
    config = composed(*order)
    assert config["lambda_id"] == 3.5
    assert config["lambda_pose"] == 0.5


def test_root_keys_are_set_by_one_group_only() -> None:
    owners: dict[str, set[str]] = {}
    for group, choice in CHOICES:
        if group == "experiment":
            continue
        text = (CONF / group / f"{choice}.yaml").read_text(encoding="utf-8")
        if "# @package _global_" in text:
            for key in OmegaConf.create(text):
                owners.setdefault(str(key), set()).add(group)
    assert owners
    assert all(len(groups) == 1 for groups in owners.values())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["lambda_id=abc"], "lambda_id: should be a valid number, got 'abc'"),
        (["lambda_pose=-1"], "lambda_pose: should be greater than or equal to 0, got -1"),
        (["lambda_ortho=.nan"], "lambda_ortho: should be a valid number, got '.nan'"),
        (["lambda_ortho=nan"], "lambda_ortho: should be a finite number, got nan"),
        (["lambda_contrast=inf"], "lambda_contrast: should be a finite number, got inf"),
        (["lambda_id=true"], "lambda_id: should be a valid number, got True"),
        (["lambda_id=null"], "lambda_id: should be a valid number, got None"),
        (["lr=0"], "lr: should be greater than 0, got 0"),
        (["lr=1e9"], "lr: should be less than or equal to 10, got 1000000000.0"),
        (["batch_size=1"], "batch_size: should be greater than or equal to 2, got 1"),
        (["max_epochs=2.5"], "max_epochs: should be a valid integer, got 2.5"),
        (["precision=8"], "precision: should be 32, 16, '32', 'bf16', '16' or 'mixed', got 8"),
        (["seed=-1"], "seed: should be greater than or equal to 0, got -1"),
        (["objective=fnmr"], "objective: should be a valid list, got 'fnmr'"),
        (
            ["objective=[smallest eer]"],
            "objective: expected 'minimize KEY' or 'maximize KEY', each in a list, got \\['smallest eer",
        ),
        (["evaluate_test=maybe"], "evaluate_test: should be a valid boolean, got 'maybe'"),
        (["data.target=median"], "data.target: should be 'centroid' or 'pair', got 'median'"),
        (["data.fractions=[0.6,0.3,0.3]"], "data.fractions: the three shares"),
        (["data.min_yaw=50", "data.max_yaw=20"], "data.min_yaw: 50 is not below"),
        (["data.dir=somewhere"], "data.dir: made-up people are not read from a folder; add data=folder"),
        (["data.dir=3"], "data.dir: should be a valid string, got 3"),
        (["data.pose_dropout=2"], "data.pose_dropout: should be less than or equal to 1, got 2"),
        (["model.suppression=1.5"], "model.suppression: should be less than or equal to 1, got 1.5"),
        (["data.divisions=0"], "data.divisions: should be greater than or equal to 1, got 0"),
        (["model.network=1"], "model.network: should be a valid boolean, got 1"),
        (["model.phi.ridge.value=0"], "model.phi.ridge.value: should be greater than 0, got 0"),
        (["model.phi.ridge.lr=-1"], "model.phi.ridge.lr: should be greater than or equal to 0, got -1"),
        (["model.phi.gate_full.value=5"], "model.phi.gate_full.value: should be greater than or equal to 6, got 5"),
        (["model.phi.shape.value=[1,2]"], "model.phi.shape.value: .*at least 4 items.*, got \\[1, 2\\]"),
        (["model.phi.bias.value=nan"], "model.phi.bias.value: should be a finite number, got nan"),
        (["model.phi.bias=0.1"], "model.phi.bias: should be a group of keys, got 0.1"),
        (["+model.phi.gate_start.value=50"], "model.phi.gate_start: no such key here; there are ridge, "),
        (["model.init=ones"], "model.init: should be 'ridge', 'zero' or 'random', got 'ones'"),
        (["+model.depth=3"], "model.depth: no such key here"),
        (["model=pose_transformer", "model.tokens=7"], "model.tokens: 7 does not divide"),
        (["model=pose_transformer", "model.heads=7"], "model.heads: 7 does not divide"),
        (
            ["model=pose_transformer", "model.aggregation=max"],
            "model.aggregation: should be 'mean', 'weighted' or 'attention', got 'max'",
        ),
        (["loss.temperature=0"], "loss.temperature: should be greater than 0, got 0"),
        (["loss.swap=1"], "loss.swap: should be a valid boolean, got 1"),
        (
            ["schedule=two_stage", "schedule.stage1_epochs=4", "schedule.ramp_epochs=6", "max_epochs=9"],
            "schedule.stage1_epochs \\+ schedule.ramp_epochs: 10 epochs",
        ),
        (["schedule=progressive", "schedule.ramp_epochs=10", "max_epochs=9"], "schedule.ramp_epochs: 10 epochs"),
        (["logger.mode=sometimes"], "logger.mode: should be 'online', 'offline' or 'disabled', got 'sometimes'"),
        (["loss=identity_only", "lambda_id=0"], "lambda_id: all loss weights are 0"),
        (["model.dim=256"], "model.dim: 256 is not data.dim 512"),
        (["seed=99999999999999999999"], "seed: should be less than 2147483648"),
        (
            ["trainer.limit_train_batches=1.5"],
            "trainer.limit_train_batches: should be less than or equal to 1, got 1.5",
        ),
        (["+lambda_idd=3"], "lambda_idd: no such key here"),
    ],
)
def test_our_own_checks(overrides: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        check_config(composed(*overrides))
    assert "\n" not in str(caught.value)


def test_schedules_and_their_files_agree() -> None:
    assert sorted(SCHEDULES) == sorted(choice for group, choice in CHOICES if group == "schedule")


def test_groups_and_choices_that_are_none() -> None:
    for group, names in (("model", "residual.*pose_transformer"), ("schedule", "constant.*two_stage.*progressive")):
        with pytest.raises(InputError, match=f"{group}.name: should be one of .*{names}.*, got 'nosuch'"):
            check_config(composed(f"{group}.name=nosuch"))
    config = composed()
    del config["data"]["target"], config["lambda_pose"]
    with pytest.raises(InputError, match="data.target: missing from the configuration"):
        check_config(config)
    config["data"]["target"] = "pair"
    with pytest.raises(InputError, match="lambda_pose: missing from the configuration"):
        check_config(config)


def test_an_unknown_key_in_a_file_fails_as_on_the_command_line() -> None:
    config = composed()
    config["model"]["nosuch"] = 1
    with pytest.raises(InputError, match="model.nosuch: no such key"):
        check_config(config)
