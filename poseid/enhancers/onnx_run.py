"""An exported model as a function of arrays, run by onnxruntime: no torch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.enhancers.header import from_metadata
from poseid.errors import InputError, shortened

INPUTS = ("features", "poses")
OUTPUTS = ("enhanced", "weight")

Float32 = NDArray[np.float32]

Run = Callable[[Float32, Float32 | None], tuple[Float32, Float32]]
"""(n, D) rows and (n, 3) degrees, rows of NaN unknown, or None for no pose at all, to (n, D) rows and (n,) weights."""


def read_onnx(path: Path) -> bytes:
    """The bytes of a file; InputError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def open_onnx(path: Path, content: bytes | None = None) -> tuple[Run, dict[str, Any], int]:
    """Opens a file that ``poseid export`` wrote.

    Args:
        path: of the file.
        content: of the file, where it is not to be read.

    Returns:
        What enhances a block of rows, the header, and D.

    Raises:
        InputError: the file is missing, no ONNX file, wants data from outside itself, or is not one of ours.
    """
    run, metadata, dim = onnx_session(read_onnx(path) if content is None else content, str(path))
    return run, from_metadata(path, metadata), dim


def onnx_session(content: bytes, name: str, threads: int = 0) -> tuple[Run, dict[str, str], int]:
    """What enhances a block of rows, the metadata and D, from the bytes of an ONNX file.

    Args:
        content: of the file.
        name: for messages.
        threads: CPU threads; 0 leaves it to onnxruntime, which takes all cores.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise InputError(f'{name}: needs onnxruntime: pip install onnxruntime, or "poseid[onnx]"') from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what is wrong is said once, by us
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as nothing:
        # A file of ours holds its weights itself. One that names others must not reach into this machine.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", nothing)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            # Damaged names and texts that are no UTF-8 fail only here.
            metadata = dict(session.get_modelmeta().custom_metadata_map)
            inputs = {one.name: (one.type, one.shape) for one in session.get_inputs()}
            outputs = [one.name for one in session.get_outputs()]
        except Exception as error:
            reason = shortened(str(error))
            raise InputError(f"{name}: not a readable ONNX file, or one that wants other files ({reason})") from None
    shapes = [inputs.get(one, ("", [None, None])) for one in INPUTS]
    if (
        set(inputs) != {*INPUTS}
        or outputs != [*OUTPUTS]
        or any(kind != "tensor(float)" or len(shape) != 2 for kind, shape in shapes)
        or not isinstance(shapes[0][1][1], int)
        or shapes[1][1][1] != 3
    ):
        raise InputError(f"{name}: not an enhancer of poseid (its inputs are not features (N, D) and poses (N, 3))")

    def run(features: Float32, poses: Float32 | None) -> tuple[Float32, Float32]:
        if poses is None:
            poses = np.full((len(features), 3), np.nan, np.float32)
        enhanced, weight = session.run([*OUTPUTS], {"features": features, "poses": poses})
        return enhanced, weight

    return run, metadata, int(shapes[0][1][1])
