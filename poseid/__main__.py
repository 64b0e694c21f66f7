"""The ``poseid`` command and ``python -m poseid``: what it needs is imported after Ctrl-C is taken care of."""

from poseid.interrupt import importing


def main() -> int:
    """Runs the command and returns its exit status."""
    with importing():
        from poseid.cli import main as run
    return run()


if __name__ == "__main__":
    raise SystemExit(main())
