"""The files that ship: safetensors with the weights and the header; and opening whatever a user calls a MODEL.

No pickle is loaded, and only the classes of :mod:`poseid.enhancers.registry` are ever made, whatever a file says.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load, load_file, save
from torch import Tensor

from poseid.atomic import write_bytes
from poseid.enhancers.baselines.raw import Raw
from poseid.enhancers.header import from_metadata, info_of, to_metadata
from poseid.enhancers.model import EnhancerOutput, Model, checked_sides, output_of
from poseid.enhancers.onnx_run import Run, open_onnx
from poseid.enhancers.registry import BASELINES, build_saved
from poseid.errors import InputError, first_line

SAVED = "enhancer.safetensors"


@dataclass(frozen=True)
class SavedEnhancer:
    """A model as loaded, and its header.

    Attributes:
        enhancer: in evaluation mode, on the CPU.
        info: the header: ``model`` (name and options), ``sides``, ``versions``, ``fingerprint``, ``people``, …
    """

    enhancer: Model
    info: dict[str, Any]


class OnnxModel(Model):
    """An exported file as a model, so that ``poseid evaluate`` can judge the very file that ships.

    Args:
        run: of :func:`poseid.enhancers.onnx_run.open_onnx`.
        dim: D.
        sides: "probe" or "both".
    """

    def __init__(self, run: Run, dim: int, sides: str) -> None:
        super().__init__()
        self.run = run
        self.dim = dim
        self.sides = checked_sides(sides)

    def forward(self, features: Tensor, pose: Tensor | None = None) -> EnhancerOutput:
        enhanced, weight = self.run(features.numpy(), None if pose is None else pose.numpy())
        return output_of(torch.from_numpy(enhanced), torch.from_numpy(weight))


def save_enhancer(enhancer: Model, info: dict[str, Any], path: Path) -> None:
    """Writes a model; the file appears in full or not at all.

    Args:
        enhancer: an enhancer or a baseline.
        info: JSON values; ``info["model"]`` = {"name": …, options of its constructor}.
        path: the file.
    """
    # not save_file, which makes files that nobody but their owner may read: a service is often another user
    write_bytes(path, to_bytes(enhancer, info))


def to_bytes(enhancer: Model, info: dict[str, Any]) -> bytes:
    """What :func:`save_enhancer` writes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in enhancer.state_dict().items()}
    return _in_order(save(tensors, metadata=to_metadata(info)))


def from_bytes(content: bytes, name: str) -> SavedEnhancer:
    """The model in the bytes of a ``.safetensors``, called ``name`` in messages; raises as :func:`load_enhancer`."""
    path = Path(name)
    try:
        tensors = load(content)
        end = 8 + int.from_bytes(content[:8], "little")  # safetensors: a length, then JSON
        info = from_metadata(path, json.loads(content[8:end]).get("__metadata__") or {})
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable safetensors file ({first_line(error)})") from None
    return SavedEnhancer(_restored(path, info["model"], lambda: tensors), info)


def _in_order(content: bytes) -> bytes:
    """The same file with its metadata in order, which safetensors leaves to chance: equal models are equal files."""
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def read_info(path: Path) -> dict[str, Any]:
    """The header of a saved enhancer, checked.

    Raises:
        InputError: the file is missing, no safetensors file, or not one of ours.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safetensors.safe_open(path, framework="pt") as opened:
            metadata = opened.metadata() or {}
    except Exception as error:
        raise InputError(f"{path}: not a readable safetensors file ({first_line(error)})") from None
    return from_metadata(path, metadata)


def load_enhancer(path: Path) -> SavedEnhancer:
    """Reads a ``.safetensors``.

    Raises:
        InputError: as :func:`read_info`, or the weights do not fit the model named in the header.
    """
    info = read_info(path)
    return SavedEnhancer(_restored(path, info["model"], lambda: load_file(path)), info)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint of ours holds: ``state_dict`` and ``hyper_parameters`` at least; nothing in it is executed.

    Raises:
        InputError: no such file, no checkpoint of ours, or one that holds more than tensors and plain values.
    """
    try:
        with warnings.catch_warnings():
            # Torch's remarks on strange files; what is wrong is said below, in one line.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
        content["state_dict"], content["hyper_parameters"]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except Exception:
        raise InputError(f"{path}: not a checkpoint of poseid, or damaged") from None
    return dict(content)


