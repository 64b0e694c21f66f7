"""Reading a feature folder as far as it can be read: what training would refuse becomes a finding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from poseid.doctor.finding import ERROR, Finding
from poseid.doctor.rows import NOBODY, Folder
from poseid.features.folder import inspect_folder
from poseid.features.metadata import Problem

PROBLEMS = {
    "bad-metadata": ("Entries of {file} that cannot be used", "Correct these entries."),
    "rows-disagree": (
        "{file} and {side}_feature.npy do not belong together",
        "Write the three together, one entry a row in the same order.",
    ),
    "bad-names": (
        "Rows of {file} that name nobody",
        'Give every entry {"person_name": …}: text, not empty, in one line, no blanks at its ends.',
    ),
    "bad-poses": (
        "Poses of {file} that are no angles",
        "Write [yaw, pitch, roll] in degrees, or null where the pose is unknown.",
    ),
    "name-spellings": (
        "One name is spelt with different characters",
        "Write each name one way; what looks alike may be composed differently (é).",
    ),
    "bad-pairs": ("pairs.csv cannot be used", "Correct the line, or remove pairs.csv."),
}
"""Title and remedy of what the reader of feature folders finds, by the kind of its problem."""


def open_folder(path: Path) -> tuple[Folder, list[Finding]]:
    """Reads what can be read.

    Of a row whose person or pose cannot be used, the vector remains: its person is `NOBODY`, its pose NaN.

    Raises:
        InputError: a file is missing, or is no npy or metadata file of the right form, or the two npy files hold
            vectors of different lengths: then nothing can be said.
    """
    features, problems = inspect_folder(path)
    files = {"front": features.front, "video": features.video}
    number = {"": NOBODY}
    folder = Folder(
        features.name,
        {name: rows.features for name, rows in files.items()},
        np.array([number.setdefault(n, len(number) - 1) for rows in files.values() for n in rows.names()], np.int32),
        tuple(number)[1:],
        np.concatenate([rows.poses for rows in files.values()]),
        np.concatenate([rows.declared_kinds() for rows in files.values()]),
        None if features.pairs is None else len(features.pairs),
    )
    return folder, [_finding(problem, folder) for problem in problems]


def _finding(problem: Problem, folder: Folder) -> Finding:
    file, side = problem.file.name, "video" if problem.file.name.startswith("video") else "front"
    rows, n, figures = folder.files[side], len(problem.rows), dict(problem.figures)
    evidence = problem.message.removeprefix(f"{problem.file}: ")
    if problem.kind in ("bad-names", "bad-poses"):
        figures = {"n": n, "of": rows.stop - rows.start}
        evidence = f"{n:,} of {figures['of']:,} rows; {evidence.rpartition(': ')[0]}"
    elif problem.kind == "bad-metadata" and figures["n"] > 1:
        evidence += f". And {figures['n'] - 1:,} more"
    elif problem.kind == "rows-disagree":
        evidence = (
            f"{figures['vectors']:,} vectors, {figures['metadata']:,} metadata entries, {figures['poses']:,} poses. "
            f"Which belongs to which is unknown, so nothing was checked that needs the people or poses of {side} rows"
        )
    title, remedy = PROBLEMS[problem.kind]
    title = title.format(file=file, side=side)
    names = folder.row_names(rows.start + row for row in problem.rows)
    return Finding(problem.kind, ERROR, title, f"{evidence}.", remedy, figures, names)
