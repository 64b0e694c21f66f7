"""Bad template ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from tests.corpus.cases import archive, case, cases_of_a_command, cases_that_write, enhance, npy_header, saved, vectors
from tests.corpus.folders import edit_metadata
from tests.corpus.tables import parquet

POOL = ("--pool", "template_id")


def pool_parquet(here: Path, columns: dict[str, Any]) -> list[str]:
    parquet(here / "bad.parquet", f=vectors(4).tolist(), **{"template_id": [1, 2, 1, 2]} | columns)
    return enhance("bad.parquet", *POOL, model="raw")


def pool_npz(here: Path, ids: bytes) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), template_id=ids)
    return enhance("bad.npz", *POOL)


def pool_hdf5(here: Path, ids: tuple[Any, list[Any]]) -> list[str]:
    dtype, values = ids
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors()
        column = file.create_dataset("template_id", 4, dtype)
        for row, value in enumerate(values):
            column[row] = value
    return enhance("bad.h5", *POOL)


def pool_folder(here: Path, ids: list[Any]) -> list[str]:
    """The ids of the first rows; those of the others are their numbers."""

    def change(content: Any) -> None:
        for row, entry in enumerate(content["metadata"]):
            entry.update(template_id=ids[row] if row < len(ids) else row)

    edit_metadata(here, change)
    return ["poseid", "enhance", "raw", "data", *POOL, "--out", "out"]


NO_TEXT = pa.StringArray.from_buffers(4, pa.py_buffer(np.arange(0, 10, 2, np.int32)), pa.py_buffer(b"\xff\xfe" * 4))

cases_of_a_command({"pooling_by_no_name": enhance("x.npy", "--pool", "")})
cases_that_write(
    pool_parquet,
    {
        "template_ids_of_floats": {"template_id": [1.0, 1.0, 2.0, None]},
        "template_ids_of_true_and_false": {"template_id": [True, True, False, False]},
        "template_ids_that_are_no_text": {"template_id": NO_TEXT},
        "people_of_a_template_that_are_floats": {"person_name": [0.5, 1.5, 0.5, 1.5]},
        "media_ids_of_floats": {"media_id": [0.5, 1.5, 0.5, 1.5]},
    },
)
cases_that_write(
    pool_npz,
    {
        "npz_with_fewer_template_ids_than_vectors": saved(np.arange(3)),
        "npz_whose_template_ids_are_cut_short": npy_header("(4,)", "'<i8'") + bytes(8),
        "npz_whose_template_ids_are_objects": saved(np.array(["a", None, 1, 2], object)),
        "npz_whose_template_ids_are_bytes_of_no_text": saved(np.array([b"\xff", b"a", b"b", b"c"])),
    },
)
cases_that_write(
    pool_hdf5,
    {
        "hdf5_whose_template_ids_are_lists": (h5py.vlen_dtype(np.int64), [np.arange(row) for row in range(4)]),
        "hdf5_whose_template_ids_are_no_text": (h5py.string_dtype(), [b"\xff\xfe", b"a", b"b", b"c"]),
        "hdf5_whose_template_ids_are_missing": (h5py.string_dtype(), []),
    },
)
cases_that_write(
    pool_folder,
    {
        "a_folder_whose_template_ids_are_floats": [1.5],
        "a_folder_whose_template_ids_are_integers_and_equal_floats": [1, 1.0],
        "a_folder_whose_template_ids_are_lists": [[1, 2]] * 48,
        "a_folder_with_a_template_over_two_people": ["a"] * 48,
    },
)


@case
def a_folder_with_a_row_less_in_its_metadata(here: Path) -> list[str]:
    command = pool_folder(here, [])
    edit_metadata(here, lambda content: content["metadata"].pop())
    return [*command, "--no-pose"]


@case
def pooling_of_a_folder_without_templates(here: Path) -> list[str]:
    command = pool_folder(here, [])
    edit_metadata(here, lambda content: [entry.pop("template_id") for entry in content["metadata"]])
    return command
