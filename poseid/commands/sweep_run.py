"""``poseid sweep``: from a multirun directory to a page, a table and figures."""

from __future__ import annotations

import argparse

from poseid.atomic import atomic_directory, check_new, write_bytes, write_text
from poseid.sweeps.analysis import read_sweep
from poseid.sweeps.csv_table import csv_text
from poseid.sweeps.text_table import text


def run_sweep(arguments: argparse.Namespace) -> None:
    """Reads, writes and prints."""
    check_new(arguments.out)
    sweep = read_sweep(arguments.multirun)
    # a directory that is no multirun is told without waiting for matplotlib
    from poseid.sweeps.figures import draw_all
    from poseid.sweeps.page import page

    figures = draw_all(sweep)
    with atomic_directory(arguments.out) as directory:
        for name, drawn in figures.items():
            write_bytes(directory / name, drawn.whole)
        write_text(directory / "sweep.csv", csv_text(sweep))
        write_text(directory / "sweep.html", page(sweep, figures))
    print(text(sweep))
    print(f"sweep directory: {arguments.out}")
