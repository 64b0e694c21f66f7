"""Bad template ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from tests.corpus.cases import DIM, archive, cases, cases_of_a_command, enhance, npy_header, saved, vectors
from tests.corpus.folders import edit_entries, edit_metadata
from tests.corpus.tables import parquet

POOL = ("--pool", "template_id")
FOLDER = ["poseid", "enhance", "raw", "data", *POOL, "--out", "out"]


def of_parquet(here: Path, ids: Any, **columns: Any) -> list[str]:
    columns = {"f": vectors(len(ids)).tolist(), **columns}
    parquet(here / "bad.parquet", template_id=ids, **columns)
    return enhance("bad.parquet", *POOL, model="raw")


def of_npz(here: Path, ids: bytes) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), template_id=ids)
    return enhance("bad.npz", *POOL)


def of_hdf5(here: Path, dtype: Any, ids: list[Any] | None) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors()
        written = file.create_dataset("template_id", 4, dtype)
        if ids is not None:
            written[:] = ids
    return enhance("bad.h5", *POOL)


cases_of_a_command(
    {
        "pooling_of_an_npy": enhance("x.npy", *POOL),
        "pooling_by_no_name": enhance("x.npy", "--pool", ""),
    }
)

NO_TEXT = pa.StringArray.from_buffers(
    4, pa.py_buffer(np.arange(0, 10, 2, dtype=np.int32)), pa.py_buffer(b"\xff\xfe" * 4)
)
PARQUET: dict[str, tuple[Any, dict[str, Any]]] = {
    "template_ids_of_floats": ([1.0, 1.0, 2.0, None], {}),
    "template_ids_of_true_and_false": ([True, True, False, False], {}),
    "template_ids_that_are_empty_texts": (["a", "", "", "b"], {}),
    "template_ids_that_are_no_text": (NO_TEXT, {}),
    "pooling_a_template_over_two_people": ([1, 2, 1, 2], {"person_name": ["a", "b", "a", "a"]}),
    "people_of_a_template_that_are_floats": ([1, 2, 1, 2], {"person_name": [0.5, 1.5, 0.5, 1.5]}),
    "media_ids_of_floats": ([1, 2, 1, 2], {"media_id": [0.5, 1.5, 0.5, 1.5]}),
    "a_table_that_is_pooled_already": ([1, 2, 1, 2], {"frames": [1, 1, 1, 1]}),
    "a_template_whose_rows_cancel_out": (["a", "a"], {"f": [[1.0] * DIM, [-1.0] * DIM]}),
}
cases({name: lambda here, given=given: of_parquet(here, given[0], **given[1]) for name, given in PARQUET.items()})

NPZ = {
    "npz_with_fewer_template_ids_than_vectors": saved(np.arange(3)),
    "npz_whose_template_ids_are_cut_short": npy_header("(4,)", "'<i8'") + bytes(8),
    "npz_whose_template_ids_are_objects": saved(np.array(["a", None, 1, 2], object)),
    "npz_whose_template_ids_are_bytes_of_no_text": saved(np.array([b"\xff", b"a", b"b", b"c"])),
}
cases({name: lambda here, ids=ids: of_npz(here, ids) for name, ids in NPZ.items()})

HDF5: dict[str, tuple[Any, list[Any] | None]] = {
    "hdf5_whose_template_ids_are_lists": (h5py.vlen_dtype(np.int64), [np.arange(i) for i in range(4)]),
    "hdf5_whose_template_ids_are_no_text": (h5py.string_dtype(), [b"\xff\xfe", b"a", b"b", b"c"]),
    "hdf5_whose_template_ids_are_missing": (h5py.string_dtype(), None),
}
cases({name: lambda here, given=given: of_hdf5(here, *given) for name, given in HDF5.items()})


def a_row_less(content: dict[str, Any]) -> None:
    for entry in content["metadata"]:
        entry["template_id"] = "a"
    content["metadata"].pop()


def an_equal_float(content: dict[str, Any]) -> None:
    for entry, value in zip(content["metadata"], (1, 1.0), strict=False):
        entry["template_id"] = value


def without_templates(content: dict[str, Any]) -> None:
    for entry in content["metadata"]:
        del entry["template_id"]


cases(
    {
        "pooling_of_a_folder_without_templates": lambda here: edit_metadata(here, without_templates, FOLDER),
        "a_folder_whose_template_ids_are_floats": lambda here: edit_entries(here, FOLDER, template_id=1.5),
        "a_folder_whose_template_ids_are_integers_and_equal_floats": (
            lambda here: edit_metadata(here, an_equal_float, FOLDER)
        ),
        "a_folder_whose_template_ids_are_lists": lambda here: edit_entries(here, FOLDER, template_id=[1, 2]),
        "a_folder_with_a_template_over_two_people": lambda here: edit_entries(here, FOLDER, template_id="a"),
        "a_folder_with_a_row_less_in_its_metadata": (
            lambda here: edit_metadata(here, a_row_less, [*FOLDER, "--no-pose"])
        ),
    }
)
