"""What is verified: the front rows and the video rows of some people, each as it came and as it was enhanced."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class EmbeddingSet:
    """The front rows or the video rows of the people under evaluation.

    With ``sides=probe`` the reference form of a row is its raw vector; with ``sides=both`` it is the enhanced one.
    """

    raw: NDArray[np.floating]
    """(n, D) as they came, any length, float16, 32 or 64."""
    reference: NDArray[np.floating]
    """(n, D') the row as a reference."""
    probe: NDArray[np.floating]
    """(n, D') the row as a probe."""
    person: NDArray[np.integer]
    """(n,) the number of the person; the same number is the same person among front and video rows."""
    yaw: NDArray[np.floating]
    """(n,) degrees, NaN where unknown."""
    kind: NDArray[np.integer]
    """(n,) FRONTAL, PROFILE or OTHER."""
    identity: NDArray[np.floating] | None = None
    """(n, K) identity embedding, where there is one."""
    weight: NDArray[np.floating] | None = None
    """(n,) weights of the enhanced rows where frames are pooled; None: every row weighs 1."""

    def __post_init__(self) -> None:
        n = len(self.person)
        for name in ("raw", "reference", "probe", "yaw", "kind", "identity", "weight"):
            array = getattr(self, name)
            if array is not None and len(array) != n:
                raise InputError(f"{name} has {len(array)} rows and person has {n}: give one of each a row")

    def normalized(self, person: NDArray[np.int64], dtype: type[np.floating], name: str) -> EmbeddingSet:
        """The set with unit rows, so that a cosine is a product; forms that are one array stay one array.

        person  (n,) numbers of the people from 0 on
        """
        unit: dict[int, NDArray[np.floating]] = {}
        for form in ("raw", "reference", "probe"):
            rows = getattr(self, form)
            if id(rows) not in unit:
                unit[id(rows)] = unit_rows(rows, dtype, f"{name} {form}")
        raw, reference, probe = (unit[id(rows)] for rows in (self.raw, self.reference, self.probe))
        yaw = np.asarray(self.yaw, dtype=np.float64)
        return replace(self, raw=raw, reference=reference, probe=probe, person=person, yaw=yaw)


def unit_rows(rows: NDArray[np.floating], dtype: type[np.floating], name: str) -> NDArray[np.floating]:
    """Each row divided by its length, computed in float64 and returned as `dtype`.

    Raises `InputError` for a row that has no direction (zero, infinite or NaN).

    >>> unit_rows(np.array([[3.0, 4.0]]), np.float64, "front").tolist()
    [[0.6, 0.8]]
    """
    out = np.empty(rows.shape, dtype=dtype)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = np.asarray(rows[start : start + _ROWS_AT_ONCE]).astype(np.float64)
        length = np.sqrt(np.einsum("ij,ij->i", block, block))
        wrong = ~(np.isfinite(length) & (length > 0))
        if wrong.any():
            row = start + int(wrong.argmax())
            raise InputError(f"{name} row {row} is zero, infinite or NaN and has no direction: leave it out")
        np.divide(block, length[:, None], out=block)
        out[start : start + len(block)] = block
    return out
