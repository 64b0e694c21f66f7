"""The evaluation block: raw against enhanced on people under evaluation, with a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import FRONTAL
from poseid.verification.bootstrap import interval, mean_resamples, resample_people
from poseid.verification.identification import rank1, ranks
from poseid.verification.protocols import PairList, folded_accuracy
from poseid.verification.rates import FMRS, eer, why_null
from poseid.verification.scores import HELD, Compared, Genuine, compare
from poseid.verification.set_block import LABELS, set_block
from poseid.verification.sets import SETS, Group, Part, set_parts, turned_parts
from poseid.verification.sides import Side, UnitSide, unit_rows, unit_side
from poseid.verification.verdict import NOT_JUDGED, judge

YAW_BINS: tuple[tuple[int, int], ...] = ((-90, -45), (-45, -15), (-15, 15), (15, 45), (45, 90))
"""[−90, −45) [−45, −15) [−15, 15] (15, 45] (45, 90] in degrees."""
BEYOND, UNKNOWN = len(YAW_BINS), len(YAW_BINS) + 1

IMPROVED = 1e-6
"""A similarity that rose by less has only been rounded."""

_DOUBLE = 1 << 21
"""Up to so many comparisons of front and video rows, cosines are taken in float64, beyond in float32."""

Block = dict[str, Any]


def yaw_bin(yaw: NDArray[np.floating]) -> NDArray[np.intp]:
    """The index in `YAW_BINS` of each yaw in degrees; BEYOND 90 and UNKNOWN (NaN) have their own.

    >>> yaw_bin(np.array([-90.0, -45.0, -15.0, 15.0, 45.0, 45.1, 91.0, np.nan])).tolist()
    [0, 1, 2, 2, 3, 4, 5, 6]
    """
    # bins are closed towards the frontal head: the absolute yaw decides, then the sign
    size = np.searchsorted(np.array([15.0, 45.0, 90.0]), np.abs(yaw), side="left")
    bins = np.where(yaw < 0, 2 - size, 2 + size)
    bins = np.where(size == 3, BEYOND, bins)
    return np.where(np.isnan(yaw), UNKNOWN, bins).astype(np.intp)


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
    sets          which of `SETS` to score; `all` always is
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
    for name in SETS:
        path = f"sets.{name}"
        if name not in sets and name != "all":
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
    assert everything is not None
    headline_name = "all" if scored["frontal_profile"] is None else "frontal_profile"
    headline = scored[headline_name]
    improvement = _improvement(everything, v, weights, reasons)
    if weights is None:
        verdict, reason = NOT_JUDGED, "No confidence intervals were asked for."
    else:
        why = reasons.get(f"sets.{headline_name}", "")
        verdict, reason = judge(headline_name, headline, improvement["frontal_ci95"], why)
    return {
        "people": count,
        "references": len(front.person),
        "probes": len(video.person),
        "headline": headline_name,
        "sets": scored,
        "improvement": improvement,
        "similarity": _similarity(everything, front, video, f, v, reasons),
        "rank1": _rank1(f, v, reasons),
        "protocols": {} if pairs is None else _protocols(pairs, f, v, reasons),
        "by_pose": _by_pose(everything, f, v, headline, reasons),
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


def _improvement(
    genuine: Genuine, video: UnitSide, weights: NDArray[np.integer] | None, reasons: dict[str, str]
) -> Block:
    """Improvement of the genuine comparisons of `all`: cosine after less cosine raw; higher is better."""
    gain = genuine.enhanced.astype(np.float64) - genuine.raw
    bins = yaw_bin(video.yaw[genuine.right])
    frontal = video.kind[genuine.right] == FRONTAL

    def mean(chosen: NDArray[np.bool_]) -> tuple[int, float | None, list[float] | None]:
        if not chosen.any():
            return 0, None, None
        values = gain[chosen]
        ci = None if weights is None else interval(mean_resamples(values, genuine.person[chosen], weights))
        return int(values.size), float(values.mean()), ci

    if not gain.size:
        reasons["improvement"] = "there are no genuine comparisons"
    elif not frontal.any():
        reasons["improvement.frontal"] = "no video row of these people is frontal"
    _, overall, overall_ci = mean(np.ones(gain.size, dtype=bool))
    _, straight, straight_ci = mean(frontal)
    by_yaw = []
    for n, (low, high) in enumerate(YAW_BINS):
        size, value, ci = mean(bins == n)
        by_yaw.append({"from": low, "to": high, "n": size, "mean": value, "ci95": ci})
    apart = {}
    for name, n in (("beyond_90", BEYOND), ("yaw_unknown", UNKNOWN)):
        size, value, ci = mean(bins == n)
        apart[name] = {"n": size, "mean": value, "ci95": ci}
    return {
        "n": int(gain.size),
        "mean": overall,
        "ci95": overall_ci,
        "share_improved": float(np.mean(gain > IMPROVED)) if gain.size else None,
        "frontal": straight,
        "frontal_ci95": straight_ci,
        "by_yaw": by_yaw,
        "beyond_90": apart["beyond_90"],
        "yaw_unknown": apart["yaw_unknown"],
    }


def _similarity(
    genuine: Genuine, front: Side, video: Side, f: UnitSide, v: UnitSide, reasons: dict[str, str]
) -> Block:
    """Mean similarities of the genuine comparisons of `all`; `similarity_protection` is what was lost on average."""
    names = ("raw", "enhanced", "id_similarity", "similarity_protection", "share_below_raw")
    if not genuine.raw.size:
        reasons["similarity"] = "there are no genuine comparisons"
        return dict.fromkeys(names)
    raw, enhanced = genuine.raw.astype(np.float64), genuine.enhanced.astype(np.float64)
    identity = None
    if front.identity is None or video.identity is None:
        reasons["similarity.id_similarity"] = "the model has no identity space"
    else:
        identity = _mean_genuine(front.identity, f.person, video.identity, v.person) / raw.size
    lost = float(np.maximum(raw - enhanced, 0.0).mean())
    below = float((raw - enhanced > IMPROVED).mean())
    return dict(zip(names, (float(raw.mean()), float(enhanced.mean()), identity, lost, below), strict=True))


def _mean_genuine(
    left: NDArray[np.floating], left_person: NDArray[np.int64], right: NDArray[np.floating], right_person: NDArray[np.int64]
) -> float:
    """Sum of the cosines of all genuine comparisons: Σ over people of (Σ left rows) · (Σ right rows)."""
    people = max(left_person.max(), right_person.max()) + 1
    sums = []
    for rows, person, name in ((left, left_person, "front identity"), (right, right_person, "video identity")):
        unit = unit_rows(rows, np.float64, name)
        total = np.zeros((people, unit.shape[1]))
        np.add.at(total, person, unit)
        sums.append(total)
    return float(np.einsum("ij,ij->", *sums))


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


def _protocols(pairs: PairList, front: UnitSide, video: UnitSide, reasons: dict[str, str]) -> dict[str, Block]:
    """The listed comparisons; EER over all folds together, accuracy at the threshold of the other folds.

    Where one row is frontal and the other is not, a frontal video row is the reference; else video rows are probes.
    """
    protocol, same, fold = (np.asarray(column) for column in (pairs.protocol, pairs.same, pairs.fold))
    ends = []
    for is_front, row in ((pairs.a_front, pairs.a_row), (pairs.b_front, pairs.b_row)):
        rows, stands = np.asarray(row, dtype=np.int64), np.asarray(is_front, dtype=bool)
        limit = np.where(stands, len(front.person), len(video.person))
        if np.any((rows < 0) | (rows >= limit)):
            bad = int(((rows < 0) | (rows >= limit)).argmax())
            raise InputError(f"pair {bad} names row {int(rows[bad])} of {int(limit[bad])}: check pairs.csv")
        ends.append((stands, rows))
    kinds = [_picked(stands, rows, front.kind, video.kind) for stands, rows in ends]
    mixed = (kinds[0] == FRONTAL) != (kinds[1] == FRONTAL)
    out: dict[str, Block] = {}
    for name in np.unique(protocol):
        here = protocol == name
        scores = {}
        for form in ("raw", "enhanced"):
            vectors = []
            for (stands, rows), kind in zip(ends, kinds, strict=True):
                s, r, reference = stands[here], rows[here], (mixed & (kind == FRONTAL))[here]
                if form == "raw":
                    vectors.append(_picked(s, r, front.raw, video.raw))
                else:
                    probe = _picked(s, r, front.reference, video.probe)
                    vectors.append(np.where(reference[:, None], _picked(s, r, front.reference, video.reference), probe))
            scores[form] = np.einsum("ij,ij->i", *vectors)
        truth = same[here].astype(bool)
        missing = why_null(int(truth.sum()), int((~truth).sum()))
        folds = len(np.unique(fold[here]))
        block: Block = {"genuine": int(truth.sum()), "impostor": int((~truth).sum())}
        for form, values in scores.items():
            block[form] = {
                "eer": None if missing else eer(values[truth], values[~truth]),
                "accuracy": None if missing or folds < 2 else folded_accuracy(values, truth, fold[here]),
            }
        if missing:
            reasons[f"protocols.{name}"] = missing
        elif folds < 2:
            reasons[f"protocols.{name}.accuracy"] = f"accuracy needs at least 2 folds and there are {folds}"
        out[str(name)] = block
    return out


def _picked(
    is_front: NDArray[np.bool_], row: NDArray[np.int64], front: NDArray[Any], video: NDArray[Any]
) -> NDArray[Any]:
    """Entry `row` of the front or of the video array."""
    out = np.empty((len(row), *front.shape[1:]), dtype=front.dtype)
    out[is_front] = front[row[is_front]]
    out[~is_front] = video[row[~is_front]]
    return out


def _by_pose(
    genuine: Genuine, front: UnitSide, video: UnitSide, headline: Block | None, reasons: dict[str, str]
) -> Block:
    """FNMR of the genuine comparisons of `all` by the yaw of probe (rows) and reference (columns).

    At the raw threshold of the headline set at FMR 1e-3, else 1e-2; rows beyond 90 degrees or of unknown yaw are
    in no bin and counted as `outside`.
    """
    size = len(YAW_BINS)
    label, threshold = "1e-3", None
    if headline is not None:
        for label in ("1e-3", "1e-2"):
            threshold = headline["fixed_threshold"][label]["threshold"]
            if threshold is not None:
                break
    probe, reference = yaw_bin(video.yaw[genuine.right]), yaw_bin(front.yaw[genuine.left])
    inside = (probe < size) & (reference < size)
    cell = probe[inside] * size + reference[inside]
    counts = np.bincount(cell, minlength=size * size)
    block: Block = {
        "fmr": label,
        "threshold": threshold,
        "bins": [{"from": low, "to": high} for low, high in YAW_BINS],
        "n": counts.reshape(size, size).tolist(),
        "outside": int((~inside).sum()),
    }
    if threshold is None:
        reasons["by_pose"] = "the headline set has no raw threshold"
    for form, scores in (("raw", genuine.raw), ("enhanced", genuine.enhanced)):
        if threshold is None:
            block[form] = None
            continue
        refused = np.bincount(cell, weights=scores[inside] < threshold, minlength=size * size)
        share = [None if n == 0 else float(r / n) for r, n in zip(refused, counts, strict=True)]
        block[form] = [share[start : start + size] for start in range(0, size * size, size)]
    return block
