"""Reading checkpoints: which one to go on from, and their weights, without executing anything in them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from poseid.enhancers.saving import load_enhancer, read_checkpoint, read_info
from poseid.errors import InputError, first_line
from poseid.features.fingerprint import hash_person
from poseid.features.people import Split
from poseid.training.module import EnhancerModule

log = logging.getLogger(__name__)


def find_checkpoint(config: dict[str, Any], run_dir: Path) -> Path | None:
    """The checkpoint to go on from: last.ckpt of the resumed run, ``ckpt_path``, or none."""
    if config["resume"]:
        last = run_dir / "checkpoints" / "last.ckpt"
        if not last.is_file():
            log.warning("%s has no checkpoint yet: starting at the first epoch", run_dir)
            return None
        return last
    if config["ckpt_path"]:
        path = Path(config["ckpt_path"])
        if not path.is_file():
            raise InputError(f"ckpt_path: {path}: no such file")
        return path
    return None


def check_whole(module: EnhancerModule, path: Path) -> None:
    """Refuses a checkpoint that cannot be gone on from, before Lightning reads it once more.

    Raises:
        InputError: it is no checkpoint, its weights do not fit, or the optimiser's state is missing or does not fit.
    """
    load_state(module, path)
    content = read_checkpoint(path)
    try:
        (saved,) = content["optimizer_states"]
        ids = [number for group in saved["param_groups"] for number in group["params"]]
        fits = len(ids) == len(list(module.parameters())) and set(saved["state"]) <= set(ids)
        whole = (
            isinstance(content["epoch"], int) and len(content["lr_schedulers"]) == 1 and "fit_loop" in content["loops"]
        )
    except (KeyError, TypeError, ValueError):
        fits = whole = False
    if not (fits and whole):
        raise InputError(f"{path}: holds no state of a training that could go on; its weights alone: init_from={path}")


def load_state(module: EnhancerModule, path: Path) -> None:
    """Puts a checkpoint's weights into a module."""
    try:
        content = read_checkpoint(path)
        module.load_state_dict(content["state_dict"])
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        raise InputError(f"{path}: its weights do not fit this model ({first_line(error)})") from None


def refuse_seen_people(key: str, path: Path, split: Split) -> None:
    """Refuses weights that were trained on people who are now to validate or test.

    Args:
        key: ``init_from`` or ``ckpt_path``, for the message.
        path: a saved enhancer, or a checkpoint whose run left one; a checkpoint alone does not know its people.
        split: of this run.

    Raises:
        InputError: with the number of people.
    """
    saved = path if path.suffix == ".safetensors" else path.parent.parent / "enhancer.safetensors"
    if not saved.is_file():
        log.warning("%s: %s does not say whom it was trained on; make sure that nobody is tested on it", key, path)
        return
    people = read_info(saved).get("people", {})
    trained = {*people.get("train", []), *people.get("validation", [])}
    for part in ("validation", "test"):
        names = getattr(split, part)
        known = people.get("train", []) if part == "validation" else trained
        seen = sum(hash_person(name, people.get("salt", "")) in known for name in names)
        if seen:
            raise InputError(
                f"{key}: {path} has seen {seen} of the {len(names)} {part} people; use the same split of people"
            )


def take_weights(module: EnhancerModule, path: Path) -> None:
    """``init_from``: weights only, from a checkpoint or a saved enhancer; the strength begins where conf/ says."""
    strength = module.enhancer.strength.detach().clone()

    if path.suffix == ".safetensors":
        try:
            module.enhancer.load_state_dict(load_enhancer(path).enhancer.state_dict())
        except RuntimeError:
            raise InputError(f"init_from: {path}: its weights do not fit this model") from None
    else:
        load_state(module, path)
    with torch.no_grad():
        module.enhancer.strength.copy_(strength)
