"""Bad npz, Parquet, HDF5 and CSV files."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.cases import (
    DIM,
    archive,
    case,
    cases,
    cases_with_a_file,
    enhance,
    importing,
    npy_header,
    put,
    saved,
    vectors,
)


def parquet(path: Path, **columns: Any) -> bytes:
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


HEAD = b"person,yaw,pitch,roll,f0,f1"
cases_with_a_file(
    {
        "hdf5_that_is_an_npy": ("bad.h5", saved(vectors())),
        "csv_of_nul_bytes": ("t.csv", HEAD + b"\na,1,2,3,4,\x005\n"),
        "csv_with_a_cell_that_never_ends": ("t.csv", HEAD + b'\n"' + b"a" * 300_000),
        "csv_with_a_number_of_a_million_digits": ("t.csv", HEAD + b"\na,1,2,3,4," + b"9" * 100_000 + b"\n"),
        "csv_with_an_id_column_of_floats": ("t.csv", HEAD + b",template_id\na,1,2,3,4,5,1.0\na,90,2,3,4,5,\n"),
        "csv_with_a_template_over_two_people": (
            "t.csv",
            HEAD + b",template_id\na,1,2,3,4,5,\na,9,2,3,4,5,7\nb,1,2,3,4,5,7\n",
        ),
        "csv_with_person_names_that_are_empty": ("t.csv", HEAD + b"\n,1,2,3,4,5\n,90,2,3,4,5\n"),
    }
)


def bomb(shape: str, size: int, dtype: str = "'<f4'") -> bytes:
    """Zeros, which a zip makes a thousand times smaller."""
    return npy_header(shape, dtype) + bytes(size)


NPZ: dict[str, Callable[[], dict[str, bytes]]] = {
    "npz_bomb_of_one_long_row": lambda: {"x": bomb("(1, 10000000)", 40_000_000)},
    "npz_bomb_of_poses": lambda: {"features": saved(vectors()), "poses": bomb("(4, 500000)", 16_000_000, "'<f8'")},
    "npz_whose_member_is_cut_short": lambda: {"features": saved(vectors())[:-8]},
    "npz_whose_member_lies_about_its_width": lambda: {"features": npy_header("(4, 4000000000000)") + bytes(64)},
    "npz_of_objects": lambda: {"features": saved(np.array([[{}]], dtype=object))},
    "npz_without_members": dict,
}
cases({name: lambda here, members=members: archive(here / "bad.npz", **members()) for name, members in NPZ.items()})


@case
def npz_with_a_damaged_checksum(here: Path) -> list[str]:
    np.savez(here / "bad.npz", features=vectors())
    content = bytearray((here / "bad.npz").read_bytes())
    content[300] ^= 0xFF
    put(here / "bad.npz", bytes(content))
    return enhance("bad.npz")


@case
def npz_with_member_names_that_climb(here: Path) -> list[str]:
    with zipfile.ZipFile(here / "bad.npz", "w") as written:
        written.writestr("../../escaped.npy", saved(vectors())[:-4])
    return enhance("bad.npz")


@case
def npz_with_a_name_that_is_no_text(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), 数=saved(vectors()))
    put(here / "bad.npz", (here / "bad.npz").read_bytes().replace("数".encode(), b"\xff\xfe\xff"))
    return enhance("bad.npz")


@case
def npz_with_a_password(here: Path) -> list[str]:
    np.savez(here / "bad.npz", features=vectors())
    content = bytearray((here / "bad.npz").read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    put(here / "bad.npz", bytes(content))
    return enhance("bad.npz")


@case
def parquet_cut_short(here: Path) -> list[str]:
    put(here / "bad.parquet", parquet(here / "bad.parquet", f=vectors().tolist())[:-20])
    return enhance("bad.parquet")


@case
def parquet_with_garbage_in_its_pages(here: Path) -> list[str]:
    content = bytearray(parquet(here / "bad.parquet", f=vectors(200).tolist()))
    content[4:400] = b"\xa5" * 396
    put(here / "bad.parquet", bytes(content))
    return enhance("bad.parquet")


@case
def parquet_whose_footer_length_lies(here: Path) -> list[str]:
    content = parquet(here / "bad.parquet", f=vectors().tolist())
    put(here / "bad.parquet", content[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1")
    return enhance("bad.parquet")


@case
def parquet_of_no_rows(here: Path) -> list[str]:
    parquet(here / "bad.parquet", f=pa.array([], pa.list_(pa.float32(), DIM)))
    return enhance("bad.parquet")


@case
def parquet_table_with_garbage_in_its_pages(here: Path) -> list[str]:
    one = [1.0, 2.0] * 100
    content = bytearray(parquet(here / "t.parquet", person=["a"] * 200, yaw=one, pitch=one, roll=one, f0=one, f1=one))
    content[4:600] = b"\xa5" * 596
    put(here / "t.parquet", bytes(content))
    return importing("t.parquet")


@case
def parquet_table_with_an_id_column_of_floats(here: Path) -> list[str]:
    one = [1.0, 80.0]
    ids = pa.array([1.0, None])
    parquet(here / "t.parquet", person=["a", "a"], yaw=one, pitch=one, roll=one, f0=one, f1=one, template_id=ids)
    return importing("t.parquet")


@case
def hdf5_cut_short(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = vectors(500)
    put(here / "bad.h5", (here / "bad.h5").read_bytes()[:3000])
    return enhance("bad.h5")


@case
def hdf5_of_text(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = [["a", "b"], ["c", "d"]]
    return enhance("bad.h5")


@case
def hdf5_with_a_link_to_another_file(here: Path) -> list[str]:
    with h5py.File(here / "other.h5", "w") as file:
        file["features"] = vectors()
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = h5py.ExternalLink("other.h5", "features")
    return enhance("bad.h5")


@case
def hdf5_with_a_broken_link(here: Path) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = h5py.SoftLink("/nowhere")
    return enhance("bad.h5")
