"""Compare MODELs side by side on the same people, with intervals of their paired differences.

A MODEL is what `poseid evaluate` takes, or the name of a baseline, such as ridge, which is then fitted
on the people outside the evaluated ones; options follow a colon: ridge:lambda=10,sides=both.
A directory with a baseline's name is written ./ridge.

Without --people: people whom none of the MODELs was trained on (the test people of runs trained on --data, or a
seeded tenth where only baselines are compared). --folds takes consecutive pairs of folds of pairs.csv as test
people, one pair after the other, fits named baselines anew on everybody else each time, and averages. A trained
model is taken there only for the split that is its own test people: give a directory that holds one run a split.
--cv K does the same on the K folds that `train.py cv=K` makes of the people; its run directory is one MODEL.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import add_bootstrap, add_data, add_frames, integer
from poseid.interrupt import importing

NAME = "compare"
HELP = "several MODELs in one table, with paired intervals"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="MODEL", help="as for evaluate, or a baseline's name")
    add_data(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--people", type=Path, metavar="FILE", help="compare on these people, one name a line")
    group.add_argument("--folds", action="store_true", help="compare on every pair of folds of pairs.csv, averaged")
    folds = "compare on the K folds of a cross-validation, averaged"
    group.add_argument("--cv", type=integer(2), metavar="K", help=folds)
    against = "pair differences with this one too (default: the first that is not raw)"
    parser.add_argument("--against", metavar="MODEL", help=against)
    add_frames(parser)
    add_bootstrap(parser)
    parser.add_argument("--split-seed", type=integer(0), default=0, metavar="N", help="of the split of people (0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the table")


def run(arguments: argparse.Namespace) -> None:
    """Compares, prints the table and writes compare.json and compare.md."""
    with importing():
        import sys

        from poseid.atomic import atomic_directory, check_new, json_text, write_text
        from poseid.comparison import compare_models, cv_splits, fold_splits, one_split, parse_model
        from poseid.errors import InputError
        from poseid.features.folder import read_folder
        from poseid.reports.compare_table import markdown, plain_table

    def announce(line: str) -> None:
        if sys.stderr.isatty():
            print(line, file=sys.stderr)

    check_new(arguments.out)
    names = list(dict.fromkeys(arguments.models))
    if arguments.against not in (None, *names):
        raise InputError(f"--against {arguments.against}: is not among the MODELs: {', '.join(names)}")
    features = read_folder(arguments.data)
    models = [parse_model(name, features.dim, arguments.folds or arguments.cv is not None) for name in names]
    if arguments.cv is not None:
        splits, reason = cv_splits(models, features, arguments.cv, arguments.split_seed)
    elif arguments.folds:
        splits, reason = fold_splits(models, features, arguments.split_seed)
    else:
        split, reason = one_split(models, features, arguments.people, arguments.split_seed)
        splits = [split]
    report = compare_models(
        models,
        splits,
        features,
        reason=reason,
        against=arguments.against or next((name for name in names if name != "raw"), None),
        frames=arguments.frames,
        resamples=arguments.resamples,
        seed=arguments.seed,
        announce=announce,
    )
    with atomic_directory(arguments.out) as directory:
        write_text(directory / "compare.json", json_text(report))
        write_text(directory / "compare.md", markdown(report))
    print(plain_table(report))
    print(f"compare directory: {arguments.out}")
