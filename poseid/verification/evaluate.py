"""The evaluation: raw against enhanced on people under evaluation, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.pairs import Pairs
from poseid.verification.embeddings import EmbeddingSet
from poseid.verification.estimates import resample_people
from poseid.verification.genuine import by_pose, improvement, similarity
from poseid.verification.identification import Searches, one_reference, rank1, search
from poseid.verification.metrics import METRICS, figures_of
from poseid.verification.protocols import protocol_results
from poseid.verification.rates import FMRS, LABELS
from poseid.verification.result import FORMS, Evaluation, YawSignSet
from poseid.verification.scores import EXACT, Compared, Genuine, compare, genuine_alone
from poseid.verification.set_result import SetResult, set_result
from poseid.verification.sets import SETS, ComparisonBlock, set_blocks, yaw_sign_blocks
from poseid.verification.verdict import NOT_JUDGED, judge

MAX_IN_FLOAT64 = 1 << 21
"""Up to so many comparisons of front and video rows, cosines are taken in float64, beyond in float32."""
MAX_FOR_BANDS = 1 << 21
"""The scores of a headline set of more comparisons are not stored: a band of its DET curve would take minutes."""


def evaluate(
    front: EmbeddingSet,
    video: EmbeddingSet,
    pairs: Pairs | None = None,
    *,
    sets: Sequence[str] = SETS,
    resamples: int = 1000,
    seed: int = 0,
    exact: int = EXACT,
    details: bool = True,
) -> Evaluation:
    """Everything that is reported about an enhancer on the people of `front` and `video`.

    front, video  rows of the people under evaluation, raw and enhanced
    pairs         listed comparisons whose rows are those of `front` and `video`, or None
    sets          which of `SETS` to score; `all` also where `frontal_profile` has no rates and so is not the headline
    resamples     bootstrap resamples of people; 0 leaves all intervals null and nothing judged
    seed          of the resamples; models that are compared must be given the same
    exact         up to so many impostor comparisons a set all scores are stored; more are streamed
    details       also what only a report shows: profiles by the sign of their yaws, scores for the DET bands

    Raises `InputError` for vectors that have no direction (zero, NaN), and unknown set names.
    """
    for name in sets:
        if name not in SETS:
            raise InputError(f"no set {name!r}: the sets are {', '.join(SETS)}")
    if resamples < 0:
        raise InputError(f"resamples is {resamples}: give 0 or more")
    people, code = np.unique(np.concatenate([front.person, video.person]), return_inverse=True)
    count, code = len(people), code.astype(np.int64)
    dtype: type[np.floating] = np.float64 if len(front.person) * len(video.person) <= MAX_IN_FLOAT64 else np.float32
    f = front.normalized(code[: len(front.person)], dtype, "front")
    v = video.normalized(code[len(front.person) :], dtype, "video")
    weights = resample_people(count, resamples, seed) if resamples and count else None

    def scored(blocks: tuple[ComparisonBlock, ...]) -> Compared:
        return compare(blocks, count, deepest_fmr=max(FMRS), with_people=weights is not None, exact=exact)

    reasons: dict[str, str] = {}
    results: dict[str, SetResult | None] = {}
    comparisons: dict[str, tuple[int, int]] = {}
    yaw_sign: dict[str, YawSignSet | None] = {}
    genuine: Genuine | None = None
    headline, headline_scores = "frontal_profile", None
    # `all` last: whether it is needed shows only then
    for name in (*(name for name in SETS if name != "all"), "all"):
        path = f"sets.{name}"
        if name == "all" and results["frontal_profile"] is None:
            headline = "all"
        elif name not in sets:
            results[name], reasons[path] = None, "not asked for"
            continue
        blocks = set_blocks(name, f, v)
        compared = scored(blocks)
        size = compared.genuine.raw.size + compared.raw.total
        comparisons[name] = int(compared.genuine.raw.size), int(compared.raw.total)
        results[name] = set_result(compared, weights, path, reasons)
        if name == "all":
            genuine = compared.genuine
        if name == headline and details and weights is not None and size <= MAX_FOR_BANDS:
            headline_scores = compared
        del compared
        if name == "profile_profile" and details:
            for sign, profiles in yaw_sign_blocks(blocks[0].left).items():
                yaw_sign[sign] = _yaw_sign(sign, scored(profiles), weights, results[name], reasons)
    if genuine is None:
        genuine = genuine_alone(set_blocks("all", f, v)[0])
    searches = _searches(f, v, reasons)
    found = Evaluation(
        people=count,
        references=len(front.person),
        probes=len(video.person),
        headline=headline,
        comparisons=comparisons,
        sets={name: results[name] for name in SETS},
        improvement=improvement(genuine, v, weights, reasons),
        similarity=similarity(genuine, f, v, reasons),
        searches=searches,
        rank1={form: np.nan if searches is None else rank1(searches[form]) for form in FORMS},
        protocols={} if pairs is None else protocol_results(pairs, f, v, reasons),
        by_pose=by_pose(genuine, f, v, results[headline], reasons),
        yaw_sign=yaw_sign,
        metrics={},
        verdict=NOT_JUDGED,
        reason="No confidence intervals were asked for.",
        resamples=resamples,
        seed=seed,
        null_reasons=reasons,
        genuine=genuine,
        yaw=v.yaw[genuine.right],
        headline_scores=headline_scores,
    )
    figures = figures_of([found])
    metrics = {metric.name: figures[metric.name] for metric in METRICS if not metric.key}
    reasons |= {
        f"metrics.{name}": forms["enhanced"].reason for name, forms in metrics.items() if forms["enhanced"].reason
    }
    if weights is None:
        return replace(found, metrics=metrics)
    result = found.headline_set
    verdict, reason = judge(
        headline,
        None if result is None else (result.raw, result.enhanced),
        found.improvement.frontal,
        comparisons[headline][1],
        reasons.get(f"sets.{headline}", ""),
    )
    return replace(found, metrics=metrics, verdict=verdict, reason=reason)


def _yaw_sign(
    sign: str,
    compared: Compared,
    weights: NDArray[np.integer] | None,
    together: SetResult | None,
    reasons: dict[str, str],
) -> YawSignSet | None:
    """Profiles by the sign of their yaws: is a shared pose taken for a shared identity?

    Both are also rated at one threshold, the raw one of `profile_profile`, where that set has rates.
    """
    result = set_result(compared, weights, f"yaw_sign.{sign}", reasons)
    if result is None or together is None:
        return None if result is None else YawSignSet(result, None)
    common: dict[str, Any] = {}
    for label, threshold in zip(LABELS, together.raw.thresholds.tolist(), strict=True):
        common[label] = None if np.isnan(threshold) else {"threshold": threshold}
        for form in FORMS if common[label] else ():
            scores, impostors = getattr(compared.genuine, form), getattr(compared, form)
            fmr = impostors.at_or_above(threshold) / impostors.total
            common[label][form] = {"fmr": fmr, "fnmr": float(np.mean(scores < threshold))}
    return YawSignSet(result, common)


def _searches(front: EmbeddingSet, video: EmbeddingSet, reasons: dict[str, str]) -> dict[str, Searches] | None:
    """Every video row searched in a gallery of one front row a person."""
    gallery = one_reference(front.person, front.kind)
    people = front.person[gallery]
    known = int(np.isin(video.person, people).sum())
    if len(people) < 2 or not known:
        reasons["rank1"] = f"the gallery holds {len(people)} people and {known} probes belong to them"
        return None
    raw = search(front.raw[gallery], people, video.raw, video.person)
    if front.reference is front.raw and video.probe is video.raw:
        return {"raw": raw, "enhanced": raw}
    return {"raw": raw, "enhanced": search(front.reference[gallery], people, video.probe, video.person)}
