"""An opened model in other processes: forked ones, which have no threads but their own, and new ones, by pickle."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import poseid
from poseid.enhancers.api import open_enhancer
from poseid.enhancers.saving import save_enhancer
from poseid.errors import InputError
from tests.enhancers.models_to_try import DIM, ROOT, exported, made, rows

joblib = pytest.importorskip("joblib")

FORKS = """
import multiprocessing, os, signal, sys
import numpy as np, torch
import poseid

enhancer = poseid.load(sys.argv[1])
x = np.random.default_rng(0).standard_normal((3000, enhancer.info.dim)).astype(np.float32)
torch.ones(2000, 2000) @ torch.ones(2000, 2000)  # has started torch's threads, whatever loading does
assert torch.get_num_threads() > 1
expected = enhancer.enhance(x)

def enhanced(_=0):
    signal.alarm(30)  # a process that waits for ever ends
    return float(np.abs(enhancer.enhance(x) - expected).max())

class Rows(torch.utils.data.Dataset):
    def __len__(self): return 4
    def __getitem__(self, i): return enhanced()

child = os.fork()
if child == 0:
    first, again = enhanced(), enhanced()
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(enhanced() > 1e-5)
    os._exit(max(first, again) > 1e-5 or os.waitpid(grandchild, 0)[1] != 0)
assert os.waitpid(child, 0)[1] == 0
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert max(pool.map(enhanced, range(4))) < 1e-5
loader = torch.utils.data.DataLoader(Rows(), num_workers=2, multiprocessing_context="fork")
assert max(float(batch) for batch in loader) < 1e-5
assert enhanced() == 0
assert torch.get_num_threads() > 1
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    here = tmp_path_factory.mktemp("models")
    found = {}
    for kind in ("residual_ridge", "transformer_mean", "ridge"):
        enhancer, header = made(kind, 128 if kind == "residual_ridge" else DIM)
        found[kind] = here / f"{kind}.safetensors"
        save_enhancer(enhancer, header | {"people": {"salt": "s", "train": ["1", "2"]}}, found[kind])
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_enhances(models: dict[str, Path]) -> None:
    """Made by fork, by a pool, and by the workers of a DataLoader."""
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(models["residual_ridge"])]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "2"}, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr


class Reader(pickle.Unpickler):
    """Notes what a pickle calls."""

    called: ClassVar[set[str]] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.called.add(f"{module}.{name}")
        return super().find_class(module, name)


@pytest.mark.parametrize("kind", ["residual_ridge", "transformer_mean", "ridge", "onnx", "raw"])
def test_a_pickle_is_the_same_model(kind: str, models: dict[str, Path], tmp_path: Path) -> None:
    if kind == "onnx":
        path = tmp_path / "模型.ONNX"
        path.write_bytes(exported("ridge")[0])
        enhancer = poseid.load(path)
        path.unlink()
    else:
        enhancer = poseid.load(models.get(kind, "raw"))
    features, poses = rows(50, enhancer.info.dim or 7)
    expected = enhancer.enhance(features, poses)
    Reader.called.clear()
    again = Reader(io.BytesIO(pickle.dumps(enhancer))).load()
    assert Reader.called == {"poseid.enhancers.api.open_enhancer"}
    joblib.dump(enhancer, tmp_path / "enhancer.joblib")
    for other in (
        again,
        pickle.loads(pickle.dumps(again)),
        copy.deepcopy(enhancer),
        joblib.load(tmp_path / "enhancer.joblib"),
    ):
        assert other.info == enhancer.info
        assert np.array_equal(other.enhance(features, poses), expected)


@pytest.mark.parametrize("name", ["pickled.safetensors", "pickled.onnx"])
def test_damaged_bytes_are_refused(name: str) -> None:
    for content in (b"", b"x" * 100, pickle.dumps(print), b"\xff" * 8):
        with pytest.raises(InputError, match="not a readable"):
            open_enhancer(name, content)
