"""How numbers are written, and what comparison sets are called: the same in pages, figures, tables and cards.

Texts hold typographic signs, such as − and ×. `ascii_text` turns them into characters that any terminal shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

SPACE = "\u00a0"
"""Keeps a number and its unit on one line."""

SET_TITLES = {
    "all": "all references × all probes",
    "frontal_profile": "frontal × profile",
    "profile_profile": "profile × profile",
    "frontal_frontal": "frontal × frontal",
}
"""The comparison sets of an evaluation."""

_ASCII = str.maketrans({"−": "-", "–": "-", "×": "x", "′": "'", "→": "->", "²": "^2", SPACE: " "})


def ascii_text(text: str) -> str:
    """
    >>> ascii_text("−0.3×")
    '-0.3x'
    """
    return text.translate(_ASCII)


def fixed(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A number with so many digits after the point; a dash for None.

    >>> fixed(-0.0214), fixed(0.5, 2, sign=True), fixed(-1e-9), fixed(None)
    ('−0.021', '+0.50', '0.000', '–')
    """
    if value is None:
        return "–"
    if round(value, digits) == 0:
        value, sign = 0.0, False
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 4) -> str:
    """A change. What is not zero does not look like zero for want of a digit or two.

    >>> signed(-0.00331), signed(-0.000028), signed(0.0), signed(None)
    ('−0.0033', '−0.00003', '0.0000', '–')
    """
    if value is not None:
        digits = next((more for more in range(digits, digits + 3) if round(value, more)), digits)
    return fixed(value, digits, sign=True)


def percent(rate: float | None, digits: int | None = None) -> str:
    """A fraction in percent; small ones get more digits unless their number is given.

    >>> [percent(rate).replace(SPACE, " ") for rate in (0.0944, 0.001, 0.0000123, 0.0, None)]
    ['9.44 %', '0.100 %', '0.0012 %', '0 %', '–']
    """
    if rate is None:
        return "–"
    value = 100 * rate
    if digits is None:
        digits = 0 if value == 0 else 2 if value >= 1 else 3 if value >= 0.0995 else 4
    return f"{value:.{digits}f}{SPACE}%"


def points(value: float | None) -> str:
    """A difference of two rates in percentage points.

    >>> points(-0.0123)
    '−1.23'
    """
    return signed(None if value is None else 100 * value, 2)


def times(ratio: float | None) -> str:
    """
    >>> times(1.0312)
    '1.03×'
    """
    return "–" if ratio is None else f"{ratio:.2f}×"


class MetricFormat(NamedTuple):
    """How the figures of a registered metric are written: `unit` stands in the title."""

    unit: str
    digits: int
    scale: float = 1.0
    sign: bool = False

    def writer(self, difference: bool = False) -> Callable[[float | None], str]:
        """Writes a figure; a difference has a sign.

        >>> METRIC_FORMATS["percent"].writer(difference=True)(0.0123)
        '+1.23'
        """
        return lambda value: fixed(None if value is None else self.scale * value, self.digits, self.sign or difference)


METRIC_FORMATS = {
    "percent": MetricFormat(" %", 2, 100.0),
    "rate": MetricFormat("", 3),
    "small": MetricFormat("", 5),
    "ratio": MetricFormat(", x", 2),
    "signed": MetricFormat("", 3, sign=True),
}


def count(n: int) -> str:
    """
    >>> count(396000)
    '396,000'
    """
    return f"{n:,}"


def short(value: float) -> str:
    """A number with no more digits than it has, such as a tick or an angle.

    >>> short(-45.0), short(0.5)
    ('−45', '0.5')
    """
    return f"{value:g}".replace("-", "−")


def between(first: float, last: float) -> str:
    """The name of a bin of yaw.

    >>> between(-90, -45)
    '−90 to −45'
    """
    return f"{short(first)} to {short(last)}"


def interval(bounds: list[float], form: Callable[[float], str]) -> str:
    """Both ends of an interval; its unit is that of the figure beside it.

    >>> interval([0.08, 0.11], percent)
    '8.00 to 11.00'
    """
    low, high = (form(bound).removesuffix("%").removesuffix("×").strip() for bound in bounds)
    return f"{low} to {high}"


def with_interval(value: float | None, bounds: list[float] | None, form: Callable[[float | None], str]) -> str:
    """A figure and its interval, if any, in one line.

    >>> with_interval(1.0, [0.9, 1.1], times)
    '1.00× [0.90×, 1.10×]'
    """
    return form(value) + ("" if bounds is None or value is None else f" [{form(bounds[0])}, {form(bounds[1])}]")


def aligned(rows: Sequence[Sequence[str]], right: bool = False) -> list[str]:
    """Rows of a table as lines; columns but the first stand to the right where asked.

    >>> aligned([["", "raw"], ["EER", "9 %"]], right=True)
    ['     raw', 'EER  9 %']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if right and n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def aligned_within(rows: Sequence[Sequence[str]], most: int = 100) -> list[str]:
    """The same in at most so many columns of a terminal: what does not fit follows below, its first column repeated.

    >>> aligned_within([["", "raw", "ridge"], ["EER", "9 %", "8 %"]], most=10)
    ['     raw', 'EER  9 %', '', '     ridge', 'EER  8 %']
    """
    first, *columns = zip(*rows, strict=True)
    lines: list[str] = []
    while columns:
        fit = next((n for n in range(len(columns), 1, -1) if _width([first, *columns[:n]]) <= most), 1)
        lines += [*([""] if lines else []), *aligned([*zip(first, *columns[:fit], strict=True)])]
        columns = columns[fit:]
    return lines


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(2 + max(map(len, column)) for column in columns) - 2


def effect(ci95: list[float] | None, lower_is_better: bool, unchanged: float = 0.0) -> tuple[str, str]:
    """What an interval of a change says in words, and its class: better, worse, or not clear.

    >>> effect([0.01, 0.03], lower_is_better=True)
    ('worse', 'bad')
    """
    if ci95 is None:
        return "", ""
    if ci95[0] == ci95[1] == unchanged:
        return "no change", "mid"
    if ci95[0] <= unchanged <= ci95[1]:
        return "no clear change", "mid"
    return ("better", "good") if (ci95[1] < unchanged) == lower_is_better else ("worse", "bad")
