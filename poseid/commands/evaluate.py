"""Evaluate a MODEL on people it was not trained on: summary.json, report.html and figures.

MODEL is raw, a run directory, a directory made by `poseid baseline`, a .safetensors, an .onnx or a .ckpt. Without
--people: the run's test people where --data is the folder it was trained on, else everybody not among its training and
validation people. Asked for people that the model was trained on, it refuses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.commands.arguments import whole_number

NAME = "evaluate"
HELP = "evaluate a MODEL on people it was not trained on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="raw, a run or baseline directory, .safetensors, .onnx or .ckpt")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a feature folder")
    parser.add_argument("--people", type=Path, metavar="FILE", help="evaluate these people, one name a line")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="listed comparisons in place of DIR/pairs.csv")
    parser.add_argument("--no-pose", action="store_true", help="withhold the given poses from the model")
    parser.add_argument(
        "--resamples", type=whole_number(0), default=1000, metavar="N", help="of the bootstrap over people (1000)"
    )
    parser.add_argument("--seed", type=whole_number(0), default=0, metavar="N", help="of the bootstrap (0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the report")


def run(arguments: argparse.Namespace) -> None:
    from poseid.commands.evaluate_run import run_evaluate

    run_evaluate(arguments)
