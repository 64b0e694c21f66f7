"""Read a multirun: which setting is best, how sure that is, what failed, and what to run next.

MULTIRUN_DIR is what `python train.py -m …` wrote, finished or not. Only validation people are looked at. Writes
sweep.html (one file, no network), sweep.csv and the figures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "sweep"
HELP = "table, Pareto front and plots of a multirun"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("multirun", type=Path, metavar="MULTIRUN_DIR", help="the directory of a multirun")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the page")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.sweep_run import run_sweep

    run_sweep(arguments)
