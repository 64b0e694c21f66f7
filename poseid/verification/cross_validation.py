"""Evaluations of several folds, each of other people and of a model that never saw them, as one evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.verification.estimates import Estimate, average, reason_of_folds
from poseid.verification.genuine import ByPose, Improvement
from poseid.verification.metrics import METRICS, common_headline, figures_of
from poseid.verification.result import FORMS, Evaluation
from poseid.verification.scores import Genuine
from poseid.verification.template_result import TemplateResult, over_splits
from poseid.verification.verdict import NOT_JUDGED, judge

_ALIKE = ("people", "references", "probes", "comparisons", "sets", "similarity", "rank1", "protocols", "yaw_sign")
"""The parts of an evaluation that follow the rule of `combined`."""


def average_of_folds(folds: Sequence[Evaluation]) -> Evaluation:
    """The folds as one evaluation: counts are added up, rates are averaged, and the averages are judged.

    A rate is the mean over folds, each at thresholds of its own, and so is it in every resample: folds resample their
    own people, with a seed of their own. What is not defined in one fold is not defined here. By pose and by yaw, where
    a fold may have nobody, folds weigh by their comparisons.
    """
    figures = figures_of(folds)
    verdict, reason = judge_folds(folds)
    headline = common_headline(folds)
    impostors = [one.comparisons[headline][1] for one in folds]
    reasons = _reasons([one.null_reasons for one in folds], impostors)
    by_pose = _by_pose([one.by_pose for one in folds], all(one.headline == headline for one in folds))
    if by_pose.threshold is None:
        reasons.setdefault("by_pose", "the folds are judged on different sets or at different FMRs")
    parts: dict[str, Any] = {name: combined([getattr(one, name) for one in folds]) for name in _ALIKE}
    return replace(
        folds[0],
        **parts,
        headline=headline,
        improvement=_improvement([one.improvement for one in folds]),
        searches=None,
        by_pose=by_pose,
        metrics={metric.name: figures[metric.name] for metric in METRICS if not metric.key},
        verdict=verdict,
        reason=reason,
        null_reasons=reasons,
        genuine=_genuine(folds),
        yaw=np.concatenate([one.yaw for one in folds]),
        headline_scores=None,
        # of the numbers of frames and views that all folds have
        frames=tuple(combined_templates(results) for results in over_splits([one.frames for one in folds]).values()),
    )


def judge_folds(folds: Sequence[Evaluation]) -> tuple[str, str]:
    """The verdict on rates that are averaged over folds, and its reason."""
    if not folds[0].resamples:
        return NOT_JUDGED, "No confidence intervals were asked for."
    headline = common_headline(folds)
    impostors = [one.comparisons[headline][1] for one in folds]
    why_not = reason_of_folds([one.null_reasons.get(f"sets.{headline}", "") for one in folds], impostors)
    found = combined([one.sets[headline] for one in folds])
    frontal = average([one.improvement.frontal for one in folds])
    # where they are too few, the smallest fold is the one that has too few
    return judge(headline, found and (found.raw, found.enhanced), frontal, min(impostors), why_not)


def combined(folds: Sequence[Any]) -> Any:
    """What all folds say: numbers of comparisons are added up, all other numbers averaged, each field and entry alone.

    None where one fold has none; of mappings the keys that all have. Curves of different lengths end at the same point.

    Raises:
        TypeError: a bool or a text is neither a count nor a rate.

    >>> combined([{"n": 2, "rate": 0.5, "more": 1}, {"n": 3, "rate": 0.25}])
    {'n': 5, 'rate': 0.375}
    >>> combined([np.int64(2), np.int64(3)])
    5
    >>> combined([True, False])
    Traceback (most recent call last):
    TypeError: True is neither a count nor a rate: name how folds are combined
    """
    first = folds[0]
    if any(one is None for one in folds):
        return None
    if isinstance(first, Estimate):
        return average(folds)
    if is_dataclass(first) and not isinstance(first, type):
        names = [field.name for field in fields(first)]
        return replace(first, **{name: combined([getattr(one, name) for one in folds]) for name in names})
    if isinstance(first, Mapping):
        return {key: combined([one[key] for one in folds]) for key in first if all(key in one for one in folds)}
    if isinstance(first, tuple):
        return tuple(combined(each) for each in zip(*folds, strict=True))
    if isinstance(first, (bool, np.bool_, str)):
        raise TypeError(f"{first!r} is neither a count nor a rate: name how folds are combined")
    if isinstance(first, (int, np.integer)):
        return int(sum(folds))
    if isinstance(first, np.ndarray) and first.ndim:
        length = min(map(len, folds))
        folds = [one[len(one) - length :] for one in folds]
        return folds[0] if all(np.array_equal(folds[0], one) for one in folds) else np.mean(folds, axis=0)
    return float(np.mean(folds))


def _improvement(folds: Sequence[Improvement]) -> Improvement:
    by_yaw = tuple(_weighted(bins) for bins in zip(*(one.by_yaw for one in folds), strict=True))
    found: Improvement = combined(folds)
    return replace(found, by_yaw=by_yaw)


def _weighted(folds: Sequence[tuple[int, Estimate]]) -> tuple[int, Estimate]:
    """Number of comparisons and their mean, of the folds that have any."""
    known = [one for one in folds if one[0]]
    total = sum(n for n, _ in known)
    if not known:
        return folds[0]
    value = np.sum([n * mean.value for n, mean in known], axis=0) / total
    return total, Estimate(value, np.sum([n * mean.resampled for n, mean in known], axis=0) / total)


def _by_pose(folds: Sequence[ByPose], one_set: bool) -> ByPose:
    """``one_set`` says whether their thresholds are of one set."""
    n = np.sum([one.n for one in folds], axis=0)
    known = one_set and all(one.threshold is not None and one.fmr == folds[0].fmr for one in folds)

    def cells(form: str) -> NDArray[np.float64] | None:
        if not known:
            return None
        missed = np.sum([np.nan_to_num(getattr(one, form)) * one.n for one in folds], axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(missed / n)

    return replace(
        folds[0],
        threshold=combined([one.threshold for one in folds]) if known else None,
        n=n,
        outside=sum(one.outside for one in folds),
        raw=cells("raw"),
        enhanced=cells("enhanced"),
    )


def combined_templates(folds: Sequence[TemplateResult]) -> TemplateResult:
    """Pooled probes of one number of frames and view, each fold searched in a gallery of its own."""
    rates = combined([one.rates for one in folds])
    impostors = [one.impostor or 0 for one in folds]
    verdict, reason = NOT_JUDGED, "A fold has too few templates, or no confidence intervals were asked for."
    if rates and rates["raw_mean"].eer.resampled.size:
        name = "frontal_profile" if folds[0].view == "profile" else "all"
        frontal = Estimate(np.nan)
        verdict, reason = judge(name, (rates["raw_mean"], rates["enhanced_weighted"]), frontal, min(impostors))
    counts = {
        key: combined([getattr(one, key) for one in folds]) for key in ("templates", "people", "genuine", "impostor")
    }
    return replace(
        folds[0],
        **counts,
        mean_frames=sum(one.mean_frames * one.templates for one in folds) / counts["templates"],
        rates=rates,
        verdict=verdict,
        reason=reason,
        one_length=all(one.one_length for one in folds),
        identification=combined([one.identification for one in folds]),
        null_reasons=_reasons([one.null_reasons for one in folds], impostors),
    )


def _reasons(folds: Sequence[Mapping[str, str]], impostors: Sequence[int]) -> dict[str, str]:
    """Of the null reasons of folds, and how many comparisons of impostors each has."""
    paths = dict.fromkeys(path for reasons in folds for path in reasons)
    return {path: reason_of_folds([_why(reasons, path) for reasons in folds], impostors) for path in paths}


def _why(reasons: Mapping[str, str], path: str) -> str:
    """Why a fold has nothing at a path: the reason of the path or of what it is part of, "" where it has something."""
    parts = path.split(".")
    paths = [".".join(parts[:n]) for n in range(len(parts), -1, -1)]
    return next((reasons[part] for part in paths if part in reasons), "")


def _genuine(folds: Sequence[Evaluation]) -> Genuine:
    """The genuine comparisons of all folds; people and rows are numbered on from fold to fold."""
    first = [np.cumsum([0, *(getattr(one, name) for one in folds[:-1])]) for name in ("people", "references", "probes")]
    parts = [one.genuine for one in folds]
    numbers = [
        np.concatenate([getattr(part, name) + start for part, start in zip(parts, starts.tolist(), strict=True)])
        for name, starts in zip(("person", "left", "right"), first, strict=True)
    ]
    scores = [np.concatenate([getattr(part, form) for part in parts]) for form in FORMS]
    return Genuine(*scores, *numbers)
