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

POSES_NPY = enhance("x.npy", "--poses", "poses.npy")
UNENDING = header("{'descr': '<f4', 'shape': (4L, \"\"\"\n")  # numpy reads it as text that ends in a string


def changed(row: int, value: float, scale: float = 1, dtype: type = np.float32) -> bytes:
    x = vectors() * scale
    x[row] = value
    with np.errstate(over="ignore"):
        return saved(x.astype(dtype))


cases_with_a_file(
    {
        "npy_header_says_more_rows_than_there_are": ("bad.npy", npy_header("(1000000000000, 16)") + bytes(64)),
        "npy_header_says_a_negative_shape": ("bad.npy", npy_header("(-4, -16)") + bytes(256)),
        "npy_header_says_a_negative_shape_in_a_folder": (
            "data/video_feature.npy",
            npy_header("(-4, -16)") + bytes(256),
        ),
        "npy_header_says_true_for_a_number": ("bad.npy", npy_header("(True, 16)") + bytes(64)),
        "npy_header_overflows": (
            "data/front_feature.npy",
            npy_header("(9223372036854775807, 9223372036854775807)") + bytes(64),
        ),
        "npy_header_nests_deep": ("bad.npy", header("(" * 9000 + ")" * 900)),
        "npy_header_nests_deep_in_a_folder": ("data/front_feature.npy", header("[" * 9000)),
        "npy_header_is_text_that_ends_in_a_string": ("bad.npy", UNENDING),
        "npy_header_is_text_that_ends_in_a_string_in_a_folder": ("data/front_feature.npy", UNENDING),
        "npy_header_is_a_call": ("bad.npy", header("__import__('os').mkdir('sprung')\n")),
        "npy_header_length_lies": ("bad.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}"),
        "npy_of_records": ("bad.npy", saved(np.zeros(3, [("a", "<f4", (DIM,))]))),
        "npy_with_objects_inside_records": ("bad.npy", saved(np.zeros((3, DIM), [("a", object)]))),
        "npy_with_a_row_of_nan": ("bad.npy", changed(2, np.nan)),
        "npy_with_an_infinity_in_float16": ("bad.npy", changed(0, 1, scale=1e6, dtype=np.float16)),
        "npy_with_a_row_of_zeros": ("bad.npy", changed(3, 0)),
        "one_column_short": ("bad.npy", saved(vectors(dim=DIM - 1))),
        "integer_features": ("bad.npy", saved(np.ones((4, DIM), np.int8))),
        "poses_of_text": ("poses.npy", saved(np.array([["a", "b", "c"]] * 4)), POSES_NPY),
        "poses_whose_header_lies": ("poses.npy", npy_header("(4, 300000000000)"), POSES_NPY),
        "poses_of_other_photos": ("poses.npy", saved(np.zeros((5, 3))), POSES_NPY),
        "poses_json_is_garbage": ("poses.json", b"\x00\xff{", enhance("x.npy", "--poses", "poses.json")),
        "poses_csv_is_empty": ("poses.csv", b"", enhance("x.npy", "--poses", "poses.csv")),
    }
)

cases_of_a_command({"training_on_a_folder_one_column_short": training(f"data.dim={DIM + 1}")})


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
