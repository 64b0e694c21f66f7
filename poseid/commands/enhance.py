"""Enhance the vectors of files: .npy, .npz, .parquet, .h5, or a feature folder.

One file gives the file --out; several, or a directory of shards, give the directory --out with files of the same
names; a feature folder gives a feature folder whose video rows are enhanced (front rows too only where the model says
sides=both). Rows keep their order, vectors their dtype and length; whatever else is in a file passes through.

Head poses are degrees [yaw, pitch, roll]; NaN or an empty cell is unknown, and without any the enhancer goes by the
vectors alone. They come from columns yaw, pitch, roll or an array poses of the file itself where there are such, from
--pose-columns, or from --poses FILE (.npy, .json like a feature folder's, .csv, .parquet); for several inputs --poses
is a directory with a file of the same name for each.

Beside what it writes, _enhanced.jsonl says which model made which file from which input. With --resume, files that it
lists, unchanged since, are not made again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "enhance"
HELP = "enhance the vectors of files, shards or a feature folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a run or baseline directory, .safetensors, .ckpt or .onnx")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files, one directory, a feature folder")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="the new file, directory or folder")
    parser.add_argument(
        "--feature-columns",
        default="",
        metavar="NAMES",
        help="what holds the vectors: one column of lists or array, or D columns such as f0..f511 or 'f*'",
    )
    poses = parser.add_mutually_exclusive_group()
    poses.add_argument("--poses", type=Path, metavar="FILE", help="head poses from a file of their own")
    poses.add_argument("--no-pose", action="store_true", help="withhold the poses that the input holds")
    parser.add_argument(
        "--pose-columns", default="", metavar="NAMES", help="three columns of angles, or one of three (yaw,pitch,roll)"
    )
    parser.add_argument("--pose-order", metavar="ORDER", help="of the angles, such as pitch,yaw,roll")
    parser.add_argument("--pose-unit", choices=("deg", "rad"), default="deg", help="of the angles (deg)")
    parser.add_argument("--strict", action="store_true", help="refuse what is otherwise only warned of")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="leave out files that are done")
    again.add_argument("--force", action="store_true", help="write over what is there")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.enhance_run import run_enhance

    run_enhance(arguments)
