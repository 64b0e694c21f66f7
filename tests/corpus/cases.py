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
from typing import TypeVar

import numpy as np

DIM = 16
Given = TypeVar("Given")
Case = Callable[[Path], list[str]]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def cases_of_a_command(commands: dict[str, list[str]]) -> None:
    """Commands that are wrong by themselves."""

    def make(command: list[str]) -> Case:
        return lambda here: command

    CASES.update({name: make(command) for name, command in commands.items()})


def cases_that_write(write: Callable[[Path, Given], list[str]], given: dict[str, Given]) -> None:
    """What differs is what is written into the directory; ``write`` returns the command."""

    def make(one: Given) -> Case:
        return lambda here: write(here, one)

    CASES.update({name: make(one) for name, one in given.items()})


def cases_with_a_file(files: dict[str, tuple[str, bytes, list[str]]]) -> None:
    """What is wrong is one file: its path, its bytes, and the command that reads it."""

    def write(here: Path, one: tuple[str, bytes, list[str]]) -> list[str]:
        put(here / one[0], one[1])
        return one[2]

    cases_that_write(write, files)


def evaluate(*more: str, model: str = "raw", data: str = "data") -> list[str]:
    return ["poseid", "evaluate", model, "--data", data, "--resamples", "10", "--out", "out", *more]


def enhance(source: str, *more: str, model: str = "ridge.onnx") -> list[str]:
    suffix = Path(source).suffix
    return ["poseid", "enhance", model, source, "--out", f"out{suffix}", *more]


def importing(table: str, *more: str) -> list[str]:
    columns = ["--feature-columns", "f0,f1", "--person", "person", "--pose", "yaw,pitch,roll"]
    return ["poseid", "import", table, *columns, "--out", "out", *more]


def training(*overrides: str) -> list[str]:
    short = ["data=folder", "data.dir=data", f"data.dim={DIM}", "max_epochs=1", "batch_size=16", "threads=1"]
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


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()
