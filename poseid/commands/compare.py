"""Compare MODELs side by side on the same people, with intervals of their paired differences.

A MODEL is what `poseid evaluate` takes, or the name of an opponent (mean_subtraction, ridge, wccn, dream, srt),
which is then fitted on the people outside the evaluated ones; options follow a colon: ridge:lambda=10,sides=both.
A directory with an opponent's name is written ./ridge.

Without --people: people whom none of the MODELs was trained on (the test people of runs trained on --data, or a
seeded tenth where only opponents are compared). --folds takes consecutive pairs of folds of pairs.csv as test
people, one pair after the other, fits named opponents anew on everybody else each time, and averages. A trained
model is taken there only for the split that is its own test people: give a directory that holds one run a split.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.arguments import whole_number

NAME = "compare"
HELP = "several MODELs in one table, with paired intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="as for evaluate, or an opponent's name")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a feature folder")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--people", type=Path, metavar="FILE", help="compare on these people, one name a line")
    group.add_argument("--folds", action="store_true", help="compare on every pair of folds of pairs.csv, averaged")
    parser.add_argument(
        "--against", metavar="MODEL", help="pair differences with this one too (default: the first that is not raw)"
    )
    parser.add_argument(
        "--resamples", type=whole_number(0), default=1000, metavar="N", help="of the bootstrap over people (1000)"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of the bootstrap (0)")
    parser.add_argument("--split-seed", type=whole_number(0), default=0, metavar="N", help="of the split of people (0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the table")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.compare_run import run_compare

    run_compare(arguments)
