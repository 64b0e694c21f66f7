"""The evaluation block: raw against enhanced on people under evaluation, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import FRONTAL
from poseid.verification.bootstrap import resample_people
from poseid.verification.genuine_block import by_pose, improvement, similarity
from poseid.verification.identification import rank1, ranks
from poseid.verification.protocol_block import protocol_blocks
from poseid.verification.protocols import PairList
from poseid.verification.rates import FMRS
from poseid.verification.scores import HELD, Compared, Genuine, compare, genuine_alone
from poseid.verification.set_block import LABELS, set_block
from poseid.verification.sets import SETS, Group, Part, set_parts, turned_parts
from poseid.verification.sides import Side, UnitSide, unit_side
from poseid.verification.verdict import NOT_JUDGED, judge

_DOUBLE = 1 << 21
"""Up to so many comparisons of front and video rows, cosines are taken in float64, beyond in float32."""

Block = dict[str, Any]


def evaluate(
    front: Side,
    video: Side,
    pairs: PairList | None = None,
    *,
    sets: Sequence[str] = SETS,
    resamples: int = 1000,
    seed: int = 0,
    held: int = HELD,
) -> Block:
    """Everything that is reported about an enhancer on the people of `front` and `video`.

    front, video  rows of the people under evaluation, raw and enhanced
    pairs         listed comparisons whose rows are those of `front` and `video`, or None
    sets          which of `SETS` to score; `all` also where `frontal_profile` has no rates and so is not the headline
    resamples     bootstrap resamples of people; 0 leaves all intervals null and nothing judged
    seed          of the resamples
    held          up to so many impostor comparisons a set all scores are held; more are streamed

    Returns a dict of plain numbers, strings, lists and None that `json.dumps` takes; `null_reasons` says for each
    null, by its path, why it is null. Rates are fractions.

    Raises `InputError` for vectors that have no direction (zero, NaN), and unknown set names.
    """
    for name in sets:
        if name not in SETS:
            raise InputError(f"no set {name!r}: the sets are {', '.join(SETS)}")
    if resamples < 0:
        raise InputError(f"resamples is {resamples}: give 0 or more")
    people, code = np.unique(np.concatenate([front.person, video.person]), return_inverse=True)
    count = len(people)
    small = len(front.person) * len(video.person) <= _DOUBLE
    dtype: type[np.floating] = np.float64 if small else np.float32
    f = unit_side(front, code[: len(front.person)].astype(np.int64), dtype, "front")
    v = unit_side(video, code[len(front.person) :].astype(np.int64), dtype, "video")
    weights = resample_people(count, resamples, seed) if resamples and count else None

    reasons: dict[str, str] = {}
    scored: dict[str, Block | None] = {}
    turned: dict[str, Block | None] = {}
    everything: Genuine | None = None
    # `all` last: whether it is needed shows only then
    for name in (*(name for name in SETS if name != "all"), "all"):
        path = f"sets.{name}"
        needed = name == "all" and scored["frontal_profile"] is None
        if name not in sets and not needed:
            scored[name], reasons[path] = None, "not asked for"
            continue
        parts = set_parts(name, f, v)
        compared = _compare(parts, count, weights is not None, held)
        scored[name] = set_block(compared, weights, path, reasons)
        if name == "all":
            everything = compared.genuine
        if name == "profile_profile":
            turned = _turned(parts[0].left, count, weights, held, scored[name], reasons)
        del compared
    scored = {name: scored[name] for name in SETS}
    if everything is None:
        everything = genuine_alone(set_parts("all", f, v)[0], count)
    headline_name = "all" if scored["frontal_profile"] is None else "frontal_profile"
    headline = scored[headline_name]
    gain = improvement(everything, v, weights, reasons)
    if weights is None:
        verdict, reason = NOT_JUDGED, "No confidence intervals were asked for."
    else:
        why = reasons.get(f"sets.{headline_name}", "")
        verdict, reason = judge(headline_name, headline, gain["frontal_ci95"], why)
    return {
        "people": count,
        "references": len(front.person),
        "probes": len(video.person),
        "headline": headline_name,
        "sets": scored,
        "improvement": gain,
        "similarity": similarity(everything, front, video, f, v, reasons),
        "rank1": _rank1(f, v, reasons),
        "protocols": {} if pairs is None else protocol_blocks(pairs, f, v, reasons),
        "by_pose": by_pose(everything, f, v, headline, reasons),
        "turned": turned,
        "verdict": verdict,
        "reason": reason,
        "bootstrap": {"resamples": resamples, "seed": seed, "level": 0.95},
        "null_reasons": reasons,
    }


def _compare(parts: tuple[Part, ...], people: int, with_people: bool, held: int) -> Compared:
    return compare(parts, people, deepest_fmr=max(FMRS), with_people=with_people, held=held)


def _turned(
    profile: Group,
    people: int,
    weights: NDArray[np.integer] | None,
    held: int,
    together: Block | None,
    reasons: dict[str, str],
) -> dict[str, Block | None]:
    """Profile against profile by the way they are turned: is a shared pose taken for a shared identity?

    Each is a SET of its own; `at_common_threshold` holds both to one threshold, the raw one of `profile_profile`.
    """
    out: dict[str, Block | None] = {}
    for name, parts in turned_parts(profile).items():
        compared = _compare(parts, people, weights is not None, held)
        block = set_block(compared, weights, f"turned.{name}", reasons)
        if block is not None and together is not None:
            block["at_common_threshold"] = {
                label: _at(compared, together["fixed_threshold"][label]["threshold"]) for label in LABELS
            }
        out[name] = block
    return out


def _at(compared: Compared, threshold: float | None) -> Block | None:
    if threshold is None:
        return None
    forms = (("raw", compared.genuine.raw, compared.raw), ("enhanced", compared.genuine.enhanced, compared.enhanced))
    block: Block = {"threshold": threshold}
    for name, genuine, impostors in forms:
        block[name] = {
            "fmr": impostors.at_or_above(threshold) / impostors.total,
            "fnmr": float(np.mean(genuine < threshold)),
        }
    return block


def _rank1(front: UnitSide, video: UnitSide, reasons: dict[str, str]) -> Block:
    """Rank-1 of the video rows in a gallery of one front row a person: the first frontal one, else the first."""
    order = np.lexsort((np.arange(len(front.person)), front.kind != FRONTAL, front.person))
    people, first = np.unique(front.person[order], return_index=True)
    gallery = order[first]
    known = np.isin(video.person, people)
    if len(people) < 2 or not known.any():
        reasons["rank1"] = f"the gallery holds {len(people)} people and {int(known.sum())} probes belong to them"
        return {"raw": None, "enhanced": None}
    probe_person = video.person[known]
    return {
        "raw": rank1(ranks(front.raw[gallery], people, video.raw[known], probe_person)),
        "enhanced": rank1(ranks(front.reference[gallery], people, video.probe[known], probe_person)),
    }
