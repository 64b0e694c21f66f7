"""``poseid import``: from a table of photos to a feature folder."""

from __future__ import annotations

import argparse
import sys

import numpy as np

from poseid.commands.progress import progress
from poseid.features.tables.names import split_names
from poseid.features.tables.poses import looks_like_radians, pose_format
from poseid.features.tables.table import require
from poseid.shell_line import shell_line


def run_import(arguments: argparse.Namespace) -> None:
    """Writes the folder; prints what is in it, and what of it cannot be used."""
    require("pyarrow", arguments.table)
    from poseid.features.importing import TableColumns, import_table

    poses = split_names(arguments.pose)
    columns = TableColumns(
        features=split_names(arguments.feature_columns),
        person=arguments.person,
        poses=poses,
        format=pose_format(arguments.pose_order, arguments.pose_unit, poses),
        source=arguments.source,
        role=arguments.role,
        frontal_max=arguments.frontal_max,
    )
    with progress(None) as advance:
        features = import_table(arguments.table, columns, arguments.out, advance)
    degrees = np.concatenate([features.front.poses, features.video.poses])
    if arguments.pose_unit == "deg" and looks_like_radians(degrees):
        print("warning: all angles are within 3.15: if they are radians, say --pose-unit rad", file=sys.stderr)
    print(features.summary())
    if poses:
        order = ", ".join(columns.format.order)
        print(f"angles read as {order} (--pose-order) in {'degrees' if arguments.pose_unit == 'deg' else 'radians'}")
    front, video = set(features.front.people.tolist()), set(features.video.people.tolist())
    for side, alone in (("front", video - front), ("video", front - video)):
        if alone:
            print(f"{len(alone)} of {len(front | video)} people have no {side} row and make no pair")
    print(f"feature folder: {arguments.out}")
    print(f"next: {shell_line(['poseid', 'doctor', str(arguments.out)])}")
