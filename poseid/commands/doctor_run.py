"""``poseid doctor``: from a feature folder to findings, as text, JSON and a page."""

from __future__ import annotations

import argparse
import json
import platform

import numpy as np

import poseid
from poseid.atomic import atomic_directory, check_new, write_text
from poseid.commands.progress import progress
from poseid.doctor.examine import PASSES, examine
from poseid.doctor.reading import open_folder
from poseid.doctor.summary import summarise
from poseid.doctor.text import report_text, tally
from poseid.errors import InputError


def run_doctor(arguments: argparse.Namespace) -> None:
    """Examines, prints, and writes the page where a directory is given.

    Raises:
        InputError: the folder cannot be read; or errors were found and ``--strict`` is given.
    """
    if arguments.out is not None:
        check_new(arguments.out)
    folder, findings = open_folder(arguments.folder)
    with progress(PASSES * (len(folder))) as advance:
        examination = examine(folder, findings, advance)
    versions = {"poseid": poseid.__version__, "python": platform.python_version(), "numpy": np.__version__}
    summary = summarise(examination, versions)
    text = json.dumps(summary, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if arguments.out is not None:
        # a second of matplotlib is spared whoever wants the text alone
        from poseid.doctor.figures import draw_all
        from poseid.doctor.page import page

        with atomic_directory(arguments.out) as directory:
            write_text(directory / "doctor.json", text)
            write_text(directory / "doctor.html", page(summary, draw_all(examination, summary)))
    if arguments.json:
        print(text, end="")
    else:
        print(report_text(summary))
        if arguments.out is not None:
            print(f"\npage: {arguments.out / 'doctor.html'}, and the same for programs in doctor.json")
    if arguments.strict and summary["errors"]:
        ids = ", ".join(dict.fromkeys(f["id"] for f in summary["findings"] if f["severity"] == "error"))
        raise InputError(f"{arguments.folder}: {tally(summary)} ({ids}): correct the errors, or leave --strict out")
