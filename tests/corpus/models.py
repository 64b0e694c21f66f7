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

from tests.corpus.cases import (
    CASES,
    Case,
    case,
    cases_of_a_command,
    cases_with_a_file,
    enhance,
    evaluate,
    put,
    training,
)


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


def edit_our_header(here: Path, change: Callable[[dict[str, Any]], object]) -> None:
    def inner(head: dict[str, Any]) -> None:
        ours = json.loads(head["__metadata__"]["poseid"])
        change(ours)
        head["__metadata__"]["poseid"] = json.dumps(ours)

    edit_safetensors(here, inner)


cases_with_a_file(
    {
        "checkpoint_that_is_empty": ("bad.ckpt", b"", evaluate(model="bad.ckpt")),
        "checkpoint_that_is_a_list": ("bad.ckpt", checkpoint([1, 2, 3]), evaluate(model="bad.ckpt")),
        "checkpoint_of_another_project": (
            "bad.ckpt",
            checkpoint({"state_dict": {"layer": torch.ones(3)}, "hyper_parameters": {"lr": 1}}),
            evaluate(model="bad.ckpt"),
        ),
        "checkpoint_of_another_project_to_go_on_from": (
            "bad.ckpt",
            checkpoint({"state_dict": {"layer": torch.ones(3)}, "hyper_parameters": {}, "global_step": 1}),
            training("ckpt_path=bad.ckpt"),
        ),
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
        "pickle_dressed_as_safetensors": (
            "bad.safetensors",
            pickle.dumps({"poseid": 1}),
            enhance("x.npy", model="bad.safetensors"),
        ),
        "onnx_of_nothing": ("bad.onnx", b"", evaluate(model="bad.onnx")),
    }
)

HEADERS: dict[str, tuple[Callable[[dict[str, Any]], object], list[str]]] = {
    "safetensors_with_a_huge_dimension": (
        lambda ours: ours["model"].update(dim=10**9),
        enhance("x.npy", model="ridge.safetensors"),
    ),
    "safetensors_with_a_negative_dimension": (
        lambda ours: ours["model"].update(dim=-5),
        enhance("x.npy", model="ridge.safetensors"),
    ),
    "safetensors_with_a_dimension_that_is_text": (
        lambda ours: ours["model"].update(dim="16"),
        enhance("x.npy", model="ridge.safetensors"),
    ),
    "safetensors_whose_people_are_words": (
        lambda ours: ours.update(people="everybody"),
        evaluate(model="ridge.safetensors"),
    ),
    "safetensors_whose_people_are_numbers": (
        lambda ours: ours.update(people={"salt": 5, "train": 3, "validation": None, "test": {}}),
        evaluate(model="ridge.safetensors"),
    ),
    "safetensors_whose_data_are_words": (lambda ours: ours.update(data=[]), evaluate(model="ridge.safetensors")),
    "safetensors_whose_fingerprint_is_a_word": (
        lambda ours: ours.update(fingerprint="x"),
        enhance("x.npy", model="ridge.safetensors"),
    ),
    "safetensors_whose_fingerprint_holds_words": (
        lambda ours: ours["fingerprint"].update(dict.fromkeys(ours["fingerprint"], "x")),
        enhance("x.npy", model="ridge.safetensors"),
    ),
    "safetensors_whose_sides_are_neither": (
        lambda ours: ours["model"].update(sides="left"),
        enhance("x.npy", model="ridge.safetensors"),
    ),
}


def case_of_a_header(change: Callable[[dict[str, Any]], object], command: list[str]) -> Case:
    def write(here: Path) -> list[str]:
        edit_our_header(here, change)
        return command

    return write


CASES.update({name: case_of_a_header(*given) for name, given in HEADERS.items()})

cases_of_a_command(
    {
        "a_model_that_is_nowhere": evaluate(model="../../nowhere/at/all"),
        "export_of_an_onnx": ["poseid", "export", "ridge.onnx", "--out", "out.safetensors"],
        "export_with_operators_of_the_year_3000": [
            "poseid",
            "export",
            "ridge.safetensors",
            "--out",
            "out.onnx",
            "--opset",
            "3000",
        ],
        "export_to_a_pickle": ["poseid", "export", "ridge.safetensors", "--out", "out.pt"],
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
