"""``python -m poseid`` is the ``poseid`` command."""

import sys

from poseid.cli import main

if __name__ == "__main__":
    sys.exit(main())
