"""``poseid baseline``: from people to a directory that holds a fitted opponent."""

from __future__ import annotations

import argparse
import json

from poseid.atomic import atomic_directory, check_new
from poseid.commands.fitting import fit_on, header
from poseid.commands.people import load_features, seeded_split, split_rest
from poseid.enhancers.models import SAVED
from poseid.enhancers.opponents.fit import parse_options
from poseid.enhancers.saving import save_enhancer
from poseid.errors import InputError
from poseid.features.fingerprint import digest
from poseid.features.people import people_of_folds, read_people_file


def run_baseline(arguments: argparse.Namespace) -> None:
    """Fits and writes ``enhancer.safetensors`` and ``baseline.json`` (its header)."""
    options = parse_options(arguments.name, arguments.options)
    check_new(arguments.out)
    features = load_features(arguments.data)
    everybody = features.people()
    if arguments.people is not None:
        given = read_people_file(arguments.people, everybody)
        train, validation = split_rest(given, arguments.split_seed, str(arguments.people))
        test: tuple[str, ...] = ()
    elif arguments.folds is not None:
        test = tuple(people_of_folds(features, parse_folds(arguments.folds)))
        rest = sorted(set(everybody).difference(test))
        train, validation = split_rest(rest, arguments.split_seed, features.name)
    else:
        split = seeded_split(features, arguments.split_seed)
        train, validation, test = split.train, split.validation, split.test
    fitted = fit_on(arguments.name, features, train, validation, options)
    info = header(fitted, features, digest(features), train, validation, test)
    with atomic_directory(arguments.out) as directory:
        save_enhancer(fitted.enhancer, info, directory / SAVED)
        text = json.dumps(info, ensure_ascii=False, indent=1, sort_keys=True)
        (directory / "baseline.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    print(features.summary())
    chosen = ", ".join(
        f"{key} {value:g}"
        for key, value in fitted.fit.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    )
    print(f"{arguments.name}: {len(train)} training, {len(validation)} validation, {len(test)} test people. {chosen}")
    print(f"baseline directory: {arguments.out}")


def parse_folds(text: str) -> list[int]:
    """
    >>> parse_folds("1,2")
    [1, 2]
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise InputError(f"--folds {text}: write fold numbers with commas, such as 1,2")
    return sorted({int(part) for part in parts})
