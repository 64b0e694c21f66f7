"""What a sweep optimises: figures of the validation block, never of the test people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from poseid.errors import InputError
from poseid.verification.genuine import Similarity
from poseid.verification.metrics import METRICS
from poseid.verification.protocols import ProtocolRates
from poseid.verification.result import FORMS
from poseid.verification.sets import SETS

BY_KEY = {metric.block_key(): metric for metric in METRICS}
"""The registered metrics by their dotted key in an evaluation block, of the enhanced form."""
_KEYS = {metric.name: metric.block_key() for metric in METRICS}
# The largest value of a rate is 1; a ratio has no largest, and 1,000 times raw's false matches is bad enough.
WORST_RATE, WORST_OTHER = 1.0, 1000.0


def block_key(key: str) -> str:
    """The dotted key in an evaluation block of a registered metric's name; any other key as it is.

    >>> block_key("eer"), block_key("improvement.mean")
    ('sets.headline.enhanced.eer', 'improvement.mean')
    """
    return _KEYS.get(key, key)


@dataclass(frozen=True)
class Measure:
    """A figure that jobs are compared by, such as an entry of the root key ``objective``.

    Args:
        key: dotted, in the validation block.
        lower_is_better: its direction.
    """

    key: str
    lower_is_better: bool

    @property
    def title(self) -> str:
        return BY_KEY[self.key].title if self.key in BY_KEY else self.key

    @property
    def direction(self) -> str:
        return "lower is better" if self.lower_is_better else "higher is better"

    @property
    def raw_key(self) -> str | None:
        """The same figure of the raw vectors, where they have one of their own."""
        raw = BY_KEY[self.key].block_key("raw") if self.key in BY_KEY else self.key
        return None if raw == self.key else raw

    @property
    def worst(self) -> float:
        """The value that no job does worse than."""
        size = WORST_OTHER if "ratio" in self.key else WORST_RATE
        return size if self.lower_is_better else -size


def parse_objective(entries: Any) -> tuple[Measure, ...]:
    """The entries of the root key ``objective``.

    >>> [entry.lower_is_better for entry in parse_objective(["minimize sets.all.enhanced.eer", "maximize rank1.raw"])]
    [True, False]

    Raises:
        InputError: it is no list of ``"minimize KEY"`` or ``"maximize KEY"``.
    """
    listed = isinstance(entries, Sequence) and not isinstance(entries, str)
    parts = [str(entry).split() for entry in entries] if listed else []
    if not parts or any(len(part) != 2 or part[0] not in ("minimize", "maximize") for part in parts):
        raise InputError(f"objective: expected 'minimize KEY' or 'maximize KEY', each in a list, got {entries!r}")
    return tuple(Measure(block_key(key), direction == "minimize") for direction, key in parts)


def look_up(block: dict[str, Any], key: str) -> float | None:
    """A figure of an evaluation block by its dotted key or the name of a registered metric.

    ``sets.headline`` means the headline's set.

    >>> look_up({"headline": "all", "sets": {"all": {"enhanced": {"eer": 0.1}}}}, "sets.headline.enhanced.eer")
    0.1

    Raises:
        InputError: no such key.
    """
    value: Any = block
    parts = key.split(".")
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


def known_keys() -> set[str]:
    """The dotted keys that an objective may name: registered metrics, in any comparison set, and a few more figures."""
    registered = {metric.block_key(form) for metric in METRICS for form in FORMS}
    known = {key.replace("sets.headline.", f"sets.{name}.") for key in registered for name in ("headline", *SETS)}
    known |= {f"sets.{name}.{form}.d_prime" for name in ("headline", *SETS) for form in FORMS}
    return known | {f"similarity.{field.name}" for field in fields(Similarity)} | {"improvement.share_improved"}


def check_objective(entries: Any) -> tuple[Measure, ...]:
    """Validates every key before any training.

    Raises:
        InputError: the objective is not of its form, or no evaluation block has such a key.
    """
    objective = parse_objective(entries)
    known, rates = known_keys(), [field.name for field in fields(ProtocolRates)]
    for entry in objective:
        parts = entry.key.split(".")
        # what protocols there are depends on the data
        of_protocol = parts[0] == "protocols" and len(parts) == 4 and parts[2] in FORMS and parts[3] in rates
        if entry.key not in known and not of_protocol:
            raise InputError(f"objective: the validation block has no {entry.key}")
    return objective


def objective_values(block: dict[str, Any] | None, entries: Any) -> float | tuple[float, ...]:
    """The value of each objective; the worst finite one where it is null, and of a job that failed (no block)."""
    try:
        objective = parse_objective(entries)
    except InputError:  # it may be what the job failed for: then there is one, a rate to minimise
        objective = (Measure("rate", True),)
    found = [None if block is None else look_up(block, entry.key) for entry in objective]
    values = [entry.worst if value is None else value for entry, value in zip(objective, found, strict=True)]
    return values[0] if len(values) == 1 else tuple(values)
