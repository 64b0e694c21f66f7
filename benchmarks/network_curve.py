"""From how many training people on is the network beside the closed form worth while?

python benchmarks/network_curve.py --data DIR --record FILE [--figure FILE]

Trains the default recipe and the closed form alone (``model.network=false``) on growing numbers of people: 50 … 5,000
made-up ones, 50 … 360 of a feature folder. Test people are the same for every size. Runs that the record holds are not
run again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from variants import train

MADE_UP = (50, 200, 1000, 5000)
OF_FOLDER = (50, 100, 200, 360)
SEEDS = (0, 1)
FMRS = ("1e-2", "1e-3")


def overrides(data: Path | None, size: int, seed: int, network: bool) -> list[str]:
    given = [f"data.train_limit={size}", f"seed={seed}", f"model.network={str(network).lower()}", "evaluate_test=true"]
    if data is None:
        return [*given, "data.synthetic_people=8400", "data.split_seed=0"]
    return [*given, "data=folder", f"data.dir={data.as_posix()}", f"data.split_seed={seed}"]


def run(data: Path | None, size: int, seed: int, network: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        block = train(Path(directory) / "run", *overrides(data, size, seed, network))["test"]
    rates = block["sets"][block["headline"]]["enhanced"]
    name = "made-up" if data is None else data.name
    figures = {fmr: rates["fnmr_at_fmr"][fmr] for fmr in FMRS} | {"eer": rates["eer"]}
    return {"data": name, "size": size, "seed": seed, "network": network, **figures}


def table(runs: list[dict[str, Any]]) -> str:
    lines = [
        "| data | training people | EER %, closed form → with network | FNMR@1e-2 | FNMR@1e-3 | change of FNMR@1e-2 |",
        "|---|---|---|---|---|---|",
    ]
    for data, size in dict.fromkeys((one["data"], one["size"]) for one in runs):
        cells = []
        for figure, scale, form in (("eer", 100, ".2f"), ("1e-2", 1, ".4f"), ("1e-3", 1, ".4f")):
            means = [scale * mean_of(runs, data, size, network, figure) for network in (False, True)]
            cells.append(" → ".join(format(mean, form) for mean in means))
        alone, both = (mean_of(runs, data, size, network, "1e-2") for network in (False, True))
        lines.append(f"| {data} | {size} | " + " | ".join(cells) + f" | {100 * (both / alone - 1):+.1f} % |")
    return "\n".join(lines)


def mean_of(runs: list[dict[str, Any]], data: str, size: int, network: bool, figure: str) -> float:
    chosen = [one[figure] for one in runs if (one["data"], one["size"], one["network"]) == (data, size, network)]
    return float(np.mean(chosen))


def draw(runs: list[dict[str, Any]], path: Path) -> None:
    names = list(dict.fromkeys(one["data"] for one in runs))
    figure, tiles = plt.subplots(1, len(names), figsize=(4.4 * len(names), 3.4), layout="constrained", squeeze=False)
    for axes, name in zip(tiles[0], names, strict=True):
        sizes = sorted({one["size"] for one in runs if one["data"] == name})
        for network, label, colour in ((False, "closed form", "#c2571a"), (True, "with network", "#1f6f8b")):
            means = [mean_of(runs, name, size, network, "1e-2") for size in sizes]
            axes.plot(sizes, means, marker="o", color=colour, label=label)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_title(name, fontsize=10, loc="left")
        axes.set_xlabel("training people")
        axes.spines[["top", "right"]].set_visible(False)
    tiles[0][0].set_ylabel("FNMR at FMR 1e-2, test people")
    tiles[0][0].legend(frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    lines = arguments.record.read_text(encoding="utf-8").splitlines() if arguments.record.is_file() else []
    runs: list[dict[str, Any]] = [json.loads(line) for line in lines]
    there = {(one["data"], one["size"], one["seed"], one["network"]) for one in runs}
    folder = arguments.data.resolve()
    wanted: list[tuple[Path | None, int, int]] = [(folder, size, seed) for size in OF_FOLDER for seed in SEEDS]
    wanted += [(None, size, 0) for size in MADE_UP]
    for data, size, seed in wanted:
        for network in (False, True):
            if ("made-up" if data is None else data.name, size, seed, network) in there:
                continue
            runs.append(run(data, size, seed, network))
            print(runs[-1], flush=True)
            with arguments.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(runs[-1]) + "\n")
    print(table(runs))
    if arguments.figure is not None:
        draw(runs, arguments.figure)


if __name__ == "__main__":
    main()
