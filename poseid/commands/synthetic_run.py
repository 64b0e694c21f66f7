"""``poseid synthetic``: the embedded data, written."""

from __future__ import annotations

import argparse

from poseid.features.folder import write_folder
from poseid.features.synthetic import NOTICE, synthetic


def run_synthetic(arguments: argparse.Namespace) -> None:
    """Writes the folder; prints what is in it, and that it is made up."""
    features = synthetic(people=arguments.people, seed=arguments.seed)
    write_folder(features, arguments.out)
    print(features.summary())
    print(NOTICE)
    print(f"feature folder: {arguments.out}")
