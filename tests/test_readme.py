"""The README is true: its commands run, and its table of keys is the configuration's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# So that the test takes seconds: fewer epochs of a smaller network. What the commands say stays as it is.
SHORT = ["max_epochs=1", "trainer.progress_bar=false", "trainer.limit_train_batches=2", "logger=csv", "threads=1"]
SMALLER = {
    "schedule=two_stage": ["schedule.stage1_epochs=1", "schedule.ramp_epochs=0"],
    "model=pose_transformer": ["model.depth=1", "model.width=64", "model.mlp=64"],
}


def commands() -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_commands_run_in_their_order(tmp_path: Path) -> None:
    lines = commands()
    assert len(lines) >= 8
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "poseid":
            command = [sys.executable, "-m", "poseid.cli", *arguments]
            if arguments[0] == "synthetic":
                command += ["--people", "40"]
            if arguments[0] in ("evaluate", "compare"):
                command += ["--resamples", "50"]
        else:
            assert (program, arguments[0]) == ("python", "train.py")
            extra = [more for key, values in SMALLER.items() if key in arguments for more in values]
            folder = [] if "data=folder" in line or "resume" in line else ["data.synthetic_people=24"]
            command = [sys.executable, str(ROOT / "train.py"), *arguments[1:], *SHORT, *extra, *folder]
        result = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
        )
        assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
    assert (tmp_path / "REPORT" / "report.html").is_file()
    assert (tmp_path / "RUN" / "enhancer.safetensors").is_file()


def documented_keys() -> set[str]:
    table = README[README.index("| key |") : README.index("W&B runs offline")]
    return set(re.findall(r"^\| `([^`]+)`", table, flags=re.MULTILINE))


def test_every_root_key_and_group_stands_in_the_table() -> None:
    config = yaml.safe_load((ROOT / "conf" / "config.yaml").read_text(encoding="utf-8"))
    preset = yaml.safe_load((ROOT / "conf" / "loss" / "recommended.yaml").read_text(encoding="utf-8"))
    roots = {key for key in (*config, *preset) if key not in ("defaults", "hydra", "loss")}
    groups = {path.name for path in (ROOT / "conf").iterdir() if path.is_dir()}
    assert documented_keys() == roots | groups


@pytest.mark.parametrize("group", sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir()))
def test_every_choice_of_a_group_is_named(group: str) -> None:
    (row,) = re.findall(rf"^\| `{group}` \|.*$", README, flags=re.MULTILINE)
    for path in (ROOT / "conf" / group).glob("*.yaml"):
        assert f"`{path.stem}`" in row


def test_pictures_and_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
