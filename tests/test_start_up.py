"""What a start costs, and Ctrl-C in the middle of it."""

from __future__ import annotations

import ast
import inspect
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from poseid import cli
from poseid.interrupt import importing

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "numpy", "lightning", "hydra", "omegaconf", "matplotlib", "pyarrow", "h5py", "wandb", "onnx", "scipy"}


@pytest.mark.parametrize(
    "code",
    [
        "import poseid",
        "from poseid.__main__ import main; assert main() == 0",
    ],
)
def test_nothing_heavy_is_imported_for_a_start(code: str) -> None:
    code = f"import sys; sys.argv = ['poseid', '--help']; {code}; print(*sorted({HEAVY!r} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
    assert ("evaluate" in done.stdout) == ("main" in code)


def test_a_key_that_is_refused_waits_for_no_torch() -> None:
    code = (
        "import sys, poseid.training.command; from poseid.training.objective import check_objective; "
        "check_objective(['minimize sets.headline.enhanced.eer']); "
        "print('torch' in sys.modules, 'hydra' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: str(command.NAME))
def test_a_command_imports_where_ctrl_c_is_taken_care_of(command: ModuleType) -> None:
    """``run`` begins with its imports, within `importing`, and has no others."""
    (run,) = [node for node in ast.parse(inspect.getsource(command.run)).body if isinstance(node, ast.FunctionDef)]
    imports = {id(node) for node in ast.walk(run) if isinstance(node, ast.Import | ast.ImportFrom)}
    protected = [node for node in ast.walk(run) if isinstance(node, ast.With) and _is_importing(node)]
    assert protected[0] is run.body[1]  # the docstring stands before it
    assert imports == {id(node) for block in protected for node in ast.walk(block)} & imports


def _is_importing(block: ast.With) -> bool:
    return ast.unparse(block.items[0].context_expr) == "importing()"


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently on Windows")
@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (["train.py"], "omegaconf"),
        (["train.py", "logger=none"], "torch"),
        (["-m", "poseid", "evaluate", "raw", "--data", "none", "--out", "none"], "numpy"),
        (["-m", "poseid", "evaluate", "raw", "--data", "none", "--out", "none"], "torch"),
    ],
)
def test_ctrl_c_while_modules_are_imported_is_one_line(tmp_path: Path, arguments: list[str], module: str) -> None:
    if arguments[0] == "train.py":
        arguments = [*arguments, f"hydra.run.dir={(tmp_path / 'run').as_posix()}"]
    # Python names each module on stderr once it is imported: the signal is sent when the first of these is there
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("import time:") and line.split("|")[-1].strip().startswith(f"{module}."):
            break
    process.send_signal(signal.SIGINT)
    rest = [line for line in process.stderr if not line.startswith("import time:")]
    assert process.wait(timeout=60) == 130
    assert rest == ["stopped\n"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are UTF-8 in any locale")
def test_a_training_takes_a_path_in_any_script_in_a_locale_without_it(tmp_path: Path) -> None:
    command = [sys.executable, "train.py", "data=folder", "data.dir=数据/无", f"hydra.run.dir={tmp_path / 'run'}"]
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "error: 数据/无: does not exist: give a folder with front_feature.npy and its companions\n",
    )


@pytest.mark.skipif(os.name == "nt", reason="signals are sent differently on Windows")
def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with importing():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, usual)
    with importing():
        assert signal.getsignal(signal.SIGINT) is not usual
    assert signal.getsignal(signal.SIGINT) is usual
