"""The ``poseid`` command and ``python -m poseid``: what it needs is imported after Ctrl-C is taken care of."""

import os
import sys

from poseid.interrupt import importing


def main() -> int:
    """Runs the command and returns its exit status."""
    if sys.getfilesystemencoding() == "ascii":  # LC_ALL=C with PYTHONUTF8=0: no library takes a path in another script
        os.execv(sys.executable, [sys.executable, "-X", "utf8", "-m", "poseid", *sys.argv[1:]])
    with importing():
        from poseid.cli import main as run
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
