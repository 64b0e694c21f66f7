"""Every goal of speed in one table: the other benchmarks, one after the other.

python benchmarks/all.py

The last column says "missed" where a goal is not met; that is no error. On Windows, where peak memory is not measured,
the doctor is left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from table import HEADING

BENCHMARKS = (
    ("training_speed.py",),
    ("sweep_speed.py",),
    ("enhance_speed.py",),
    ("verification_speed.py", "--comparisons", "1e9"),
    ("doctor_speed.py",),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    print(HEADING, flush=True)
    for name, *options in BENCHMARKS:
        if name == "doctor_speed.py" and sys.platform == "win32":
            continue
        command = [sys.executable, str(Path(__file__).with_name(name)), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.rstrip() != HEADING.rstrip():
                    print(line, end="", flush=True)
        if process.returncode:
            sys.exit(f"{name}: ended with status {process.returncode}")


if __name__ == "__main__":
    main()
