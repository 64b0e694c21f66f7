"""The evaluation of templates: several rows of a person, pooled, are one probe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.enhancers.pooling import ONE_LENGTH, pool
from poseid.errors import InputError
from poseid.features.rows import FRONTAL, OTHER, PROFILE
from poseid.features.templates import Templates
from poseid.verification.embeddings import EmbeddingSet, unit_rows
from poseid.verification.evaluate import evaluate
from poseid.verification.identification import fnir_at_fpir, one_reference, rank1, search, why_no_fnir
from poseid.verification.operating_points import Rates
from poseid.verification.result import Evaluation
from poseid.verification.template_result import FPIRS, POOLINGS, SEARCHED, VIEWS, TemplateResult, View

SETS_A_PERSON = 6
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class TemplateSets:
    """Sets of video rows, each of one person, that are pooled."""

    rows: NDArray[np.int64]
    """(n,) video rows, set after set."""
    number: NDArray[np.int64]
    """(n,) the set of each, 0 … S − 1."""


def random_sets(
    person: NDArray[np.integer], frames: int, seed: int, within: NDArray[np.integer] | None = None
) -> TemplateSets:
    """`SETS_A_PERSON` random sets of so many different rows of each person who has as many, or of one template of them.

    person  (n,) of the rows to draw from
    within  (n,) the template of each row, from one of which a set is drawn; None: from all rows of the person
    """
    rng = np.random.default_rng([seed, frames])
    group = person if within is None else within
    count = np.bincount(group)
    chosen: list[NDArray[np.int64]] = []
    for _ in range(SETS_A_PERSON):
        key = rng.random(len(group))
        order = np.lexsort((key, group))
        if within is not None:
            # One template of a person: that with the smallest key among those with enough rows.
            enough = count[group[order]] >= frames
            order = order[enough]
            by_group = np.unique(group[order], return_index=True)[1]
            first = order[by_group]
            best = np.lexsort((rng.random(len(first)), person[first]))
            kept = group[first[best[np.unique(person[first[best]], return_index=True)[1]]]]
            order = order[np.isin(group[order], kept)]
        sorted_group = group[order]
        start = np.flatnonzero(np.diff(sorted_group, prepend=-1))
        rank = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
        chosen.append(order[(rank < frames) & (count[sorted_group] >= frames)])
    # Few rows give the same set again and again: it counts once.
    sets = np.concatenate(chosen).reshape(-1, frames)
    distinct = np.sort(np.unique(np.sort(sets, axis=1), axis=0, return_index=True)[1])
    rows = sets[distinct].reshape(-1)
    return TemplateSets(rows, np.arange(len(rows)) // frames)


def evaluate_templates(
    front: EmbeddingSet,
    video: EmbeddingSet,
    templates: Templates | None,
    frames: Sequence[int],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[TemplateResult, ...]:
    """Pooled probes of each view: by template where there are templates, and random sets of each number of frames.

    front, video  rows of the people under evaluation, raw and enhanced
    templates     of the video rows, or None; random sets are then drawn from all rows of a person
    frames        numbers of rows of the random sets
    resamples, seed  of the bootstrap; the seed also draws the sets

    A view, or a number of frames, that fewer than two people have is left out.

    Raises `InputError` for a number of frames below 1.
    """
    for number in frames:
        if number < 1:
            raise InputError(f"frames: {number} is not a number of frames: give 1 or more")
    results = []
    for k in ([None] if templates is not None else []) + list(dict.fromkeys(frames)):
        for view in VIEWS:
            of_view = np.flatnonzero(video.kind == PROFILE) if view == "profile" else np.arange(len(video.person))
            person = video.person[of_view]
            template = None if templates is None else np.unique(templates.template[of_view], return_inverse=True)[1]
            if k is None:
                assert template is not None
                order = np.argsort(template, kind="stable")
                sets = TemplateSets(of_view[order], template[order])
            else:
                drawn = random_sets(person, k, seed, template)
                sets = TemplateSets(of_view[drawn.rows], drawn.number)
            if len(np.unique(video.person[sets.rows])) >= 2:
                results.append(_evaluated(front, video, templates, sets, k, view, resamples, seed))
    return tuple(results)


def _evaluated(
    front: EmbeddingSet,
    video: EmbeddingSet,
    templates: Templates | None,
    sets: TemplateSets,
    frames: int | None,
    view: View,
    resamples: int,
    seed: int,
) -> TemplateResult:
    first = np.unique(sets.number, return_index=True)[1]
    person = video.person[sets.rows[first]]
    raw_length = np.linalg.norm(video.raw.astype(np.float32), axis=1)
    weights = {
        "raw_mean": np.ones_like(raw_length),
        "raw_length": raw_length,
        "raw_length_squared": raw_length**2,
        "enhanced_mean": np.ones_like(raw_length),
        "enhanced_weighted": np.ones_like(raw_length) if video.weight is None else video.weight,
    }
    # With the frontal video rows, which are references of the frontal_profile set.
    frontal_video = np.flatnonzero(video.kind == FRONTAL) if view == "profile" else np.empty(0, np.int64)
    kind = np.concatenate([np.full(len(person), PROFILE if view == "profile" else OTHER), video.kind[frontal_video]])

    def pooled(pooling: str) -> NDArray[np.float32]:
        rows = video.raw if pooling.startswith("raw") else video.probe
        return _pooled(rows, weights[pooling], templates, sets)

    def evaluated(raw: NDArray[np.float32], enhanced: NDArray[np.float32] | None = None) -> Evaluation:
        rows = reference = probe = np.concatenate([raw, video.raw[frontal_video]])
        if enhanced is not None:
            reference = np.concatenate([enhanced, video.reference[frontal_video]])
            probe = np.concatenate([enhanced, video.probe[frontal_video]])
        side = EmbeddingSet(
            raw=rows,
            reference=reference,
            probe=probe,
            person=np.concatenate([person, video.person[frontal_video]]),
            yaw=np.full(len(kind), np.nan),
            kind=kind,
        )
        name = "frontal_profile" if view == "profile" else "all"
        # Without an enhanced form, raw rows alone are scored, and once.
        references = front if enhanced is not None else replace(front, reference=front.raw, probe=front.raw)
        return evaluate(references, side, sets=(name,), resamples=resamples, seed=seed, details=False)

    # A raw and an enhanced form are scored together. Two poolings are in memory at once, and the last two are searched.
    rates: dict[str, Rates] = {}
    for names in (("raw_length", "enhanced_mean"), ("raw_length_squared",), SEARCHED):
        vectors = {name: pooled(name) for name in names}
        found = evaluated(*vectors.values())
        if found.headline_set is not None:
            rates |= dict(zip(names, (found.headline_set.raw, found.headline_set.enhanced), strict=False))
    path = f"sets.{found.headline}"
    identification, reasons = _identification(front, person, vectors)
    return TemplateResult(
        frames=frames,
        view=view,
        templates=len(person),
        people=len(np.unique(person)),
        mean_frames=len(sets.rows) / len(person),
        genuine=None if found.headline_set is None else found.headline_set.genuine,
        impostor=None if found.headline_set is None else found.headline_set.impostor,
        rates={name: rates[name] for name in POOLINGS if rates},
        verdict=found.verdict,
        reason=found.reason,
        one_length=bool(np.std(np.log(raw_length)) < ONE_LENGTH),
        identification=identification,
        null_reasons=reasons
        | {
            at.removeprefix(path).removeprefix("."): reason
            for at, reason in found.null_reasons.items()
            if at.startswith(path)
        },
    )


def _pooled(
    features: NDArray[np.floating], weights: NDArray[np.floating], templates: Templates | None, sets: TemplateSets
) -> NDArray[np.float32]:
    """(S, D) pooled sets, some at a time: each holds its own rows, so that all of them may hold a row many times."""
    out = np.empty((int(sets.number[-1]) + 1, features.shape[1]), np.float32)
    for block in _blocks(sets.number):
        rows, number = sets.rows[block], sets.number[block]
        media = np.arange(len(rows))
        if templates is not None:
            pairs = np.stack([number, templates.media[rows]])
            media = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
        pooled = pool(features[rows], weights[rows], Templates(number - number[0], media))
        out[number[0] : number[-1] + 1] = pooled.features
    return out


def _blocks(number: NDArray[np.int64]) -> Iterator[slice]:
    """Slices of some rows each, cut between sets."""
    start = 0
    while start < len(number):
        end = len(number)
        if start + _ROWS_AT_ONCE < end:
            end = int(np.searchsorted(number, number[start + _ROWS_AT_ONCE]))
            if end <= start:  # one set of very many rows
                end = int(np.searchsorted(number, number[start], side="right"))
        yield slice(start, end)
        start = end


def _identification(
    front: EmbeddingSet, person: NDArray[np.integer], pooled: dict[str, NDArray[np.float32]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The templates searched in galleries of one frontal reference a person, and of all references of each, pooled.

    Returns the ``identification`` of a set in ``summary.json``, and by path why a FNIR is null.
    """
    people = np.unique(front.person)
    if len(people) < 2 or not np.isin(person, people).any():
        return {}, {"fnir_at_fpir": "the gallery holds fewer than two people, or nobody of the probes"}
    one = one_reference(front.person, front.kind)
    weight = np.ones(len(front.person)) if front.weight is None else front.weight
    whose = Templates(np.searchsorted(people, front.person), np.arange(len(front.person)))
    order = np.argsort(whose.template, kind="stable")
    everyone = TemplateSets(order, whose.template[order])
    galleries = {
        "one_reference": (front.raw[one], front.reference[one], front.person[one]),
        "all_references": (
            _pooled(front.raw, np.ones_like(weight), None, everyone),
            _pooled(front.reference, weight, None, everyone),
            people,
        ),
    }
    found, reasons = {}, {}
    for name, (raw, reference, whose_rows) in galleries.items():
        searches = {
            pooling: search(unit_rows(rows, np.float32, f"front {form}"), whose_rows, pooled[pooling], person)
            for pooling, form, rows in zip(SEARCHED, ("raw", "reference"), (raw, reference), strict=True)
        }
        # every gallery holds the same people, and every pooling makes the same searches
        null = {fpir: why for fpir, at in FPIRS.items() if (why := why_no_fnir(searches[SEARCHED[0]], at))}
        reasons = {f"fnir_at_fpir.{fpir}": why for fpir, why in null.items()}
        found[name] = {
            "rank1": {pooling: rank1(each) for pooling, each in searches.items()},
            "fnir_at_fpir": {
                fpir: {p: np.nan if fpir in null else fnir_at_fpir(each, at) for p, each in searches.items()}
                for fpir, at in FPIRS.items()
            },
        }
    return found, reasons
