"""The one list of what a run logs: the module logs from it and the dashboard draws from it."""

from __future__ import annotations

from typing import Any, Literal

from poseid.training.config import Phi
from poseid.training.losses import TERMS
from poseid.training.objective import look_up
from poseid.verification.genuine import YAW_BINS
from poseid.verification.metrics import metrics_in
from poseid.verification.operating_points import strictest

LOSSES = tuple(f"{part}/loss/{name}" for part in ("train", "val") for name in (*TERMS, "total"))
WEIGHTS = tuple(f"weight/{name}" for name in TERMS)
SHAPE = tuple(f"shape_{number}" for number in range(1, 5))
_NUMBERS = [name for key in Phi.model_fields for name in (SHAPE if key == "shape" else (key,))]
PHI = tuple(f"phi/{name}" for name in _NUMBERS)
"""The trained numbers of the closed form and of the gate, after an epoch."""
IMPROVEMENT_BY_YAW = tuple(f"val/improvement/yaw_{low}_{high}" for low, high in YAW_BINS)
REGISTERED = {metric.log_name: metric for metric in metrics_in("log")}
"""The registered metrics among what is logged."""
LIMITS = ("val/fmr_limit", "val/fnmr_limit")
"""What the raw vectors score at the same operating point: above it the enhancer does harm. Training does not move
them."""
VALIDATION = (
    "val/selection",
    *REGISTERED,
    *IMPROVEMENT_BY_YAW,
    "val/similarity/raw",
    "val/similarity/enhanced",
    "val/share_below_raw",
    "val/fnmr_at_raw_threshold",
    "val/fmr_at_raw_threshold",
    "val/fmr_ratio",
    *LIMITS,
)
ALL = (*LOSSES, *WEIGHTS, *PHI, *VALIDATION, "lr")
"""What an epoch logs."""
DIAGNOSIS, BY_YAW = "diagnosis", "improvement_by_yaw"
"""The picture and the table that a logger for media receives."""


def best_of(name: str) -> Literal["min", "max", "last"]:
    """Which of its values sums a metric of ``ALL`` up: the best one, or the last where no direction is better.

    >>> best_of("val/eer"), best_of("val/rank1"), best_of("lr")
    ('min', 'max', 'last')
    """
    if name in (*WEIGHTS, *PHI, *LIMITS, "val/similarity/raw", "lr"):
        return "last"
    higher = name in REGISTERED and REGISTERED[name].higher_is_better
    return "max" if higher or name in (*IMPROVEMENT_BY_YAW, "val/similarity/enhanced") else "min"


def headline_set(block: dict[str, Any]) -> dict[str, Any] | None:
    """The comparison set that the headline of a block names, or None."""
    headline: dict[str, Any] | None = block["sets"][block["headline"]]
    return headline


def validation_metrics(block: dict[str, Any]) -> dict[str, float | None]:
    """The figures of ``VALIDATION`` (but ``val/selection``) from an evaluation block; None where it is null."""
    by_yaw = [entry["mean"] for entry in block["improvement"]["by_yaw"]]
    headline = headline_set(block)
    fixed = fixed_threshold(headline)
    at_threshold: tuple[float | None, ...] = (None,) * 4
    if fixed is not None:
        enhanced = fixed["enhanced"]
        at_threshold = (enhanced["fnmr"], enhanced["fmr"], fixed["fmr_ratio"], fixed["raw"]["fmr"])
    similarity = (block["similarity"][name] for name in ("raw", "enhanced", "share_below_raw"))
    values = (
        *(look_up(block, metric.block_key()) for metric in REGISTERED.values()),
        *by_yaw,
        *similarity,
        *at_threshold,
        headline["raw"]["fnmr_at_fmr"]["1e-2"] if headline else None,
    )
    return dict(zip(VALIDATION[1:], values, strict=True))


def shipped_metrics(block: dict[str, Any]) -> dict[str, float]:
    """The figures of what ships, from its evaluation block on validation people, without those that are null.

    They are logged once, at the end of a run; jobs compare by these.
    """
    metrics = validation_metrics(block)
    return {name.replace("val/", "shipped/"): value for name, value in metrics.items() if value is not None}


def fixed_threshold(headline: dict[str, Any] | None) -> dict[str, Any] | None:
    """The entry at raw's threshold for FMR 1e-3, or for 1e-2 where there are too few impostors, or None."""
    if headline is None:
        return None
    points: dict[str, dict[str, Any]] = headline["fixed_threshold"]
    fmr = strictest({fmr: entry["fmr_ratio"] for fmr, entry in points.items()})
    return None if fmr is None else points[fmr]
