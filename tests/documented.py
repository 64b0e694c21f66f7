"""The commands and the Python of the documentation, run as they stand but shorter."""

import contextlib
import io
import logging
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import train
from poseid import cli
from poseid.training.override_text import key_of
from tests.short_runs import run_process

ROOT = Path(__file__).resolve().parents[1]
# So that a test takes seconds: fewer epochs of a smaller network, fewer folds. What the commands say stays as it is.
SHORT = [
    "max_epochs=1",
    "trainer.progress_bar=false",
    "trainer.limit_train_batches=2",
    "logger=csv",
    "threads=1",
    "resamples=100",
]
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
    """Runs the lines in their order; each must end with status 0.

    The first line of each program that is no cross-validation, and what needs another launcher or sweeper, are commands
    of their own; the others run in this process, which spares their start.
    """
    started: set[str] = set()
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "poseid":
            if arguments[0] == "synthetic":
                arguments += ["--people", "40"]
            if arguments[0] in ("evaluate", "compare"):
                arguments += ["--resamples", "50"]
            if "--cv" in arguments:
                arguments += ["--cv", "2"]
            command, call = ["-m", "poseid", *arguments], cli.main
        else:
            assert (program, arguments.pop(0)) == ("python", "train.py")
            extra = [more for key, values in SMALLER.items() if key in arguments for more in values]
            folder = [] if "data=folder" in line or "resume" in line else ["data.synthetic_people=24"]
            # a cross-validation that goes on has its resamples, and takes no others
            short = [key for key in SHORT if "resume=" not in line or key_of(key) != "resamples"]
            arguments += [*short, *extra, *folder]
            command, call = [str(ROOT / "train.py"), *arguments], train.main
        if "sweep=" not in line and (program in started or "cv=5" in line):
            status, printed = called(call, arguments, directory)
        else:
            started.add(program)
            done = run_process([sys.executable, *command], directory)
            status, printed = done.returncode, done.stdout + done.stderr
        assert status == 0, f"{line}\n{printed}"


def called(call: Callable[[list[str]], int], arguments: list[str], directory: Path) -> tuple[int, str]:
    """Exit status and output of a command in this process."""
    printed, handlers, own = io.StringIO(), list(logging.root.handlers), list(sys.argv)
    with contextlib.chdir(directory), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            sys.argv = ["train.py"]  # Hydra reads its arguments there
            status = call(arguments)
        finally:
            sys.argv = own
            logging.root.handlers[:] = handlers  # Hydra's write to a stream that is gone
    return status, printed.getvalue()
