"""Evaluations of several folds, each of other people and of a model that never saw them, as one evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.verification.estimates import Estimate, average
from poseid.verification.genuine import ByPose, Improvement, Similarity
from poseid.verification.metrics import METRICS, common_headline, figures_of
from poseid.verification.operating_points import Rates
from poseid.verification.protocols import ProtocolRates, ProtocolResult
from poseid.verification.result import FORMS, Evaluation, YawSignSet
from poseid.verification.scores import Genuine
from poseid.verification.set_result import SetResult
from poseid.verification.sets import SETS
from poseid.verification.template_result import POOLINGS, TemplateResult, over_splits
from poseid.verification.verdict import NOT_JUDGED, judge


def average_of_folds(folds: Sequence[Evaluation]) -> Evaluation:
    """The folds as one evaluation: counts are added up, rates are averaged, and the averages are judged.

    A rate is the mean over folds, each at thresholds of its own, and so is it in every resample: folds resample their
    own people, with a seed of their own. What is not defined in one fold is not defined here. By pose and by yaw, where
    a fold may have nobody, folds weigh by their comparisons.
    """
    headline, first = common_headline(folds), folds[0]
    figures = figures_of(folds)
    verdict, reason = judge_folds(folds)
    return Evaluation(
        people=sum(one.people for one in folds),
        references=sum(one.references for one in folds),
        probes=sum(one.probes for one in folds),
        headline=headline,
        comparisons={
            name: (sum(one.comparisons[name][0] for one in folds), sum(one.comparisons[name][1] for one in folds))
            for name in SETS
            if all(name in one.comparisons for one in folds)
        },
        sets={name: _set([one.sets[name] for one in folds]) for name in SETS},
        improvement=_improvement([one.improvement for one in folds]),
        similarity=Similarity(
            *[float(np.mean([getattr(one.similarity, field.name) for one in folds])) for field in fields(Similarity)]
        ),
        searches=None,
        rank1={form: float(np.mean([one.rank1[form] for one in folds])) for form in FORMS},
        protocols={
            name: _protocol([one.protocols[name] for one in folds])
            for name in first.protocols
            if all(name in one.protocols for one in folds)
        },
        by_pose=_by_pose([one.by_pose for one in folds]),
        yaw_sign={
            sign: _yaw_sign([one.yaw_sign[sign] for one in folds])
            for sign in first.yaw_sign
            if all(sign in one.yaw_sign for one in folds)
        },
        metrics={metric.name: figures[metric.name] for metric in METRICS if not metric.key},
        verdict=verdict,
        reason=reason,
        resamples=first.resamples,
        seed=first.seed,
        null_reasons={path: f"of one fold: {why}" for one in reversed(folds) for path, why in one.null_reasons.items()},
        genuine=_genuine(folds),
        yaw=np.concatenate([one.yaw for one in folds]),
        headline_scores=None,
        frames=_templates([one.frames for one in folds]),
    )


def judge_folds(folds: Sequence[Evaluation]) -> tuple[str, str]:
    """The verdict on rates that are averaged over folds, and its reason."""
    if not folds[0].resamples:
        return NOT_JUDGED, "No confidence intervals were asked for."
    headline = common_headline(folds)
    missing = next((why for one in folds if (why := one.null_reasons.get(f"sets.{headline}"))), "")
    # where they are too few, the smallest fold is the one that has too few
    found = [one.sets[headline] for one in folds]
    frontal = average([one.improvement.frontal for one in folds])
    return judge(headline, _both(found), frontal, min(one.comparisons[headline][1] for one in folds), missing)


def _set(folds: Sequence[SetResult | None]) -> SetResult | None:
    known, rates = [one for one in folds if one is not None], _both(folds)
    if rates is None:
        return None
    # the curves end at the same FMR; those of few comparisons begin later
    points = min(len(one.det["fmr"]) for one in known)
    shares = {
        form: {kind: np.mean([one.histogram[form][kind] for one in known], axis=0) for kind in known[0].histogram[form]}
        for form in FORMS
    }
    return SetResult(
        genuine=sum(one.genuine for one in known),
        impostor=sum(one.impostor for one in known),
        raw=rates[0],
        enhanced=rates[1],
        det={
            name: np.mean([one.det[name][len(one.det[name]) - points :] for one in known], axis=0)
            for name in ("fmr", *FORMS)
        },
        histogram={"edges": known[0].histogram["edges"], **shares},
    )


def _both(folds: Sequence[SetResult | None]) -> tuple[Rates, Rates] | None:
    """The rates of both forms; None where one fold has none."""
    known = [one for one in folds if one is not None]
    if len(known) < len(folds):
        return None
    return _rates([one.raw for one in known]), _rates([one.enhanced for one in known])


def _rates(folds: Sequence[Rates]) -> Rates:
    return Rates(
        eer=average([one.eer for one in folds]),
        d_prime=float(np.mean([one.d_prime for one in folds])),
        thresholds=np.mean([one.thresholds for one in folds], axis=0),
        fnmr_at_fmr=average([one.fnmr_at_fmr for one in folds]),
        fmr_at_raw_threshold=average([one.fmr_at_raw_threshold for one in folds]),
        fnmr_at_raw_threshold=average([one.fnmr_at_raw_threshold for one in folds]),
    )


def _improvement(folds: Sequence[Improvement]) -> Improvement:
    return Improvement(
        n=sum(one.n for one in folds),
        mean=average([one.mean for one in folds]),
        share_improved=float(np.mean([one.share_improved for one in folds])),
        frontal=average([one.frontal for one in folds]),
        by_yaw=tuple(_weighted(bins) for bins in zip(*(one.by_yaw for one in folds), strict=True)),
    )


def _weighted(folds: Sequence[tuple[int, Estimate]]) -> tuple[int, Estimate]:
    """Number of comparisons and their mean, of the folds that have any."""
    known = [one for one in folds if one[0]]
    total = sum(n for n, _ in known)
    if not known:
        return folds[0]
    value = np.sum([n * mean.value for n, mean in known], axis=0) / total
    return total, Estimate(value, np.sum([n * mean.resampled for n, mean in known], axis=0) / total)


def _protocol(folds: Sequence[ProtocolResult]) -> ProtocolResult:
    rates = [
        ProtocolRates(
            *(float(np.mean([getattr(getattr(one, form), name) for one in folds])) for name in ("eer", "accuracy"))
        )
        for form in FORMS
    ]
    return ProtocolResult(sum(one.genuine for one in folds), sum(one.impostor for one in folds), *rates)


def _by_pose(folds: Sequence[ByPose]) -> ByPose:
    n = np.sum([one.n for one in folds], axis=0)
    known = all(one.threshold is not None and one.fmr == folds[0].fmr for one in folds)

    def cells(form: str) -> NDArray[np.float64] | None:
        if not known:
            return None
        missed = np.sum([np.nan_to_num(getattr(one, form)) * one.n for one in folds], axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray(missed / n)

    return ByPose(
        fmr=folds[0].fmr,
        threshold=float(np.mean([one.threshold for one in folds if one.threshold is not None])) if known else None,
        bins=folds[0].bins,
        n=n,
        outside=sum(one.outside for one in folds),
        raw=cells("raw"),
        enhanced=cells("enhanced"),
    )


def _yaw_sign(folds: Sequence[YawSignSet | None]) -> YawSignSet | None:
    known = [one for one in folds if one is not None]
    rates = _set([one.rates for one in known]) if len(known) == len(folds) else None
    if rates is None:
        return None
    common: dict[str, Any] = {}
    for label in known[0].at_common_threshold or {}:
        points: list[Any] = [(one.at_common_threshold or {}).get(label) for one in known]
        common[label] = None
        if all(points):
            common[label] = {"threshold": float(np.mean([one["threshold"] for one in points]))} | {
                form: {name: float(np.mean([one[form][name] for one in points])) for name in ("fmr", "fnmr")}
                for form in FORMS
            }
    return YawSignSet(rates, common or None)


def _templates(folds: Sequence[Sequence[TemplateResult]]) -> tuple[TemplateResult, ...]:
    """Pooled probes of each number of frames and view that all folds have; searches are of each fold's own gallery."""
    return tuple(_template(results) for results in over_splits(folds).values())


def _template(folds: Sequence[TemplateResult]) -> TemplateResult:
    judged = _set([one.judged for one in folds])
    rates = {name: _rates([one.rates[name] for one in folds]) for name in POOLINGS if all(one.rates for one in folds)}
    verdict, reason = NOT_JUDGED, "A fold has too few templates, or no confidence intervals were asked for."
    if judged is not None and judged.raw.eer.resampled.size:
        name = "frontal_profile" if folds[0].view == "profile" else "all"
        fewest = min(one.judged.impostor for one in folds if one.judged is not None)
        verdict, reason = judge(name, (judged.raw, judged.enhanced), Estimate(np.nan), fewest)
    templates = sum(one.templates for one in folds)
    return replace(
        folds[0],
        templates=templates,
        people=sum(one.people for one in folds),
        mean_frames=sum(one.mean_frames * one.templates for one in folds) / templates,
        judged=judged,
        rates=rates,
        verdict=verdict,
        reason=reason,
        one_length=all(one.one_length for one in folds),
        searches={},
        null_reasons={path: why for one in reversed(folds) for path, why in one.null_reasons.items()},
    )


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
