"""Read a multirun: which setting is best, how sure that is, what failed, and what to run next.

MULTIRUN_DIR is what `python train.py -m …` wrote, finished or not. Only validation people are evaluated. Writes
sweep.html (one file, no network), sweep.csv and the figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.interrupt import importing

NAME = "sweep"
HELP = "table, Pareto front and plots of a multirun"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("multirun", type=Path, metavar="MULTIRUN_DIR", help="the directory of a multirun")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the page")


def run(arguments: argparse.Namespace) -> None:
    """Reads the multirun; writes the page, the table and the figures; prints the table."""
    with importing():
        from poseid.atomic import atomic_directory, check_new, write_bytes, write_text
        from poseid.sweeps.analysis import read_sweep
        from poseid.sweeps.summary import csv_text, terminal_text

    check_new(arguments.out)
    sweep = read_sweep(arguments.multirun)
    with importing():  # only now: a directory that is no multirun is refused without waiting for matplotlib
        from poseid.sweeps.figures import draw_all
        from poseid.sweeps.page import page

    figures = draw_all(sweep)
    with atomic_directory(arguments.out) as directory:
        for name, drawn in figures.items():
            write_bytes(directory / name, drawn.png)
        write_text(directory / "sweep.csv", csv_text(sweep))
        write_text(directory / "sweep.html", page(sweep, figures))
    print(terminal_text(sweep))
    print(f"sweep directory: {arguments.out}")
