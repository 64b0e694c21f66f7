"""The Python API: an opened model and one method, ``enhance``. Nothing here imports torch before a model needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar, overload

import numpy as np

from poseid.enhancers.header import ModelInfo, info_of
from poseid.enhancers.onnx_run import Float32, Run, open_onnx, read_onnx
from poseid.enhancers.pooling import pool
from poseid.errors import InputError
from poseid.features.rows import DTYPES, MAX_NORM, MIN_NORM, check_features
from poseid.features.templates import number_templates

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

BLOCK_ROWS = 1024  # a block of 512 numbers a row stays in the processor's cache

Poses: TypeAlias = "ArrayLike | torch.Tensor | Sequence[Any] | None"

Vectors = TypeVar("Vectors", np.ndarray, "torch.Tensor")


class EnhancedTemplates(NamedTuple, Generic[Vectors]):
    """T templates, enhanced and pooled, in the order of their first rows."""

    features: Vectors
    """(T, D) unit rows, of the kind and dtype of the features given."""
    ids: list[Any]
    """T ids as given; None of a row that is a template of its own."""
    frames: np.ndarray
    """(T,) number of rows of each."""
    weight: np.ndarray
    """(T,) float32 sum of the weights of its media: how much there was to go by."""


class LoadedEnhancer:
    """A model, opened for use; made by :func:`poseid.load`.

    It computes in float32 on the CPU and holds no state between calls, so that threads may share it.

    Attributes:
        info: what the model says about itself, see :class:`poseid.enhancers.header.ModelInfo`.
    """

    def __init__(
        self, run: Run | None, unchanged: bool, info: ModelInfo, file: Callable[[], tuple[str, bytes | None]]
    ) -> None:
        """
        Args:
            run: enhances a block of rows and weighs them; None: every row weighs 1.
            unchanged: whether rows are returned bit for bit.
            info: of the model.
            file: gives a name and the bytes of a file that holds the model.
        """
        self._run = run
        self._unchanged = unchanged
        self.info = info
        self._file = file

    def __reduce__(self) -> tuple[Any, tuple[str, bytes | None]]:
        """A pickle holds the bytes of a file, which is opened like any other: nothing in it is executed."""
        return open_enhancer, self._file()

    def __repr__(self) -> str:
        dim = "any" if self.info.dim is None else self.info.dim
        return f"LoadedEnhancer(model={self.info.model!r}, dim={dim}, sides={self.info.sides!r})"

    @overload
    def enhance(self, features: Vectors, poses: Poses = None) -> Vectors: ...
    @overload
    def enhance(
        self, features: Vectors, poses: Poses = None, *, templates: Sequence[Any], media: Sequence[Any] | None = None
    ) -> EnhancedTemplates[Vectors]: ...
    def enhance(
        self,
        features: Vectors,
        poses: Poses = None,
        *,
        templates: Sequence[Any] | None = None,
        media: Sequence[Any] | None = None,
    ) -> Vectors | EnhancedTemplates[Vectors]:
        """Removes the head pose from face vectors.

        With ``info.sides == "probe"`` enhance probes only, and compare them with references as they are.

        Args:
            features: (N, D), or (D,) for one row, float16, float32 or float64, with the lengths that the recogniser
                gave them: a numpy array (a memory map is read a block at a time) or a torch tensor.
            poses: (N, 3), or (3,) for one row: ``[yaw, pitch, roll]`` in degrees. None, a row that is None, and a row
                with NaN are unknown: the enhancer then uses the vector alone.
            templates: N ids, texts or integers, in a list, an array or a ``pandas.Series``: the rows with one id are
                pooled into one, such as the frames of a track. A row whose id is None, or missing in pandas, is a
                template of its own.
            media: N ids of the clip or photo that a row comes from; rows of one media count as one in their template.

        Returns:
            A new array of the kind, shape and dtype of ``features`` (a tensor without gradient, on its device); with
            ``templates`` an :class:`EnhancedTemplates`.

        Raises:
            InputError: a shape or dtype that does not fit, or a row that holds NaN or infinity or has no direction;
                it names the row, counted from 0. Also a template whose rows cancel out.
        """
        enhanced: Any
        array, as_given = _as_array(features)
        enhanced, weights = self.enhance_weighted(array, poses)
        if templates is None:
            one_each: Vectors = as_given(enhanced)
            return one_each
        given = _as_list(templates)
        if array.ndim != 2 or len(given) != len(array):
            raise InputError(f"templates: {len(given)} ids for features of shape {array.shape}: give one id a row")
        numbers = number_templates(given, None if media is None else _as_list(media), "templates")
        pooled = pool(enhanced, weights, numbers)
        first = np.unique(numbers.template, return_index=True)[1]
        ids = [given[row] for row in first.tolist()]
        return EnhancedTemplates(as_given(pooled.features.astype(array.dtype)), ids, pooled.frames, pooled.weight)

    def enhance_weighted(self, features: np.ndarray, poses: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """The enhanced rows, as :meth:`enhance` gives them, and their weights in a template, (N,) float32 above 0.

        For pooling of one's own: a template is the direction of Σ weight · row / |row|.
        """
        if features.dtype.newbyteorder("=") not in DTYPES:
            raise InputError(f"features: hold {features.dtype} values: give float16, float32 or float64")
        single = features.ndim == 1
        rows = features[None] if single else features
        if rows.ndim != 2 or rows.shape[1] == 0:
            raise InputError(f"features: have shape {features.shape}: give (rows, D), or (D,) for one row")
        self.info.check_dim(rows.shape[1], "features")
        angles = None if poses is None else _pose_rows(poses, len(rows), single)
        out, weights = np.empty(rows.shape, rows.dtype), np.ones(len(rows), np.float32)
        for start in range(0, len(rows), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            with np.errstate(over="ignore"):  # of float64 too large for float32: found below
                x = np.array(rows[block], np.float32)
                squares = np.einsum("ij,ij->i", x, x)
            # one pass in float32 finds whether something is wrong, the slow check finds what and where
            if not (squares >= MIN_NORM**2).all() or not (squares <= MAX_NORM**2).all():
                check_features(rows, "features")
            enhanced = x
            if self._run is not None:
                enhanced, weights[block] = self._run(x, None if angles is None else angles[block])
            out[block] = rows[block] if self._unchanged else enhanced
        return (out[0], weights[0]) if single else (out, weights)


def _as_list(ids: Any) -> list[Any]:
    """Ids of a list, an array, or a column of a table such as ``pandas.Series``, as values of Python; None where the
    column says that there is none."""
    values = list(ids.tolist() if hasattr(ids, "tolist") else ids)
    if not hasattr(ids, "isna"):
        return values
    return [None if missing else value for value, missing in zip(values, ids.isna().tolist(), strict=True)]


def _as_array(features: Any) -> tuple[np.ndarray, Callable[[np.ndarray], Any]]:
    """An array or a tensor as an array, and what makes an array of the same kind as it was."""
    torch_module = sys.modules.get("torch")  # whoever has a tensor has imported it
    if torch_module is None or not isinstance(features, torch_module.Tensor):
        return np.asarray(features), lambda array: array
    if str(features.dtype) not in ("torch.float16", "torch.float32", "torch.float64"):
        raise InputError(f"features: {features.dtype} tensor: give float16, float32 or float64")
    device = features.device
    return features.detach().cpu().numpy(), lambda array: torch_module.from_numpy(array).to(device)


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
    if text == "raw":
        return LoadedEnhancer(None, True, info_of({"model": {"name": "raw"}}, None), lambda: ("raw", None))
    if text.lower().endswith(".onnx"):
        read = read_onnx(Path(text)) if content is None else content
        run, header, dim = open_onnx(Path(text), read)

        def file() -> tuple[str, bytes | None]:
            return "pickled.onnx", read

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

        def file() -> tuple[str, bytes | None]:
            return "pickled.safetensors", to_bytes(saved.enhancer, saved.info)

        run, header, dim = run_of(saved.enhancer), saved.info, saved.enhancer.dim
        unchanged = saved.enhancer.returns_input()
    # A fitted raw returns its input bit for bit too, in float64 as well.
    raw = header["model"]["name"] == "raw"
    return LoadedEnhancer(None if raw else run, raw or unchanged, info_of(header, dim), file)
