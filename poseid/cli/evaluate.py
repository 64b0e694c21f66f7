"""Evaluate a MODEL on people it was not trained on: summary.json, report.html and figures.

MODEL is raw, a run directory, a directory made by `poseid baseline`, a .safetensors, an .onnx or a .ckpt. Without
--people: the run's test people where --data is the folder it was trained on, else everybody not among its training and
validation people. Asked for people that the model was trained on, it refuses.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from poseid.cli.arguments import add_bootstrap, add_data, add_frames
from poseid.interrupt import importing

NAME = "evaluate"
HELP = "evaluate a MODEL on people it was not trained on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="raw, a run or baseline directory, .safetensors, .onnx or .ckpt")
    add_data(parser)
    parser.add_argument("--people", type=Path, metavar="FILE", help="evaluate these people, one name a line")
    parser.add_argument("--pairs", type=Path, metavar="FILE", help="listed comparisons in place of DIR/pairs.csv")
    parser.add_argument("--no-pose", action="store_true", help="withhold the given poses from the model")
    add_frames(parser)
    add_bootstrap(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new directory of the report")


def run(arguments: argparse.Namespace) -> None:
    """Evaluates and writes the report; prints on whom, the table and the directory."""
    with importing():
        from dataclasses import replace

        from poseid.atomic import atomic_directory, check_new
        from poseid.enhancers.people import check_enough, choose_people
        from poseid.enhancers.saving import open_model
        from poseid.errors import InputError
        from poseid.evaluation import evaluate_enhancer
        from poseid.features.fingerprint import digest
        from poseid.features.folder import read_folder
        from poseid.features.pairs import read_pairs
        from poseid.reports.report import write_report
        from poseid.reports.template_table import frames_left_out
        from poseid.reports.text_table import table_text
        from poseid.versions import versions

    check_new(arguments.out)
    features = read_folder(arguments.data)
    if arguments.pairs is not None:
        pairs = read_pairs(arguments.pairs, features.front.people, features.video.people)
        features = replace(features, pairs=pairs)
    saved = open_model(arguments.model, features.dim)
    chosen = choose_people(arguments.model, saved.info, features, digest(features), arguments.people)
    check_enough(chosen.people, features.name)
    selected = features.select(chosen.people)
    if not len(selected.front) or not len(selected.video):
        raise InputError(f"{features.name}: the people to evaluate have no front rows or no video rows")
    if arguments.pairs is not None and selected.pairs is None:
        raise InputError(f"{arguments.pairs}: none of its comparisons is among the people to evaluate")
    evaluation = evaluate_enhancer(
        saved.enhancer,
        selected,
        arguments.resamples,
        arguments.seed,
        use_poses=not arguments.no_pose,
        frames=arguments.frames,
    )
    summary = {
        "model": saved.info["model"]["name"],
        "sides": saved.enhancer.sides,
        "data": features.name,
        "poses_used": not arguments.no_pose,
        "guard": (saved.info.get("report") or {}).get("guard"),
        "evaluated_people": chosen.reason,
        "training_people_known": chosen.known,
        "versions": versions(),
        "evaluation": evaluation.block,
    }
    with atomic_directory(arguments.out) as directory:
        write_report(summary, evaluation, directory)
    print(f"evaluated on {chosen.reason}")
    if not chosen.known:
        print("warning: the model's training people are unknown; if they are among these, the figures flatter it")
    for k in arguments.frames:
        if all(one.frames != k for one in evaluation.frames):
            print(frames_left_out(k))
    print(table_text(evaluation.block, "evaluation", unseen=chosen.known, guard=summary["guard"]))
    print(f"report directory: {arguments.out}")
