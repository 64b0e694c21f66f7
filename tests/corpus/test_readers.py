"""Readers of damaged files: they read, or raise InputError with one line; nothing else.

``make fuzz`` runs the same for FUZZ_SECONDS (600) with as many examples as fit, in bounded memory.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from poseid.enhancers.onnx_export import to_onnx
from poseid.enhancers.onnx_run import open_onnx
from poseid.enhancers.registry import build
from poseid.enhancers.saving import load_enhancer, save_enhancer
from poseid.errors import InputError
from poseid.features.identifiers import find_id_problems
from poseid.features.metadata import read_metadata, read_names
from poseid.features.pairs import read_pairs
from poseid.features.tables.npy import read_array
from poseid.features.tables.table import Columns, inspect_file, rewrite_file
from tests.corpus.mutations import mutated

DIM = 16
SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))
MEMORY = 6 * 2**30  # of addresses: torch and onnxruntime reserve far more than they use


def through(path: Path) -> None:
    """Looks at a file of vectors and writes it anew."""
    table = inspect_file(path, Columns(), 64)
    rewrite_file(path, path.with_name(f"written{path.suffix}"), table.columns, lambda first, block, angles: block)


def people() -> np.ndarray:
    return np.array([f"p{i}" for i in range(40)])


def metadata_and_names(path: Path) -> None:
    entries, _ = read_metadata(path)
    people, _ = read_names(entries, path)
    find_id_problems(entries, people, path)


READERS: dict[str, Callable[[Path], object]] = {
    "array.npy": read_array,
    "vectors.npy": through,
    "vectors.npz": through,
    "vectors.parquet": through,
    "vectors.h5": through,
    "metadata.json": metadata_and_names,
    "metadata.parquet": metadata_and_names,
    "pairs.csv": lambda path: read_pairs(path, people(), people()),
    "model.safetensors": load_enhancer,
    "model.onnx": open_onnx,
}

# The HDF5 library itself ends the process (SIGSEGV) on some damaged files; nothing in Python can turn that into a line.
CRASHES_INSIDE = {"vectors.h5"}
DAMAGED = [name for name in READERS if name not in CRASHES_INSIDE]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a good file for each reader."""
    here = tmp_path_factory.mktemp("good")
    x = np.random.default_rng(0).standard_normal((6, DIM)).astype(np.float32)
    np.save(here / "array.npy", x)
    np.save(here / "vectors.npy", x)
    np.savez_compressed(here / "vectors.npz", features=x, poses=x[:, :3])
    pq.write_table(pa.table({"features": x.tolist(), "yaw": x[:, 0], "name": ["a"] * 6}), here / "vectors.parquet")
    with h5py.File(here / "vectors.h5", "w") as file:
        file["features"], file["poses"] = x, x[:, :3]
    ids = '"template_id": "t", "media_id": 7, "frame"'
    entries = ",".join(f'{{"person_name": "p{i}", "source": "profile/{i}.jpg", {ids}: {i}}}' for i in range(6))
    poses = "[1.5, 2, 3], null, [0, -90.25, 1e1], [1, 2, 3], null, [4, 5, 6]"
    (here / "metadata.json").write_text(f'{{"metadata": [{entries}], "poses": [{poses}]}}', encoding="utf-8")
    names = {
        "person_name": [f"p{i}" for i in range(6)],
        "source": ["profile/安.jpg"] * 6,
        "template_id": ["安", None] * 3,
    }
    angles = {name: [1.5, None, 0.0, 1.0, None, -90.25] for name in ("yaw", "pitch", "roll")}
    pq.write_table(pa.table(names | angles), here / "metadata.parquet")
    lines = [f"FP,{i % 3},front:{i},video:{i + i % 2},{1 - i % 2}" for i in range(20)]
    (here / "pairs.csv").write_text("protocol,fold,a,b,same\n" + "\n".join(lines) + "\n", encoding="utf-8")
    model = {"name": "residual", "dim": DIM, "pose_dim": 4, "rank": 2}
    enhancer = build("residual", {key: value for key, value in model.items() if key != "name"}).eval()
    save_enhancer(enhancer, {"model": model}, here / "model.safetensors")
    (here / "model.onnx").write_bytes(to_onnx(enhancer, {"model": model}, 18, False)[0])
    return {name: (here / name).read_bytes() for name in READERS}


def read(name: str, content: bytes, here: Path) -> bool:
    """Whether the reader took it; anything but InputError with one line goes through."""
    path = here / name
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # numpy's, on headers that Python 2 wrote
            READERS[name](path)
    except InputError as refusal:
        line = str(refusal)
    else:
        return True
    assert "\n" not in line
    return False


@pytest.mark.parametrize("name", READERS)
def test_the_good_file_is_read(name: str, good: dict[str, bytes], tmp_path: Path) -> None:
    assert read(name, good[name], tmp_path)


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_read_or_refused(name: str, good: dict[str, bytes], tmp_path: Path) -> None:
    outcomes = []

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated(good[name]))
    def one(content: bytes) -> None:
        outcomes.append(read(name, content, tmp_path))

    one()
    assert not all(outcomes)


def test_a_damaged_parquet_footer_does_not_end_the_process(good: dict[str, bytes], tmp_path: Path) -> None:
    """One bit of each byte: pyarrow aborts where it is asked for the codec of a column that is damaged."""
    content = good["vectors.parquet"]
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    taken = []
    for at in range(footer, len(content) - 8):
        damaged = bytearray(content)
        damaged[at] ^= 1 << (at % 8)
        taken.append(read("vectors.parquet", bytes(damaged), tmp_path))
    assert {True, False} == set(taken)


@pytest.mark.fuzz
def test_fuzz(good: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))
    figures: dict[str, list[float]] = {name: [0, 0, 0.0] for name in DAMAGED}  # tried, taken, longest in seconds

    def some(name: str, rounds: int) -> None:
        @seed(rounds)
        @settings(
            max_examples=200,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of(mutated(good[name]), st.binary(max_size=64)))
        def one(content: bytes) -> None:
            began = time.monotonic()
            taken = read(name, content, tmp_path)
            tried, had, longest = figures[name]
            figures[name] = [tried + 1, had + taken, max(longest, time.monotonic() - began)]

        one()

    end, rounds = time.monotonic() + SECONDS, 0
    try:
        while time.monotonic() < end:
            for name in DAMAGED:
                some(name, rounds)
                if time.monotonic() >= end:
                    break
            rounds += 1
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        with capsys.disabled():
            print(f"\n{'file':20}{'tried':>9}{'read':>9}{'longest s':>11}")
            for name, (tried, taken, longest) in figures.items():
                print(f"{name:20}{tried:9.0f}{taken:9.0f}{longest:11.2f}")
            print(f"peak of memory: {peak:.0f} MB")
    assert sum(tried for tried, _, _ in figures.values()) > 0
