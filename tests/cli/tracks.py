"""Rows in templates, and files of them in each format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from poseid.features.folder import read_folder
from poseid.features.rows import Rows


class Tracks(NamedTuple):
    """Rows with templates that overlap, rows without one, and media of several rows."""

    rows: Rows
    ids: list[Any]
    media: list[Any]

    def take(self, order: np.ndarray) -> Tracks:
        return Tracks(
            self.rows.take(order), [self.ids[i] for i in order.tolist()], [self.media[i] for i in order.tolist()]
        )


def read_tracks(work: Path) -> Tracks:
    """The video rows of the test data in seeded tracks."""
    rows = read_folder(work / "data").video
    generator = np.random.default_rng(3)
    track = generator.integers(0, 3, len(rows)).tolist()
    ids = [f"{name} 道{t}" if t else None for name, t in zip(rows.people.tolist(), track, strict=True)]
    media = [None if m == 2 else f"clip{m}" for m in generator.integers(0, 3, len(rows)).tolist()]
    return Tracks(rows, ids, media)


def arrays_of(tracks: Tracks) -> dict[str, np.ndarray]:
    """Arrays cannot hold nulls: a row without a template gets an id, and a media, of its own."""
    own = [f"row {i}" if value is None else value for i, value in enumerate(tracks.ids)]
    media = [f"row {i}" if value is None else value for i, value in enumerate(tracks.media)]
    return {
        "features": tracks.rows.features,
        "poses": tracks.rows.poses,
        "template_id": np.array(own),
        "media_id": np.array(media),
        "person_name": tracks.rows.people,
        "number": np.arange(len(own)),
    }


def write(path: Path, tracks: Tracks) -> None:
    if path.suffix == ".npz":
        np.savez(path, **arrays_of(tracks), about=np.array([7, 8]))  # type: ignore[arg-type]
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.attrs["about"] = 7
            for name, array in arrays_of(tracks).items():
                texts = array.dtype.kind == "U"
                file.create_dataset(
                    name,
                    data=array.astype(object) if texts else array,
                    dtype=h5py.string_dtype() if texts else array.dtype,
                    chunks=(min(50, len(array)), *array.shape[1:]),
                    compression="gzip",
                )
            file["inside/about"] = [7, 8]
    else:
        columns = {"template_id": pa.array(tracks.ids), "vector": pa.array(list(tracks.rows.features))}
        columns |= {"media_id": pa.array(tracks.media), "person_name": pa.array(tracks.rows.people.tolist())}
        columns |= {name: pa.array(tracks.rows.poses[:, i]) for i, name in enumerate(("yaw", "pitch", "roll"))}
        columns["number"] = pa.array(np.arange(len(tracks.ids)))
        pq.write_table(pa.table(columns), path, row_group_size=100)
