"""Which figures of the validation block a sweep is read by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from poseid.errors import InputError
from poseid.training.objective import look_up

# Of each group the first stands where jobs have it; with few people the stricter operating points are null.
FNMR = ("sets.headline.enhanced.fnmr_at_fmr.1e-2", "sets.headline.enhanced.eer")
FMR_RATIO = ("sets.headline.fixed_threshold.1e-3.fmr_ratio", "sets.headline.fixed_threshold.1e-2.fmr_ratio")
OTHERS = (
    "sets.headline.enhanced.fnmr_at_fmr.1e-3",
    "sets.headline.enhanced.eer",
    "improvement.mean",
    "improvement.frontal",
    "rank1.enhanced",
)
_RAW = {key: key.replace("enhanced", "raw") for key in FNMR}
KEY_FIGURES = tuple(dict.fromkeys((*FNMR, *FMR_RATIO, *OTHERS, *_RAW.values())))

_TITLES = {
    "sets.headline.enhanced.fnmr_at_fmr.1e-2": "FNMR at FMR 1e-2",
    "sets.headline.enhanced.fnmr_at_fmr.1e-3": "FNMR at FMR 1e-3",
    "sets.headline.enhanced.eer": "EER",
    "sets.headline.fixed_threshold.1e-3.fmr_ratio": "FMR ratio at raw's 1e-3 threshold",
    "sets.headline.fixed_threshold.1e-2.fmr_ratio": "FMR ratio at raw's 1e-2 threshold",
    "improvement.mean": "mean improvement",
    "improvement.frontal": "frontal improvement",
    "rank1.enhanced": "rank-1",
}
_HIGHER_IS_BETTER = ("improvement.mean", "improvement.frontal", "rank1.enhanced")


@dataclass(frozen=True)
class Measure:
    """A figure that jobs are compared by.

    Args:
        key: dotted, in the validation block.
        lower_is_better: its direction.
    """

    key: str
    lower_is_better: bool

    @property
    def title(self) -> str:
        return _TITLES.get(self.key, self.key)

    @property
    def direction(self) -> str:
        return "lower is better" if self.lower_is_better else "higher is better"

    @property
    def raw_key(self) -> str | None:
        """The same figure of the raw vectors, where it is one of the key figures."""
        return _RAW.get(self.key)


def objectives(entries: object) -> tuple[Measure, ...]:
    """The measures of the root key ``objective``.

    Raises:
        InputError: it is no list of ``"minimize KEY"`` or ``"maximize KEY"``.
    """
    parts = [str(entry).split() for entry in entries] if isinstance(entries, list) else []
    if not parts or any(len(part) != 2 or part[0] not in ("minimize", "maximize") for part in parts):
        raise InputError(f"objective: expected a list of 'minimize KEY' or 'maximize KEY', got {entries!r}")
    return tuple(Measure(key, direction == "minimize") for direction, key in parts)


def read_figures(block: dict[str, Any], asked: Sequence[Measure]) -> dict[str, float | None]:
    """The objectives and the key figures of a validation block, by key; None where a figure is null.

    Raises:
        InputError: it lacks an objective, or a figure is no finite number.
    """
    figures = {measure.key: _figure(block, measure.key) for measure in asked}
    for key in KEY_FIGURES:
        try:
            figures.setdefault(key, _figure(block, key))
        except InputError:
            figures[key] = None
    return figures


def _figure(block: dict[str, Any], key: str) -> float | None:
    try:
        value = look_up(block, key)
    except (KeyError, TypeError):
        raise InputError(f"its validation block has no {key}") from None
    if value is not None and not math.isfinite(value):
        raise InputError(f"{key} is {value}")
    return value


def best_known(keys: Sequence[str], figures: Sequence[dict[str, float | None]]) -> Measure:
    """Of some figures the one that most jobs have; of equals the first."""
    most = max(keys, key=lambda key: sum(job[key] is not None for job in figures))
    return Measure(most, most not in _HIGHER_IS_BETTER)


def shown_measures(asked: Sequence[Measure], figures: Sequence[dict[str, float | None]]) -> tuple[Measure, ...]:
    """The columns of the tables: the objectives, then the key figures that any job has."""
    keys = (best_known(FNMR, figures).key, best_known(FMR_RATIO, figures).key, *OTHERS)
    known = [key for key in dict.fromkeys(keys) if any(job[key] is not None for job in figures)]
    taken = {measure.key for measure in asked}
    return (*asked, *(Measure(key, key not in _HIGHER_IS_BETTER) for key in known if key not in taken))
