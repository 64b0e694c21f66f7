"""``poseid evaluate``: from a MODEL and data to a report."""

from __future__ import annotations

import argparse

from poseid.commands.output import check_new, whole_directory
from poseid.commands.people import check_dim, check_enough, choose_people, load_features
from poseid.enhancers.models import open_model, sides_of
from poseid.errors import InputError
from poseid.evaluation import evaluate_enhancer
from poseid.features.fingerprint import digest
from poseid.reports.report import write_report
from poseid.reports.text_table import table_text
from poseid.versions import versions


def run_evaluate(arguments: argparse.Namespace) -> None:
    """Evaluates and writes the report; prints whom on, the table and the directory."""
    check_new(arguments.out)
    features = load_features(arguments.data, arguments.pairs)
    saved = open_model(arguments.model, features.dim)
    check_dim(arguments.model, saved.enhancer, features)
    chosen = choose_people(arguments.model, saved.info, features, digest(features), arguments.people)
    check_enough(chosen.people, features.name)
    selected = features.select(chosen.people)
    if not len(selected.front) or not len(selected.video):
        raise InputError(f"{features.name}: the people to evaluate have no front rows or no video rows")
    if arguments.pairs is not None and selected.pairs is None:
        raise InputError(f"{arguments.pairs}: none of its comparisons is among the people to evaluate")
    evaluation = evaluate_enhancer(
        saved.enhancer, selected, arguments.resamples, arguments.seed, use_poses=not arguments.no_pose
    )
    summary = {
        "model": saved.info["model"]["name"],
        "sides": sides_of(saved.enhancer),
        "data": features.name,
        "poses_used": not arguments.no_pose,
        "kept": (saved.info.get("report") or {}).get("kept"),
        "evaluated_people": chosen.reason,
        "training_people_known": chosen.known,
        "versions": versions(),
        "evaluation": evaluation.block,
    }
    with whole_directory(arguments.out) as directory:
        write_report(summary, evaluation, directory)
    print(f"evaluated on {chosen.reason}")
    if not chosen.known:
        print(
            "warning: whom the model was trained on is unknown; if they are among these people, the figures flatter it"
        )
    print(table_text(evaluation.block, "evaluation", unseen=chosen.known, kept=summary["kept"]))
    print(f"report directory: {arguments.out}")
