"""Look at a feature folder before training: is it what it says? Also at folders that training refuses.

Says what is in it, what the raw vectors score, what training can be hoped for, and what is or may be wrong, each with
its evidence and the way out. Ends with status 0 when it has looked, whatever it found; with --strict, with status 2
when it found errors; with status 2 too when the folder cannot be read at all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "doctor"
HELP = "look at a feature folder: is it what it says?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a feature folder")
    parser.add_argument("--out", type=Path, metavar="OUT", help="a new directory for doctor.html and doctor.json")
    parser.add_argument("--json", action="store_true", help="print doctor.json instead of text")
    parser.add_argument("--strict", action="store_true", help="end with status 2 if there are errors")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.doctor_run import run_doctor

    run_doctor(arguments)
