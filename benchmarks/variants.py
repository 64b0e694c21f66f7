"""Trainings with one thing changed: which way each part of the recipe moves what ships.

Judged on validation people, since choices are made there and test people stay unseen; what is judged is what ships:
the epoch with the lowest weighted loss, with the guard.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from poseid.enhancers.saving import read_checkpoint

ROOT = Path(__file__).resolve().parents[1]
PHI = [str(name) for name in OmegaConf.load(ROOT / "conf" / "model" / "phi" / "default.yaml")]
QUIET = ["logger=none", "threads=1", "trainer.progress_bar=false", "evaluate_test=false"]
ZERO = ("model.init=zero", "lr=1e-3")
ABLATIONS: dict[str, tuple[str, ...]] = {
    "**default**": (),
    "without id": ("lambda_id=0",),
    "without pose": ("lambda_pose=0",),
    "without ortho": ("lambda_ortho=0",),
    "without contrast": ("lambda_contrast=0",),
    "with reconstruction 0.5": ("lambda_reconstruction=0.5",),
    "without similarity_protection": ("lambda_similarity_protection=0",),
    "without impostor_protection": ("lambda_impostor_protection=0",),
    "without detection": ("lambda_detection=0",),
    "two_stage": ("schedule=two_stage",),
    "progressive": ("schedule=progressive",),
    "suppression 0.2, residual 0.7": ("model.suppression=0.2", "model.residual=0.7"),
    "suppression 1, residual 1": ("model.suppression=1", "model.residual=1"),
    "closed form alone": ("model.network=false",),
    "phi fixed, network alone": (*(f"model.phi.{name}.lr=0" for name in PHI), "network_after=0"),
    "in-sample: support = query": ("data.divisions=1",),
    "in-sample, network from the first epoch": ("data.divisions=1", "network_after=0"),
    "target=pair": ("data.target=pair",),
    "no closed form (init=zero)": ZERO,
    "no path from the input (skip=false)": ("model.init=random", "model.skip=false", "lr=1e-3"),
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


def _shown(value: float | None, form: str, bounds: list[float] | None = None) -> str:
    """A figure with its interval; of too few people there may be neither."""
    interval = "" if bounds is None else f" [{format(bounds[0], form)}, {format(bounds[1], form)}]"
    return "–" if value is None else format(value, form) + interval


def figures(block: dict[str, Any]) -> list[str]:
    """EER, FNMR at 1e-2 and 1e-3, FNMR and FMR ratio at the untouched threshold, improvement, verdict."""
    headline = block["sets"][block["headline"]]
    fixed = headline["fixed_threshold"]["1e-3"]
    rates, improvement = headline["enhanced"], block["improvement"]
    return [
        f"{100 * rates['eer']:.2f}",
        *(_shown(rates["fnmr_at_fmr"][fmr], ".4f") for fmr in ("1e-2", "1e-3")),
        _shown(fixed["enhanced"]["fnmr"], ".4f"),
        _shown(fixed["fmr_ratio"], ".2f", fixed["fmr_ratio_ci95"]),
        _shown(improvement["mean"], "+.4f", improvement["ci95"]),
        _shown(improvement["frontal"], "+.4f"),
        str(block["verdict"]),
    ]


def ablation(folder: Path, work: Path, data: list[str]) -> str:
    """The table of ABLATIONS on one feature folder."""
    rows = [
        "| what is changed | EER % | FNMR@1e-2 | FNMR@1e-3 | FNMR at the untouched threshold | false matches there "
        "| improvement | frontal | verdict | epoch |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    people = 0
    for name, overrides in ABLATIONS.items():
        directory = work / "-".join("".join(c if c.isalnum() else " " for c in name).split())
        summary = train(directory, *data, *overrides)
        block = summary["validation"]
        people = block["people"]
        epoch = read_checkpoint(directory / "checkpoints" / "best.ckpt")["callbacks"]["BestCheckpoint"]["epochs"]
        verdict = "" if summary["strength"] == 1 else f" (strength × {summary['strength']:g})"
        rows.append("| " + " | ".join([name, *figures(block)]) + f"{verdict} | {epoch} |")
    return f"`{folder.name}`, {people} validation people, seed 0:\n\n" + "\n".join(rows) + "\n"


def presets(folder: Path, work: Path, data: list[str]) -> list[str]:
    """Rows of the presets: what ships, and the old expectation improvement > 0, frontal > −0.1, similarity > 0.5."""
    rows = []
    for preset in PRESETS:
        summary = train(work / preset, *data, f"loss={preset}")
        block = summary["validation"]
        improvement, similarity = block["improvement"], block["similarity"]
        checks = (improvement["mean"] > 0, improvement["frontal"] > -0.1, similarity["enhanced"] > 0.5)
        yes = ", ".join("yes" if check else "no" for check in checks)
        shown = f"{similarity['raw']:.3f} → {similarity['enhanced']:.3f}"
        rows.append("| " + " | ".join([folder.name, preset, *figures(block), shown, yes]) + " |")
    return rows
