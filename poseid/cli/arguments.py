"""Options that several commands have, and argument types: each parses a text or raises the line that argparse shows."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path


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


def add_data(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a feature folder")


def add_bootstrap(parser: ArgumentParser) -> None:
    resamples = "of the bootstrap over people (1000)"
    parser.add_argument("--resamples", type=integer(0), default=1000, metavar="N", help=resamples)
    parser.add_argument("--seed", type=integer(0), default=0, metavar="N", help="of the bootstrap (0)")


def add_angles(parser: ArgumentParser, columns: str) -> None:
    """How the columns of head poses, given by the option ``columns``, are read."""
    names = "three columns of angles, such as yaw,pitch,roll, or one of three"
    parser.add_argument(columns, default="", metavar="NAMES", help=names)
    parser.add_argument("--pose-order", metavar="ORDER", help="of the angles, such as pitch,yaw,roll")
    parser.add_argument("--pose-unit", choices=("deg", "rad"), default="deg", help="of the angles (deg)")


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


def add_frames(parser: ArgumentParser) -> None:
    sets = "pool random sets of so many video rows a probe, such as 1,2,4,8 (by template_id: always where there is)"
    parser.add_argument("--frames", type=frame_numbers, default=[], metavar="K,…", help=sets)
