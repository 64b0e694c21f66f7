"""Bad checkpoints, safetensors files and ONNX models."""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.corpus.cases import case, cases, cases_of_a_command, cases_with_a_file, enhance, evaluate, put, training


def checkpoint(content: object) -> bytes:
    out = io.BytesIO()
    torch.save(content, out)
    return out.getvalue()


def edit_safetensors(here: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = here / "ridge.safetensors"
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    head = json.loads(content[8 : 8 + size])
    change(head)
    text = json.dumps(head).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])


def edit_our_header(here: Path, change: Callable[[dict[str, Any]], object], command: list[str]) -> list[str]:
    def inner(head: dict[str, Any]) -> None:
        ours = json.loads(head["__metadata__"]["poseid"])
        change(ours)
        head["__metadata__"]["poseid"] = json.dumps(ours)

    edit_safetensors(here, inner)
    return command


OTHER = {"state_dict": {"layer": torch.ones(3)}, "hyper_parameters": {"lr": 1}, "global_step": 1}
PICKLE = enhance("x.npy", model="bad.safetensors")
cases_with_a_file(
    {
        "checkpoint_that_is_empty": ("bad.ckpt", b""),
        "checkpoint_that_is_a_list": ("bad.ckpt", checkpoint([1, 2, 3])),
        "checkpoint_of_another_project": ("bad.ckpt", checkpoint(OTHER)),
        "checkpoint_of_another_project_to_go_on_from": ("bad.ckpt", checkpoint(OTHER), training("ckpt_path=bad.ckpt")),
        "checkpoint_whose_weights_are_words": (
            "bad.ckpt",
            checkpoint({"state_dict": "words", "hyper_parameters": {}, "global_step": 1}),
            training("init_from=bad.ckpt"),
        ),
        "checkpoint_whose_step_is_a_word": (
            "bad.ckpt",
            checkpoint({"state_dict": {}, "hyper_parameters": {}, "global_step": "x"}),
            training("ckpt_path=bad.ckpt"),
        ),
        "pickle_dressed_as_safetensors": ("bad.safetensors", pickle.dumps({"poseid": 1}), PICKLE),
        "onnx_of_nothing": ("bad.onnx", b"", evaluate(model="bad.onnx")),
    }
)

ENHANCE, EVALUATE = enhance("x.npy", model="ridge.safetensors"), evaluate(model="ridge.safetensors")
HEADERS: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "huge_dimension": (lambda ours: ours["model"].update(dim=10**9), ENHANCE),
    "negative_dimension": (lambda ours: ours["model"].update(dim=-5), ENHANCE),
    "dimension_that_is_text": (lambda ours: ours["model"].update(dim="16"), ENHANCE),
    "people_that_are_words": (lambda ours: ours.update(people="everybody"), EVALUATE),
    "people_that_are_numbers": (
        lambda ours: ours.update(people={"salt": 5, "train": 3, "validation": None, "test": {}}),
        EVALUATE,
    ),
    "data_that_are_words": (lambda ours: ours.update(data=[]), EVALUATE),
    "fingerprint_that_is_a_word": (lambda ours: ours.update(fingerprint="x"), ENHANCE),
    "fingerprint_that_holds_words": (
        lambda ours: ours["fingerprint"].update(dict.fromkeys(ours["fingerprint"], "x")),
        ENHANCE,
    ),
    "sides_that_are_neither": (lambda ours: ours["model"].update(sides="left"), ENHANCE),
}
cases(
    {
        f"safetensors_with_{name}": lambda here, given=given: edit_our_header(here, *given)
        for name, given in HEADERS.items()
    }
)

cases_of_a_command(
    {
        "a_model_that_is_nowhere": evaluate(model="../../nowhere/at/all"),
        "export_of_an_onnx": "export ridge.onnx --out out.safetensors",
        "export_with_operators_of_the_year_3000": "export ridge.safetensors --out out.onnx --opset 3000",
        "export_to_a_pickle": "export ridge.safetensors --out out.pt",
    }
)


@case
def checkpoint_cut_short(here: Path) -> list[str]:
    torch.save({"state_dict": {"x": torch.ones(1000)}, "hyper_parameters": {}}, here / "bad.ckpt")
    put(here / "bad.ckpt", (here / "bad.ckpt").read_bytes()[:2000])
    return ["poseid", "export", "bad.ckpt", "--out", "out.onnx"]


@case
def safetensors_whose_offsets_lie(here: Path) -> list[str]:
    def move(head: dict[str, Any]) -> None:
        name = next(name for name in head if name != "__metadata__")
        head[name]["data_offsets"] = [2**62, 2**62 + 64]

    edit_safetensors(here, move)
    return evaluate(model="ridge.safetensors")


@case
def onnx_that_is_a_safetensors(here: Path) -> list[str]:
    put(here / "bad.onnx", (here / "ridge.safetensors").read_bytes())
    return enhance("x.npy", model="bad.onnx")


@case
def onnx_whose_header_is_no_text(here: Path) -> list[str]:
    content = (here / "ridge.onnx").read_bytes()
    put(here / "bad.onnx", content.replace(b'"ridge"', b'"\xff\xfe\xff\xfe\xff"'))
    return enhance("x.npy", model="bad.onnx")


@case
def onnx_with_garbage_in_its_middle(here: Path) -> list[str]:
    content = bytearray((here / "ridge.onnx").read_bytes())
    content[200:400] = b"\xff" * 200
    put(here / "bad.onnx", bytes(content))
    return enhance("x.npy", model="bad.onnx")


@case
def a_model_that_is_an_empty_directory(here: Path) -> list[str]:
    (here / "empty").mkdir()
    return evaluate(model="empty")
