"""Regenerates docs/results.md: comparison with the opponents, learning curve, ablations, presets.

python benchmarks/results.py --real DIR --turned DIR [--only SECTION …]

``--real`` is a feature folder with pairs.csv (folds), ``--turned`` one without. Sections: real, turned, small,
ablation, presets. Each section leaves a fragment in outputs/results; those that are not run anew are taken from there.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "outputs" / "results"
OPPONENTS = ["raw", "ridge", "wccn", "mean_subtraction", "dream", "srt"]
SPLITS = ((1, 2), (3, 4), (5, 6), (7, 8))
SEEDS = (0, 1, 2)
QUIET = ["logger=none", "trainer.progress_bar=false"]
ZERO = ("model.init=zero", "lr=1e-3", "max_epochs=20")
PRESETS = ("recommended", "before", "after", "stronger", "identity_only")
# One change at a time. Those of the trained part start at the raw vector, where training is what counts.
ABLATIONS = {
    "default (closed form start)": [],
    "init=zero, recommended loss": [*ZERO],
    "… without similarity_protection": [*ZERO, "lambda_similarity_protection=0"],
    "… without impostor_protection": [*ZERO, "lambda_impostor_protection=0"],
    "… without contrast": [*ZERO, "lambda_contrast=0"],
    "… without id": [*ZERO, "lambda_id=0"],
    "… without pose and ortho": [*ZERO, "lambda_pose=0", "lambda_ortho=0"],
    "… with reconstruction 0.5": [*ZERO, "lambda_reconstruction=0.5"],
    "… no gate (open from 0 degrees)": [*ZERO, "model.gate_start=0", "model.gate_full=0.01"],
    "… target=pair": [*ZERO, "data.target=pair"],
    "… suppression 0.2, residual 0.7": [*ZERO, "model.suppression=0.2", "model.residual=0.7"],
    "… two_stage": [*ZERO, "schedule=two_stage"],
    "… progressive": [*ZERO, "schedule=progressive"],
    "… lr_identity_scale=0.1": [*ZERO, "lr_identity_scale=0.1"],
    "… comparison in 256 dimensions": [*ZERO, "model.similarity_dim=256"],
    "init=random": ["model.init=random", "lr=1e-3", "max_epochs=20"],
    "skip=false": ["model.skip=false", "model.init=random", "lr=1e-3", "max_epochs=20"],
    "pose_transformer, mean": ["model=pose_transformer", "max_epochs=6"],
    "pose_transformer, weighted": ["model=pose_transformer", "model.aggregation=weighted", "max_epochs=6"],
    "pose_transformer, attention": ["model=pose_transformer", "model.aggregation=attention", "max_epochs=6"],
}  # fmt: skip


def run(directory: Path, *overrides: str) -> dict[str, Any]:
    """One training; taken from its directory where it stands already."""
    summary = directory / "report" / "summary.json"
    if not summary.is_file():
        command = [sys.executable, str(ROOT / "train.py"), *QUIET, *overrides, f"hydra.run.dir={directory.as_posix()}"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    content: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
    return content


def data(folder: Path, folds: tuple[int, int] | None = None) -> list[str]:
    given = ["data=folder", f"data.dir={folder.as_posix()}"]
    return given if folds is None else [*given, f"data.folds=[{folds[0]},{folds[1]}]"]


def compare(models: list[str], folder: Path, out: Path, *options: str) -> str:
    command = [sys.executable, "-m", "poseid.cli", "compare", *models, "--data", str(folder), *options]
    command += ["--out", str(out)]
    if not out.is_dir():
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return (out / "compare.md").read_text(encoding="utf-8")


def real(folder: Path) -> str:
    """Four pinned splits, three seeds of the split into training and validation people, both choices of sides."""
    models = list(OPPONENTS)
    for name, extra in [*((f"seed{seed}", [f"seed={seed}", f"data.split_seed={seed}"]) for seed in SEEDS),
                        ("both", ["model.sides=both"])]:  # fmt: skip
        for folds in SPLITS:
            directory = WORK / folder.name / name / f"{folds[0]}{folds[1]}"
            run(directory, *data(folder, folds), *extra, "evaluate_test=false")
        models.append(str((WORK / folder.name / name).relative_to(ROOT)))
    return compare(models, folder, WORK / folder.name / "compared", "--folds")


def turned(folder: Path) -> str:
    """One seeded split; the test people are the same tenth for everybody."""
    models = list(OPPONENTS)
    for seed in SEEDS:
        directory = WORK / folder.name / f"seed{seed}"
        run(directory, *data(folder), f"seed={seed}", "evaluate_test=false")
        models.append(str(directory.relative_to(ROOT)))
    return compare(models, folder, WORK / folder.name / "compared")


def small(folders: list[Path]) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / "small_data.py")]
    for folder in folders:
        command += ["--data", str(folder)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def cell(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def interval(bounds: list[float] | None, form: str) -> str:
    return "" if bounds is None else f" [{format(bounds[0], form)}, {format(bounds[1], form)}]"


def figures(block: dict[str, Any]) -> str:
    """Cells of one row: EER, FNMR at 1e-2 with its paired change, false matches, improvement, frontal, verdict."""
    headline = block["sets"][block["headline"]]
    fixed = headline["fixed_threshold"]["1e-3"] or headline["fixed_threshold"]["1e-2"]
    change = headline["difference"]["fnmr_at_fmr"]["1e-2"]
    improvement = block["improvement"]
    return " | ".join(
        [
            f"{100 * headline['enhanced']['eer']:.2f}",
            cell(headline["enhanced"]["fnmr_at_fmr"]["1e-2"], ".3f"),
            cell(change["mean"], "+.3f") + interval(change["ci95"], "+.3f"),
            cell(fixed["fmr_ratio"], ".2f") + interval(fixed["fmr_ratio_ci95"], ".2f"),
            cell(improvement["mean"], "+.4f") + interval(improvement["ci95"], "+.4f"),
            cell(improvement["frontal"], "+.4f"),
            block["verdict"],
        ]
    )


HEAD = (
    "| {0} | EER % | FNMR@1e-2 | change against raw | false matches | improvement | frontal | verdict |\n"
    "|---|---|---|---|---|---|---|---|"
)


def ablation(folder: Path) -> str:
    """On validation people of the first split: choices are made there, and the test people stay unseen."""
    rows = [HEAD.format("what is changed")]
    for number, (name, overrides) in enumerate(ABLATIONS.items()):
        directory = WORK / "ablation" / str(number)
        block = run(directory, *data(folder, SPLITS[0]), *overrides, "evaluate_test=false")["validation"]
        rows.append(f"| {name} | {figures(block)} |")
    return "\n".join(rows) + f"\n\n{block['people']} validation people; intervals by resampling them.\n"


def presets(folders: list[Path]) -> str:
    """The old expectation, checked: improvement > 0, frontal > −0.1, enhanced similarity > 0.5 (raw's beside it)."""
    rows = [
        "| data | preset | start | improvement | > 0 | frontal | > −0.1 | similarity raw→enhanced | > 0.5 | verdict |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for folder in folders:
        folds = SPLITS[0] if (folder / "pairs.csv").is_file() else None
        for preset in PRESETS:
            for init in ("ridge", "zero"):
                directory = WORK / "presets" / folder.name / f"{preset}-{init}"
                more = [f"loss={preset}", f"model.init={init}", "evaluate_test=false"]
                block = run(directory, *data(folder, folds), *more)["validation"]
                improvement, similarity = block["improvement"], block["similarity"]
                checks = (improvement["mean"] > 0, improvement["frontal"] > -0.1, similarity["enhanced"] > 0.5)
                yes = ["yes" if check else "no" for check in checks]
                rows.append(
                    f"| {folder.name} | {preset} | {init} | {improvement['mean']:+.4f}"
                    f"{interval(improvement['ci95'], '+.4f')} | {yes[0]} | {improvement['frontal']:+.4f} | {yes[1]} | "
                    f"{similarity['raw']:.3f} → {similarity['enhanced']:.3f} | {yes[2]} | {block['verdict']} |"
                )
    return "\n".join(rows) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--turned", type=Path, required=True)
    sections = ("real", "turned", "small", "ablation", "presets")
    parser.add_argument("--only", nargs="*", choices=sections, default=list(sections))
    arguments = parser.parse_args()
    folders = [arguments.real.resolve(), arguments.turned.resolve()]
    WORK.mkdir(parents=True, exist_ok=True)
    makers = {
        "real": lambda: real(folders[0]),
        "turned": lambda: turned(folders[1]),
        "small": lambda: small(folders),
        "ablation": lambda: ablation(folders[0]),
        "presets": lambda: presets(folders),
    }
    text = (ROOT / "docs" / "results.in.md").read_text(encoding="utf-8")
    for section, make in makers.items():
        fragment = WORK / f"{section}.md"
        if section in arguments.only:
            print(f"{section} …", flush=True)
            fragment.write_text(make().strip() + "\n", encoding="utf-8")
        found = fragment.read_text(encoding="utf-8").strip() if fragment.is_file() else "(not run)"
        text = text.replace(f"<!-- {section} -->", found)
    (ROOT / "docs" / "results.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
