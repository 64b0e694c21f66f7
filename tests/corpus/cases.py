"""Bad input, one function a case: it writes what is wrong into a directory and returns the command to run there.

A command begins with ``poseid`` or ``train``. What every command may rely on stands in the directory already: the
feature folder ``data`` (12 people, D = 16), ``ridge.safetensors``, ``ridge.onnx`` and ``x.npy``.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import yaml

DIM = 16
Case = Callable[[Path], list[str]]
CASES: dict[str, Case] = {}


def case(make: Case) -> Case:
    CASES[make.__name__] = make
    return make


def evaluate(*more: str, model: str = "raw", data: str = "data") -> list[str]:
    return ["poseid", "evaluate", model, "--data", data, "--resamples", "10", "--out", "out", *more]


def enhance(source: str, *more: str, model: str = "ridge.onnx") -> list[str]:
    suffix = Path(source).suffix
    return ["poseid", "enhance", model, source, "--out", f"out{suffix}", *more]


def importing(table: str, *more: str) -> list[str]:
    columns = ["--feature-columns", "f0,f1", "--person", "person", "--pose", "yaw,pitch,roll"]
    return ["poseid", "import", table, *columns, "--out", "out", *more]


def training(*overrides: str) -> list[str]:
    short = ["data=folder", "data.dir=data", f"data.dim={DIM}", "max_epochs=1", "batch_size=16", "threads=1"]
    quiet = ["logger=csv", "trainer.progress_bar=false", "trainer.accelerator=cpu", "hydra.run.dir=out"]
    return ["train", *short, *quiet, *overrides]


def vectors(rows: int = 4, dim: int = DIM) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, dim)).astype(np.float32)


def header(text: str, version: bytes = b"\x01\x00") -> bytes:
    """The beginning of an npy file whose header says ``text``."""
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + size + text.encode("latin1")


def npy_header(shape: str, dtype: str = "'<f4'", order: str = "False") -> bytes:
    return header(f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}}}\n")


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def archive(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(f"{name}.npy", content)


def saved(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def edit_metadata(here: Path, change: Callable[[dict[str, Any]], object], side: str = "video") -> None:
    path = here / "data" / f"{side}_metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


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


# --- npy --------------------------------------------------------------------------------------------------------------


@case
def npy_header_says_more_rows_than_there_are(here: Path) -> list[str]:
    put(here / "bad.npy", npy_header("(1000000000000, 16)") + bytes(64))
    return enhance("bad.npy")


@case
def npy_header_says_a_negative_shape(here: Path) -> list[str]:
    put(here / "bad.npy", npy_header("(-4, -16)") + bytes(256))
    return enhance("bad.npy")


@case
def npy_header_says_a_negative_shape_in_a_folder(here: Path) -> list[str]:
    put(here / "data" / "video_feature.npy", npy_header("(-4, -16)") + bytes(256))
    return evaluate()


@case
def npy_header_says_true_for_a_number(here: Path) -> list[str]:
    put(here / "bad.npy", npy_header("(True, 16)") + bytes(64))
    return enhance("bad.npy")


@case
def npy_header_overflows(here: Path) -> list[str]:
    put(here / "data" / "front_feature.npy", npy_header("(9223372036854775807, 9223372036854775807)") + bytes(64))
    return evaluate()


@case
def npy_header_nests_deep(here: Path) -> list[str]:
    put(here / "bad.npy", header("(" * 9000 + ")" * 900))
    return enhance("bad.npy")


@case
def npy_header_nests_deep_in_a_folder(here: Path) -> list[str]:
    put(here / "data" / "front_feature.npy", header("[" * 9000))
    return evaluate()


@case
def npy_header_is_text_that_ends_in_a_string(here: Path) -> list[str]:
    put(here / "bad.npy", header("{'descr': '<f4', 'shape': (4L, \"\"\"\n"))
    return enhance("bad.npy")


@case
def npy_header_is_text_that_ends_in_a_string_in_a_folder(here: Path) -> list[str]:
    put(here / "data" / "front_feature.npy", header("{'descr': '<f4', 'shape': (4L, \"\"\"\n"))
    return evaluate()


@case
def npy_header_is_a_call(here: Path) -> list[str]:
    put(here / "bad.npy", header("__import__('os').mkdir('sprung')\n"))
    return enhance("bad.npy")


@case
def npy_header_length_lies(here: Path) -> list[str]:
    put(here / "bad.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1) + b"{}")
    return enhance("bad.npy")


@case
def npy_of_records(here: Path) -> list[str]:
    np.save(here / "bad.npy", np.zeros(3, [("a", "<f4", (DIM,))]))
    return enhance("bad.npy")


@case
def npy_with_objects_inside_records(here: Path) -> list[str]:
    np.save(here / "bad.npy", np.zeros((3, DIM), [("a", object)]), allow_pickle=True)
    return enhance("bad.npy")


@case
def npy_with_a_row_of_nan(here: Path) -> list[str]:
    x = vectors()
    x[2, 5] = np.nan
    np.save(here / "bad.npy", x)
    return enhance("bad.npy")


@case
def npy_with_an_infinity_in_float16(here: Path) -> list[str]:
    with np.errstate(over="ignore"):
        np.save(here / "bad.npy", (vectors() * 1e6).astype(np.float16))
    return enhance("bad.npy")


@case
def npy_with_a_row_of_zeros(here: Path) -> list[str]:
    x = vectors()
    x[3] = 0
    np.save(here / "bad.npy", x)
    return enhance("bad.npy")


@case
def one_column_short(here: Path) -> list[str]:
    np.save(here / "bad.npy", vectors(dim=DIM - 1))
    return enhance("bad.npy")


@case
def a_folder_one_column_short(here: Path) -> list[str]:
    for side in ("front", "video"):
        path = here / "data" / f"{side}_feature.npy"
        np.save(path, np.load(path)[:, : DIM - 1])
    return evaluate(model="ridge.safetensors")


@case
def training_on_a_folder_one_column_short(here: Path) -> list[str]:
    return training(f"data.dim={DIM + 1}")


@case
def integer_features(here: Path) -> list[str]:
    np.save(here / "bad.npy", np.ones((4, DIM), np.int8))
    return enhance("bad.npy")


@case
def a_directory_named_like_a_file(here: Path) -> list[str]:
    (here / "bad.npy").mkdir()
    return enhance("bad.npy")


@case
def a_directory_in_place_of_an_array(here: Path) -> list[str]:
    (here / "data" / "front_feature.npy").unlink()
    (here / "data" / "front_feature.npy").mkdir()
    return evaluate()


@case
def poses_of_text(here: Path) -> list[str]:
    np.save(here / "poses.npy", np.array([["a", "b", "c"]] * 4))
    return enhance("x.npy", "--poses", "poses.npy")


@case
def poses_whose_header_lies(here: Path) -> list[str]:
    put(here / "poses.npy", npy_header("(4, 300000000000)"))
    return enhance("x.npy", "--poses", "poses.npy")


@case
def poses_of_other_photos(here: Path) -> list[str]:
    np.save(here / "poses.npy", np.zeros((5, 3)))
    return enhance("x.npy", "--poses", "poses.npy")


@case
def poses_json_is_garbage(here: Path) -> list[str]:
    put(here / "poses.json", b"\x00\xff{")
    return enhance("x.npy", "--poses", "poses.json")


@case
def poses_csv_is_empty(here: Path) -> list[str]:
    put(here / "poses.csv", b"")
    return enhance("x.npy", "--poses", "poses.csv")


# --- npz, Parquet, HDF5 -----------------------------------------------------------------------------------------------


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
def npz_bomb_of_poses(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), poses=npy_header("(4, 5000000)", "'<f8'") + bytes(160_000_000))
    return enhance("bad.npz")


@case
def npz_whose_member_is_cut_short(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors())[:-8])
    return enhance("bad.npz")


@case
def npz_whose_member_lies_about_its_width(here: Path) -> list[str]:
    archive(here / "bad.npz", features=npy_header("(4, 4000000000000)") + bytes(64))
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
def npz_of_objects(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(np.array([[{}]], dtype=object)))
    return enhance("bad.npz")


@case
def npz_with_a_name_that_is_no_text(here: Path) -> list[str]:
    archive(here / "bad.npz", features=saved(vectors()), 数=saved(vectors()))
    put(here / "bad.npz", (here / "bad.npz").read_bytes().replace("数".encode(), b"\xff\xfe\xff"))
    return enhance("bad.npz")


@case
def npz_without_members(here: Path) -> list[str]:
    archive(here / "bad.npz")
    return enhance("bad.npz")


@case
def npz_with_a_password(here: Path) -> list[str]:
    np.savez(here / "bad.npz", features=vectors())
    content = bytearray((here / "bad.npz").read_bytes())
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    put(here / "bad.npz", bytes(content))
    return enhance("bad.npz")


def parquet(path: Path, **columns: Any) -> bytes:
    pq.write_table(pa.table(columns), path)
    return path.read_bytes()


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


@case
def hdf5_that_is_an_npy(here: Path) -> list[str]:
    put(here / "bad.h5", saved(vectors()))
    return enhance("bad.h5")


@case
def csv_of_nul_bytes(here: Path) -> list[str]:
    put(here / "t.csv", b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4,\x005\n")
    return importing("t.csv")


@case
def csv_with_a_cell_that_never_ends(here: Path) -> list[str]:
    put(here / "t.csv", b'person,yaw,pitch,roll,f0,f1\n"' + b"a" * 300_000)
    return importing("t.csv")


@case
def csv_with_a_number_of_a_million_digits(here: Path) -> list[str]:
    put(here / "t.csv", b"person,yaw,pitch,roll,f0,f1\na,1,2,3,4," + b"9" * 100_000 + b"\n")
    return importing("t.csv")


@case
def csv_with_person_names_that_are_empty(here: Path) -> list[str]:
    put(here / "t.csv", b"person,yaw,pitch,roll,f0,f1\n,1,2,3,4,5\n,90,2,3,4,5\n")
    return importing("t.csv")


# --- feature folders --------------------------------------------------------------------------------------------------


@case
def names_that_are_numbers(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(person_name=7) for entry in content["metadata"]])
    return evaluate()


@case
def a_number_of_five_thousand_digits(here: Path) -> list[str]:
    path = here / "data" / "video_metadata.json"
    path.write_text('{"metadata": [], "poses": [[' + "9" * 5000 + ", 0, 0]]}", encoding="utf-8")
    return evaluate()


@case
def a_million_brackets(here: Path) -> list[str]:
    put(here / "data" / "front_metadata.json", b'{"metadata": ' + b'{"a":' * 100_000)
    return training()


def crowd(here: Path, people: int) -> None:
    """``people`` references of one person each, and a probe of the first."""
    folder = here / "crowd"
    folder.mkdir()
    for side, count in (("front", people), ("video", 1)):
        np.save(folder / f"{side}_feature.npy", np.ones((count, 4), np.float16))
        entries = ",".join(f'{{"person_name":"{i}"}}' for i in range(count))
        poses = ",".join(["null"] * count)
        (folder / f"{side}_metadata.json").write_text(f'{{"metadata":[{entries}],"poses":[{poses}]}}', encoding="utf-8")


@case
def a_hundred_thousand_people_with_one_row_each(here: Path) -> list[str]:
    crowd(here, 100_000)
    return training("data.dir=crowd", "data.dim=4")


@case
def two_people(here: Path) -> list[str]:
    crowd(here, 2)
    return training("data.dir=crowd", "data.dim=4")


@case
def one_person(here: Path) -> list[str]:
    crowd(here, 1)
    return evaluate(data="crowd")


@case
def one_person_to_fit_on(here: Path) -> list[str]:
    crowd(here, 1)
    return ["poseid", "baseline", "ridge", "--data", "crowd", "--out", "out"]


@case
def one_person_to_compare_on(here: Path) -> list[str]:
    crowd(here, 1)
    return ["poseid", "compare", "raw", "ridge", "--data", "crowd", "--out", "out"]


@case
def pairs_of_rows_that_are_not_there(here: Path) -> list[str]:
    (here / "p.csv").write_text("protocol,fold,a,b,same\nFP,1,front:0,video:-1,1\n", encoding="utf-8")
    return evaluate("--pairs", "p.csv")


@case
def pairs_that_are_a_parquet(here: Path) -> list[str]:
    parquet(here / "p.csv", f=vectors().tolist())
    return evaluate("--pairs", "p.csv")


@case
def people_with_a_line_that_climbs(here: Path) -> list[str]:
    (here / "names.txt").write_text("../../etc/passwd\n", encoding="utf-8")
    return evaluate("--people", "names.txt")


@case
def doctor_of_a_file(here: Path) -> list[str]:
    return ["poseid", "doctor", "x.npy", "--out", "out"]


@case
def doctor_of_a_folder_without_arrays(here: Path) -> list[str]:
    (here / "empty").mkdir()
    return ["poseid", "doctor", "empty", "--out", "out"]


@case
def doctor_of_an_npy_whose_header_nests_deep(here: Path) -> list[str]:
    put(here / "data" / "front_feature.npy", header("(" * 9000))
    return ["poseid", "doctor", "data", "--strict"]


# --- models -----------------------------------------------------------------------------------------------------------


@case
def checkpoint_that_is_empty(here: Path) -> list[str]:
    put(here / "bad.ckpt", b"")
    return evaluate(model="bad.ckpt")


@case
def checkpoint_cut_short(here: Path) -> list[str]:
    torch.save({"state_dict": {"x": torch.ones(1000)}, "hyper_parameters": {}}, here / "bad.ckpt")
    put(here / "bad.ckpt", (here / "bad.ckpt").read_bytes()[:2000])
    return ["poseid", "export", "bad.ckpt", "--out", "out.onnx"]


@case
def checkpoint_that_is_a_list(here: Path) -> list[str]:
    torch.save([1, 2, 3], here / "bad.ckpt")
    return evaluate(model="bad.ckpt")


@case
def checkpoint_of_another_project(here: Path) -> list[str]:
    torch.save({"state_dict": {"layer": torch.ones(3)}, "hyper_parameters": {"lr": 1}}, here / "bad.ckpt")
    return evaluate(model="bad.ckpt")


@case
def checkpoint_of_another_project_to_go_on_from(here: Path) -> list[str]:
    torch.save({"state_dict": {"layer": torch.ones(3)}, "hyper_parameters": {}, "global_step": 1}, here / "bad.ckpt")
    return training("ckpt_path=bad.ckpt")


@case
def checkpoint_whose_weights_are_words(here: Path) -> list[str]:
    torch.save({"state_dict": "words", "hyper_parameters": {}, "global_step": 1}, here / "bad.ckpt")
    return training("init_from=bad.ckpt")


@case
def checkpoint_whose_step_is_a_word(here: Path) -> list[str]:
    torch.save({"state_dict": {}, "hyper_parameters": {}, "global_step": "x"}, here / "bad.ckpt")
    return training("ckpt_path=bad.ckpt")


@case
def pickle_dressed_as_safetensors(here: Path) -> list[str]:
    put(here / "bad.safetensors", pickle.dumps({"poseid": 1}))
    return enhance("x.npy", model="bad.safetensors")


@case
def safetensors_whose_offsets_lie(here: Path) -> list[str]:
    def move(head: dict[str, Any]) -> None:
        name = next(name for name in head if name != "__metadata__")
        head[name]["data_offsets"] = [2**62, 2**62 + 64]

    edit_safetensors(here, move)
    return evaluate(model="ridge.safetensors")


@case
def safetensors_with_a_huge_dimension(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours["model"].update(dim=10**9))
    return enhance("x.npy", model="ridge.safetensors")


@case
def safetensors_with_a_negative_dimension(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours["model"].update(dim=-5))
    return enhance("x.npy", model="ridge.safetensors")


@case
def safetensors_with_a_dimension_that_is_text(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours["model"].update(dim="16"))
    return enhance("x.npy", model="ridge.safetensors")


@case
def safetensors_whose_people_are_words(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours.update(people="everybody"))
    return evaluate(model="ridge.safetensors")


@case
def safetensors_whose_people_are_numbers(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours.update(people={"salt": 5, "train": 3, "validation": None, "test": {}}))
    return evaluate(model="ridge.safetensors")


@case
def safetensors_whose_data_are_words(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours.update(data=[]))
    return evaluate(model="ridge.safetensors")


@case
def safetensors_whose_fingerprint_is_a_word(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours.update(fingerprint="x"))
    return enhance("x.npy", model="ridge.safetensors")


@case
def safetensors_whose_fingerprint_holds_words(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours["fingerprint"].update(dict.fromkeys(ours["fingerprint"], "x")))
    return enhance("x.npy", model="ridge.safetensors")


@case
def safetensors_whose_sides_are_neither(here: Path) -> list[str]:
    edit_our_header(here, lambda ours: ours["model"].update(sides="left"))
    return enhance("x.npy", model="ridge.safetensors")


@case
def onnx_that_is_a_safetensors(here: Path) -> list[str]:
    put(here / "bad.onnx", (here / "ridge.safetensors").read_bytes())
    return enhance("x.npy", model="bad.onnx")


@case
def onnx_of_nothing(here: Path) -> list[str]:
    put(here / "bad.onnx", b"")
    return evaluate(model="bad.onnx")


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
def a_model_that_is_nowhere(here: Path) -> list[str]:
    return evaluate(model="../../nowhere/at/all")


@case
def a_model_that_is_an_empty_directory(here: Path) -> list[str]:
    (here / "empty").mkdir()
    return evaluate(model="empty")


@case
def export_of_an_onnx(here: Path) -> list[str]:
    return ["poseid", "export", "ridge.onnx", "--out", "out.safetensors"]


@case
def export_with_operators_of_the_year_3000(here: Path) -> list[str]:
    return ["poseid", "export", "ridge.safetensors", "--out", "out.onnx", "--opset", "3000"]


@case
def export_to_a_pickle(here: Path) -> list[str]:
    return ["poseid", "export", "ridge.safetensors", "--out", "out.pt"]


# --- outputs ----------------------------------------------------------------------------------------------------------


@case
def output_in_place(here: Path) -> list[str]:
    return ["poseid", "enhance", "ridge.onnx", "x.npy", "--out", "x.npy", "--force"]


@case
def output_below_a_file(here: Path) -> list[str]:
    return ["poseid", "enhance", "ridge.onnx", "x.npy", "--out", "x.npy/out.npy"]


@case
def report_below_a_file(here: Path) -> list[str]:
    return ["poseid", "evaluate", "raw", "--data", "data", "--resamples", "10", "--out", "x.npy/out"]


@case
def export_below_a_file(here: Path) -> list[str]:
    return ["poseid", "export", "ridge.safetensors", "--out", "x.npy/out.safetensors"]


@case
def synthetic_below_a_file(here: Path) -> list[str]:
    return ["poseid", "synthetic", "--people", "3", "--out", "x.npy/out"]


@case
def doctor_below_a_file(here: Path) -> list[str]:
    return ["poseid", "doctor", "data", "--out", "x.npy/out"]


@case
def specification_below_a_file(here: Path) -> list[str]:
    return ["poseid", "dashboard", "--out", "x.npy/out.json"]


@case
def training_below_a_file(here: Path) -> list[str]:
    return training("hydra.run.dir=x.npy/out")


@case
def a_name_longer_than_the_system_takes(here: Path) -> list[str]:
    return ["poseid", "synthetic", "--people", "3", "--out", "x" * 5000]


# --- commands and configurations --------------------------------------------------------------------------------------


@case
def nobody_to_make_up(here: Path) -> list[str]:
    return ["poseid", "synthetic", "--people", "0", "--out", "out"]


@case
def more_people_than_memory_holds(here: Path) -> list[str]:
    return ["poseid", "synthetic", "--people", "9" * 25, "--out", "out"]


@case
def a_seed_of_thirty_digits(here: Path) -> list[str]:
    return ["poseid", "synthetic", "--people", "3", "--seed", "9" * 30, "--out", "out"]


@case
def a_negative_lambda_of_a_baseline(here: Path) -> list[str]:
    return ["poseid", "baseline", "ridge", "--data", "data", "--set", "lambda=-1", "--out", "out"]


@case
def a_lambda_that_is_not_a_number(here: Path) -> list[str]:
    return ["poseid", "baseline", "ridge", "--data", "data", "--set", "lambda=nan", "--out", "out"]


@case
def a_lambda_without_a_value(here: Path) -> list[str]:
    return ["poseid", "baseline", "ridge", "--data", "data", "--set", "lambda", "--out", "out"]


@case
def an_option_that_a_baseline_does_not_have(here: Path) -> list[str]:
    return ["poseid", "compare", "ridge:lambd=10", "--data", "data", "--out", "out"]


@case
def a_fold_of_twenty_digits(here: Path) -> list[str]:
    return ["poseid", "baseline", "ridge", "--data", "data", "--folds", "9" * 20, "--out", "out"]


@case
def more_resamples_than_memory_holds(here: Path) -> list[str]:
    return evaluate("--resamples", "9" * 18)


@case
def a_seed_of_the_bootstrap_below_zero(here: Path) -> list[str]:
    return evaluate("--seed", "-3")


@case
def a_sweep_that_is_a_file(here: Path) -> list[str]:
    return ["poseid", "sweep", "x.npy", "--out", "out"]


@case
def a_sweep_whose_jobs_are_garbage(here: Path) -> list[str]:
    hydra = here / "sweep" / "0" / ".hydra"
    hydra.mkdir(parents=True)
    for name in ("config.yaml", "hydra.yaml", "overrides.yaml"):
        put(hydra / name, b"\x00\xff: [")
    put(here / "sweep" / "multirun.yaml", b"{" * 5000)
    return ["poseid", "sweep", "sweep", "--out", "out"]


def run_directory(here: Path, overrides: object, hydra: object) -> list[str]:
    folder = here / "run" / ".hydra"
    folder.mkdir(parents=True)
    for name, content in (("overrides", overrides), ("hydra", hydra)):
        if isinstance(content, bytes):
            put(folder / f"{name}.yaml", content)
        elif content is not None:
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return ["train", "resume=run"]


@case
def resume_where_overrides_are_garbage(here: Path) -> list[str]:
    return run_directory(here, b"\x00\xff: [", {"hydra": {"mode": "RUN"}})


@case
def resume_where_overrides_are_a_number(here: Path) -> list[str]:
    return run_directory(here, b"5", {"hydra": {"mode": "RUN"}})


@case
def resume_where_overrides_make_a_class(here: Path) -> list[str]:
    return run_directory(here, ["+data._target_=os.mkdir"], {"hydra": {"mode": "RUN"}})


@case
def resume_without_hydra_yaml(here: Path) -> list[str]:
    return run_directory(here, ["max_epochs=1"], None)


@case
def resume_where_hydra_yaml_is_garbage(here: Path) -> list[str]:
    return run_directory(here, ["max_epochs=1"], b"[[[")


@case
def resume_where_hydra_yaml_says_nothing(here: Path) -> list[str]:
    return run_directory(here, ["max_epochs=1"], {"a": 1})


@case
def resume_where_overrides_hang_on_one_another(here: Path) -> list[str]:
    return run_directory(here, b"a: &a [*a]", {"hydra": {"mode": "RUN"}})


@case
def training_with_a_negative_lambda(here: Path) -> list[str]:
    return training("lambda_pose=-0.5")


@case
def training_with_a_learning_rate_that_overflows(here: Path) -> list[str]:
    return training("lr=1e400")


@case
def training_with_a_learning_rate_out_of_reach(here: Path) -> list[str]:
    return training("lr=1e30")


@case
def training_with_a_word_for_epochs(here: Path) -> list[str]:
    return training("max_epochs=many")


@case
def training_with_more_epochs_than_an_int_holds(here: Path) -> list[str]:
    return training("max_epochs=99999999999999999999999")


@case
def training_with_a_list_for_a_number(here: Path) -> list[str]:
    return training("batch_size=[1,2]")


@case
def training_with_a_group_for_a_number(here: Path) -> list[str]:
    return training("lambda_id={a:1}")


@case
def training_with_an_interpolation_to_nowhere(here: Path) -> list[str]:
    return training("lr='${nowhere.at.all}'")


@case
def training_with_an_interpolation_to_itself(here: Path) -> list[str]:
    return training("lr='${lr}'")


@case
def training_with_shares_that_do_not_add_up(here: Path) -> list[str]:
    return training("data.fractions=[0.9,0.9,0.9]")


@case
def training_on_a_gpu_that_is_not_there(here: Path) -> list[str]:
    return training("trainer.accelerator=mps", "trainer.devices=7")


@case
def training_with_a_missing_file_of_names(here: Path) -> list[str]:
    return training("data.train_people=nowhere.txt", "data.validation_people=a.txt", "data.test_people=b.txt")


@case
def training_with_a_class_of_its_own(here: Path) -> list[str]:
    return training("+model._target_=os.mkdir", "+model.path=sprung")


@case
def training_with_an_objective_that_is_code(here: Path) -> list[str]:
    return training("objective=['minimize __import__(\"os\").getcwd()']")


# --- overrides --------------------------------------------------------------------------------------------------------


def override(*arguments: str) -> Case:
    return lambda here: training(*arguments)


for _group in ("data", "model", "loss", "schedule", "trainer", "logger", "callbacks"):
    CASES[f"override_{_group}_null"] = override(f"{_group}=null")
for _key in ("logger", "data.dir", "model", "objective", "trainer.devices", "seed"):
    CASES[f"override_takes_away_{_key}"] = override(f"~{_key}")
CASES["override_two_loggers"] = override("logger=[wandb,csv]")
CASES["override_two_losses"] = override("loss=[before,after]")
CASES["override_two_experiments_added"] = override("+experiment=[before,historic]")
CASES["override_null_among_choices"] = override("-m", "loss=before,null")
CASES["override_interval_without_a_search"] = override("-m", "lambda_id=interval(1,3)")
CASES["override_interval_with_a_launcher_only"] = override("-m", "sweep=joblib", "lr=tag(log,interval(1e-5,1e-3))")
CASES["override_interval_in_a_single_run"] = override("lambda_id=interval(1,3)")
CASES["override_sweep_dir_with_a_question_mark"] = override("-m", "hydra.sweep.dir=sw?x", "seed=1,2")
CASES["override_sweep_dir_below_a_question_mark"] = override("-m", "hydra.sweep.dir='a?/sweep'", "seed=1,2")