def open_model(text: str, dim: int | None = None) -> SavedEnhancer:
    """Opens a MODEL.

    ``raw``; a directory that holds ``enhancer.safetensors`` (a run, or what ``poseid baseline`` wrote); a
    ``.safetensors``; an ``.onnx`` that was exported from one of them (which compares in D dimensions, whatever
    ``similarity_dim`` was); a ``.ckpt`` of a run. A checkpoint does not know its training people: they come from the
    ``enhancer.safetensors`` of its run where there is one, else ``info["people"]`` is missing.

    Args:
        text: as written on the command line.
        dim: D of the vectors that it is for; None takes any, and 512 for ``raw``.

    Raises:
        InputError: one line that says what the text is not, or that it is for vectors of another D.
    """
    if text == "raw":
        return SavedEnhancer(Raw(dim or 512).eval(), {"model": {"name": "raw", "dim": dim or 512}, "sides": "probe"})
    saved = _open_path(text, Path(text))
    if dim is not None:
        info_of(saved.info, saved.enhancer.dim).check_dim(dim, f"{text}, with these data")
    return saved


def _open_path(text: str, path: Path) -> SavedEnhancer:
    if path.is_dir():
        if not (path / SAVED).is_file():
            raise InputError(f"{text}: holds no {SAVED}: give the directory of a finished run or of a baseline")
        return load_enhancer(path / SAVED)
    if not path.exists():
        if text in BASELINES:
            raise InputError(f"{text}: must be fitted first: poseid baseline {text} --data DIR --out NEW_DIR")
        raise InputError(f"{text}: no such file or directory, and no baseline of that name")
    kind = path.suffix.lower()
    if kind == ".safetensors":
        return load_enhancer(path)
    if kind == ".ckpt":
        return _open_checkpoint(path)
    if kind == ".onnx":
        run, header, found = open_onnx(path)
        return SavedEnhancer(OnnxModel(run, found, str(header.get("sides", "probe"))).eval(), header)
    raise InputError(f"{text}: is no MODEL: give raw, a run or baseline directory, a .safetensors, .onnx or .ckpt")


def _open_checkpoint(path: Path) -> SavedEnhancer:
    content = read_checkpoint(path)
    try:
        model = dict(content["hyper_parameters"]["model"])
        own = [(name, tensor) for name, tensor in content["state_dict"].items() if name.startswith("enhancer.")]
        state = {name.removeprefix("enhancer."): tensor for name, tensor in own}
        model["name"]
    except Exception:
        raise InputError(f"{path}: not a checkpoint of poseid, or damaged") from None
    enhancer = _restored(path, model, lambda: state)
    info = {"model": model, "sides": enhancer.sides}
    of_its_run = path.resolve().parent.parent / SAVED
    if of_its_run.is_file():
        saved = read_info(of_its_run)
        if saved["model"] == model:
            info |= {key: saved[key] for key in ("people", "data", "fingerprint") if key in saved}
    return SavedEnhancer(enhancer, info)


def _restored(path: Path, model: dict[str, Any], state: Callable[[], dict[str, Tensor]]) -> Model:
    """The model that a file names ("name" and options), with the file's weights, in evaluation mode.

    Raises:
        InputError: unknown model or option, weights that do not fit it, or that are not finite.
    """
    options = dict(model)
    name = options.pop("name")
    try:
        tensors = state()
        with torch.device("meta"):  # sizes without memory: those of a damaged header may be larger than any machine
            build_saved(name, options).load_state_dict(tensors, assign=True)
        enhancer = build_saved(name, options)
        enhancer.load_state_dict(tensors)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (RuntimeError, TypeError, ValueError, ZeroDivisionError) as error:
        detail = str(error).rpartition("\n\t")[2]  # of torch's list of what does not fit
        raise InputError(f"{path}: weights do not fit the model {name} ({first_line(ValueError(detail))})") from None
    if not all(bool(torch.isfinite(tensor).all()) for tensor in enhancer.state_dict().values()):
        raise InputError(f"{path}: weights hold NaN or infinity; the file is damaged")
    return enhancer.eval()
