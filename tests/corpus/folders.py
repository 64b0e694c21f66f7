"""Bad feature folders, pairs and lists of people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus.cases import case, cases_of_a_command, cases_with_a_file, evaluate, header, put, training, vectors
from tests.corpus.tables import parquet


def edit_metadata(here: Path, change: Callable[[dict[str, Any]], object], side: str = "video") -> None:
    path = here / "data" / f"{side}_metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def crowd(here: Path, people: int) -> None:
    """``people`` references of one person each, and a probe of the first."""
    folder = here / "crowd"
    folder.mkdir()
    for side, count in (("front", people), ("video", 1)):
        np.save(folder / f"{side}_feature.npy", np.ones((count, 4), np.float16))
        entries = ",".join(f'{{"person_name":"{i}"}}' for i in range(count))
        poses = ",".join(["null"] * count)
        (folder / f"{side}_metadata.json").write_text(f'{{"metadata":[{entries}],"poses":[{poses}]}}', encoding="utf-8")


cases_with_a_file(
    {
        "a_million_brackets": ("data/front_metadata.json", b'{"metadata": ' + b'{"a":' * 100_000, training()),
        "pairs_of_rows_that_are_not_there": (
            "p.csv",
            b"protocol,fold,a,b,same\nFP,1,front:0,video:-1,1\n",
            evaluate("--pairs", "p.csv"),
        ),
        "people_with_a_line_that_climbs": ("names.txt", b"../../etc/passwd\n", evaluate("--people", "names.txt")),
        "doctor_of_an_npy_whose_header_nests_deep": (
            "data/front_feature.npy",
            header("(" * 9000),
            ["poseid", "doctor", "data", "--strict"],
        ),
    }
)

cases_of_a_command(
    {
        "doctor_of_a_file": ["poseid", "doctor", "x.npy", "--out", "out"],
    }
)


@case
def a_number_of_five_thousand_digits(here: Path) -> list[str]:
    path = here / "data" / "video_metadata.json"
    path.write_text('{"metadata": [], "poses": [[' + "9" * 5000 + ", 0, 0]]}", encoding="utf-8")
    return evaluate()


@case
def a_template_over_two_people(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id="t") for entry in content["metadata"][2:6]])
    return evaluate()


@case
def training_on_a_template_over_two_people(here: Path) -> list[str]:
    edit_metadata(here, lambda content: [entry.update(template_id=1) for entry in content["metadata"][2:6]], "front")
    return training()


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
def pairs_that_are_a_parquet(here: Path) -> list[str]:
    parquet(here / "p.csv", f=vectors().tolist())
    return evaluate("--pairs", "p.csv")


@case
def doctor_of_a_folder_without_arrays(here: Path) -> list[str]:
    (here / "empty").mkdir()
    return ["poseid", "doctor", "empty", "--out", "out"]


@case
def training_with_one_person_in_two_files_of_names(here: Path) -> list[str]:
    def rename(content: dict[str, Any]) -> None:
        for entry, name in zip(content["metadata"], ("Ana", "ana", "b"), strict=False):
            entry["person_name"] = name

    edit_metadata(here, rename)
    for part, name in (("train", "Ana"), ("validation", "b"), ("test", "ana")):
        put(here / part, name.encode())
    return training("data.train_people=train", "data.validation_people=validation", "data.test_people=test")
