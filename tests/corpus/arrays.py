"""Bad npy files and bad poses."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tests.corpus.cases import (
    DIM,
    case,
    cases_of_a_command,
    cases_with_a_file,
    enhance,
    evaluate,
    header,
    npy_header,
    saved,
    training,
    vectors,
)

cases_with_a_file(
    {
        "npy_header_says_more_rows_than_there_are": (
            "bad.npy",
            npy_header("(1000000000000, 16)") + bytes(64),
            enhance("bad.npy"),
        ),
        "npy_header_says_a_negative_shape": ("bad.npy", npy_header("(-4, -16)") + bytes(256), enhance("bad.npy")),
        "npy_header_says_a_negative_shape_in_a_folder": (
            "data/video_feature.npy",
            npy_header("(-4, -16)") + bytes(256),
            evaluate(),
        ),
        "npy_header_says_true_for_a_number": ("bad.npy", npy_header("(True, 16)") + bytes(64), enhance("bad.npy")),
        "npy_header_overflows": (
            "data/front_feature.npy",
            npy_header("(9223372036854775807, 9223372036854775807)") + bytes(64),
            evaluate(),
        ),
        "npy_header_nests_deep": ("bad.npy", header("(" * 9000 + ")" * 900), enhance("bad.npy")),
        "npy_header_nests_deep_in_a_folder": ("data/front_feature.npy", header("[" * 9000), evaluate()),
        "npy_header_is_text_that_ends_in_a_string": (
            "bad.npy",
            header("{'descr': '<f4', 'shape': (4L, \"\"\"\n"),
            enhance("bad.npy"),
        ),
        "npy_header_is_text_that_ends_in_a_string_in_a_folder": (
            "data/front_feature.npy",
            header("{'descr': '<f4', 'shape': (4L, \"\"\"\n"),
            evaluate(),
        ),
        "npy_header_is_a_call": ("bad.npy", header("__import__('os').mkdir('sprung')\n"), enhance("bad.npy")),
        "npy_header_length_lies": (
            "bad.npy",
            b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}",
            enhance("bad.npy"),
        ),
        "npy_of_records": ("bad.npy", saved(np.zeros(3, [("a", "<f4", (DIM,))])), enhance("bad.npy")),
        "npy_with_objects_inside_records": ("bad.npy", saved(np.zeros((3, DIM), [("a", object)])), enhance("bad.npy")),
        "integer_features": ("bad.npy", saved(np.ones((4, DIM), np.int8)), enhance("bad.npy")),
        "poses_of_text": (
            "poses.npy",
            saved(np.array([["a", "b", "c"]] * 4)),
            enhance("x.npy", "--poses", "poses.npy"),
        ),
        "poses_whose_header_lies": (
            "poses.npy",
            npy_header("(4, 300000000000)"),
            enhance("x.npy", "--poses", "poses.npy"),
        ),
        "poses_json_is_garbage": ("poses.json", b"\x00\xff{", enhance("x.npy", "--poses", "poses.json")),
        "poses_csv_is_empty": ("poses.csv", b"", enhance("x.npy", "--poses", "poses.csv")),
    }
)

cases_of_a_command(
    {
        "training_on_a_folder_one_column_short": training(f"data.dim={DIM + 1}"),
    }
)


@case
def npy_with_an_infinity_in_float16(here: Path) -> list[str]:
    with np.errstate(over="ignore"):
        np.save(here / "bad.npy", (vectors() * 1e6).astype(np.float16))
    return enhance("bad.npy")


@case
def a_folder_one_column_short(here: Path) -> list[str]:
    for side in ("front", "video"):
        path = here / "data" / f"{side}_feature.npy"
        np.save(path, np.load(path)[:, : DIM - 1])
    return evaluate(model="ridge.safetensors")


@case
def a_directory_named_like_a_file(here: Path) -> list[str]:
    (here / "bad.npy").mkdir()
    return enhance("bad.npy")


@case
def a_directory_in_place_of_an_array(here: Path) -> list[str]:
    (here / "data" / "front_feature.npy").unlink()
    (here / "data" / "front_feature.npy").mkdir()
    return evaluate()
