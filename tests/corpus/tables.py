"""Bad npz, Parquet, HDF5 and CSV files."""

from __future__ import annotations

import struct
import zipfile
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
    cases_that_write,
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


cases_with_a_file(
    {
        "hdf5_that_is_an_npy": ("bad.h5", saved(vectors()), enhance("bad.h5")),
        "csv_of_nul_bytes": ("t.csv", b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4,\x005\n", importing("t.csv")),
        "csv_with_a_cell_that_never_ends": (
            "t.csv",
            b'person,yaw,pitch,roll,f0,f1\n"' + b"a" * 300_000,
            importing("t.csv"),
        ),
        "csv_with_a_number_of_a_million_digits": (
            "t.csv",
            b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4," + b"9" * 100_000 + b"\n",
            importing("t.csv"),
        ),
        "csv_with_person_names_that_are_empty": (
            "t.csv",
            b"person,yaw,pitch,roll,f0,f1\n,1,2,3,4,5\n,90,2,3,4,5\n",
            importing("t.csv"),
        ),
    }
)


def write_npz(here: Path, members: dict[str, bytes]) -> list[str]:
    archive(here / "bad.npz", **members)
    return enhance("bad.npz")


def write_hdf5(here: Path, features: Any) -> list[str]:
    with h5py.File(here / "bad.h5", "w") as file:
        file["features"] = features
    return enhance("bad.h5")


cases_that_write(
    write_npz,
    {
        "npz_bomb_of_poses": {
            "features": saved(vectors()),
            "poses": npy_header("(4, 5000000)", "'<f8'") + bytes(160_000_000),
        },
        "npz_whose_member_is_cut_short": {"features": saved(vectors())[:-8]},
        "npz_whose_member_lies_about_its_width": {"features": npy_header("(4, 4000000000000)") + bytes(64)},
        "npz_of_objects": {"features": saved(np.array([[{}]], dtype=object))},
        "npz_without_members": {},
    },
)
cases_that_write(
    write_hdf5,
    {"hdf5_of_text": [["a", "b"], ["c", "d"]], "hdf5_with_a_broken_link": h5py.SoftLink("/nowhere")},
)


@case
def npz_bomb_of_one_long_row(here: Path) -> list[str]:
    """400 MB of zeros in 400 kB, told as one vector."""
    path = here / "bad.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written,
        written.open("x.npy", "w") as out,
    ):
        out.write(npy_header("(1, 100000000)"))
        for _ in range(50):
            out.write(bytes(8_000_000))
    return enhance("bad.npz")


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
def hdf5_cut_short(here: Path) -> list[str]:
    command = write_hdf5(here, vectors(500))
    put(here / "bad.h5", (here / "bad.h5").read_bytes()[:3000])
    return command


@case
def hdf5_with_a_link_to_another_file(here: Path) -> list[str]:
    with h5py.File(here / "other.h5", "w") as file:
        file["features"] = vectors()
    return write_hdf5(here, h5py.ExternalLink("other.h5", "features"))


def table(here: Path, columns: dict[str, list[Any]]) -> list[str]:
    """Imports a Parquet table of photos of two people from its column v."""
    count = len(next(iter(columns.values())))
    angles = {name: [0.0] * count for name in ("yaw", "pitch", "roll")}
    parquet(here / "t.parquet", person=["a", "b"] * (count // 2), **angles, **columns)
    return importing("t.parquet", "--feature-columns", "v")


cases_that_write(
    table,
    {
        "nested_vectors_of_different_lengths": {"v": [[[1.0, 2.0]], [[3.0, 4.0, 5.0, 6.0]]] * 2},
        "nested_vectors_two_to_a_row": {"v": [[[1.0, 2.0], [3.0, 4.0]]] * 4},
        "nested_vectors_of_nothing": {"v": [[[1.0, 2.0]], [None]] * 2},
        "nested_vectors_all_null": {"v": [[None]] * 4},
    },
)


@case
def nested_poses_of_different_lengths(here: Path) -> list[str]:
    poses = [[[1.0, 2.0, 3.0]], [[1.0, 2.0]]] * 2
    return [*table(here, {"v": [[1.0, 2.0]] * 4, "p": poses}), "--pose", "p"]


@case
def nested_vectors_to_enhance(here: Path) -> list[str]:
    parquet(here / "bad.parquet", v=[[[float(i) for i in range(16)]]] * 4)
    return enhance("bad.parquet")


@case
def a_directory_without_part_files(here: Path) -> list[str]:
    return importing("data")


@case
def a_directory_of_two_kinds_of_part_files(here: Path) -> list[str]:
    (here / "parts").mkdir()
    parquet(here / "parts" / "a.parquet", person=["a"])
    (here / "parts" / "a.csv").write_text("person\na\n", encoding="utf-8")
    return importing("parts")


@case
def part_files_of_different_dimensions(here: Path) -> list[str]:
    (here / "parts").mkdir()
    for name, vector in (("a", [1.0, 2.0]), ("b", [1.0, 2.0, 3.0])):
        angles = {angle: [0.0, 50.0] for angle in ("yaw", "pitch", "roll")}
        parquet(here / "parts" / f"{name}.parquet", person=["a", "a"], v=[vector] * 2, **angles)
    return importing("parts", "--feature-columns", "v")


@case
def csv_of_calls_in_place_of_numbers(here: Path) -> list[str]:
    rows = "a,1,2,3,np.float32(0.1),np.float32(__import__('os').mkdir('sprung'))\n"
    (here / "t.csv").write_text("person,yaw,pitch,roll,f0,f1\n" + rows, encoding="utf-8")
    return importing("t.csv")


@case
def csv_of_an_array_cut_short_by_numpy(here: Path) -> list[str]:
    rows = 'a,1,2,3,"array([0.1, 0.2, ..., 0.3], dtype=float32)"\n'
    (here / "t.csv").write_text("person,yaw,pitch,roll,v\n" + rows, encoding="utf-8")
    return importing("t.csv", "--feature-columns", "v")


@case
def poses_in_a_struct_without_roll(here: Path) -> list[str]:
    poses = [{"yaw": 1.0, "pitch": 2.0}] * 4
    return [*table(here, {"v": [[1.0, 2.0]] * 4, "p": poses}), "--pose", "p"]
