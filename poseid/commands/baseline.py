"""Fit an opponent: what an enhancer has to beat. The directory it leaves is a MODEL.

NAME is raw, mean_subtraction, ridge, wccn, dream or srt. Without --people and --folds the people are split as in
training (60 % train, 30 % validate, 10 % test, seeded) and the test people are left alone. Closed forms are fitted
on training and validation people together; the validation people choose lambda and stop dream and srt.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.arguments import whole_number

NAME = "baseline"
HELP = "fit an opponent; its directory is a MODEL"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="raw, mean_subtraction, ridge, wccn, dream or srt")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a feature folder")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--people", type=Path, metavar="FILE", help="fit on these people, one name a line")
    group.add_argument(
        "--folds",
        metavar="K,K",
        help="fit on all but the people of these folds of pairs.csv, such as 1,2",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="options",
        help="lambda=10 (ridge, wccn); sides=probe|both; seed=0 (dream, srt)",
    )
    parser.add_argument("--split-seed", type=whole_number(0), default=0, metavar="N", help="of the split of people")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.baseline_run import run_baseline

    run_baseline(arguments)
