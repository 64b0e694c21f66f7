"""Write made-up people as a feature folder, to try every command on. They say nothing about real faces."""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import integer
from poseid.interrupt import importing

NAME = "synthetic"
HELP = "write the embedded made-up data as a feature folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new feature folder")
    parser.add_argument("--people", type=integer(1), default=300, metavar="N", help="how many (default 300)")
    parser.add_argument("--seed", type=integer(0), default=0, metavar="N", help="other people (default 0)")


def run(arguments: argparse.Namespace) -> None:
    """Writes the folder; prints what is in it, and that it is made up."""
    with importing():
        from poseid.features.folder import write_folder
        from poseid.features.synthetic import NOTICE, synthetic

    features = synthetic(people=arguments.people, seed=arguments.seed)
    write_folder(features, arguments.out)
    print(features.summary())
    print(NOTICE)
    print(f"feature folder: {arguments.out}")
