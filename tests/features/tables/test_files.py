"""Every format is streamed: the same blocks come out that went in, and whatever else is in the file stays."""

from __future__ import annotations

import errno
import io
import tracemalloc
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseid.errors import InputError
from poseid.features.tables.arrow import reading
from poseid.features.tables.npy import read_array, write_header
from poseid.features.tables.table import Columns, inspect_file, rewrite_file

ROWS, DIM = 20_000, 8


def write(path: Path, x: np.ndarray, poses: np.ndarray) -> None:
    """A file of the format that its suffix says; ``columns.parquet`` has a column for each number of a vector."""
    if path.suffix == ".npy":
        np.save(path, x)
    elif path.suffix == ".npz":
        np.savez_compressed(path, names=np.array([{"never": "loaded"}], object), vectors=x, poses=poses)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["made by"] = "hand"
            file.create_dataset("group/vectors", data=x, chunks=(300, DIM), compression="gzip").attrs["unit"] = 1
            file["poses"] = poses
            file["names"] = ["张伟", "b"]
    elif "columns" in path.name:
        columns = {f"f{i}": pa.array(x[:, i]) for i in reversed(range(DIM))}
        columns["poses"] = pa.array(poses.tolist(), pa.list_(pa.float64()))
        pq.write_table(pa.table(columns), path, compression="none")
    else:
        lists = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), DIM)
        columns = {"id": pa.array([f"名{i % 9}" for i in range(len(x))]).dictionary_encode(), "vector": lists}
        columns |= {name: pa.array(poses[:, i]) for i, name in enumerate(("yaw", "pitch", "roll"))}
        table = pa.table(columns).replace_schema_metadata({"made by": "hand"})
        pq.write_table(table, path, row_group_size=7001, compression="zstd")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.parquet", "columns.parquet", "a.h5"])
def test_vectors_pass_through_in_blocks(name: str, tmp_path: Path) -> None:
    columns, has_poses = Columns(("f*",) if "columns" in name else ()), name != "a.npy"
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, DIM)).astype(np.float16)
    poses = generator.uniform(-90, 90, (ROWS, 3))
    source, target, again = (tmp_path / f"{part}{name}" for part in ("source", "target", "again"))
    write(source, x, poses)
    table = inspect_file(source, columns)
    assert (table.rows, table.dim, table.dtype) == (ROWS, DIM, np.float16)
    assert bool(table.columns.poses) == has_poses
    assert len(table.sample) >= 4000
    seen: list[np.ndarray] = []
    angles: list[np.ndarray] = []

    def double(first: int, block: np.ndarray, block_poses: np.ndarray | None) -> np.ndarray:
        assert first == sum(map(len, seen))
        assert len(block) < ROWS
        seen.append(np.array(block))
        angles.append(np.full((len(block), 3), np.nan) if block_poses is None else np.array(block_poses))
        return block * np.float16(2)

    rewrite_file(source, target, table.columns, double)
    assert np.array_equal(np.concatenate(seen), x)
    if has_poses:
        assert np.array_equal(np.concatenate(angles), poses)
    seen.clear()
    rewrite_file(target, again, table.columns, double)
    assert np.array_equal(np.concatenate(seen), x * np.float16(2))
    seen.clear()
    before = target.read_bytes()
    rewrite_file(source, target, table.columns, double)
    assert target.read_bytes() == before  # the same bits each time


def halve(path: Path, columns: Columns | None = None) -> Path:
    """The file with every vector halved, beside it."""

    def halved(first: int, block: np.ndarray, poses: np.ndarray | None) -> np.ndarray:
        return block / block.dtype.type(2)

    target = path.with_name(f"halved{path.suffix}")
    rewrite_file(path, target, columns or inspect_file(path, Columns()).columns, halved)
    return target


def test_npy_is_what_numpy_writes(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((100, DIM))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "half.npy", x / 2)
    assert halve(tmp_path / "x.npy").read_bytes() == (tmp_path / "half.npy").read_bytes()


def version_3(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=(3, 0))
    return out.getvalue()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".h5"])
