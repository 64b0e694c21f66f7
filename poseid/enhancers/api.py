"""The Python API: an opened model and one method, ``enhance``. Nothing here imports torch before a model needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from poseid.enhancers.header import ModelInfo, info_of
from poseid.enhancers.onnx_run import Float32, Run, open_onnx, read_onnx
from poseid.errors import InputError
from poseid.features.rows import DTYPES, MAX_NORM, MIN_NORM, check_features

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

BLOCK_ROWS = 1024  # a block of 512 numbers a row stays in the processor's cache

Vectors = TypeVar("Vectors", np.ndarray, "torch.Tensor")


class LoadedEnhancer:
    """A model, opened for use; made by :func:`poseid.load`.

    It computes in float32 on the CPU and holds no state between calls, so that threads may share it.

    Attributes:
        info: what the model says about itself, see :class:`poseid.enhancers.header.ModelInfo`.
    """

    def __init__(self, run: Run | None, info: ModelInfo, file: Callable[[], tuple[str, bytes | None]]) -> None:
        """
        Args:
            run: enhances a block of rows; None returns rows bit for bit.
            info: of the model.
            file: gives a name and the bytes of a file that holds the model.
        """
        self._run = run
        self.info = info
        self._file = file

    def __reduce__(self) -> tuple[Any, tuple[str, bytes | None]]:
        """A pickle holds the bytes of a file, which is opened like any other: nothing in it is executed."""
        return open_enhancer, self._file()

    def __repr__(self) -> str:
        dim = "any" if self.info.dim is None else self.info.dim
        return f"LoadedEnhancer(model={self.info.model!r}, dim={dim}, sides={self.info.sides!r})"

    def enhance(self, features: Vectors, poses: ArrayLike | torch.Tensor | Sequence[Any] | None = None) -> Vectors:
        """Removes the head pose from face vectors.

        With ``info.sides == "probe"`` enhance probes only, and compare them with references as they are.

        Args:
            features: (N, D), or (D,) for one row, float16, float32 or float64, with the lengths that the recogniser
                gave them: a numpy array (a memory map is read a block at a time) or a torch tensor.
            poses: (N, 3), or (3,) for one row: ``[yaw, pitch, roll]`` in degrees. None, a row that is None, and a row
                with NaN are unknown: the enhancer then uses the vector alone.

        Returns:
            A new array of the kind, shape and dtype of ``features`` (a tensor without gradient, on its device).

        Raises:
            InputError: a shape or dtype that does not fit, or a row that holds NaN or infinity or has no direction;
                it names the row, counted from 0.
        """
        enhanced: Any
        torch_module = sys.modules.get("torch")  # whoever has a tensor has imported it
        if torch_module is not None and isinstance(features, torch_module.Tensor):
            if str(features.dtype) not in ("torch.float16", "torch.float32", "torch.float64"):
                raise InputError(f"features: {features.dtype} tensor: give float16, float32 or float64")
            enhanced = self._enhance_array(features.detach().cpu().numpy(), poses)
            enhanced = torch_module.from_numpy(enhanced).to(features.device)
        else:
            enhanced = self._enhance_array(np.asarray(features), poses)
        return enhanced  # type: ignore[no-any-return]

    def _enhance_array(self, features: np.ndarray, poses: Any) -> np.ndarray:
        if features.dtype.newbyteorder("=") not in DTYPES:
            raise InputError(f"features: hold {features.dtype} values: give float16, float32 or float64")
        single = features.ndim == 1
        rows = features[None] if single else features
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise InputError(f"features: have shape {features.shape}: give (rows, D), or (D,) for one row")
        if self.info.dim is not None and rows.shape[1] != self.info.dim:
            raise InputError(
                f"features: vectors of {rows.shape[1]} numbers, but the model {self.info.model} is made for "
                f"{self.info.dim}: use the recogniser that it was trained on"
            )
        angles = None if poses is None else _pose_rows(poses, len(rows), single)
        out = np.empty(rows.shape, rows.dtype)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            with np.errstate(over="ignore"):  # of float64 too large for float32: found below
                x = np.array(rows[block], np.float32)
                squares = np.einsum("ij,ij->i", x, x)
            # one pass in float32 finds whether something is wrong, the slow check finds what and where
            if not (squares >= MIN_NORM**2).all() or not (squares <= MAX_NORM**2).all():
                check_features(rows, "features")
            if self._run is None:
                out[block] = rows[block]
            else:
                out[block] = self._run(x, None if angles is None else angles[block])
        return out[0] if single else out


def _pose_rows(poses: Any, count: int, single: bool) -> Float32:
    """(count, 3) float32 degrees, rows of NaN where unknown.

    >>> _pose_rows([[30, 0, 0], None], 2, False)
    array([[30.,  0.,  0.],
           [nan, nan, nan]], dtype=float32)
    """
    if hasattr(poses, "detach"):
        poses = poses.detach().cpu().numpy()
    elif not single and isinstance(poses, (list, tuple)):
        poses = [(None, None, None) if row is None else row for row in poses]
    try:
        angles = np.array(poses, np.float32)
    except (TypeError, ValueError):
        raise InputError("poses: are no rows of three numbers: give [yaw, pitch, roll] in degrees") from None
    expected = (3,) if single else (count, 3)
    if single and angles.shape == (1, 3):
        angles = angles[0]
    if angles.shape != expected:
        raise InputError(f"poses: have shape {angles.shape}, not {expected}: give [yaw, pitch, roll] for each row")
    angles = angles.reshape(-1, 3)
    angles[~np.isfinite(angles).all(axis=1)] = np.nan
    return angles


def open_enhancer(model: str | Path, content: bytes | None = None) -> LoadedEnhancer:
    """See :func:`poseid.load`; ``content`` is that of the file where it is not to be read from the disk."""
    text = str(model)
    file: Callable[[], tuple[str, bytes | None]]
    if text == "raw":
        return LoadedEnhancer(None, info_of({"model": {"name": "raw"}}, None), lambda: ("raw", None))
    if text.lower().endswith(".onnx"):
        read = read_onnx(Path(text)) if content is None else content
        run, header, dim = open_onnx(Path(text), read)
        file = lambda: ("pickled.onnx", read)  # noqa: E731
        about = header.get("onnx")
        unchanged = isinstance(about, dict) and about.get("unchanged") is True
    else:
        try:
            from poseid.enhancers.inference import run_of
            from poseid.enhancers.saving import from_bytes, open_model, to_bytes
        except ModuleNotFoundError as error:
            if error.name not in ("torch", "safetensors"):
                raise
            raise InputError(f"{text}: needs {error.name}: pip install {error.name}, or give an .onnx") from None
        saved = open_model(text) if content is None else from_bytes(content, text)
        file = lambda: ("pickled.safetensors", to_bytes(saved.enhancer, saved.info))  # noqa: E731
        run, header, dim = run_of(saved.enhancer), saved.info, saved.enhancer.dim
        unchanged = saved.enhancer.returns_input()
    # A fitted raw returns its input bit for bit too, in float64 as well.
    return LoadedEnhancer(None if unchanged or header["model"]["name"] == "raw" else run, info_of(header, dim), file)
