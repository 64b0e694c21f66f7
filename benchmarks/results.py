"""Regenerates docs/results.md and its pictures: baselines, learning curve, ablations, presets.

python benchmarks/results.py --real DIR --turned DIR [--only SECTION …]

``--real`` is a feature folder with pairs.csv (folds), ``--turned`` one without. Sections: real, turned, templates,
small, ablation, presets. Each section leaves a fragment in outputs/results; those that are not run anew are taken
from there, and so is every single training that stands there already.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from small_data import recorded, table
from template_results import FRAMES, template_picture, template_text
from variants import ROOT, ablation, presets, train

WORK = ROOT / "outputs" / "results"
IMAGES = ROOT / "docs" / "images"
BASELINES = ["raw", "ridge", "wccn", "mean_subtraction", "dream", "srt"]
SPLITS = ((1, 2), (3, 4), (5, 6), (7, 8))
SEEDS = (0, 1, 2)


def data(folder: Path, folds: tuple[int, int] | None = None) -> list[str]:
    given = ["data=folder", f"data.dir={folder.as_posix()}"]
    return given if folds is None else [*given, f"data.folds=[{folds[0]},{folds[1]}]"]


def first_split(folder: Path) -> list[str]:
    return data(folder, SPLITS[0] if (folder / "pairs.csv").is_file() else None)


def poseid(command: str, *arguments: str | Path, out: Path) -> None:
    """Runs a command of poseid, unless what it writes is there."""
    if not out.is_dir():
        line = [sys.executable, "-m", "poseid", command, *map(str, arguments), "--out", str(out)]
        subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def compare(models: list[Path], folder: Path, out: Path, *options: str) -> str:
    names = [*BASELINES, *(str(model.relative_to(ROOT)) for model in models)]
    poseid("compare", *names, "--data", folder, "--against", "ridge", *options, out=out)
    text = (out / "compare.md").read_text(encoding="utf-8")
    for model in models:
        text = text.replace(str(model.relative_to(ROOT)), model.name)
    return text


def picture(run: Path, folder: Path) -> None:
    """Similarity and improvement by yaw on the test people of a run, from its report."""
    out = WORK / folder.name / "report"
    poseid("evaluate", run, "--data", folder, out=out)
    shutil.copyfile(out / "diagnosis.png", IMAGES / f"results-{folder.name}.png")


def real(folder: Path) -> str:
    """Four pinned splits, three seeds of the split into training and validation people, both choices of sides."""
    models = []
    variants = [(f"seed{seed}", [f"seed={seed}", f"data.split_seed={seed}"]) for seed in SEEDS]
    for name, extra in [*variants, ("both", ["model.sides=both"])]:
        for folds in SPLITS:
            train(WORK / folder.name / name / f"{folds[0]}{folds[1]}", *data(folder, folds), *extra)
        models.append(WORK / folder.name / name)
    picture(models[0] / "12", folder)
    return compare(models, folder, WORK / folder.name / "compared", "--folds")


def turned(folder: Path) -> str:
    """One seeded split; the test people are the same tenth for everybody."""
    models = []
    variants = [(f"seed{seed}", [f"seed={seed}"]) for seed in SEEDS]
    for name, extra in [*variants, ("both", ["model.sides=both"])]:
        train(WORK / folder.name / name, *data(folder), *extra)
        models.append(WORK / folder.name / name)
    picture(models[0], folder)
    return compare(models, folder, WORK / folder.name / "compared")


def templates(folders: list[Path]) -> str:
    """Several frames as one probe: the first seed of the default recipe against raw and baselines; and the picture."""
    compared, texts, names = [], [], {}
    for folder in folders:
        splits = SPLITS if (folder / "pairs.csv").is_file() else ()
        model, out = WORK / folder.name / "seed0", WORK / folder.name / "templates"
        for folds in splits:
            train(model / f"{folds[0]}{folds[1]}", *data(folder, folds), "seed=0", "data.split_seed=0")
        if not splits:
            train(model, *data(folder), "seed=0")
        given = str(model.relative_to(ROOT))
        options = ["--against", "nan", "--frames", FRAMES, *(["--folds"] if splits else [])]
        poseid("compare", "raw", "ridge", "nan", given, "--data", folder, *options, out=out)
        names[given] = model.name
        compared.append(out)
        texts.append(template_text(out, names))
    template_picture(compared, "seed0", names, IMAGES / "templates.png")
    return "\n\n".join(texts)


def small(folders: list[Path]) -> str:
    """The learning curve: its table and its picture."""
    record = WORK / "small.jsonl"
    command = [sys.executable, str(ROOT / "benchmarks" / "small_data.py"), "--record", str(record)]
    for folder in folders:
        command += ["--data", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    runs = recorded(record)
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for folder, colour in zip(folders, ("#1f6f8b", "#c2571a"), strict=True):
        mine = [run for run in runs if run["data"] == folder.name]
        sizes = sorted({run["size"] for run in mine})
        changes = [np.array([100 * run["eer"] for run in mine if run["size"] == size]) for size in sizes]
        axes.fill_between(sizes, [c.min() for c in changes], [c.max() for c in changes], color=colour, alpha=0.15, lw=0)
        axes.plot(sizes, [c.mean() for c in changes], color=colour, marker="o", label=folder.name)
    axes.axhline(0, color="#222222", lw=1)
    axes.set_xlabel("training people")
    axes.set_ylabel("EER against raw, %")
    axes.set_title(
        "Learning curve: mean of ten seeds, band from least to most; lower is better", fontsize=9, loc="left"
    )
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(IMAGES / "results-learning-curve.png", dpi=150)
    return table(runs)


PRESET_HEAD = """\
| data | preset | EER % | FNMR@1e-2 | FNMR@1e-3 | FNMR at the untouched threshold | false matches there \
| improvement | frontal | verdict | similarity raw → enhanced | improvement > 0, frontal > −0.1, similarity > 0.5 |
|---|---|---|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True)
    parser.add_argument("--turned", type=Path, required=True)
    sections = ("real", "turned", "templates", "small", "ablation", "presets")
    parser.add_argument("--only", nargs="*", choices=sections, default=list(sections))
    arguments = parser.parse_args()
    folders = [arguments.real.resolve(), arguments.turned.resolve()]
    WORK.mkdir(parents=True, exist_ok=True)
    makers: dict[str, Callable[[], str]] = {
        "real": lambda: real(folders[0]),
        "turned": lambda: turned(folders[1]),
        "templates": lambda: templates(folders),
        "small": lambda: small(folders),
        "ablation": lambda: "\n".join(ablation(f, WORK / "ablation" / f.name, first_split(f)) for f in folders),
        "presets": lambda: "\n".join(
            [PRESET_HEAD, *(row for f in folders for row in presets(f, WORK / "presets" / f.name, first_split(f)))]
        ),
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
