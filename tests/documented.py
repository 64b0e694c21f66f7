"""The commands and the Python of the documentation, run as they stand but shorter."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from poseid import cli

ROOT = Path(__file__).resolve().parents[1]
# So that a test takes seconds: fewer epochs of a smaller network, fewer folds. What the commands say stays as it is.
SHORT = ["max_epochs=1", "trainer.progress_bar=false", "trainer.limit_train_batches=2", "logger=csv", "threads=1"]
SMALLER = {
    "schedule=two_stage": ["schedule.stage1_epochs=1", "schedule.ramp_epochs=0"],
    "model=pose_transformer": ["model.depth=1", "model.width=64", "model.mlp=64"],
    "cv=5": ["cv=2"],
    "hydra.sweeper.n_trials=30": ["hydra.sweeper.n_trials=2"],
}


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each block of bash or Python."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```(bash|python)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands(page: Path) -> list[str]:
    """The lines of a page's bash blocks."""
    return [line for kind, block in blocks(page) if kind == "bash" for line in block.splitlines() if line.strip()]


def run_blocks(page: Path, run: Callable[[str], None]) -> dict[str, Any]:
    """Runs the commands and the Python of a page in their order, in this process; the names that Python has made."""
    names: dict[str, Any] = {}
    for kind, block in blocks(page):
        if kind == "python":
            exec(compile(block, page.name, "exec"), names)
            continue
        for line in block.splitlines():
            run(line)
    return names


def run_poseid(line: str) -> None:
    program, *arguments = shlex.split(line)
    assert program == "poseid"
    assert cli.main(arguments) == 0, line


def run_commands(lines: list[str], directory: Path) -> None:
    """Runs the lines in their order; each must end with status 0."""
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "poseid":
            command = [sys.executable, "-m", "poseid", *arguments]
            if arguments[0] == "synthetic":
                command += ["--people", "40"]
            if arguments[0] in ("evaluate", "compare"):
                command += ["--resamples", "50"]
            if "--cv" in arguments:
                command += ["--cv", "2"]
        else:
            assert (program, arguments[0]) == ("python", "train.py")
            extra = [more for key, values in SMALLER.items() if key in arguments for more in values]
            folder = [] if "data=folder" in line or "resume" in line else ["data.synthetic_people=24"]
            command = [sys.executable, str(ROOT / "train.py"), *arguments[1:], *SHORT, *extra, *folder]
        result = subprocess.run(
            command, cwd=directory, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
        )
        assert result.returncode == 0, f"{line}\n{result.stdout}\n{result.stderr}"
