"""Bad input: each case writes what is wrong into a directory and returns the command to run there.

A command begins with ``poseid`` or ``train``. What every command may rely on stands in the directory already: the
feature folder ``data`` (12 people, D = 16), ``ridge.safetensors``, ``ridge.onnx`` and ``x.npy``.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

DIM = 16
Case = Callable[[Path], list[str]]
CASES: dict[str, Case] = {}


def cases(made: dict[str, Case]) -> None:
    taken = CASES.keys() & made.keys()
    assert not taken, f"there is a case of this name already: {', '.join(taken)}"
    CASES.update(made)


def case(make: Case) -> Case:
    cases({make.__name__: make})
    return make


def cases_of_a_command(commands: dict[str, str | list[str]]) -> None:
    """Commands that are wrong by themselves; a text is a call of ``poseid``."""

    def make(command: str | list[str]) -> Case:
        return lambda here: poseid(command) if isinstance(command, str) else command

    cases({name: make(command) for name, command in commands.items()})


def cases_with_a_file(files: dict[str, tuple[str, bytes] | tuple[str, bytes, list[str]]]) -> None:
    """What is wrong is one file: its path, its bytes, and the command that reads it where it is not the usual one."""

    def make(path: str, content: bytes, command: list[str] | None = None) -> Case:
        def write(here: Path) -> list[str]:
            put(here / path, content)
            return command or usual(path)

        return write

    cases({name: make(*given) for name, given in files.items()})


def usual(path: str) -> list[str]:
    """The command that reads a file."""
    match path.partition("/")[0], Path(path).suffix:
        case ("data", _):
            return evaluate()
        case (_, ".csv"):
            return importing(path)
        case (_, ".ckpt"):
            return evaluate(model=path)
        case _:
            return enhance(path)


def poseid(call: str) -> list[str]:
    return ["poseid", *call.split()]


def evaluate(*more: str, model: str = "raw", data: str = "data") -> list[str]:
    return ["poseid", "evaluate", model, "--data", data, "--resamples", "10", "--out", "out", *more]


def enhance(source: str, *more: str, model: str = "ridge.onnx") -> list[str]:
    suffix = Path(source).suffix
    return ["poseid", "enhance", model, source, "--out", f"out{suffix}", *more]


def importing(table: str, *more: str) -> list[str]:
    columns = ["--feature-columns", "f0,f1", "--person", "person", "--pose", "yaw,pitch,roll"]
    return ["poseid", "import", table, *columns, "--out", "out", *more]


def training(*overrides: str) -> list[str]:
    short = [
        "data=folder",
        "data.dir=data",
        f"data.dim={DIM}",
        "max_epochs=1",
        "batch_size=16",
        "threads=1",
        "resamples=100",
    ]
    quiet = ["logger=csv", "trainer.progress_bar=false", "trainer.accelerator=cpu", "hydra.run.dir=out"]
    return ["train", *short, *quiet, *overrides]


def vectors(rows: int = 4, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, dim)).astype(np.float32)


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """The beginning of an npy file whose header says ``text``."""
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + size + text.encode("latin1")


def npy_header(shape: str, dtype: str = "'<f4'", order: str = "False") -> bytes:
    return header(f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}}}\n")


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def archive(path: Path, **members: bytes) -> list[str]:
    """Writes an npz; returns the command that enhances it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)
    return enhance(path.name)


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()
