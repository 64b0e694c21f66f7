"""What a sweep optimises: figures of the validation block, never of the test people."""

from __future__ import annotations

from typing import Any

import numpy as np
from omegaconf import ListConfig

from poseid.errors import InputError
from poseid.verification.metrics import METRICS

_KEYS = {metric.name: metric.block_key() for metric in METRICS}
# The largest value of a rate is 1; a ratio has no largest, and 1,000 times raw's false matches is bad enough.
WORST_RATE, WORST_OTHER = 1.0, 1000.0


def block_key(key: str) -> str:
    """The dotted key in an evaluation block of a registered metric's name; any other key as it is.

    >>> block_key("eer"), block_key("improvement.mean")
    ('sets.headline.enhanced.eer', 'improvement.mean')
    """
    return _KEYS.get(key, key)


def look_up(block: dict[str, Any], key: str) -> float | None:
    """A figure of an evaluation block by its dotted key or the name of a registered metric.

    ``sets.headline`` means the headline's set.

    >>> look_up({"headline": "all", "sets": {"all": {"enhanced": {"eer": 0.1}}}}, "sets.headline.enhanced.eer")
    0.1

    Raises:
        InputError: no such key.
    """
    value: Any = block
    parts = block_key(key).split(".")
    for position, part in enumerate(parts):
        if position == 1 and parts[0] == "sets" and part == "headline":
            part = block["headline"]
        if value is None:
            return None
        if not isinstance(value, dict) or part not in value:
            raise InputError(f"objective: the validation block has no {key} (at {part})")
        value = value[part]
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise InputError(f"objective: {key} is no single number")
    return None if value is None else float(value)


def check_objective(objective: list[str]) -> None:
    """Looks every key up in an example block before any training.

    Raises:
        InputError: no evaluation block has such a key.
    """
    # Whoever reads what a sweep left looks figures up without any of these.
    from poseid.features.synthetic import synthetic
    from poseid.verification.embeddings import EmbeddingSet
    from poseid.verification.evaluate import evaluate

    features = synthetic(people=20, probes=6, dim=16, comparisons=2)
    numbers = {name: number for number, name in enumerate(features.people())}
    sides = []
    for rows in (features.front, features.video):
        vectors, person = rows.features, np.array([numbers[name] for name in rows.people.tolist()])
        sides.append(EmbeddingSet(vectors, vectors, vectors, person, rows.poses[:, 0], rows.kinds(), identity=vectors))
    example = evaluate(sides[0], sides[1], features.pairs, resamples=0).block
    for entry in objective:
        look_up(example, entry.split()[1])


def objective_values(block: dict[str, Any], objective: list[str]) -> float | tuple[float, ...]:
    """The values of each ``"minimize KEY"`` or ``"maximize KEY"``; a null one counts as the worst finite value."""
    worst = worst_values(objective)
    worsts = worst if isinstance(worst, tuple) else (worst,)
    values = []
    for entry, bad in zip(objective, worsts, strict=True):
        value = look_up(block, entry.split()[1])
        values.append(bad if value is None else value)
    return values[0] if len(values) == 1 else tuple(values)


def worst_values(objective: Any) -> float | tuple[float, ...]:
    """The value of each objective that no job does worse than."""
    values = []
    # The objective itself may be what is wrong with a configuration: then there is one, a rate to minimise.
    for entry in objective if isinstance(objective, (list, ListConfig)) and len(objective) else ["minimize rate"]:
        size = WORST_OTHER if "ratio" in str(entry) else WORST_RATE
        values.append(-size if str(entry).startswith("maximize") else size)
    return values[0] if len(values) == 1 else tuple(values)
