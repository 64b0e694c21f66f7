"""Which metrics of the validation block a sweep is compared by."""

from __future__ import annotations

from collections.abc import Sequence

from poseid.sweeps.jobs import Metrics
from poseid.training.objective import BY_KEY, Measure, block_key
from poseid.verification.metrics import metrics_in
from poseid.verification.operating_points import POINTS, strictest

# The first of them that most jobs have: with few people the stricter operating points are null.
_FNMR = (block_key("fnmr_at_fmr_1e-2"), block_key("eer"))
OPERATING_POINTS = {fmr: (block_key(f"fnmr_at_raw_threshold_{fmr}"), block_key(f"fmr_ratio_{fmr}")) for fmr in POINTS}
"""FNMR and FMR ratio at the raw vectors' threshold for each FMR, which stays as it is."""


def front_measures(objectives: Sequence[Measure], jobs: Sequence[Metrics]) -> tuple[Measure, Measure]:
    """FNMR and the FMR ratio at one fixed threshold, from the metrics of the finished jobs.

    The threshold is that of the first objective that names such a metric; else the strictest one at which most jobs
    have both metrics.
    """
    named = (pair for measure in objectives for pair in OPERATING_POINTS.values() if measure.key in pair)
    known = {fmr: _count_known(pair, jobs) for fmr, pair in OPERATING_POINTS.items()}
    most = max(known.values())
    fmr = strictest({fmr: count if count == most else None for fmr, count in known.items()}) or POINTS[0]
    first, second = next(named, None) or OPERATING_POINTS[fmr]
    return _measure(first, objectives), _measure(second, objectives)


def _count_known(keys: Sequence[str], jobs: Sequence[Metrics]) -> int:
    return sum(all(job[key] is not None for key in keys) for job in jobs)


def _measure(key: str, objectives: Sequence[Measure]) -> Measure:
    """The objective of this key, or the key with the direction that is its own."""
    found = (measure for measure in objectives if measure.key == key)
    return next(found, None) or Measure(key, not BY_KEY[key].higher_is_better)


def page_columns(objectives: Sequence[Measure], jobs: Sequence[Metrics]) -> tuple[Measure, ...]:
    """The objectives, FNMR at its own threshold, the axes of the front, the improvement."""
    fnmr = max(_FNMR, key=lambda key: _count_known((key,), jobs))
    axes = [measure.key for measure in front_measures(objectives, jobs)]
    return _with_known(objectives, (fnmr, *axes, "improvement.mean"), jobs)


def csv_columns(objectives: Sequence[Measure], jobs: Sequence[Metrics]) -> tuple[Measure, ...]:
    """Those of the page, then every other metric of a sweep that any job has."""
    return _with_known(page_columns(objectives, jobs), [metric.block_key() for metric in metrics_in("sweep")], jobs)


def _with_known(measures: Sequence[Measure], keys: Sequence[str], jobs: Sequence[Metrics]) -> tuple[Measure, ...]:
    there = {measure.key for measure in measures}
    more = [key for key in keys if key not in there and any(job[key] is not None for job in jobs)]
    return (*measures, *(_measure(key, ()) for key in more))
