"""Check a feature folder before training: is it what it says? Takes folders that training refuses, too.

Says what is in it, what the raw vectors score, what to expect of training, and what is or may be wrong, each with
its evidence and a remedy. Ends with status 0 when it is done, whatever it found; with --strict, with status 2
when it found errors; with status 2 too when the folder cannot be read at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.interrupt import importing

NAME = "doctor"
HELP = "check a feature folder: is it what it says?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a feature folder")
    parser.add_argument("--out", type=Path, metavar="OUT", help="a new directory for doctor.html and doctor.json")
    parser.add_argument("--json", action="store_true", help="print doctor.json instead of text")
    parser.add_argument("--strict", action="store_true", help="end with status 2 if there are errors")


def run(arguments: argparse.Namespace) -> None:
    """Examines the folder, prints the findings, and writes the page where a directory is given."""
    with importing():
        import platform

        import numpy as np

        import poseid
        from poseid.atomic import atomic_directory, check_new, json_text, write_text
        from poseid.cli.progress import progress
        from poseid.doctor.examine import PASSES, examine, summarise
        from poseid.doctor.folder import open_folder
        from poseid.doctor.text import report_text, tally
        from poseid.errors import InputError

    if arguments.out is not None:
        check_new(arguments.out)
    folder, findings = open_folder(arguments.folder)
    with progress(PASSES * len(folder)) as advance:
        examination = examine(folder, findings, advance)
    # not poseid.versions, which imports torch
    versions = {"poseid": poseid.__version__, "python": platform.python_version(), "numpy": np.__version__}
    summary = summarise(examination, versions)
    text = json_text(summary)
    if arguments.out is not None:
        with importing():  # only now: the text alone needs no matplotlib
            from poseid.doctor.page import draw_all, page

        with atomic_directory(arguments.out) as directory:
            write_text(directory / "doctor.json", text)
            write_text(directory / "doctor.html", page(summary, draw_all(examination)))
    if arguments.json:
        print(text, end="")
    else:
        print(report_text(summary))
        if arguments.out is not None:
            print(f"\npage: {arguments.out / 'doctor.html'}, and the same for programs in doctor.json")
    if arguments.strict and summary["errors"]:
        ids = ", ".join(dict.fromkeys(f["id"] for f in summary["findings"] if f["severity"] == "error"))
        raise InputError(f"{arguments.folder}: {tally(summary)} ({ids}): correct the errors, or leave --strict out")
