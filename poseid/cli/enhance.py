"""Enhance the vectors of files, or of a feature folder. A file of an unknown format lists the known ones.

One file gives the file --out; several, or a directory of shards, give the directory --out with files of the same
names; a feature folder gives a feature folder whose video rows are enhanced (front rows too only where the model says
sides=both). Rows keep their order, vectors their dtype and length; whatever else is in a file passes through.

Head poses are degrees [yaw, pitch, roll]; NaN or an empty cell is unknown, and without any the enhancer goes by the
vectors alone. They come from columns or arrays yaw, pitch, roll (in any case) or poses of the file itself, from
--pose-columns, or from --poses FILE (.npy, .json like a feature folder's, .csv, .parquet); for several inputs --poses
is a directory with a file of the same name for each.

With --pool NAME, the rows that have one id in the column (or metadata key) NAME are pooled, such as the frames of a
track: one row a template, in the order of first rows, its vector a unit row. The number of rows (frames) and the sum of
their weights (weight) are added; all else is that of the template's first row. Rows without an id stay rows of their
own; rows of one media_id, where there is such a column, count as one. Several inputs, or a directory, give the one file
--out. npz, Parquet, HDF5 and feature folders. Ids are read first, without the vectors; then only templates that have
begun and are not complete are held, and how many that are at most is printed before.

Beside what it writes, _enhanced.jsonl says which model made which file from which input. With --resume, files that it
lists, unchanged since, are not made again; a feature folder of which an input has changed is made anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import add_angles
from poseid.interrupt import importing

NAME = "enhance"
HELP = "enhance the vectors of files, shards or a feature folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a run or baseline directory, .safetensors, .ckpt or .onnx")
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files, one directory, a feature folder")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="the new file, directory or folder")
    vectors = "what holds the vectors: one column of lists or array, or D columns such as f0..f511 or 'f*'"
    parser.add_argument("--feature-columns", default="", metavar="NAMES", help=vectors)
    poses = parser.add_mutually_exclusive_group()
    poses.add_argument("--poses", type=Path, metavar="FILE", help="head poses from a file of their own")
    poses.add_argument("--no-pose", action="store_true", help="withhold the poses that the input holds")
    add_angles(parser, "--pose-columns")
    parser.add_argument("--pool", metavar="NAME", help="one row a template: the column of their ids (template_id)")
    parser.add_argument("--strict", action="store_true", help="refuse what is otherwise only warned of")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="leave out files that are done")
    again.add_argument("--force", action="store_true", help="write over what is there")


def run(arguments: argparse.Namespace) -> None:
    """Enhances and writes; prints how many rows, with which poses, and where."""
    with importing():
        import sys

        import poseid
        from poseid.cli.progress import pace, progress
        from poseid.enhancers.enhance_files import enhance_files, enhance_folder
        from poseid.enhancers.file_enhancer import FileEnhancer
        from poseid.enhancers.file_jobs import is_feature_folder, model_digest
        from poseid.errors import InputError
        from poseid.features.tables.poses import pose_format
        from poseid.features.tables.table import Columns, split_names

    def warn(line: str) -> None:
        if arguments.strict:
            raise InputError(f"{line} (--strict)")
        print(f"warning: {line}", file=sys.stderr)

    inputs, out = arguments.inputs, arguments.out
    folder = is_feature_folder(inputs)
    columns = Columns(split_names(arguments.feature_columns), split_names(arguments.pose_columns))
    order, unit = arguments.pose_order, arguments.pose_unit
    pose_format(order, unit, columns.poses)  # refuses a wrong order before the model is opened
    if folder and (columns != Columns() or arguments.poses is not None):
        raise InputError(f"{inputs[0]}: a feature folder has its own vectors and poses: leave out the names")
    enhancer, digest = poseid.load(arguments.model), model_digest(arguments.model)
    how = (columns, arguments.no_pose, order, unit, arguments.pool)
    file_enhancer = FileEnhancer(enhancer, digest, *how, warn, lambda line: print(line, flush=True), progress)
    if folder:
        done = enhance_folder(file_enhancer, inputs[0], out, arguments.resume, arguments.force)
    else:
        done = enhance_files(file_enhancer, inputs, arguments.poses, out, arguments.resume, arguments.force)
    if done.done_before:
        total = done.done_before + done.enhanced
        print("was done before" if total == 1 else f"{done.done_before} of {total} files were done before")
    if done.enhanced:
        count = f"{done.enhanced} file{'s' if done.enhanced != 1 else ''}"
        print(f"{count}: {pace(done.rows, None, done.seconds)}")
        for poses_from in done.poses:
            print(f"poses: {poses_from}")
        if enhancer.info.sides == "both":
            print("this model is made for both sides of a comparison: references need enhancing too")
        if folder and arguments.pool is not None and (inputs[0] / "pairs.csv").is_file():
            print("pairs.csv is left out: it names rows that are pooled now")
    print(f"{'enhanced' if arguments.pool is None else 'pooled'}: {out}")
