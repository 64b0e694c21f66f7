"""The ``poseid`` command and ``python -m poseid``: what it needs is imported after Ctrl-C is taken care of."""

import os
import sys

from poseid.interrupt import importing


def use_utf8(*program: str) -> None:
    """Starts the program anew where the system's encoding is ASCII: no library takes a path in another script there.

    That is so with LC_ALL=C and PYTHONUTF8=0.

    Args:
        program: what stands between Python and the arguments, such as ``-m poseid``.
    """
    if sys.getfilesystemencoding() == "ascii":
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *program, *sys.argv[1:]])


def main() -> int:
    """Runs the command and returns its exit status."""
    use_utf8("-m", "poseid")
    with importing():
        from poseid.cli import main as run
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
