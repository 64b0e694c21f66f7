"""Speed of a sweep: 27 short jobs one after another and side by side, and what a job costs before it trains.

python benchmarks/sweep_speed.py [--jobs-at-once N]

Jobs of a few seconds on made-up people. Every job has one thread in both cases. The start-up is that of a fresh
process: imports, Hydra's configuration, an offline W&B run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import HEADING, row

ROOT = Path(__file__).resolve().parents[1]
SHORT = [
    "data.synthetic_people=60",
    "max_epochs=2",
    "trainer.progress_bar=false",
    "trainer.accelerator=cpu",
    "logger=csv",
    "threads=1",
]
GRID = ["loss=before,after,stronger", "lambda_id=1,2,3", "seed=0,1,2"]
START = """
import sys, time
from pathlib import Path
from hydra import compose, initialize_config_dir
from poseid.training.command import resolve
from poseid.training.config import check_config
from poseid.training.run_directory import RunContext
from poseid.training.wandb_run import start_logger
from poseid.training.wandb_run import finish_wandb
conf, directory, began = sys.argv[1:]
with initialize_config_dir(conf, version_base="1.3"):
    config = resolve(compose("config", ["logger=wandb", "logger.mode=offline"]))
check_config(config)
logger = start_logger(config, RunContext(Path(directory), "start", "start", [], False))
print(time.time() - float(began))
finish_wandb(logger, failed=False)
"""


def seconds_of_sweep(directory: Path, *overrides: str) -> float:
    """Wall-clock seconds of the whole command, its start included."""
    command = [sys.executable, str(ROOT / "train.py"), "-m", *SHORT, *GRID, *overrides]
    began = time.perf_counter()
    # One thread for the linear algebra too: without it, jobs side by side would be held up by their own threads.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, f"hydra.sweep.dir={directory.name}"],
        cwd=directory.parent,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    jobs = len(list(directory.glob("*/report/summary.json")))
    assert jobs == 27, f"{jobs} of 27 jobs have a report"
    return time.perf_counter() - began


def seconds_to_start(directory: Path) -> float:
    """Wall-clock seconds from the start of a process to an offline W&B run that waits for its first metric."""
    directory.mkdir()
    arguments = [str(ROOT / "conf"), str(directory), repr(time.time())]
    done = subprocess.run(
        [sys.executable, "-c", START, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs-at-once", type=int, default=2, metavar="N")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        starts = [seconds_to_start(directory / f"start{number}") for number in range(3)]
        one = seconds_of_sweep(directory / "one")
        several = seconds_of_sweep(
            directory / "several", "sweep=joblib", f"hydra.launcher.n_jobs={arguments.jobs_at_once}"
        )
    start = statistics.median(starts)
    print(HEADING)
    at_once = f"27 jobs, {arguments.jobs_at_once} at once (joblib), against one after another"
    print(row(at_once, f"{several:.1f} s", f"{one:.1f} s", one / several, least=1.6))
    print(row("start of a job: imports, Hydra, W&B offline (median)", f"{start:.1f} s", "", start, " s", most=5))


if __name__ == "__main__":
    main()
