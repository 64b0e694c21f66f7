"""``python -m poseid.cli``: the same as ``python -m poseid``."""

from poseid.__main__ import main

if __name__ == "__main__":
    raise SystemExit(main())
