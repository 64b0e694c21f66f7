"""The ``poseid`` command itself: help, wrong calls, exit statuses, terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from poseid import cli
from poseid.features.fingerprint import digest
from poseid.features.folder import read_folder
from poseid.features.synthetic import synthetic
from tests.cli.caller import Caller

ROOT = Path(__file__).parents[2]
WHERE = "(set POSEID_TRACEBACK=1 to see where)"
EVALUATE = ("evaluate", "raw", "--data", "none", "--out", "o")


@pytest.mark.parametrize("command", [["evaluate", "raw"], ["compare", "raw"]])
def test_a_thousand_resamples_unless_said_otherwise(command: list[str]) -> None:
    assert cli.make_parser().parse_args([*command, "--data", "d", "--out", "o"]).resamples == 1000


def test_every_module_of_the_package_is_a_command_with_help(call: Caller) -> None:
    listed = call.done("--help")
    found = {path.stem: path for path in (ROOT / "poseid" / "cli").glob("*.py")}
    commands = {name for name, path in found.items() if "def add_arguments(" in path.read_text(encoding="utf-8")}
    assert commands == {command.__name__.rpartition(".")[2] for command in cli.COMMANDS}
    for command in cli.COMMANDS:
        assert re.search(rf"^ +{command.NAME}\s+\S", listed, re.MULTILINE)
        shown = call.done(command.NAME, "--help")
        assert shown.startswith(f"usage: poseid {command.NAME} ")
        assert command.__doc__.splitlines()[0] in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["evaluat"], "invalid choice"),
        (["evaluate"], "required: MODEL"),
        ([*EVALUATE, "-x"], "-x"),
        *(([*EVALUATE, "--resamples", value], "is not a whole number") for value in ("-1", "many", "1.5")),
    ],
)
def test_a_wrong_call_is_one_line(arguments: list[str], message: str, call: Caller) -> None:
    assert message in call.refused(*arguments)


def raising(error: BaseException) -> Callable[[object], None]:
    def run(_arguments: object) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (RuntimeError("two\nlines"), 1, f"error: unexpected RuntimeError: two lines {WHERE}"),
        (OSError(28, "No space left", "x.npy"), 1, "error: x.npy: No space left"),
        (MemoryError("17 GiB"), 1, "error: not enough memory (17 GiB): give less at a time"),
        # a package that is not installed can be; a module of ours cannot
        (ModuleNotFoundError(name="torch"), 2, "error: this command needs the package torch: pip install torch"),
        (ModuleNotFoundError(name="yaml.x"), 2, "error: this command needs the package yaml: pip install yaml"),
        (ModuleNotFoundError("No", name="poseid.x"), 1, f"error: unexpected ModuleNotFoundError: No {WHERE}"),
    ],
)
def test_exit_statuses(
    error: BaseException, status: int, line: str, monkeypatch: pytest.MonkeyPatch, call: Caller
) -> None:
    monkeypatch.setattr("poseid.cli.evaluate.run", raising(error))
    assert call(*EVALUATE) == (status, "", line + "\n")
    monkeypatch.setenv(cli.TRACEBACK, "1")
    assert ("Traceback" in call(*EVALUATE)[2]) == (status == 1 and not isinstance(error, MemoryError))


def test_a_terminal_without_the_characters(tmp_path: Path) -> None:
    """A Windows code page: names in other scripts are escaped, nothing crashes."""
    folder = tmp_path / "数据"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "poseid", "synthetic", "--out", str(folder), "--people", "3"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert rb"\u6570\u636e" in done.stdout
    assert read_folder(folder).people()
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True)
    assert again.returncode == 2
    assert again.stderr.startswith(b"error: ")


def test_synthetic_is_the_embedded_data(tmp_path: Path, call: Caller) -> None:
    out = call.done("synthetic", "--out", tmp_path / "made", "--people", "12", "--seed", "7")
    assert "synthetic people" in out
    made, want = read_folder(tmp_path / "made"), synthetic(people=12, seed=7)
    assert np.array_equal(made.video.features, want.video.features)
    assert digest(made) == digest(want)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are UTF-8 in any locale")
def test_paths_in_any_script_in_a_locale_without_them(tmp_path: Path) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    make = [sys.executable, "-m", "poseid", "synthetic", "--people", "3", "--out", "数据/文件夹"]
    read = [sys.executable, "-m", "poseid", "doctor", "数据/文件夹", "--out", "数据/报告"]
    for command in (make, read):
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | locale, capture_output=True, encoding="utf-8")
        assert (done.returncode, done.stderr) == (0, "")
    assert "数据/报告" in done.stdout
    odd = os.fsdecode(b"\xff.csv")
    (tmp_path / odd).write_text("person,yaw,pitch,roll,f0,f1\na,1,2,3,4,5\n", encoding="utf-8")
    columns = ["--feature-columns", "f0,f1", "--person", "person", "--pose", "yaw,pitch,roll", "--out", "out"]
    table = [sys.executable, "-m", "poseid", "import", odd, *columns]
    done = subprocess.run(table, cwd=tmp_path, env=os.environ | locale, capture_output=True, encoding="utf-8")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "is not UTF-8: rename it" in done.stderr
