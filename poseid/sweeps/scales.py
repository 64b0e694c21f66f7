"""Where the values of a key stand on the axis of a figure, and what is written there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.sweeps.jobs import as_number
from poseid.sweeps.settings import Setting, values_of

MOST_VALUES = 10
"""A key with more numbers than that is drawn along a scale."""
_SEVERAL_POWERS = 100
_LONGEST_LABEL, _LONGEST_TITLE = 14, 40


@dataclass(frozen=True)
class Scale:
    """The axis of a key.

    Args:
        title: the key, as a figure can show it.
        at: (settings,) where each setting stands.
        ticks: where something is written.
        texts: what, as many as ticks.
        even: each value has a place of its own, 0, 1, 2 …; else they stand where the numbers are.
        log: numbers of several powers of ten.
    """

    title: str
    at: NDArray[np.float64]
    ticks: tuple[float, ...]
    texts: tuple[str, ...]
    even: bool = True
    log: bool = False

    def shares(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as shares of the axis; a single value stands in its middle."""
        ends = np.array([min(self.ticks), max(self.ticks)])
        values, (low, high) = (np.log10(values), np.log10(ends)) if self.log else (values, ends)
        return (values - low) / (high - low) if high > low else np.full(len(values), 0.5)


def scale_of(settings: Sequence[Setting], key: str) -> Scale:
    """The axis of a key: its values in order, or a scale of numbers where there are many."""
    values, title = values_of(settings, key), drawable_key(key)
    numbers = [number for value in values if (number := as_number(value)) is not None]
    if len(values) > MOST_VALUES and len(numbers) == len(values):
        at = np.array([float(setting.value(key)) for setting in settings])
        low, high = numbers[0], numbers[-1]
        log = low > 0 and high / low > _SEVERAL_POWERS
        return Scale(title, at, (low, high), (f"{low:.4g}", f"{high:.4g}"), False, log)
    at = np.array([float(values.index(setting.value(key))) for setting in settings])
    return Scale(title, at, tuple(map(float, range(len(values)))), tuple(labels(values)))


def drawable_key(key: str) -> str:
    return key if _drawable(key, _LONGEST_TITLE) else "a key in another script"


def short_key(key: str) -> str:
    """A key as a figure can show it where there is little room.

    >>> short_key("lambda_impostor_protection"), short_key("model.rank")
    ('impostor_protection', 'model.rank')
    """
    return drawable_key(key).removeprefix("lambda_")


def labels(values: Sequence[str]) -> list[str]:
    """Values as a figure can show them: long ones, and those that its font may lack, by their place.

    >>> labels(["0.3", "数据"])
    ['0.3', 'no. 2']
    """
    return [value if _drawable(value, _LONGEST_LABEL) else f"no. {n}" for n, value in enumerate(values, start=1)]


def _drawable(text: str, longest: int) -> bool:
    return text.isascii() and text.isprintable() and 0 < len(text) <= longest
