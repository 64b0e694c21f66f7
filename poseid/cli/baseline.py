"""Fit a baseline: what an enhancer has to beat. The directory it leaves is a MODEL.

An unknown NAME lists the baselines. Without --people and --folds the people are split as in training (60 % train,
30 % validate, 10 % test, seeded) and the test people are left alone. Closed forms are fitted on training and
validation people together; the validation people choose lambda and when to stop a network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import add_data, fold_numbers, integer
from poseid.interrupt import importing

NAME = "baseline"
HELP = "fit a baseline; its directory is a MODEL"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the baseline, such as ridge")
    add_data(parser)
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--people", type=Path, metavar="FILE", help="fit on these people, one name a line")
    folds = "fit on all but the people of these folds of pairs.csv, such as 1,2"
    group.add_argument("--folds", type=fold_numbers, metavar="K,K", help=folds)
    options = "an option of the baseline, such as lambda=10, sides=both or seed=0"
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="options", help=options)
    parser.add_argument("--split-seed", type=integer(0), default=0, metavar="N", help="of the split of people")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory")


def run(arguments: argparse.Namespace) -> None:
    """Fits; writes ``enhancer.safetensors`` and its header as ``baseline.json``; prints on whom it was fitted."""
    with importing():
        from poseid.atomic import atomic_directory, check_new, json_text, write_text
        from poseid.comparison import VALIDATION_SHARE, fit_and_choose
        from poseid.enhancers.baselines.fit import parse_options
        from poseid.enhancers.people import hashed_people
        from poseid.enhancers.saving import SAVED, save_enhancer
        from poseid.features.fingerprint import digest, fingerprint
        from poseid.features.folder import read_folder
        from poseid.features.people import read_people_file, split_by_folds, split_people, split_rest
        from poseid.versions import versions

    options = parse_options(arguments.name, arguments.options)
    check_new(arguments.out)
    features = read_folder(arguments.data)
    everybody, seed = features.people(), arguments.split_seed
    test: tuple[str, ...] = ()
    if arguments.people is not None:
        given = read_people_file(arguments.people, everybody)
        train, validation = split_rest(given, seed, VALIDATION_SHARE, str(arguments.people))
    else:
        folds = arguments.folds
        split = split_by_folds(features, folds, seed, VALIDATION_SHARE) if folds else split_people(everybody, seed)
        train, validation, test = split.train, split.validation, split.test
    fitted = fit_and_choose(arguments.name, features, train, validation, options)
    salt = digest(features)
    info = {
        "model": fitted.model,
        "sides": fitted.model["sides"],
        "fit": fitted.fit,
        "versions": versions(),
        "data": {"name": features.name, "digest": salt},
        "fingerprint": fingerprint(features.select(train)),
        "people": hashed_people(train, validation, test, salt),
    }
    with atomic_directory(arguments.out) as directory:
        save_enhancer(fitted.enhancer, info, directory / SAVED)
        write_text(directory / "baseline.json", json_text(info))
    print(features.summary())
    chosen = ", ".join(
        f"{key} {value:g}"
        for key, value in fitted.fit.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )
    print(f"{arguments.name}: {len(train)} training, {len(validation)} validation, {len(test)} test people. {chosen}")
    print(f"baseline directory: {arguments.out}")
