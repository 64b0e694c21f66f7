"""Bad template ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from tests.corpus.cases import DIM, archive, case, cases_of_a_command, enhance, npy_header, saved, vectors
from tests.corpus.folders import edit_metadata
from tests.corpus.tables import parquet

POOL = ("--pool", "template_id")
FOLDER = ["poseid", "enhance", "raw", "data", *POOL, "--out", "out"]


def pool_parquet(here: Path, ids: Any, **columns: Any) -> list[str]:
    rows = vectors(len(ids))
    parquet(here / "bad.parquet", f=rows.tolist(), template_id=ids, **columns)
    return enhance("bad.parquet", *POOL, model="raw")


cases_of_a_command(
    {
        "pooling_of_an_npy": enhance("x.npy", *POOL),
        "pooling_by_no_name": enhance("x.npy", "--pool", ""),
    }
)


@case
def pooling_of_a_folder_without_templates(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.pop("template_id") for entry in content["metadata"]])
    return FOLDER


@case
def template_ids_of_floats(here: Path) -> list[str]:
    return pool_parquet(here, [1.0, 1.0, 2.0, None])


@case
def template_ids_of_true_and_false(here: Path) -> list[str]:
    return pool_parquet(here, [True, True, False, False])


@case
def template_ids_that_are_empty_texts(here: Path) -> list[str]:
    return pool_parquet(here, ["a", "", "", "b"])


@case
def template_ids_that_are_no_text(here: Path) -> list[str]:
    buffers = [None, pa.py_buffer(np.array([0, 2, 4, 6, 8], np.int32)), pa.py_buffer(b"\xff\xfe" * 4)]
    return pool_parquet(here, pa.StringArray.from_buffers(4, buffers[1], buffers[2]))


@case
def a_template_over_two_people(here: Path) -> list[str]:
    return pool_parquet(here, [1, 2, 1, 2], person_name=["a", "b", "a", "a"])


@case
def people_of_a_template_that_are_floats(here: Path) -> list[str]:
    return pool_parquet(here, [1, 2, 1, 2], person_name=[0.5, 1.5, 0.5, 1.5])


@case
def media_ids_of_floats(here: Path) -> list[str]:
    return pool_parquet(here, [1, 2, 1, 2], media_id=[0.5, 1.5, 0.5, 1.5])


@case
def a_table_that_is_pooled_already(here: Path) -> list[str]:
    return pool_parquet(here, [1, 2, 1, 2], frames=[1, 1, 1, 1])


@case
def a_template_whose_rows_cancel_out(here: Path) -> list[str]:
    one = np.ones((1, DIM), np.float32)
    parquet(here / "bad.parquet", f=[*one.tolist(), *(-one).tolist()], template_id=["a", "a"])
    return enhance("bad.parquet", *POOL, model="raw")


@case
def npz_with_fewer_template_ids_than_vectors(here: Path) -> list[str]:
    np.savez(here / "bad.npz", features=vectors(), template_id=np.arange(3))
    return enhance("bad.npz", *POOL)


@case
def npz_whose_template_ids_are_cut_short(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), template_id=npy_header("(4,)", "'<i8'") + bytes(8))
    return enhance("bad.npz", *POOL)


@case
def npz_whose_template_ids_are_objects(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), template_id=saved(np.array(["a", None, 1, 2], object)))
    return enhance("bad.npz", *POOL)


@case
def npz_whose_template_ids_are_bytes_of_no_text(here: Path) -> list[str]:
    np.savez(here / "bad.npz", features=vectors(), template_id=np.array([b"\xff", b"a", b"b", b"c"]))
    return enhance("bad.npz", *POOL)


@case
def hdf5_whose_template_ids_are_lists(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors()
        ids = file.create_dataset("template_id", 4, h5py.vlen_dtype(np.int64))
        ids[:] = [np.arange(i) for i in range(4)]
    return enhance("bad.h5", *POOL)


@case
def hdf5_whose_template_ids_are_no_text(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors()
        ids = file.create_dataset("template_id", 4, h5py.string_dtype())
        ids[:] = [b"\xff\xfe", b"a", b"b", b"c"]
    return enhance("bad.h5", *POOL)


@case
def hdf5_whose_template_ids_are_missing(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors()
        file.create_dataset("template_id", 4, h5py.string_dtype())
    return enhance("bad.h5", *POOL)


@case
def a_folder_whose_template_ids_are_floats(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id=1.5) for entry in content["metadata"]])
    return FOLDER


@case
def a_folder_whose_template_ids_are_integers_and_equal_floats(here: Path) -> list[str]:
    def change(content: Any) -> None:
        for row, entry in enumerate(content["metadata"]):
            entry.update(template_id=row)
        content["metadata"][1].update(template_id=0.0)

    edit_metadata(here, change)
    return FOLDER


@case
def a_folder_whose_template_ids_are_lists(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id=[1, 2]) for entry in content["metadata"]])
    return FOLDER


@case
def a_folder_with_a_template_over_two_people(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id="a") for entry in content["metadata"]])
    return FOLDER


@case
def a_folder_with_a_row_less_in_its_metadata(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id="a") for entry in content["metadata"]])
    edit_metadata(here, lambda content: content["metadata"].pop())
    return [*FOLDER, "--no-pose"]
