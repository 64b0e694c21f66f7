"""Write made-up people as a feature folder, to see the whole way work. They say nothing about real faces."""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.arguments import whole_number

NAME = "synthetic"
HELP = "write the embedded made-up data as a feature folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new feature folder")
    parser.add_argument("--people", type=whole_number(1), default=300, metavar="N", help="how many (default 300)")
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="other people (default 0)")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.synthetic_run import run_synthetic

    run_synthetic(arguments)
