"""Bad tables and directories of part files, as :mod:`tests.corpus.cases`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.corpus.cases import case, cases, cases_of_a_command, cases_with_a_file, enhance, importing
from tests.corpus.tables import parquet

VECTORS = ("--feature-columns", "v")


def table(here: Path, **columns: list[Any]) -> list[str]:
    """Imports a Parquet table of photos of two people from its column v, and with poses of its column p if any."""
    count = len(columns["v"])
    angles = {name: [0.0] * count for name in ("yaw", "pitch", "roll")}
    parquet(here / "t.parquet", person=["a", "b"] * (count // 2), **angles, **columns)
    return importing("t.parquet", *VECTORS, *(("--pose", "p") if "p" in columns else ()))


GOOD = [[1.0, 2.0]] * 4
TABLES: dict[str, dict[str, list[Any]]] = {
    "nested_vectors_of_different_lengths": {"v": [[[1.0, 2.0]], [[3.0, 4.0, 5.0, 6.0]]] * 2},
    "nested_vectors_two_to_a_row": {"v": [[[1.0, 2.0], [3.0, 4.0]]] * 4},
    "nested_vectors_of_nothing": {"v": [[[1.0, 2.0]], [None]] * 2},
    "nested_vectors_all_null": {"v": [[None]] * 4},
    "nested_poses_of_different_lengths": {"v": GOOD, "p": [[[1.0, 2.0, 3.0]], [[1.0, 2.0]]] * 2},
    "poses_in_a_struct_without_roll": {"v": GOOD, "p": [{"yaw": 1.0, "pitch": 2.0}] * 4},
}
cases({name: lambda here, columns=columns: table(here, **columns) for name, columns in TABLES.items()})

cases_of_a_command({"a_directory_without_part_files": importing("data")})

HEAD = b"person,yaw,pitch,roll,"
cases_with_a_file(
    {
        "csv_of_calls_in_place_of_numbers": (
            "t.csv",
            HEAD + b"f0,f1\na,1,2,3,np.float32(0.1),np.float32(__import__('os').mkdir('sprung'))\n",
        ),
        "csv_of_an_array_cut_short_by_numpy": (
            "t.csv",
            HEAD + b'v\na,1,2,3,"array([0.1, 0.2, ..., 0.3], dtype=float32)"\n',
            importing("t.csv", *VECTORS),
        ),
    }
)


@case
def nested_vectors_to_enhance(here: Path) -> list[str]:
    parquet(here / "bad.parquet", v=[[[float(i) for i in range(16)]]] * 4)
    return enhance("bad.parquet")


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
    return importing("parts", *VECTORS)
