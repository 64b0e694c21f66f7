"""Argument types: each parses a text or raises the line that argparse shows."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable


def integer(least: int) -> Callable[[str], int]:
    """A parser of integers from `least` to 2**31 − 1.

    >>> integer(0)("12")
    12
    """

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < 2**31:
            raise ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {2**31 - 1}")
        return value

    return parse


def degrees(text: str) -> float:
    """An angle from 0 to 90."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 90:
        raise ArgumentTypeError(f"{text!r} is no angle from 0 to 90")
    return value


def fold_numbers(text: str) -> list[int]:
    """
    >>> fold_numbers("2,1")
    [1, 2]
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ArgumentTypeError(f"{text}: write fold numbers with commas, such as 1,2")
    return sorted({int(part) for part in parts})


def frame_numbers(text: str) -> list[int]:
    """
    >>> frame_numbers("1,4, 2")
    [1, 4, 2]
    """
    try:
        return [integer(1)(part) for part in text.split(",")]
    except ArgumentTypeError:
        raise ArgumentTypeError(
            f"{text[:40]!r}: write numbers of frames from 1 on with commas, such as 1,2,4"
        ) from None
