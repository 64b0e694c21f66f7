"""How often does the default recipe harm people never seen, by the number of training people?

python benchmarks/small_data.py --data DIR [--data DIR] [--seeds 10] [--sizes 20 50 100 200 300] [--record FILE]

Each run is a training with the defaults on so many training people (and half as many validation people), judged
on its test people. With pairs.csv the test people are two of its folds, which change with the seed; else a seeded
tenth. A run that ends in "harms" is listed. With --record each run is stored as a line of JSON, and those that stand
there already are not run again.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from poseid.training.command import quiet_libraries
from poseid.training.config import check_config
from poseid.training.metric_names import fixed_threshold, headline_set
from poseid.training.run import run_training
from poseid.training.run_directory import RunContext

ROOT = Path(__file__).resolve().parents[1]


def one_run(folder: Path, size: int, seed: int, threads: int) -> dict[str, Any]:
    overrides = [
        "data=folder",
        f"data.dir='{folder.as_posix()}'",
        f"data.train_limit={size}",
        f"data.split_seed={seed}",
        f"seed={seed}",
        f"threads={threads}",
        "logger=csv",
        "trainer.progress_bar=false",
    ]
    if (folder / "pairs.csv").is_file():
        first = 1 + 2 * (seed % 4)
        # All but a few of the people outside the test folds may train, so that 300 stands for what there is.
        overrides += [f"data.folds=[{first},{first + 1}]"]
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", overrides), resolve=True)
    assert isinstance(config, dict)
    options = {str(key): value for key, value in config.items()}
    check_config(options)
    with tempfile.TemporaryDirectory() as directory:
        context = RunContext(Path(directory), "small", None, [], evaluate_test=True)
        summary = run_training(options, context)
    assert summary is not None
    block = summary["test"]
    headline, fixed = headline_set(block), fixed_threshold(headline_set(block))
    assert headline is not None
    return {
        "data": folder.name,
        "size": size,
        "seed": seed,
        "people": block["people"],
        "verdict": block["verdict"],
        "reason": block["reason"],
        "eer": headline["enhanced"]["eer"] / headline["raw"]["eer"] - 1,
        "ratio": None if fixed is None else fixed["fmr_ratio"],
        "strength": summary["strength"],
    }


def recorded(path: Path | None) -> list[dict[str, Any]]:
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(runs: list[dict[str, Any]]) -> str:
    """A line for each folder and size, and below it every harmful run."""
    lines = [
        "| data | training people | runs | helps | no effect shown | harms "
        "| EER change, mean (least, most) | strength, mean |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for data, size in dict.fromkeys((run["data"], run["size"]) for run in runs):
        some = [run for run in runs if (run["data"], run["size"]) == (data, size)]
        counts = [sum(run["verdict"] == name for run in some) for name in ("helps", "no effect shown", "harms")]
        changes = 100 * np.array([run["eer"] for run in some])
        strength = float(np.mean([run["strength"] for run in some]))
        lines.append(
            f"| {data} | {size} | {len(some)} | {counts[0]} | {counts[1]} | {counts[2]} "
            f"| {changes.mean():+.1f} % ({changes.max():+.1f}, {changes.min():+.1f}) | {strength:.2f} |"
        )
    harmful = [run for run in runs if run["verdict"] == "harms"]
    lines += ["", f"harms: {len(harmful)} of {len(runs)} runs"]
    lines += [f"- {run['data']}, {run['size']} people, seed {run['seed']}: {run['reason']}" for run in harmful]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100, 200, 300])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--record", type=Path)
    arguments = parser.parse_args()
    quiet_libraries()
    logging.getLogger().setLevel(logging.ERROR)
    runs = recorded(arguments.record)
    there = {(run["data"], run["size"], run["seed"]) for run in runs}
    for folder in arguments.data:
        for size in arguments.sizes:
            for seed in range(arguments.seeds):
                if (folder.name, size, seed) in there:
                    continue
                runs.append(one_run(folder, size, seed, arguments.threads))
                print(f"{folder.name}, {size} people, seed {seed}: {runs[-1]['verdict']}", file=sys.stderr, flush=True)
                if arguments.record is not None:
                    with arguments.record.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(runs[-1], ensure_ascii=False) + "\n")
    print(table(runs))


if __name__ == "__main__":
    main()
