"""From what a user calls a MODEL to an enhancer: ``raw``, a directory, a .safetensors, a .ckpt or an .onnx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from poseid.enhancers.build import OPPONENTS
from poseid.enhancers.checkpoint import read_checkpoint
from poseid.enhancers.onnx_module import OnnxModule
from poseid.enhancers.onnx_run import onnx_run
from poseid.enhancers.opponents.raw import Raw
from poseid.enhancers.saving import SavedEnhancer, load_enhancer, read_info, restored
from poseid.errors import InputError

SAVED = "enhancer.safetensors"


def open_model(text: str, dim: int | None = None) -> SavedEnhancer:
    """Opens a MODEL.

    ``raw``; a directory that holds ``enhancer.safetensors`` (a run, or what ``poseid baseline`` wrote); a
    ``.safetensors``; an ``.onnx`` that was exported from one of them (which compares in D dimensions, whatever
    ``similarity_dim`` was); a ``.ckpt`` of a run, read without executing anything in it. A checkpoint does not know its
    training people: they come from the ``enhancer.safetensors`` of its run where there is one, else
    ``info["people"]`` is missing.

    Args:
        text: as written on the command line.
        dim: D of the vectors that it is for; None takes any, and 512 for ``raw``.

    Raises:
        InputError: one line that says what the text is not, or that it is for vectors of another D.
    """
    saved = _opened(text, dim or 512)
    if dim is not None and dim_of(saved.enhancer) != dim:
        raise InputError(
            f"{text}: is made for vectors of {dim_of(saved.enhancer)} numbers, those of the data have {dim}"
        )
    return saved


def _opened(text: str, dim: int) -> SavedEnhancer:
    if text == "raw":
        return SavedEnhancer(Raw(dim).eval(), {"model": {"name": "raw", "dim": dim}, "sides": "probe"})
    path = Path(text)
    if path.is_dir():
        if not (path / SAVED).is_file():
            raise InputError(f"{text}: holds no {SAVED}: give the directory of a finished run or of a baseline")
        return load_enhancer(path / SAVED)
    if not path.exists():
        if text in OPPONENTS:
            raise InputError(f"{text}: must be fitted first: poseid baseline {text} --data DIR --out NEW_DIR")
        raise InputError(f"{text}: no such file or directory, and no opponent of that name")
    if path.suffix == ".safetensors":
        return load_enhancer(path)
    if path.suffix == ".ckpt":
        return _open_checkpoint(path)
    if path.suffix == ".onnx":
        run, header, found = onnx_run(path)
        return SavedEnhancer(OnnxModule(run, found, str(header.get("sides", "probe"))).eval(), header)
    raise InputError(f"{text}: is no MODEL: give raw, a run or baseline directory, a .safetensors, .onnx or .ckpt")


def _open_checkpoint(path: Path) -> SavedEnhancer:
    content = read_checkpoint(path)
    try:
        model = dict(content["hyper_parameters"]["model"])
        state = {
            name.removeprefix("enhancer."): tensor
            for name, tensor in content["state_dict"].items()
            if name.startswith("enhancer.")
        }
        model["name"]
    except Exception:
        raise InputError(f"{path}: not a checkpoint of poseid, or damaged") from None
    enhancer = restored(path, model, lambda: state)
    return SavedEnhancer(enhancer, {"model": model, "sides": sides_of(enhancer)} | _of_its_run(path, model))


def _of_its_run(path: Path, model: dict[str, Any]) -> dict[str, Any]:
    """People, data and fingerprint from the file that the run of a checkpoint shipped, if it is there."""
    shipped = path.resolve().parent.parent / SAVED
    if not shipped.is_file():
        return {}
    info = read_info(shipped)
    if info["model"] != model:
        return {}
    return {key: info[key] for key in ("people", "data", "fingerprint") if key in info}


def sides_of(enhancer: nn.Module) -> str:
    """Which sides of a comparison an enhancer is meant for: "probe" or "both"."""
    return str(enhancer.sides)


def dim_of(enhancer: nn.Module) -> int:
    """D, the number of numbers in the vectors that an enhancer takes."""
    dim: int = enhancer.dim  # type: ignore[assignment]
    return dim
