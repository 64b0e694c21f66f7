"""Make a feature folder from a table with one photo a row: .csv (UTF-8) or .parquet.

Vectors are D columns (f0..f511, or 'f*') or one column of lists; in a CSV such a list reads [0.1, 0.2, …] or 0.1 0.2 ….
Whose photo it is, and its head pose, stand in columns too. Without --role, photos are frontal by --source
(frontal/… or profile/…) where it says so, else by abs(yaw) <= --frontal-max; of the frontal photos of each person the
first, third, fifth, … become front rows (references), and all other photos video rows (probes).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import add_angles, degrees
from poseid.interrupt import importing

NAME = "import"
HELP = "make a feature folder from a CSV or Parquet table"
IDENTIFIERS = {
    "template": ("template_id", "the track or other template that the row belongs to"),
    "media": ("media_id", "the clip or photo that it comes from"),
    "frame": ("frame", "its number in the clip"),
}
"""Of each option, the key of the metadata that it names a column for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    table = ".csv or .parquet, or a directory of part files"
    parser.add_argument("table", type=Path, metavar="TABLE", help=table)
    vectors = "one column of lists, or D columns such as f0..f511"
    parser.add_argument("--feature-columns", required=True, metavar="NAMES", help=vectors)
    parser.add_argument("--person", required=True, metavar="COLUMN", help="whose photo it is")
    add_angles(parser, "--pose")
    parser.add_argument("--source", metavar="COLUMN", help="stored in the metadata; frontal/… and profile/… count")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--role", metavar="COLUMN", help="says front or video on each row")
    for option, (key, what) in IDENTIFIERS.items():
        text = f"{what} ({key}, where the table has it; '' for none)"
        parser.add_argument(f"--{option}-column", metavar="COLUMN", help=text)
    limit = "abs(yaw) of a frontal photo (20)"
    how.add_argument("--frontal-max", type=degrees, default=20.0, metavar="DEG", help=limit)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new feature folder")


def run(arguments: argparse.Namespace) -> None:
    """Writes the folder; prints what is in it, and what of it cannot be used."""
    with importing():
        import sys

        import numpy as np

        from poseid.cli.progress import progress
        from poseid.features.tables.poses import looks_like_radians
        from poseid.features.tables.table import listed, require, split_names
        from poseid.shell_line import shell_line

        require("pyarrow", arguments.table)
        from poseid.features.importing import TableColumns, import_table

    poses = split_names(arguments.pose)
    columns = TableColumns(
        features=split_names(arguments.feature_columns),
        person=arguments.person,
        poses=poses,
        order=arguments.pose_order,
        unit=arguments.pose_unit,
        source=arguments.source,
        role=arguments.role,
        frontal_max=arguments.frontal_max,
        identifiers={
            key: column
            for option, (key, _) in IDENTIFIERS.items()
            if (column := getattr(arguments, f"{option}_column")) is not None
        },
    )
    with progress(None) as advance:
        imported = import_table(arguments.table, columns, arguments.out, advance)
    features = imported.features
    if imported.left_out:
        print(f"warning: {arguments.table}: left out {listed(imported.left_out)}", file=sys.stderr)
    angles = np.concatenate([features.front.poses, features.video.poses])
    if arguments.pose_unit == "deg" and looks_like_radians(angles):
        print("warning: all angles are within 3.15: if they are radians, say --pose-unit rad", file=sys.stderr)
    print(features.summary())
    if poses:
        order = ", ".join(imported.order)
        print(f"angles read as {order} (--pose-order) in {'degrees' if arguments.pose_unit == 'deg' else 'radians'}")
    if found := [
        key for key, _ in IDENTIFIERS.values() if any(rows.column(key) for rows in (features.front, features.video))
    ]:
        print(f"in the metadata: {', '.join(found)}")
    front, video = set(features.front.people.tolist()), set(features.video.people.tolist())
    for side, alone in (("front", video - front), ("video", front - video)):
        if alone:
            print(f"{len(alone)} of {len(front | video)} people have no {side} row and make no pair")
    print(f"feature folder: {arguments.out}")
    print(f"next: {shell_line(['poseid', 'doctor', str(arguments.out)])}")
