"""From an enhancer to ONNX: traced by torch, checked against it in onnxruntime, everything about it in the file."""

from __future__ import annotations

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from poseid.enhancers.header import to_metadata
from poseid.enhancers.inference import for_inference
from poseid.enhancers.model import Model
from poseid.enhancers.onnx_run import INPUTS, OUTPUTS, Float32, Run, onnx_session
from poseid.errors import InputError, first_line

if TYPE_CHECKING:
    import onnx

OPSET = 18
BATCHES = (1, 7, 1000)
LIMIT, HALF_LIMIT = 1e-5, 1e-3  # largest difference from torch, in lengths of a row
_SMALL = 1024  # numbers; smaller tensors stay in float32, where half would save nothing


def to_onnx(enhancer: Model, header: dict[str, Any], opset: int = OPSET, half: bool = False) -> tuple[bytes, float]:
    """The bytes of an ONNX file that does what the enhancer does.

    Inputs ``features`` (rows, D) and ``poses`` (rows, 3), degrees, both float32; a row of ``poses`` that holds NaN is
    unknown. Outputs ``enhanced`` (rows, D) and ``weight`` (rows,), both float32. Any number of rows.

    Args:
        enhancer: any model of this package.
        header: goes into the file's metadata, as in safetensors, with the key ``onnx``: ``opset``, ``weights``,
            ``max_difference`` and, where rows come out as they went in, ``unchanged``.
        opset: version of the operators.
        half: store the matrices in float16, which halves the file; they are widened when it is opened, and all
            computing stays float32.

    Returns:
        The bytes, and max |ONNX − torch| over batches of 1, 7 and 1000 random rows with poses, without, and mixed:
        of vectors in lengths of the row, of weights in weights of the row.

    Raises:
        InputError: a package is missing, the operators cannot be had in that version, or the difference is above 1e-5
            (1e-3 for ``half``).
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise InputError(f'an ONNX export needs {package}: pip install "poseid[onnx]"')
    model = _traced(enhancer, opset)
    if half:
        _halve(model)
    run, _, _ = onnx_session(model.SerializeToString(), "the exported model")
    difference = largest_difference(run, enhancer)
    limit = HALF_LIMIT if half else LIMIT
    if not difference <= limit:
        raise InputError(
            f"the exported model differs from torch by {difference:.1e} of a row's length, more than {limit:g}: "
            "nothing is written" + (": export without --fp16" if half else "")
        )
    about = {"opset": opset, "weights": "float16" if half else "float32", "max_difference": float(f"{difference:.2e}")}
    about |= {"unchanged": True} if enhancer.returns_input() else {}
    for key, text in to_metadata(header | {"onnx": about}).items():
        model.metadata_props.add(key=key, value=text)
    content: bytes = model.SerializeToString()
    return content, difference


def largest_difference(run: Run, enhancer: Model) -> float:
    """max |run − enhancer| over random rows of lengths 1 to 30, relative to the row; NaN where either gives NaN."""
    rng = np.random.default_rng(0)
    worst = [0.0]
    for count in BATCHES:
        directions = rng.normal(size=(count, enhancer.dim))
        lengths = rng.uniform(1, 30, size=(count, 1))
        features = (directions / np.linalg.norm(directions, axis=1, keepdims=True) * lengths).astype(np.float32)
        given = rng.uniform(-90, 90, size=(count, 3)).astype(np.float32)
        mixed = given.copy()
        mixed[rng.random(count) < 0.5] = np.nan
        mixed[rng.random(count) < 0.1, 2] = np.nan  # one angle unknown is a pose unknown
        for poses in (given, None, mixed):
            with torch.inference_mode():
                pose = None if poses is None else torch.from_numpy(poses)
                expected = enhancer(torch.from_numpy(features), pose)
            rows, weights = (array.numpy() for array in (expected.features, expected.weight))
            sizes: Float32 = np.linalg.norm(rows, axis=1, keepdims=True)
            got, weight = run(features, poses)
            worst += [float((np.abs(got - rows) / sizes).max()), float((np.abs(weight / weights - 1)).max())]
    return float(np.max(worst))


def _traced(enhancer: Model, opset: int) -> onnx.ModelProto:
    import onnx

    rows = torch.export.Dim("rows")
    example = (torch.ones(5, enhancer.dim), torch.zeros(5, 3))
    try:
        with _quiet():
            program = torch.onnx.export(
                for_inference(enhancer),
                example,
                dynamo=True,
                verbose=False,
                opset_version=opset,
                input_names=list(INPUTS),
                output_names=[*OUTPUTS],
                dynamic_shapes=({0: rows}, {0: rows}),
            )
    except Exception as error:
        raise InputError(f"the model cannot be exported ({first_line(error)})") from error
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    got = {one.version for one in model.opset_import if one.domain == ""}
    if got != {opset}:
        raise InputError(f"--opset {opset}: the operators of this model cannot be had in that version; try {OPSET}")
    # the exporter writes the newest version of the format, which older runtimes refuse whatever the operators
    model.ir_version = onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True)
    # the exporter notes source files of this machine at every node
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    del model.metadata_props[:]
    return model


def _halve(model: onnx.ModelProto) -> None:
    import onnx

    widened = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        name = tensor.name
        with np.errstate(over="ignore"):  # an infinity shows in the check
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        widened.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps the exporter's remarks on optional packages and on its own code off the terminal."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
