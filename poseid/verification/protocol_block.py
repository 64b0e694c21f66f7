"""What a report says about listed comparisons, protocol by protocol."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import FRONTAL
from poseid.verification.protocols import PairList, folded_accuracy
from poseid.verification.rates import eer, why_null
from poseid.verification.sides import UnitSide

Block = dict[str, Any]


def protocol_blocks(
    pairs: PairList, front: UnitSide, video: UnitSide, reasons: MutableMapping[str, str]
) -> dict[str, Block]:
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
