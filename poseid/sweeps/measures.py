"""Which figures of the validation block a sweep is read by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from poseid.errors import InputError
from poseid.training.objective import BY_KEY, Measure, block_key, look_up
from poseid.verification import operating_points
from poseid.verification.metrics import METRICS, metrics_in
from poseid.verification.result import FORMS

# The first of them that most jobs have: with few people the stricter operating points are null.
FNMR = (block_key("fnmr_at_fmr_1e-2"), block_key("eer"))
# Both figures of a pair are of one operating point: a threshold that was set for raw vectors and stays as it is.
OPERATING_POINTS = tuple(
    (block_key(f"fnmr_at_raw_threshold_{fmr}"), block_key(f"fmr_ratio_{fmr}")) for fmr in operating_points.POINTS
)


def read_figures(block: dict[str, Any], asked: Sequence[Measure]) -> dict[str, float | None]:
    """The objectives and all registered metrics of a validation block, by key; None where a figure is null.

    Raises:
        InputError: it lacks an objective, or a figure is no finite number.
    """
    figures = {measure.key: _figure(block, measure.key) for measure in asked}
    for key in dict.fromkeys(metric.block_key(form) for form in reversed(FORMS) for metric in METRICS):
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


def front_measures(asked: Sequence[Measure], figures: Sequence[dict[str, float | None]]) -> tuple[Measure, Measure]:
    """FNMR and the FMR ratio at one untouched threshold.

    The threshold is that of the first objective that names such a figure. Without one it is that of FMR 1e-3, or of
    1e-2 where more jobs have both figures.
    """
    named = (pair for measure in asked for pair in OPERATING_POINTS if measure.key in pair)
    fnmr, ratio = next(named, None) or max(OPERATING_POINTS, key=lambda pair: _known(pair, figures))
    return _measure(fnmr, asked), _measure(ratio, asked)


def _known(keys: Sequence[str], figures: Sequence[dict[str, float | None]]) -> int:
    """How many jobs have all of these figures."""
    return sum(all(job[key] is not None for key in keys) for job in figures)


def _measure(key: str, asked: Sequence[Measure]) -> Measure:
    """The objective of this key, or the key with the direction that is its own."""
    return next((measure for measure in asked if measure.key == key), Measure(key, not BY_KEY[key].higher_is_better))


def main_measures(asked: Sequence[Measure], figures: Sequence[dict[str, float | None]]) -> tuple[Measure, ...]:
    """The columns of the page: the objectives, FNMR at its own threshold, the axes of the front, the improvement."""
    fnmr = max(FNMR, key=lambda key: _known((key,), figures))
    axes = [measure.key for measure in front_measures(asked, figures)]
    return _with(asked, (fnmr, *axes, "improvement.mean"), figures)


def all_measures(asked: Sequence[Measure], figures: Sequence[dict[str, float | None]]) -> tuple[Measure, ...]:
    """The columns of the file: those of the page, then every other metric of a sweep that any job has."""
    return _with(main_measures(asked, figures), [metric.block_key() for metric in metrics_in("sweep")], figures)


def _with(
    measures: Sequence[Measure], keys: Sequence[str], figures: Sequence[dict[str, float | None]]
) -> tuple[Measure, ...]:
    taken = {measure.key for measure in measures}
    more = [key for key in keys if key not in taken and any(job[key] is not None for job in figures)]
    return (*measures, *(_measure(key, ()) for key in more))
