"""The Python API: shapes, dtypes and kinds preserved, the same numbers as in training's evaluation, bad rows named."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import poseid
from poseid.enhancers.api import BLOCK_ROWS
from poseid.enhancers.inference import enhance_arrays
from poseid.enhancers.saving import save_enhancer
from poseid.errors import InputError
from tests.enhancers.models_to_try import DIM, ROOT, TRAINING, made, python, rows

FINGERPRINT = {
    "dim": DIM,
    "rows": 2,
    "mean_direction": [1.0] + [0.0] * (DIM - 1),
    "mean_length": 0.5,
    "length_quantiles": [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "模型.safetensors"
    enhancer, header = made("residual_ridge")
    header |= {
        "fingerprint": FINGERPRINT,
        "people": {"salt": "s", "train": ["1", "2"], "validation": ["3"], "test": []},
        "report": {"verdict": "helps"},
    }
    save_enhancer(enhancer, header, path)
    return path


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_kind_dtype_and_shape_are_kept(model: Path, dtype: str, kind: str) -> None:
    enhancer = poseid.load(model)
    features, poses = rows(7)
    features = features.astype(dtype)
    given = torch.from_numpy(features) if kind == "torch" else features
    before = features.copy()
    many = enhancer.enhance(given, torch.from_numpy(poses) if kind == "torch" else poses)
    one = enhancer.enhance(given[2], poses[2].tolist())
    assert type(many) is type(given)
    assert (many.dtype, many.shape) == (given.dtype, given.shape)
    assert (one.dtype, one.shape) == (given.dtype, (DIM,))
    expected = enhance_arrays(made("residual_ridge")[0], features, poses).features
    rtol, atol = (1e-3, 2e-2) if dtype == "float16" else (0, 1e-5)  # the last bits depend on the size of the batch
    np.testing.assert_allclose(np.vstack([many, one]), np.vstack([expected, expected[2]]), rtol=rtol, atol=atol)
    assert np.array_equal(features, before)
    assert not np.array_equal(np.asarray(many), features)


def test_unknown_poses_are_the_same_however_they_are_written(model: Path) -> None:
    enhancer = poseid.load(str(model))
    features, poses = rows(6)
    poses[1], poses[3] = (math.nan, 0, 0), (0, math.inf, 0)
    written = poses.tolist()
    written[1], written[3] = None, None
    listed = enhancer.enhance(features, written)
    assert np.array_equal(listed, enhancer.enhance(features, poses))
    none = enhancer.enhance(features)
    assert np.array_equal(none, enhancer.enhance(features, np.full((6, 3), np.nan)))
    np.testing.assert_allclose(listed[[1, 3]], none[[1, 3]], atol=1e-6)
    assert np.abs(listed[[0, 2]] - none[[0, 2]]).max() > 1e-3
    assert np.array_equal(enhancer.enhance(features[0], None), enhancer.enhance(features[:1])[0])
    assert enhancer.enhance(features[:0], poses[:0]).shape == (0, DIM)


def test_blocks_make_no_difference(model: Path, tmp_path: Path) -> None:
    features, poses = rows(BLOCK_ROWS + 3)
    np.save(tmp_path / "x.npy", features)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    enhanced = poseid.load(model).enhance(mapped, poses)
    assert type(enhanced) is np.ndarray
    expected = enhance_arrays(made("residual_ridge")[0], features, poses).features
    np.testing.assert_allclose(enhanced, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda x: x.__setitem__((5, 3), np.nan), "row 5 holds NaN or infinity"),
        (lambda x: x.__setitem__((4, 0), np.inf), "row 4 holds NaN or infinity"),
        (lambda x: x.__setitem__(6, 0), "row 6 is all zeros"),
        (lambda x: x.__setitem__(2, 1e300), "row 2 has norm"),
    ],
)
def test_bad_rows_are_named(model: Path, fault: object, message: str) -> None:
    features, _ = rows(8)
    features = features.astype(np.float64)
    fault(features)  # type: ignore[operator]
    for opened in (poseid.load(model), poseid.load("raw")):
        with pytest.raises(InputError, match=message):
            opened.enhance(features)


@pytest.mark.parametrize(
    ("features", "poses", "message"),
    [
        (np.ones((2, DIM), np.int64), None, "int64 values"),
        (np.ones((2, DIM + 1), np.float32), None, rf"vectors have {DIM + 1} numbers, .* data\.dim={DIM + 1} "),
        (np.ones((2, 2, DIM), np.float32), None, "have shape"),
        (np.float32(1), None, "have shape"),
        (torch.ones(2, DIM, dtype=torch.bfloat16), None, "bfloat16"),
        (np.ones((2, DIM), np.float32), [[0, 0, 0]], "poses: have shape"),
        (np.ones((2, DIM), np.float32), [[0, 0], [0, 0]], "poses: have shape"),
        (np.ones((2, DIM), np.float32), [["a", 0, 0], None], "poses: are no rows"),
        (np.ones((2, DIM), np.float32), [[0, 0, 0], [0]], "poses: are no rows"),
        (np.ones(DIM, np.float32), [0, 0], "poses: have shape"),
    ],
)
def test_what_does_not_fit_is_one_line(model: Path, features: object, poses: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        poseid.load(model).enhance(features, poses)  # type: ignore[type-var,arg-type]
    assert "\n" not in str(caught.value)


class Column:
    """Ids by a label of their own, as ``pandas.Series`` has them; ``NotImplemented``, which like ``pandas.NA`` is
    neither true nor false, where there is none."""

    def __init__(self, values: list[object]) -> None:
        self.tolist = lambda: values
        self.isna = lambda: np.array([value is NotImplemented for value in values])

    def __len__(self) -> int:
        raise AssertionError


@pytest.mark.parametrize("column", [list, np.array, tuple, torch.tensor, Column])
def test_ids_come_in_any_column(column: Callable[[list[int]], Any]) -> None:
    features = np.random.default_rng(0).normal(size=(4, 3))
    found = poseid.load("raw").enhance(features, templates=column([7, 7, 5, 7]), media=column([1, 2, 1, 1]))
    assert found.ids == [7, 5]
    assert found.frames.tolist() == [3, 1]
    assert found.weight.tolist() == [2, 1]


def test_a_missing_id_of_a_column_is_none() -> None:
    features = np.random.default_rng(0).normal(size=(4, 3))
    templates, media = (Column([value, NotImplemented, NotImplemented, value]) for value in (7, "a"))
    found = poseid.load("raw").enhance(features, templates=templates, media=media)  # type: ignore[call-overload]
    assert found.ids == [7, None, None]
    assert found.frames.tolist() == [2, 1, 1]


def test_info(model: Path) -> None:
    info = poseid.load(model).info
    assert (info.model, info.dim, info.norm, info.sides) == ("residual", DIM, "keep", "probe")
    assert (info.fingerprint, info.verdict) == (FINGERPRINT, "helps")
    assert (info.training_people, info.validation_people) == (2, 1)
    raw = poseid.load("raw").info
    assert (raw.model, raw.dim, raw.verdict, raw.training_people) == ("raw", None, None, None)


def test_raw_is_bit_equal_in_any_dimension() -> None:
    for dtype in (np.float16, np.float64):
        features = np.random.default_rng(0).normal(size=(5, 3)).astype(dtype)
        assert np.array_equal(poseid.load("raw").enhance(features, np.zeros((5, 3))), features)


def test_import_is_light() -> None:
    check = "import sys, poseid; poseid.load; sys.exit(bool({'torch', 'numpy', 'onnxruntime'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0


def test_a_new_process_needs_torch_alone_and_gives_the_same_bits(model: Path, tmp_path: Path) -> None:
    """Whether it opens the file or is sent the enhancer, as processes started by multiprocessing are."""
    features, poses = rows(20)
    enhancer = poseid.load(model)
    np.savez(tmp_path / "in.npz", features=features, poses=poses)
    (tmp_path / "sent").write_bytes(pickle.dumps(enhancer.enhance))
    code = (
        "import sys, pickle, numpy, poseid; a = numpy.load('in.npz');"
        "ways = poseid.load(sys.argv[1]).enhance, pickle.load(open('sent', 'rb'));"
        "numpy.save('out.npy', [way(a['features'], a['poses']) for way in ways])"
    )
    assert python(code, tmp_path, str(model), without=TRAINING) == (0, "")
    for out in np.load(tmp_path / "out.npy"):
        assert np.array_equal(out, enhancer.enhance(features, poses))
