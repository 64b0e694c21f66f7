"""Trainings with one thing changed: what each part of the recipe, and each piece of the older advice, is worth.

Judged on validation people, since choices are made there and test people stay unseen. What trains is judged as it
stands after its last epoch, before anything falls back towards the raw vector: that shows what the change does.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from poseid.enhancers.models import open_model
from poseid.evaluation import evaluate_enhancer
from poseid.training.run import make_data

ROOT = Path(__file__).resolve().parents[1]
QUIET = ["logger=none", "threads=1", "trainer.progress_bar=false", "evaluate_test=false"]
# Every variant trains for as long; the learning rate is what a fresh correction needs to get anywhere.
ZERO = ("model.init=zero", "lr=1e-3", "max_epochs=10", "callbacks.early_stopping=false")
RANDOM = (*ZERO[1:], "model.init=random")
TRANSFORMER = ("model=pose_transformer", "max_epochs=6", "callbacks.early_stopping=false")
ABLATIONS: dict[str, tuple[str, ...]] = {
    "closed form, trained on as usual": ("callbacks.early_stopping=false",),
    "**zero start, recommended loss**": ZERO,
    "… without id": (*ZERO, "lambda_id=0"),
    "… without contrast": (*ZERO, "lambda_contrast=0"),
    "… without pose and ortho": (*ZERO, "lambda_pose=0", "lambda_ortho=0"),
    "… without similarity_protection": (*ZERO, "lambda_similarity_protection=0"),
    "… without impostor_protection": (*ZERO, "lambda_impostor_protection=0"),
    "… with reconstruction 0.5": (*ZERO, "lambda_reconstruction=0.5"),
    "… with swap reconstruction 0.5": (*ZERO, "lambda_reconstruction=0.5", "loss.swap=true"),
    "… no gate (open from 0 degrees)": (*ZERO, "model.gate_start=0", "model.gate_full=0.01"),
    "… target=pair": (*ZERO, "data.target=pair"),
    "… suppression 0.2, residual 0.7": (*ZERO, "model.suppression=0.2", "model.residual=0.7"),
    "… two_stage": (*ZERO, "schedule=two_stage", "schedule.stage1_epochs=3", "schedule.ramp_epochs=3"),
    "… progressive": (*ZERO, "schedule=progressive"),
    "… lr_identity_scale=0.1": (*ZERO, "lr_identity_scale=0.1"),
    "… compared in 256 dimensions": (*ZERO, "model.similarity_dim=256"),
    "… random start": RANDOM,
    "… random start, no path from the input": (*RANDOM, "model.skip=false"),
    "pose_transformer, mean": TRANSFORMER,
    "pose_transformer, weighted": (*TRANSFORMER, "model.aggregation=weighted"),
    "pose_transformer, attention": (*TRANSFORMER, "model.aggregation=attention"),
}
PRESETS = ("recommended", "before", "after", "stronger", "identity_only")


def train(directory: Path, *overrides: str) -> dict[str, Any]:
    """One training; taken from its directory where it stands already. Returns its summary."""
    summary = directory / "report" / "summary.json"
    if not summary.is_file():
        command = [sys.executable, str(ROOT / "train.py"), *QUIET, *overrides, f"hydra.run.dir={directory.as_posix()}"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    content: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return content


def as_trained(directory: Path) -> dict[str, Any]:
    """The evaluation block of a run's last epoch on its validation people."""
    kept = directory / "as_trained.json"
    if not kept.is_file():
        config = yaml.safe_load((directory / ".hydra" / "config.yaml").read_text(encoding="utf-8"))
        data = make_data(config)
        data.load()
        enhancer = open_model(str(directory / "checkpoints" / "last.ckpt")).enhancer
        block = evaluate_enhancer(enhancer, data.validation_set, sets=("all", "frontal_profile")).block
        kept.write_text(json.dumps(block), encoding="utf-8")
    content: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return content


def _interval(bounds: list[float] | None, form: str) -> str:
    return "" if bounds is None else f" [{format(bounds[0], form)}, {format(bounds[1], form)}]"


def _figures(block: dict[str, Any]) -> list[str]:
    """EER, change of EER and of FNMR at 1e-2, false matches, improvement, frontal, verdict."""
    headline = block["sets"][block["headline"]]
    fixed = headline["fixed_threshold"]["1e-3"]
    eer, fnmr = headline["difference"]["eer"], headline["difference"]["fnmr_at_fmr"]["1e-2"]
    improvement = block["improvement"]
    points = [100 * bound for bound in eer["ci95"]]
    return [
        f"{100 * headline['enhanced']['eer']:.2f}",
        f"{100 * eer['mean']:+.2f}" + _interval(points, "+.2f"),
        f"{fnmr['mean']:+.3f}" + _interval(fnmr["ci95"], "+.3f"),
        f"{fixed['fmr_ratio']:.2f}" + _interval(fixed["fmr_ratio_ci95"], ".2f"),
        f"{improvement['mean']:+.4f}" + _interval(improvement["ci95"], "+.4f"),
        f"{improvement['frontal']:+.4f}",
        block["verdict"],
    ]


def ablation(folder: Path, work: Path, data: list[str]) -> str:
    """The table of ABLATIONS on one feature folder."""
    rows = [
        "| what is changed | EER % | its change against raw, points | FNMR@1e-2, change | false matches | improvement "
        "| frontal | verdict as trained | what ships |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    people = 0
    for name, overrides in ABLATIONS.items():
        directory = work / "-".join("".join(c if c.isalnum() else " " for c in name).split())
        summary = train(directory, *data, *overrides)
        block = as_trained(directory)
        people = block["people"]
        ships = "raw" if summary["strength"] == 0 else f"{summary['validation']['verdict']}"
        if 0 < summary["strength"] < 1:
            ships += f", strength {summary['strength']:g}"
        rows.append("| " + " | ".join([name, *_figures(block), ships]) + " |")
    return f"`{folder.name}`, {people} validation people, seed 0:\n\n" + "\n".join(rows) + "\n"


def presets(folder: Path, work: Path, data: list[str]) -> list[str]:
    """Rows of the old expectation: improvement > 0, frontal > −0.1, similarity > 0.5, for each preset as trained."""
    rows = []
    for preset in PRESETS:
        for start, overrides in (("closed form", ()), ("zero", ZERO)):
            directory = work / f"{preset}-{start.replace(' ', '-')}"
            summary = train(directory, *data, f"loss={preset}", *overrides)
            block = summary["validation"] if start == "closed form" else as_trained(directory)
            improvement, similarity = block["improvement"], block["similarity"]
            checks = (improvement["mean"] > 0, improvement["frontal"] > -0.1, similarity["enhanced"] > 0.5)
            yes = ["yes" if check else "no" for check in checks]
            rows.append(
                f"| {folder.name} | {preset} | {start} | {improvement['mean']:+.4f}"
                f"{_interval(improvement['ci95'], '+.4f')} | {yes[0]} | {improvement['frontal']:+.4f} | {yes[1]} | "
                f"{similarity['raw']:.3f} → {similarity['enhanced']:.3f} | {yes[2]} | {block['verdict']} |"
            )
    return rows