def test_other_ways_to_store_the_same_numbers(suffix: str, tmp_path: Path) -> None:
    rows = 9000 if suffix == ".npy" else 20  # two blocks
    x = np.random.default_rng(0).standard_normal((rows, DIM)).astype(np.float32)
    poses = np.arange(3.0 * rows).reshape(rows, 3)
    for stored, angles in ((x.astype(">f4"), poses.astype(">f8")), (np.asfortranarray(x), np.asfortranarray(poses))):
        path = tmp_path / f"x{suffix}"
        if suffix == ".npy":
            path.write_bytes(version_3(stored))
            assert np.array_equal(read_array(path), x)
            assert read_array(path).dtype == np.float32
        elif suffix == ".npz":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("x.npy", version_3(stored))
                archive.writestr("poses.npy", version_3(angles))
        else:
            with h5py.File(path, "w") as file:
                file["x"], file["poses"] = stored, angles
        table = inspect_file(path, Columns())
        assert (table.dtype, table.sample.dtype) == (np.float32, np.float32)
        assert np.array_equal(table.sample, x[: len(table.sample)]) or suffix == ".npy"
        seen = []

        def halved(
            first: int, block: np.ndarray, given: np.ndarray | None, seen: list[np.ndarray] = seen
        ) -> np.ndarray:
            assert block.dtype == np.float32
            seen += [] if given is None else [given]
            return block / np.float32(2)

        target = tmp_path / f"halved{suffix}"
        rewrite_file(path, target, table.columns, halved)
        assert suffix == ".npy" or np.array_equal(np.concatenate(seen), poses)
        if suffix == ".h5":
            with h5py.File(target) as file:
                assert np.array_equal(file["x"][:], x / 2)
                assert file["x"].dtype == stored.dtype
        else:
            loaded = np.load(target)
            assert np.array_equal(loaded if suffix == ".npy" else loaded["x"], x / 2)


def test_npz_keeps_its_other_members(tmp_path: Path) -> None:
    x = np.ones((10, DIM), np.float32)
    write(tmp_path / "x.npz", x, np.zeros((10, 3)))
    target = halve(tmp_path / "x.npz")
    with zipfile.ZipFile(tmp_path / "x.npz") as before, zipfile.ZipFile(target) as after:
        assert before.namelist() == after.namelist()
        assert {info.compress_type for info in after.infolist()} == {zipfile.ZIP_DEFLATED}
        assert before.read("names.npy") == after.read("names.npy")
    assert np.array_equal(np.load(target)["vectors"], x / 2)


def test_parquet_keeps_schema_rows_and_compression(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    x = generator.standard_normal((ROWS, DIM)).astype(np.float16)
    write(tmp_path / "x.parquet", x, generator.uniform(-90, 90, (ROWS, 3)))
    before, after = pq.ParquetFile(tmp_path / "x.parquet"), pq.ParquetFile(halve(tmp_path / "x.parquet"))
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    groups = [[file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] for file in (before, after)]
    assert groups[0] == groups[1] == [7001, 7001, 5998]
    assert after.metadata.row_group(0).column(0).compression == "ZSTD"
    others = ["id", "yaw", "pitch", "roll"]
    assert after.read(others).equals(before.read(others))


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.fixed_shape_tensor(pa.float32(), [DIM])]
)
def test_every_kind_of_list_column_keeps_its_type(kind: pa.DataType, tmp_path: Path) -> None:
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    rows = [[float(i + j) for j in range(DIM)] for i in range(50)]
    array = pa.array(rows, storage)
    if storage != kind:
        array = pa.ExtensionArray.from_storage(kind, array)
    pq.write_table(pa.table({"v": array}), tmp_path / "x.parquet")
    column = pq.read_table(halve(tmp_path / "x.parquet"))["v"].combine_chunks()
    assert column.type == kind
    stored = column.storage if storage != kind else column
    assert stored.to_pylist() == (np.array(rows) / 2).tolist()


def test_parquet_with_empty_row_groups(tmp_path: Path) -> None:
    table = pa.table({"v": [[1.0, 2.0, 3.0]] * 5})
    with pq.ParquetWriter(tmp_path / "x.parquet", table.schema) as writer:
        for group in range(30):
            writer.write_table(table if group == 1 else table[:0])
    found = inspect_file(tmp_path / "x.parquet", Columns())
    assert (found.rows, found.dim, len(found.sample)) == (5, 3, 5)
    assert pq.read_table(halve(tmp_path / "x.parquet"))["v"].to_pylist() == [[0.5, 1.0, 1.5]] * 5


