"""Bad tables and directories of part files, as :mod:`tests.corpus.cases`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.corpus.cases import case, enhance, importing, parquet


def table(here: Path, **columns: list[Any]) -> list[str]:
    """Imports a Parquet table of photos of two people from its column v."""
    count = len(next(iter(columns.values())))
    angles = {name: [0.0] * count for name in ("yaw", "pitch", "roll")}
    parquet(here / "t.parquet", person=["a", "b"] * (count // 2), **angles, **columns)
    return importing("t.parquet", "--feature-columns", "v")


@case
def nested_vectors_of_different_lengths(here: Path) -> list[str]:
    return table(here, v=[[[1.0, 2.0]], [[3.0, 4.0, 5.0, 6.0]]] * 2)


@case
def nested_vectors_two_to_a_row(here: Path) -> list[str]:
    return table(here, v=[[[1.0, 2.0], [3.0, 4.0]]] * 4)


@case
def nested_vectors_of_nothing(here: Path) -> list[str]:
    return table(here, v=[[[1.0, 2.0]], [None]] * 2)


@case
def nested_vectors_all_null(here: Path) -> list[str]:
    return table(here, v=[[None]] * 4)


@case
def nested_poses_of_different_lengths(here: Path) -> list[str]:
    poses = [[[1.0, 2.0, 3.0]], [[1.0, 2.0]]] * 2
    return [*table(here, v=[[1.0, 2.0]] * 4, p=poses), "--pose", "p"]


@case
def nested_vectors_to_enhance(here: Path) -> list[str]:
    parquet(here / "bad.parquet", v=[[[float(i) for i in range(16)]]] * 4)
    return enhance("bad.parquet")
