"""The overrides of a job as keys and values, and which of them a sweep varied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

REPEATS = ("seed", "data.split_seed")
"""Keys that make a repeat of a setting, not another setting."""

NOT_GIVEN = "(not given)"
_NO_SETTINGS = ("evaluate_test",)
"""A job that is run again by itself is told to leave the test people alone; that makes no other setting of it."""


def given_values(overrides: Iterable[str]) -> dict[str, str]:
    """Key to value, both as text.

    >>> given_values(["loss=after", "lambda_id=3", "evaluate_test=false"])
    {'loss': 'after', 'lambda_id': '3'}
    """
    parts = (override.partition("=") for override in overrides)
    return {key: value for key, _, value in parts if key not in _NO_SETTINGS}


def value_order(value: str) -> tuple[int, float, str]:
    """Sorts numbers by size, before words.

    >>> sorted(["after", "10", "2"], key=value_order)
    ['2', '10', 'after']
    """
    number = as_number(value)
    return (1, 0.0, value) if number is None else (0, number, value)


def as_number(value: str) -> float | None:
    """The finite number that a value is, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def varied_keys(jobs: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """The keys that are not the same in all jobs, in the order in which they were given.

    >>> varied_keys([{"loss": "after", "seed": "0", "lr": "1"}, {"loss": "after", "seed": "1", "lr": "1"}])
    ('seed',)
    """
    keys = dict.fromkeys(key for job in jobs for key in job)
    return tuple(key for key in keys if len({job.get(key) for job in jobs}) > 1)


def constant_values(jobs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What all jobs have in common."""
    varied = varied_keys(jobs)
    return {key: value for key, value in jobs[0].items() if key not in varied} if jobs else {}


def setting_text(values: Mapping[str, str]) -> str:
    """
    >>> setting_text({"loss": "after", "lambda_id": "3"})
    'loss=after lambda_id=3'
    """
    return " ".join(f"{key}={value}" for key, value in values.items()) or "the one setting"
