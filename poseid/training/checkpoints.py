"""Checkpoints: how they are written, which one to resume from, their weights; nothing in them is executed."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from poseid.atomic import write_bytes
from poseid.enhancers.people import recorded_people
from poseid.enhancers.saving import load_enhancer, read_checkpoint, read_info
from poseid.errors import InputError, first_line
from poseid.features.people import Split
from poseid.training.module import EnhancerModule

log = logging.getLogger(__name__)


class AtomicCheckpointIO(TorchCheckpointIO):
    """A checkpoint is written under another name and then renamed, so that a file with its name is complete.

    Lightning's own way goes through the directory for temporary files. Where that is another disk than the run's, a
    full disk or a killed process leaves a part of a checkpoint under the final name, in place of the last good one.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Through memory: torch itself does not say that a disk is full.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        write_bytes(path, content.getbuffer())


def find_checkpoint(config: dict[str, Any], run_dir: Path) -> Path | None:
    """The checkpoint to resume from: last.ckpt of the resumed run, ``ckpt_path``, or none."""
    last = run_dir / "checkpoints" / "last.ckpt"
    if config["resume"] and last.is_file():
        return last
    if config["resume"]:
        log.warning("%s has no checkpoint yet: starting as it was begun", run_dir)
    return Path(config["ckpt_path"]) if config["ckpt_path"] else None


def check_resumable(module: EnhancerModule, path: Path) -> None:
    """Refuses a checkpoint that a training cannot resume from, before Lightning reads it once more.

    Raises:
        InputError: it is no checkpoint, its weights do not fit, or the optimiser's state is missing or does not fit.
    """
    content = load_state(module, path)
    try:
        (saved,) = content["optimizer_states"]
        ids = [number for group in saved["param_groups"] for number in group["params"]]
        fits = len(ids) == len(list(module.parameters())) and set(saved["state"]) <= set(ids)
        complete = isinstance(content["epoch"], int) and "fit_loop" in content["loops"]
        complete = complete and len(content["lr_schedulers"]) == 1
    except (KeyError, TypeError, ValueError):
        fits = complete = False
    if not (fits and complete):
        raise InputError(f"{path}: holds no state of a training that could go on; its weights alone: init_from={path}")


def load_state(module: EnhancerModule, path: Path) -> dict[str, Any]:
    """Puts a checkpoint's weights into a module; returns all that the checkpoint holds."""
    content = read_checkpoint(path)
    try:
        module.load_state_dict(content["state_dict"])
    except (RuntimeError, TypeError, ValueError) as error:
        raise InputError(f"{path}: its weights do not fit this model ({first_line(error)})") from None
    return content


def refuse_seen_people(key: str, path: Path, split: Split) -> None:
    """Refuses weights that are not there, or were trained on people who are now to validate or test.

    Args:
        key: ``init_from`` or ``ckpt_path``, for the message.
        path: a saved enhancer, or a checkpoint whose run left one; a checkpoint alone does not know its people.
        split: of this run.

    Raises:
        InputError: no such file; or with the number of people.
    """
    if not path.is_file():
        raise InputError(f"{key}: {path}: no such file")
    saved = path if path.suffix == ".safetensors" else path.parent.parent / "enhancer.safetensors"
    if not saved.is_file():
        log.warning("%s: %s does not say whom it was trained on; make sure that nobody is tested on it", key, path)
        return
    recorded = recorded_people(read_info(saved), [*split.validation, *split.test])
    if recorded is None:
        return
    for part, known in (("validation", recorded["train"]), ("test", recorded["train"] | recorded["validation"])):
        names = getattr(split, part)
        seen = len(known.intersection(names))
        if seen:
            raise InputError(
                f"{key}: {path} has seen {seen} of the {len(names)} {part} people; use the same split of people"
            )


@torch.no_grad()
def initialise_from(module: EnhancerModule, path: Path) -> None:
    """``init_from``: weights only, from a checkpoint or a saved enhancer; the strength begins where conf/ says."""
    strength = module.enhancer.strength.detach().clone()
    if path.suffix == ".safetensors":
        try:
            module.enhancer.load_state_dict(load_enhancer(path).enhancer.state_dict())
        except RuntimeError:
            raise InputError(f"init_from: {path}: its weights do not fit this model") from None
    else:
        load_state(module, path)
    module.enhancer.strength.copy_(strength)
