"""Several models on the same people: figures that can be averaged over splits, and differences that are paired.

A resample of people is the same for every model, so a difference of two models is taken within each resample, and
its interval is far narrower than those of the two figures. Over several splits with different people, a figure is
the mean of the splits' figures, in the full sample and in every resample; each split resamples its own people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.features.rows import FRONTAL
from poseid.verification.bootstrap import interval, mean_resamples, resample_people, resample_rates
from poseid.verification.evaluate import evaluate
from poseid.verification.operating import figures
from poseid.verification.rates import FMRS, fmr_label, why_null
from poseid.verification.scores import compare
from poseid.verification.sets import set_parts
from poseid.verification.sides import Side, unit_side
from poseid.verification.verdict import NOT_JUDGED, judge

LABELS = tuple(fmr_label(fmr) for fmr in FMRS)
_DOUBLE = 1 << 21
"""Up to so many comparisons cosines are taken in float64, as `evaluate` does."""


@dataclass(frozen=True)
class Sampled:
    """A figure: its value, and its value in every resample; NaN where it is not defined."""

    value: float
    resampled: NDArray[np.float64]

    def __sub__(self, other: Sampled) -> Sampled:
        """The paired difference."""
        return Sampled(self.value - other.value, self.resampled - other.resampled)

    def over(self, other: Sampled) -> Sampled:
        """The paired ratio; nothing over nothing is no change, something over nothing is infinite."""
        with np.errstate(divide="ignore", invalid="ignore"):
            nothing = (self.resampled == 0) & (other.resampled == 0)
            ratios = np.where(nothing, 1.0, self.resampled / other.resampled)
        return Sampled(self.value / other.value if other.value > 0 else np.nan, ratios)

    def block(self) -> dict[str, Any]:
        """{value, ci95}, null where not defined."""
        known = bool(np.isfinite(self.value))
        return {
            "value": float(self.value) if known else None,
            "ci95": interval(self.resampled) if known and self.resampled.size else None,
        }


def average(samples: Sequence[Sampled]) -> Sampled:
    """The mean over splits, of values and of resamples; not defined where it is not in one of them.

    >>> average([Sampled(1.0, np.array([0.0, 2.0])), Sampled(2.0, np.array([1.0, 1.0]))])
    Sampled(value=1.5, resampled=array([0.5, 1.5]))
    """
    return Sampled(float(np.mean([one.value for one in samples])), np.mean([one.resampled for one in samples], axis=0))


@dataclass(frozen=True)
class SetSample:
    """Rates of one form (raw or enhanced) of one comparison set; a list has one entry an FMR of `FMRS`."""

    eer: Sampled
    fnmr_at_fmr: list[Sampled]
    fixed_fmr: list[Sampled]
    """FMR and FNMR at the raw thresholds."""
    fixed_fnmr: list[Sampled]


@dataclass(frozen=True)
class Measured:
    """A model on the people of one split, or averaged over splits."""

    people: int
    genuine: dict[str, int]
    impostor: dict[str, int]
    missing: dict[str, str]
    """Sets that are one-sided or empty, and why."""
    raw: dict[str, SetSample]
    enhanced: dict[str, SetSample]
    thresholds: dict[str, list[float]]
    improvement: Sampled
    frontal_improvement: Sampled
    rank1_raw: float
    rank1: float


SETS = ("all", "frontal_profile", "profile_profile", "frontal_frontal")


def measure(front: Side, video: Side, resamples: int, seed: int) -> Measured:
    """The figures of one model on the people of `front` and `video`, with those of every resample.

    The values, and with the same seed the intervals, are those of `evaluate`.

    Args:
        front, video: as for `evaluate`.
        resamples: of people; 0 gives no intervals.
        seed: of the resamples; models that are compared must be given the same.
    """
    people, code = np.unique(np.concatenate([front.person, video.person]), return_inverse=True)
    small = len(front.person) * len(video.person) <= _DOUBLE
    dtype: type[np.floating] = np.float64 if small else np.float32
    f = unit_side(front, code[: len(front.person)].astype(np.int64), dtype, "front")
    v = unit_side(video, code[len(front.person) :].astype(np.int64), dtype, "video")
    weights = resample_people(len(people), resamples, seed)
    out: dict[str, dict[str, SetSample]] = {"raw": {}, "enhanced": {}}
    genuine, impostor, missing, thresholds = {}, {}, {}, {}
    nothing = np.full(resamples, np.nan)
    gain, frontal = Sampled(np.nan, nothing), Sampled(np.nan, nothing)
    for name in SETS:
        compared = compare(set_parts(name, f, v), len(people), deepest_fmr=max(FMRS), with_people=resamples > 0)
        genuine[name], impostor[name] = int(compared.genuine.raw.size), int(compared.raw.total)
        if name == "all" and genuine[name]:
            rise = compared.genuine.enhanced.astype(np.float64) - compared.genuine.raw
            gain = _mean(rise, compared.genuine.person, weights)
            straight = v.kind[compared.genuine.right] == FRONTAL
            if straight.any():
                frontal = _mean(rise[straight], compared.genuine.person[straight], weights)
        why = why_null(genuine[name], impostor[name])
        if why:
            missing[name] = why
            continue
        before = figures(compared.genuine.raw, compared.raw, FMRS)
        after = figures(compared.genuine.enhanced, compared.enhanced, FMRS, before.thresholds)
        thresholds[name] = [float(t) for t in before.thresholds]
        again = None
        if resamples:
            again = resample_rates(compared, weights, fmrs=FMRS, thresholds=before.thresholds, points=(before, after))
        for n, (form, point) in enumerate((("raw", before), ("enhanced", after))):
            rates = None if again is None else again[n]
            columns = [
                [
                    Sampled(float(value), nothing if rates is None else getattr(rates, column)[k])
                    for k, value in enumerate(getattr(point, column))
                ]
                for column in ("fnmr_at_fmr", "fixed_fmr", "fixed_fnmr")
            ]
            out[form][name] = SetSample(Sampled(point.eer, nothing if rates is None else rates.eer), *columns)
    rank1 = evaluate(front, video, sets=("all",), resamples=0)["rank1"]
    ranks = [np.nan if rank1[form] is None else rank1[form] for form in ("raw", "enhanced")]
    return Measured(
        len(people), genuine, impostor, missing, out["raw"], out["enhanced"], thresholds, gain, frontal, *ranks
    )


def _mean(values: NDArray[np.float64], person: NDArray[np.integer], weights: NDArray[np.integer]) -> Sampled:
    return Sampled(float(values.mean()), mean_resamples(values, person, weights))


def pooled(splits: Sequence[Measured]) -> Measured:
    """The mean over splits of different people; counts add up. A set that is missing in one split is missing."""
    missing: dict[str, str] = {}
    for split in splits:
        missing |= split.missing
    there = [name for name in SETS if name not in missing]
    return Measured(
        sum(split.people for split in splits),
        {name: sum(split.genuine[name] for split in splits) for name in SETS},
        {name: sum(split.impostor[name] for split in splits) for name in SETS},
        missing,
        {name: _pooled_set([split.raw[name] for split in splits]) for name in there},
        {name: _pooled_set([split.enhanced[name] for split in splits]) for name in there},
        {name: np.mean([split.thresholds[name] for split in splits], axis=0).tolist() for name in there},
        average([split.improvement for split in splits]),
        average([split.frontal_improvement for split in splits]),
        float(np.mean([split.rank1_raw for split in splits])),
        float(np.mean([split.rank1 for split in splits])),
    )


def _pooled_set(splits: Sequence[SetSample]) -> SetSample:
    lists = [
        [average(column) for column in zip(*(getattr(split, name) for split in splits), strict=True)]
        for name in ("fnmr_at_fmr", "fixed_fmr", "fixed_fnmr")
    ]
    return SetSample(average([split.eer for split in splits]), *lists)


def headline_of(measured: Measured) -> str:
    """`frontal_profile`, else `all`."""
    return "frontal_profile" if "frontal_profile" in measured.enhanced else "all"


def verdict_of(measured: Measured, resamples: int) -> tuple[str, str]:
    """The verdict by the rule of `judge`, on the headline set."""
    if not resamples:
        return NOT_JUDGED, "No confidence intervals were asked for."
    name = headline_of(measured)
    frontal = measured.frontal_improvement.block()["ci95"]
    if name not in measured.enhanced:
        return judge(name, None, frontal, measured.missing[name])
    raw, enhanced = measured.raw[name], measured.enhanced[name]
    headline: dict[str, Any] = {
        "impostor": measured.impostor[name],
        "raw": {"fnmr_at_fmr": {}},
        "enhanced": {"fnmr_at_fmr": {}},
        "difference": {"fnmr_at_fmr": {}},
        "fixed_threshold": {},
    }
    for n, label in enumerate(LABELS):
        for form, sample in (("raw", raw), ("enhanced", enhanced)):
            headline[form]["fnmr_at_fmr"][label] = sample.fnmr_at_fmr[n].block()["value"]
        own = (enhanced.fnmr_at_fmr[n] - raw.fnmr_at_fmr[n]).block()
        held = (enhanced.fixed_fnmr[n] - raw.fixed_fnmr[n]).block()
        ratio = enhanced.fixed_fmr[n].over(raw.fixed_fmr[n]).block()
        threshold = measured.thresholds[name][n]
        headline["difference"]["fnmr_at_fmr"][label] = {"mean": own["value"], "ci95": own["ci95"]}
        headline["fixed_threshold"][label] = {
            "threshold": None if np.isnan(threshold) else threshold,
            "fmr_ratio": ratio["value"],
            "fmr_ratio_ci95": ratio["ci95"],
            "fnmr_difference": held["value"],
            "fnmr_difference_ci95": held["ci95"],
        }
    return judge(name, headline, frontal)


def figures_of(measured: Measured, resamples: int) -> dict[str, Any]:
    """The row of a model in a table: each figure as {value, ci95}; rates are fractions."""
    name = headline_of(measured)
    headline, raw = measured.enhanced.get(name), measured.raw.get(name)
    none = {"value": None, "ci95": None}
    row: dict[str, Any] = {"headline": name}
    row["eer"] = headline.eer.block() if headline else none
    for n, label in enumerate(LABELS):
        row[f"fnmr_at_fmr_{label}"] = headline.fnmr_at_fmr[n].block() if headline else none
    for n, label in enumerate(LABELS):
        ratio = headline.fixed_fmr[n].over(raw.fixed_fmr[n]).block() if headline and raw else none
        row[f"fmr_ratio_{label}"] = ratio
        row[f"fmr_at_raw_threshold_{label}"] = headline.fixed_fmr[n].block() if headline else none
        row[f"fnmr_at_raw_threshold_{label}"] = headline.fixed_fnmr[n].block() if headline else none
    profile, frontal = measured.enhanced.get("profile_profile"), measured.enhanced.get("frontal_frontal")
    for n, label in enumerate(LABELS):
        row[f"profile_profile_fnmr_at_fmr_{label}"] = profile.fnmr_at_fmr[n].block() if profile else none
    row["frontal_frontal_eer"] = frontal.eer.block() if frontal else none
    row["rank1"] = {"value": None if np.isnan(measured.rank1) else measured.rank1, "ci95": None}
    row["improvement"] = measured.improvement.block()
    row["verdict"], row["reason"] = verdict_of(measured, resamples)
    return row


def differences(one: Measured, other: Measured) -> dict[str, Any]:
    """Paired differences of the headline figures, `one` less `other`, as {value, ci95}; below 0 `one` is better.

    `improvement` is the other way round: above 0 `one` is better.
    """
    out: dict[str, Any] = {}
    name = headline_of(one)
    if name in one.enhanced and name in other.enhanced:
        a, b = one.enhanced[name], other.enhanced[name]
        out["eer"] = (a.eer - b.eer).block()
        for n, label in enumerate(LABELS):
            out[f"fnmr_at_fmr_{label}"] = (a.fnmr_at_fmr[n] - b.fnmr_at_fmr[n]).block()
            out[f"fmr_at_raw_threshold_{label}"] = (a.fixed_fmr[n] - b.fixed_fmr[n]).block()
            out[f"fnmr_at_raw_threshold_{label}"] = (a.fixed_fnmr[n] - b.fixed_fnmr[n]).block()
    if "profile_profile" in one.enhanced and "profile_profile" in other.enhanced:
        a, b = one.enhanced["profile_profile"], other.enhanced["profile_profile"]
        for n, label in enumerate(LABELS):
            out[f"profile_profile_fnmr_at_fmr_{label}"] = (a.fnmr_at_fmr[n] - b.fnmr_at_fmr[n]).block()
    if "frontal_frontal" in one.enhanced and "frontal_frontal" in other.enhanced:
        a, b = one.enhanced["frontal_frontal"], other.enhanced["frontal_frontal"]
        out["frontal_frontal_eer"] = (a.eer - b.eer).block()
    out["improvement"] = (one.improvement - other.improvement).block()
    return out
