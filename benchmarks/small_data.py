"""How often does the default recipe harm people never seen, by the number of training people?

python benchmarks/small_data.py --data DIR [--data DIR] [--seeds 10] [--sizes 20 50 100 200 300]

Each run is a whole training with the defaults on so many training people (and half as many validation people), judged
on its test people. With pairs.csv the test people are two of its folds, which change with the seed; else a seeded
tenth. A run that ends in "harms" is listed.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from poseid.training.command import quiet_libraries
from poseid.training.config import check_config
from poseid.training.metric_names import fixed_threshold, headline_set
from poseid.training.run import RunContext, run_training

ROOT = Path(__file__).resolve().parents[1]


def one_run(folder: Path, size: int, seed: int, threads: int) -> dict[str, object]:
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
    block = summary["test"]
    headline, fixed = headline_set(block), fixed_threshold(headline_set(block))
    assert headline is not None
    return {
        "verdict": block["verdict"],
        "reason": block["reason"],
        "eer": headline["enhanced"]["eer"] / headline["raw"]["eer"] - 1,
        "ratio": None if fixed is None else fixed["fmr_ratio"],
        "strength": summary["strength"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100, 200, 300])
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    quiet_libraries()
    logging.getLogger().setLevel(logging.ERROR)
    print("| data | training people | runs | helps | no effect shown | harms | EER change, mean | strength, mean |")
    print("|---|---|---|---|---|---|---|---|")
    harmful = []
    for folder in arguments.data:
        for size in arguments.sizes:
            runs = [one_run(folder, size, seed, arguments.threads) for seed in range(arguments.seeds)]
            counts = [sum(run["verdict"] == name for run in runs) for name in ("helps", "no effect shown", "harms")]
            change = 100 * float(np.mean([run["eer"] for run in runs]))  # type: ignore[misc]
            strength = float(np.mean([run["strength"] for run in runs]))  # type: ignore[misc]
            print(
                f"| {folder.name} | {size} | {len(runs)} | {counts[0]} | {counts[1]} | {counts[2]} "
                f"| {change:+.1f} % | {strength:.2f} |",
                flush=True,
            )
            harmful += [
                f"{folder.name}, {size} people, seed {seed}: {run['reason']}"
                for seed, run in enumerate(runs)
                if run["verdict"] == "harms"
            ]
    print(f"\nharms: {len(harmful)}")
    for line in harmful:
        print(f"- {line}")


if __name__ == "__main__":
    main()