def test_hdf5_keeps_everything_else(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((1000, DIM))
    write(tmp_path / "x.h5", x, np.zeros((1000, 3)))
    with h5py.File(tmp_path / "x.h5", "r+") as file:
        file["link"] = h5py.SoftLink("/group/vectors")
    named = inspect_file(tmp_path / "x.h5", Columns(("group/vectors",))).columns
    with h5py.File(halve(tmp_path / "x.h5", named)) as file:
        vectors = file["group/vectors"]
        assert np.array_equal(vectors[:], x / 2)
        assert (vectors.chunks, vectors.compression, vectors.attrs["unit"]) == ((300, DIM), "gzip", 1)
        assert file.attrs["made by"] == "hand"
        assert file["names"].asstr()[0] == "张伟"
        assert np.array_equal(file["link"][:], x / 2)


def test_memory_is_bounded(tmp_path: Path) -> None:
    rows, dim = 400_000, 64  # 102 MB, most of it holes in the file
    with (tmp_path / "x.npy").open("wb") as file:
        write_header(file, (rows, dim), np.dtype(np.float32))
        file.truncate(file.tell() + rows * dim * 4)
    tracemalloc.start()
    try:
        target = halve(tmp_path / "x.npy")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert target.stat().st_size == (tmp_path / "x.npy").stat().st_size
    assert peak < 16 * 2**20


def refuse(path: Path, columns: Columns, line: str) -> None:
    with pytest.raises(InputError, match=line) as caught:
        inspect_file(path, columns)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet"])
def test_bad_archives(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"

    def save(**arrays: np.ndarray) -> None:
        if suffix == ".npz":
            np.savez(path, **arrays)
        elif suffix == ".h5":
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[name] = array
        else:
            pq.write_table(pa.table({name: array.tolist() for name, array in arrays.items()}), path)

    x = np.ones((5, DIM))
    save(a=x, b=x)
    refuse(path, Columns(), "--feature-columns: say which")
    refuse(path, Columns(("c",)), "no column 'c'")
    save(features=x, b=x)
    assert inspect_file(path, Columns()).columns.features == ("features",)
    save(a=x, yaw=np.ones(5))
    refuse(path, Columns(("yaw",)), "shape|not lists")
    refuse(path, Columns((), ("p",)), "no column 'p'")
    path.write_bytes(b"no")
    refuse(path, Columns(), "is no|cannot be read")


@pytest.mark.parametrize("suffix", [".npz", ".h5", ".parquet"])
@pytest.mark.parametrize("names", ["yaw pitch roll", "Pitch YAW Roll", "head/roll head/Yaw head/pitch"])
def test_angles_are_found_in_any_case_in_structs_and_groups(suffix: str, names: str, tmp_path: Path) -> None:
    path, x = tmp_path / f"x{suffix}", np.ones((5, DIM))
    own = {name.split("/")[-1].lower(): name for name in names.split()}
    angles = {name: np.arange(5.0) + i for i, name in enumerate(("yaw", "pitch", "roll"))}
    if suffix == ".npz":
        np.savez(path, v=x, **{own[name]: values for name, values in angles.items()})
    elif suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["v"] = x
            for name, values in angles.items():
                file[own[name]] = values
    else:
        columns = {own[name].split("/")[-1]: pa.array(values) for name, values in angles.items()}
        if "/" in names:
            columns = {"head": pa.StructArray.from_arrays(list(columns.values()), list(columns))}
        pq.write_table(pa.table({"v": x.tolist()} | columns), path)
    seen = []

    def same(first: int, block: np.ndarray, poses: np.ndarray | None) -> np.ndarray:
        seen.append(poses)
        return block

    for asked in [Columns(), *([Columns((), ("head",))] if "/" in names else [])]:
        rewrite_file(path, tmp_path / f"y{suffix}", inspect_file(path, asked).columns, same)
        assert np.array_equal(seen[-1], np.stack(list(angles.values()), axis=1))


def test_hdf5_whose_values_lie_elsewhere(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "real.h5", "w") as file:
        file["v"] = np.ones((5, DIM))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        layout = h5py.VirtualLayout((5, DIM), float)
        layout[:] = h5py.VirtualSource(tmp_path / "real.h5", "v", (5, DIM))
        file.create_virtual_dataset("v", layout)
    refuse(tmp_path / "x.h5", Columns(), "other files")


def test_damage_found_on_the_way(tmp_path: Path) -> None:
    write(tmp_path / "x.npz", np.random.default_rng(0).standard_normal((9000, DIM)), np.zeros((9000, 3)))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[len(content) // 2 :: 997] = b"\0" * len(content[len(content) // 2 :: 997])
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        halve(tmp_path / "x.npz", Columns(("vectors",)))
    pq.write_table(pa.table({"v": [[1.0, 2.0, 3.0, 4.0]] * 5 + [[1.0]]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="row 5"):
        halve(tmp_path / "x.parquet", Columns(("v",)))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG])
def test_pyarrow_blames_the_file_that_is_written_or_the_one_that_is_read(number: int) -> None:
    with pytest.raises(OSError, match="out.parquet") as raised, reading(Path("in.parquet")):
        raise OSError(number, "no", "out.parquet")
    assert not isinstance(raised.value, InputError)
    with pytest.raises(InputError, match=r"in\.parquet: cannot be read"), reading(Path("in.parquet")):
        raise OSError(errno.EIO, "no")
