"""The README is true: its commands run, and its table of keys is the configuration's."""

import re
from pathlib import Path

import pytest
import yaml

from tests.documented import ROOT, commands, run_commands

README = (ROOT / "README.md").read_text(encoding="utf-8")
GROUPS = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name != "hydra")


def test_commands_run_in_their_order(tmp_path: Path) -> None:
    lines = commands(ROOT / "README.md")
    assert len(lines) >= 8
    run_commands(lines, tmp_path)
    assert (tmp_path / "REPORT" / "report.html").is_file()
    assert (tmp_path / "RUN" / "enhancer.safetensors").is_file()


def test_a_command_that_fails_or_does_not_exist_fails_the_test(tmp_path: Path) -> None:
    for line in ("poseid evalute raw --data DIR --out OUT", "poseid evaluate raw --data none --out OUT"):
        with pytest.raises(AssertionError, match="error: "):
            run_commands([line], tmp_path)


def documented_keys() -> set[str]:
    table = README[README.index("| key |") : README.index("W&B runs offline")]
    return set(re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE))


def test_every_root_key_and_group_stands_in_the_table() -> None:
    config = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text(encoding="utf-8"))
    preset = yaml.safe_load((ROOT / "conf" / "loss" / "recommended.yaml").read_text(encoding="utf-8"))
    roots = {key for key in (*config, *preset) if key not in ("defaults", "hydra", "loss")}
    assert documented_keys() == roots | set(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_every_choice_of_a_group_is_named(group: str) -> None:
    (row,) = re.findall(rf"^\| `{group}` \|.*$", README, flags=re.MULTILINE)
    for path in (ROOT / "conf" / group).glob("*.yaml"):
        assert f"`{path.stem}`" in row
