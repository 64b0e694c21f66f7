"""Time and memory against rows and people, for training, evaluating, enhancing and the doctor.

python benchmarks/growth.py [--rows 1e4 1e5 1e6 1e7] [--people 1e3 1e4 1e5] [--fixed-rows 2e6]
    [--tasks train evaluate …] [--out FILE.png]

Each case is the command of a user in a process of its own, on made-up people (float16, 512 numbers a row, one front
row in twenty). Peak memory is what the system counts for that process, pages of a memory map that are still there
included: those go when others need the room. The last column is the exponent between a case and the one before it: 1
is linear. `evaluate` compares every reference with every probe, so it is quadratic in rows, and is left out above 2e5
rows.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from doctor_speed import FRONT_SHARE, make_up

ROOT = Path(__file__).resolve().parents[1]
ROWS_A_PERSON = 50
MOST_COMPARED = 200_000
TASKS = ("train", "evaluate", "enhance", "doctor")


def command(task: str, folder: Path, work: Path) -> list[str]:
    """What a user would type."""
    poseid = [sys.executable, "-m", "poseid"]
    quick = ["max_epochs=1", "logger=csv", "trainer.progress_bar=false", "trainer.accelerator=cpu"]
    return {
        "train": [
            *(sys.executable, str(ROOT / "train.py"), "data=folder", f"data.dir='{folder.as_posix()}'"),
            *(*quick, "evaluate_test=false", f"hydra.run.dir='{(work / 'run').as_posix()}'"),
        ],
        "evaluate": [*poseid, "evaluate", "raw", "--data", str(folder), "--out", str(work / "report")],
        "enhance": [
            *(*poseid, "enhance", str(work.parent / "ridge"), str(folder / "video_feature.npy"), "--no-pose"),
            *("--out", str(work / "out.npy")),
        ],
        "doctor": [*poseid, "doctor", str(folder), "--out", str(work / "doctor")],
    }[task]


def made(folder: Path, rows: int, people: int) -> None:
    """Writes the folder in a process of its own: the system counts what a parent held for its children too."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(make_up, folder, rows, people).result()


def measured(line: Sequence[str], threads: int) -> tuple[float, float]:
    """Wall-clock seconds and peak GiB of a command."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    began = time.perf_counter()
    process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read().decode("utf-8", errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(line)}\n{told}")
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.perf_counter() - began, peak / 2**30


def exponent(figures: Sequence[tuple[int, float, float]]) -> str:
    """log(time ratio) / log(size ratio) of the last two cases."""
    if len(figures) < 2:
        return ""
    (small, before, _), (large, after, _) = figures[-2:]
    return f"{math.log(after / before) / math.log(large / small):.2f}"


def draw(found: dict[tuple[str, str], list[tuple[int, float, float]]], fixed_rows: int, out: Path) -> None:
    """Seconds and GiB against rows and people, both axes logarithmic."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes = list(dict.fromkeys(axis for _, axis in found))
    figure = Figure(figsize=(5 * len(axes), 7.5), layout="constrained")
    for row, (title, value) in enumerate((("seconds", 1), ("peak memory, GiB", 2))):
        for column, axis in enumerate(axes):
            plot = figure.add_subplot(2, len(axes), len(axes) * row + column + 1)
            for (task, along), figures in found.items():
                if along == axis:
                    plot.loglog([one[0] for one in figures], [one[value] for one in figures], "o-", label=task)
            fixed = f"{ROWS_A_PERSON} rows a person" if axis == "rows" else f"{fixed_rows:,} rows"
            plot.set(xlabel=f"{axis} ({fixed})", ylabel=title)
            plot.yaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
            plot.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            plot.yaxis.set_minor_formatter(NullFormatter())
            plot.grid(alpha=0.3)
            plot.legend()
    figure.savefig(out, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=float, nargs="*", default=[1e4, 1e5, 1e6, 1e7])
    parser.add_argument("--people", type=float, nargs="*", default=[1e3, 1e4, 1e5], help="at --fixed-rows")
    parser.add_argument("--fixed-rows", type=float, default=2e6, help="rows while people grow")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a picture")
    arguments = parser.parse_args()
    if platform.system() == "Windows":
        sys.exit("peak memory is measured on Linux and macOS alone")
    if arguments.people and arguments.fixed_rows < FRONT_SHARE * max(arguments.people):
        parser.error(f"--fixed-rows: fewer than {FRONT_SHARE} rows a person leave people without a front row")
    cases = [("rows", int(rows), int(rows), max(20, int(rows) // ROWS_A_PERSON)) for rows in arguments.rows]
    cases += [("people", int(people), int(arguments.fixed_rows), int(people)) for people in arguments.people]
    found: dict[tuple[str, str], list[tuple[int, float, float]]] = {}
    print(f"{'along':<8} {'size':>10} {'task':<9} {'seconds':>9} {'peak GiB':>9} {'exponent':>9}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        made(work / "small", 4000, 80)
        measured(
            [
                *(sys.executable, "-m", "poseid", "baseline", "ridge", "--data", str(work / "small")),
                *("--out", str(work / "ridge")),
            ],
            arguments.threads,
        )
        for axis, size, rows, people in cases:
            with tempfile.TemporaryDirectory(dir=work) as name:
                folder = Path(name) / "made_up"
                made(folder, rows, people)
                for task in arguments.tasks:
                    if task == "evaluate" and rows > MOST_COMPARED:
                        continue
                    with tempfile.TemporaryDirectory(dir=work) as out:
                        figures = found.setdefault((task, axis), [])
                        figures.append((size, *measured(command(task, folder, Path(out)), arguments.threads)))
                    seconds, peak = figures[-1][1:]
                    line = f"{axis:<8} {size:>10,} {task:<9} {seconds:>9.1f} {peak:>9.2f} {exponent(figures):>9}"
                    print(line, flush=True)
    if arguments.out:
        draw(found, int(arguments.fixed_rows), arguments.out)


if __name__ == "__main__":
    main()
