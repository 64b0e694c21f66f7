"""Bad feature folders, pairs and lists of people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.corpus.cases import (
    case,
    cases,
    cases_of_a_command,
    cases_with_a_file,
    evaluate,
    header,
    poseid,
    put,
    training,
    vectors,
)
from tests.corpus.tables import parquet


def edit_metadata(
    here: Path, change: Callable[[dict[str, Any]], object], command: list[str], side: str = "video"
) -> list[str]:
    """Changes the metadata of a side; returns the command."""
    path = here / "data" / f"{side}_metadata.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    return command


def edit_entries(
    here: Path, command: list[str], rows: slice = slice(None), side: str = "video", **keys: Any
) -> list[str]:
    """Sets keys of the entries of some rows; returns the command."""
    return edit_metadata(
        here, lambda content: [entry.update(keys) for entry in content["metadata"][rows]], command, side
    )


def crowd(here: Path, people: int, command: list[str]) -> list[str]:
    """``people`` references of one person each, and a probe of the first; returns the command."""
    folder = here / "crowd"
    folder.mkdir()
    for side, count in (("front", people), ("video", 1)):
        np.save(folder / f"{side}_feature.npy", np.ones((count, 4), np.float16))
        entries = ",".join(f'{{"person_name":"{i}"}}' for i in range(count))
        poses = ",".join(["null"] * count)
        (folder / f"{side}_metadata.json").write_text(f'{{"metadata":[{entries}],"poses":[{poses}]}}', encoding="utf-8")
    return command


cases_with_a_file(
    {
        "a_million_brackets": ("data/front_metadata.json", b'{"metadata": ' + b'{"a":' * 100_000, training()),
        "a_number_of_five_thousand_digits": (
            "data/video_metadata.json",
            b'{"metadata": [], "poses": [[' + b"9" * 5000 + b", 0, 0]]}",
        ),
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

cases_of_a_command({"doctor_of_a_file": "doctor x.npy --out out"})

CROWD = training("data.dir=crowd", "data.dim=4")
SOME = slice(2, 6)  # rows of two people
cases(
    {
        "names_that_are_numbers": lambda here: edit_entries(here, evaluate(), person_name=7),
        "a_template_over_two_people": lambda here: edit_entries(here, evaluate(), SOME, template_id="t"),
        "training_on_a_template_over_two_people": (
            lambda here: edit_entries(here, training(), SOME, "front", template_id=1)
        ),
        "template_ids_that_are_floats": lambda here: edit_entries(here, evaluate(), template_id=0.5),
        "media_ids_that_are_empty_and_frames_that_are_true": (
            lambda here: edit_entries(here, evaluate(), media_id="", frame=True)
        ),
        "ten_thousand_people_with_one_row_each": lambda here: crowd(here, 10_000, CROWD),
        "two_people": lambda here: crowd(here, 2, CROWD),
        "one_person": lambda here: crowd(here, 1, evaluate(data="crowd")),
        "one_person_to_fit_on": lambda here: crowd(here, 1, poseid("baseline ridge --data crowd --out out")),
        "one_person_to_compare_on": lambda here: crowd(here, 1, poseid("compare raw ridge --data crowd --out out")),
    }
)


@case
def template_ids_of_parquet_that_are_floats(here: Path) -> list[str]:
    names = [f"p{i}" for i in range(48)]
    (here / "data" / "video_metadata.json").unlink()
    parquet(here / "data" / "video_metadata.parquet", person_name=names, template_id=[float(i) for i in range(48)])
    return evaluate()


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

    for part, name in (("train", "Ana"), ("validation", "b"), ("test", "ana")):
        put(here / part, name.encode())
    files = ("data.train_people=train", "data.validation_people=validation", "data.test_people=test")
    return edit_metadata(here, rename, training(*files))
