"""Make a feature folder from a table with one photo a row: .csv (UTF-8) or .parquet.

Vectors are D columns (f0..f511, or 'f*') or one column of lists; in a CSV such a list reads [0.1, 0.2, …] or 0.1 0.2 ….
Whose photo it is, and its head pose, stand in columns too. Without --role, photos are frontal by --source
(frontal/… or profile/…) where it says so, else by abs(yaw) <= --frontal-max; of the frontal photos of each person the
first, third, fifth, … become front rows (references), and all other photos video rows (probes).
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "import"
HELP = "make a feature folder from a CSV or Parquet table"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", type=Path, metavar="TABLE", help=".csv or .parquet")
    parser.add_argument(
        "--feature-columns", required=True, metavar="NAMES", help="one column of lists, or D columns such as f0..f511"
    )
    parser.add_argument("--person", required=True, metavar="COLUMN", help="whose photo it is")
    parser.add_argument(
        "--pose", default="", metavar="NAMES", help="three columns of angles, such as yaw,pitch,roll, or one of three"
    )
    parser.add_argument("--pose-order", metavar="ORDER", help="of the angles, such as pitch,yaw,roll")
    parser.add_argument("--pose-unit", choices=("deg", "rad"), default="deg", help="of the angles (deg)")
    parser.add_argument("--source", metavar="COLUMN", help="kept in the metadata; frontal/… and profile/… count")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--role", metavar="COLUMN", help="says front or video on each row")
    how.add_argument(
        "--frontal-max", type=_degrees, default=20.0, metavar="DEG", help="abs(yaw) of a frontal photo (20)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new feature folder")


def _degrees(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 90:
        raise argparse.ArgumentTypeError(f"{text!r} is no angle from 0 to 90")
    return value


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.import_table_run import run_import

    run_import(arguments)
