"""How long `poseid doctor` takes on a million rows, and how much memory.

python benchmarks/doctor_speed.py [--rows N] [--people N] [--threads N]

Makes up a feature folder in a temporary directory (float16, 512 numbers a row, one front row in twenty), examines it
in a process of its own as the command does, prints seconds and peak memory beside the goals, and deletes the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from table import HEADING, row

from poseid.features.folder import JSON_ROWS
from poseid.features.tables.parquet_metadata import write_parquet_metadata

ROOT = Path(__file__).resolve().parents[1]
DIM = 512
FRONT_SHARE = 20
_BLOCK = 50_000

EXAMINE = """
import resource, sys, time
from poseid.cli import main
start = time.perf_counter()
status = main(["doctor", sys.argv[1], "--out", sys.argv[2]])
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_SELF)
peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
print(f"MEASURED {seconds} {used.ru_utime + used.ru_stime} {peak}")
sys.exit(status)
"""


def make_up(path: Path, rows: int, people: int) -> None:
    """Rows of `people` people: a direction each, noise that grows with yaw, lengths that fall."""
    generator = np.random.default_rng(0)
    identity = generator.standard_normal((people, DIM), dtype=np.float32)
    side = generator.standard_normal((2, DIM), dtype=np.float32)
    path.mkdir()
    for name, n in (("front", rows // FRONT_SHARE), ("video", rows - rows // FRONT_SHARE)):
        person = np.arange(n) % people
        yaw = generator.normal(0, 6, n) if name == "front" else generator.uniform(-82, 82, n)
        shape = np.lib.format.open_memmap(path / f"{name}_feature.npy", "w+", np.float16, (n, DIM))
        for start in range(0, n, _BLOCK):
            part = slice(start, min(start + _BLOCK, n))
            turn = (np.abs(yaw[part]) / 90)[:, None].astype(np.float32)
            noise = generator.standard_normal((turn.size, DIM), dtype=np.float32)
            moved = side[(yaw[part] > 0).astype(int)]
            x = (1 - 0.6 * turn) * identity[person[part]] + 0.5 * turn * moved + (0.6 + 0.6 * turn) * noise
            shape[part] = x * (0.15 - 0.06 * turn)
        shape.flush()
        del shape
        pitch, roll = generator.normal(0, 8, n), generator.normal(0, 3, n)
        poses = np.round(np.column_stack([yaw, pitch, roll]), 2)
        entries = [{"person_name": f"人 {i:06d}", "source": f"photo {k}"} for k, i in enumerate(person.tolist())]
        if n > JSON_ROWS:
            write_parquet_metadata(path / f"{name}_metadata.parquet", entries, poses)
            continue
        text = json.dumps({"metadata": entries, "poses": poses.tolist()}, ensure_ascii=False)
        (path / f"{name}_metadata.json").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    if platform.system() == "Windows":
        sys.exit("peak memory is measured on Linux and macOS alone")
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "made_up"
        make_up(folder, arguments.rows, arguments.people)
        threads = str(arguments.threads)
        environment = os.environ | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
        command = [sys.executable, "-c", EXAMINE, str(folder), str(Path(directory) / "out")]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True)
        seconds, processor, peak = (float(value) for value in done.stdout.split("MEASURED ")[1].split())
    scale = arguments.rows / 1_000_000
    case = f"doctor: {arguments.rows:,} rows, {arguments.people:,} people, {threads} threads"
    print(HEADING)
    print(row(f"{case} ({processor:.0f} s of processor)", f"{seconds:.1f} s", "", seconds, " s", most=120 * scale))
    print(row(f"{case}: peak memory", "", "", peak / 2**30, " GiB", most=2))


if __name__ == "__main__":
    main()
