"""The typed result of an evaluation: scored once, read by the summary, the figures, `poseid compare` and training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.verification.estimates import LEVEL, Estimate
from poseid.verification.genuine import ByPose, Improvement, Similarity
from poseid.verification.identification import Searches
from poseid.verification.protocols import ProtocolResult
from poseid.verification.scores import Compared, Genuine
from poseid.verification.set_result import SetResult
from poseid.verification.template_result import TemplateResult, frames_block

FORMS: tuple[str, str] = ("raw", "enhanced")

Figures = Mapping[str, Mapping[str, Estimate]]
"""By name of a registered metric, then by form (see `metrics`)."""


@dataclass(frozen=True)
class YawSignSet:
    """Profile rows against profile rows whose yaws have the same sign, or opposite signs."""

    rates: SetResult
    at_common_threshold: Mapping[str, Any] | None
    """By FMR: `threshold`, the raw one of `profile_profile`, with `fmr` and `fnmr` of each form; None without it."""

    def to_dict(self) -> dict[str, Any]:
        common = self.at_common_threshold
        return self.rates.to_dict() | ({} if common is None else {"at_common_threshold": common})


@dataclass(frozen=True)
class Evaluation:
    """Everything that is known of an enhancer on some people; rates are fractions, NaN or None where not defined."""

    people: int
    references: int
    probes: int
    headline: str
    """The set that is judged: `frontal_profile`, else `all`."""
    comparisons: Mapping[str, tuple[int, int]]
    """Genuine and impostor comparisons of each set that was scored."""
    sets: Mapping[str, SetResult | None]
    improvement: Improvement
    similarity: Similarity
    searches: Mapping[str, Searches] | None
    """Identification by form; None with too few people."""
    rank1: Mapping[str, float]
    protocols: Mapping[str, ProtocolResult]
    by_pose: ByPose
    yaw_sign: Mapping[str, YawSignSet | None]
    """`same` and `opposite`."""
    metrics: Figures
    """The registered metrics that have no other place in the summary."""
    verdict: str
    reason: str
    resamples: int
    seed: int
    null_reasons: Mapping[str, str]
    """Why something is null, by its path in `block`."""
    genuine: Genuine
    """The genuine comparisons of `all`."""
    yaw: NDArray[np.floating]
    """Degrees, of the probe of each of them; NaN where unknown."""
    headline_scores: Compared | None
    """The scores of the headline set, where they are few enough for the bands of a DET curve."""
    frames: tuple[TemplateResult, ...] = ()
    """Pooled probes, see `templates`; empty where nothing is pooled."""

    @property
    def headline_set(self) -> SetResult | None:
        """The result of the headline set."""
        return self.sets[self.headline]

    @cached_property
    def block(self) -> dict[str, Any]:
        """The BLOCK of ``summary.json``: plain numbers, strings, lists and None, which `json.dumps` takes."""
        names = "people references probes headline sets improvement similarity rank1 protocols by_pose yaw_sign verdict"
        return {name: plain(getattr(self, name)) for name in [*names.split(), "reason"]} | {
            "bootstrap": {"resamples": self.resamples, "seed": self.seed, "level": LEVEL},
            "metrics": {name: _metric(forms) for name, forms in self.metrics.items()},
            "frames": plain(frames_block(self.frames)),
            "null_reasons": dict(self.null_reasons),
        }


def _metric(forms: Mapping[str, Estimate]) -> dict[str, Any]:
    """A registered metric in the summary."""
    change = forms["enhanced"] - forms["raw"]
    return {
        **{form: estimate.number for form, estimate in forms.items()},
        "difference": change.number,
        "difference_ci95": change.ci95,
    }


def plain(value: Any) -> Any:
    """What JSON takes: dataclasses as dicts of their fields (or by their `to_dict`), arrays as lists, NaN as None.

    >>> plain({"a": np.array([0.5, np.nan]), "b": (1, np.float32(0.25))})
    {'a': [0.5, None], 'b': [1, 0.25]}
    """
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
