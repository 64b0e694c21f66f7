"""docs/wandb_sweep.yaml: its arguments, expanded as W&B's agent does, are a configuration of ours."""

from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from poseid.training.arguments import hydra_arguments
from poseid.training.config import check_config
from poseid.training.metric_names import ALL

ROOT = Path(__file__).resolve().parents[1]
SWEEP = yaml.safe_load((ROOT / "docs" / "wandb_sweep.yaml").read_text(encoding="utf-8"))


def test_the_metric_is_one_that_runs_log_and_the_program_is_there() -> None:
    assert SWEEP["metric"]["name"] in ALL
    assert (ROOT / SWEEP["program"]).is_file()


@pytest.mark.parametrize("pick", [min, max])
def test_arguments_of_an_agent_compose(pick: type[min], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_RUN_ID", "abc123")
    chosen = {
        key: pick(entry["values"]) if "values" in entry else entry[pick.__name__]
        for key, entry in SWEEP["parameters"].items()
    }
    expanded = create_sweep_command_args({"args": {key: {"value": value} for key, value in chosen.items()}})
    arguments: list[str] = []
    for part in create_sweep_command(list(SWEEP["command"])):
        if part == "${args_no_hyphens}":
            arguments += expanded["args_no_hyphens"]
        elif part not in ("${env}", "${interpreter}", "${program}"):
            arguments.append(part)
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        whole = compose("config", hydra_arguments(arguments), return_hydra_config=True)
        config = OmegaConf.to_container(compose("config", hydra_arguments(arguments)), resolve=True)
    assert whole.hydra.run.dir == "outputs/wandb/abc123"
    assert isinstance(config, dict)
    check_config(config)
    assert config["evaluate_test"] is False
    assert config["logger"]["mode"] == "online"
    for key, value in chosen.items():
        assert config[key] == value
