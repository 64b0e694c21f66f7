"""ONNX does what torch does, runs without torch, and nothing of a strange file is believed."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import poseid
from poseid.enhancers.header import to_metadata
from poseid.enhancers.onnx_run import onnx_session
from poseid.enhancers.registry import BASELINES
from poseid.enhancers.saving import open_model, save_enhancer
from poseid.errors import InputError
from poseid.features.folder import write_folder
from poseid.features.synthetic import synthetic
from tests.enhancers.models_to_try import DIM, OPTIONS, ROOT, exported, made, python, rows

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

# the others trace the same operators; "residual" itself stands in the test of strength 0
OTHERS = ("residual", "residual_unfitted", "residual_unit", "residual_no_skip", "transformer_weighted")
KINDS = [kind for kind in OPTIONS if kind not in OTHERS]
WITHOUT_TORCH = (
    "torch",
    "safetensors",
    "lightning",
    "torchmetrics",
    "hydra",
    "omegaconf",
    "wandb",
    "matplotlib",
    "rich",
)
TRY = """
import numpy, pathlib, sys, poseid
from poseid.features import read_folder
model, folder, out = sys.argv[1:]
video = read_folder(pathlib.Path(folder)).video
numpy.save(out, poseid.load(model).enhance(video.features, video.poses))
"""


def write(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def test_a_refusal_holds_its_reason(tmp_path: Path) -> None:
    """onnxruntime gives the reason at the end of a long line, here on a file of a later format."""
    model = onnx.load_from_string(exported("ridge")[0])
    model.ir_version = 99
    with pytest.raises(InputError, match=r"ridge\.onnx: not a readable.* … .*Unsupported model IR version: 99"):
        poseid.load(write(model.SerializeToString(), tmp_path / "ridge.onnx"))


@pytest.mark.parametrize("kind", KINDS)
def test_torch_and_onnx_agree_in_the_oldest_format_that_the_operators_allow(kind: str) -> None:
    content, difference = exported(kind)
    assert difference <= 1e-5
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    (opset,) = [one.version for one in model.opset_import if one.domain == ""]
    assert (opset, model.ir_version) == (18, 8)  # onnxruntime 1.17 reads up to 9
    run, _, dim = onnx_session(content, kind)
    assert dim == DIM
    enhancer, _ = made(kind)
    for count in (1, 7, 1000):
        features, given = rows(count, seed=count)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        mixed = given.copy()
        mixed[::2] = math.nan
        mixed[1::5, 1] = math.nan
        for poses in (given, None, mixed):
            with torch.no_grad():
                expected = enhancer(torch.from_numpy(features), None if poses is None else torch.from_numpy(poses))
            enhanced, weight = run(features, poses)
            assert np.abs(enhanced - expected.features.numpy()).max() <= 1e-5
            np.testing.assert_allclose(weight, expected.weight.numpy(), rtol=1e-5)
    x, pose = torch.from_numpy(features), torch.from_numpy(given)
    with torch.no_grad():
        by_pose = float((enhancer(x, pose).features - enhancer(x, None).features).abs().max())
    if kind not in ("raw", "nan"):
        assert np.abs(run(features, given)[0] - features).max() > 1e-3  # it does something
    assert by_pose > 1e-3 or kind in BASELINES  # some baselines go by the vector alone
    if by_pose > 1e-3:
        assert np.abs(run(features, given)[0] - run(features, None)[0]).max() > 1e-3  # and the poses count


def test_the_three_ways_to_open_a_model_agree(tmp_path: Path) -> None:
    enhancer, header = made("residual_ridge")
    save_enhancer(enhancer, header, tmp_path / "m.safetensors")
    write(exported("residual_ridge")[0], tmp_path / "m.onnx")
    torch.save(
        {
            "state_dict": {f"enhancer.{name}": value for name, value in enhancer.state_dict().items()},
            "hyper_parameters": {"model": header["model"]},
        },
        tmp_path / "m.ckpt",
    )
    features, poses = rows(7)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    poses[::2] = math.nan
    for dtype in (np.float16, np.float32):
        given = features.astype(dtype)
        one, *others = [
            poseid.load(tmp_path / f"m.{kind}").enhance(given, poses) for kind in ("safetensors", "onnx", "ckpt")
        ]
        tolerance = 1e-3 if dtype == np.float16 else 1e-5  # a float16 may be rounded to its neighbour
        for other in others:
            assert other.dtype == dtype
            np.testing.assert_allclose(other, one, atol=tolerance)
    tensor = torch.from_numpy(features)
    assert isinstance(poseid.load(tmp_path / "m.onnx").enhance(tensor, poses), torch.Tensor)


def test_the_file_knows_itself_and_nothing_of_this_machine(tmp_path: Path) -> None:
    content, difference = exported("residual_ridge")
    path = write(content, tmp_path / "模型.onnx")
    _, header = made("residual_ridge")
    opened = open_model(str(path))
    about = opened.info.pop("onnx")
    assert opened.info == header
    assert about == {"opset": 18, "weights": "float32", "max_difference": pytest.approx(difference, rel=0.01)}
    assert str(ROOT).encode() not in content
    assert b"stack_trace" not in content
    info = poseid.load(path).info
    assert (info.model, info.dim, info.sides) == ("residual", DIM, "probe")
    # evaluation takes it like any other model
    features, poses = rows(5)
    x, pose = torch.from_numpy(features), torch.from_numpy(poses)
    with torch.no_grad():
        torch.testing.assert_close(opened.enhancer(x, pose).features, made("residual_ridge")[0](x, pose).features)


def test_half_and_a_newer_opset() -> None:
    from poseid.enhancers.onnx_export import to_onnx

    enhancer, header = made("ridge", 64)
    half, difference = to_onnx(enhancer, header, opset=20, half=True)
    assert 1e-7 < difference <= 1e-3
    model = onnx.load_from_string(half)
    assert [one.version for one in model.opset_import if one.domain == ""] == [20]
    assert sum(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer) == 1
    features, poses = rows(9, 64)
    run, metadata, _ = onnx_session(half, "half")
    assert '"weights": "float16"' in metadata["poseid"]
    assert [output.dtype for output in run(features, poses)] == [np.float32, np.float32]


def test_an_export_that_differs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from poseid.enhancers import onnx_export

    other = onnx.load_from_string(exported("ridge")[0])
    monkeypatch.setattr(onnx_export, "_traced", lambda *_: other)
    with pytest.raises(InputError, match="differs from torch"):
        onnx_export.to_onnx(*made("wccn"))


def test_without_torch(tmp_path: Path) -> None:
    write(exported("residual_ridge")[0], tmp_path / "m.onnx")
    write_folder(synthetic(people=3, probes=4, seed=1, dim=DIM), tmp_path / "data")
    assert python(TRY, tmp_path, "m.onnx", "data", "out.npy", without=WITHOUT_TORCH) == (0, "")
    video = synthetic(people=3, probes=4, seed=1, dim=DIM).video
    enhancer = poseid.load(tmp_path / "m.onnx")
    assert np.array_equal(np.load(tmp_path / "out.npy"), enhancer.enhance(video.features, video.poses))
    for code, expected in (
        (
            "import poseid; poseid.load('m.safetensors')",
            "needs torch: pip install torch, or give an .onnx",
        ),
        ("from poseid import cli; sys.exit(cli.main(['export', 'raw', '--out', 'x.onnx']))", "needs the package torch"),
    ):
        status, error = python(code, tmp_path, without=WITHOUT_TORCH)
        assert status in (1, 2)
        assert expected in error


def foreign(metadata: dict[str, str], inputs: tuple[str, str] = ("features", "poses")) -> bytes:
    """A small graph with the right outputs."""
    helper = onnx.helper
    rows_of, rows_of_three, out = (
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", width])
        for name, width in ((inputs[0], 4), (inputs[1], 3), ("enhanced", 4))
    )
    weight = helper.make_tensor_value_info("weight", onnx.TensorProto.FLOAT, ["n"])
    nodes = [
        helper.make_node("Identity", [inputs[0]], ["enhanced"]),
        helper.make_node("ReduceMax", [inputs[0]], ["weight"], keepdims=0),
    ]
    graph = helper.make_graph(nodes, "foreign", [rows_of, rows_of_three], [out, weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, metadata)
    return bytes(model.SerializeToString())


def reaching_out(location: str) -> bytes:
    """Our own file, but for one matrix that is to be read from elsewhere."""
    model = onnx.load_from_string(exported("ridge")[0])
    tensor = max(model.graph.initializer, key=lambda one: len(one.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return bytes(model.SerializeToString())


def test_strange_files_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(bytes(4 * DIM * DIM))
    ours = exported("ridge")[0]
    cases: dict[str, bytes] = {
        "empty": b"",
        "garbage": b"\x00\xff" * 500,
        "cut": ours[: len(ours) // 2],
        "pickle": pickle.dumps({"a": 1}),
        "no metadata": foreign({}),
        "other format": foreign({"format": "other", "poseid": "{}"}),
        "no model": foreign(to_metadata({"sides": "probe"})),
        "metadata no JSON": foreign({**to_metadata({}), "poseid": "{"}),
        "other inputs": foreign(to_metadata({"model": {"name": "ridge"}}), ("x", "poses")),
        "data beside it": reaching_out("secret.bin"),
        "data above": reaching_out("../secret.bin"),
        "data anywhere": reaching_out(str(tmp_path / "secret.bin")),
    }
    for name, content in cases.items():
        path = write(content, tmp_path / f"{name}.onnx")
        for opening in (poseid.load, open_model):
            with pytest.raises(InputError) as caught:
                opening(str(path))
            assert str(path) in str(caught.value), name
            assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        poseid.load(tmp_path / "none.onnx")
    assert capfd.readouterr().err == ""
    # the same graph with a header of ours is believed: it is what the checks above let through
    assert poseid.load(write(foreign(to_metadata({"model": {"name": "ridge"}})), tmp_path / "good.onnx")).info.dim == 4


def test_a_correction_of_strength_0_returns_the_input_in_every_file(tmp_path: Path) -> None:
    from poseid.enhancers.onnx_export import to_onnx

    enhancer, header = made("residual")
    enhancer = copy.deepcopy(enhancer)
    enhancer.strength.data.zero_()
    content, difference = to_onnx(enhancer, header)
    save_enhancer(enhancer, header, tmp_path / "none.safetensors")
    features, poses = rows(7, seed=1)
    assert difference <= 1e-6  # of the network itself, which rounds where it multiplies by nothing
    for path in (write(content, tmp_path / "none.onnx"), tmp_path / "none.safetensors"):
        opened = poseid.load(path)
        assert np.array_equal(opened.enhance(features, poses), features)
        assert np.array_equal(opened.enhance(features), features)
        wide = features.astype(np.float64) * (1 + 1e-12)
        assert np.array_equal(opened.enhance(wide), wide)
    run, _, _ = onnx_session(content, "none")  # and in any other runtime
    assert np.array_equal(run(features, poses)[0], features)
