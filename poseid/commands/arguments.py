"""Argument types that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole_number(least: int) -> Callable[[str], int]:
    """A parser of whole numbers from `least` to 2**31 − 1.

    >>> whole_number(0)("12")
    12
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < 2**31:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {2**31 - 1}")
        return value

    return parse
