"""What is verified: the front rows and the video rows of some people, each as it came and as it was enhanced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Side:
    """The front rows or the video rows of the people under evaluation.

    With ``sides=probe`` the reference form of a row is its raw vector; with ``sides=both`` it is the enhanced one.
    """

    raw: NDArray[np.floating]
    """(n, D) as they came, any length, float16, 32 or 64."""
    reference: NDArray[np.floating]
    """(n, D') the row when it stands on the reference side."""
    probe: NDArray[np.floating]
    """(n, D') the row when it stands on the probe side."""
    person: NDArray[np.integer]
    """(n,) the number of the person; the same number is the same person on both sides."""
    yaw: NDArray[np.floating]
    """(n,) degrees, NaN where unknown."""
    kind: NDArray[np.integer]
    """(n,) FRONTAL, PROFILE or OTHER."""
    identity: NDArray[np.floating] | None = None
    """(n, K) identity embedding, where there is one."""

    def __post_init__(self) -> None:
        n = len(self.person)
        for name in ("raw", "reference", "probe", "yaw", "kind", "identity"):
            array = getattr(self, name)
            if array is not None and len(array) != n:
                raise InputError(f"{name} has {len(array)} rows and person has {n}: give one of each a row")


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


@dataclass(frozen=True)
class UnitSide:
    """A `Side` with unit rows: a cosine is then a product, and lengths play no part."""

    raw: NDArray[np.floating]
    reference: NDArray[np.floating]
    probe: NDArray[np.floating]
    person: NDArray[np.int64]
    yaw: NDArray[np.float64]
    kind: NDArray[np.int8]


def unit_side(side: Side, person: NDArray[np.int64], dtype: type[np.floating], name: str) -> UnitSide:
    """The side with unit rows; forms that are one array stay one array."""
    raw = unit_rows(side.raw, dtype, f"{name} raw")
    reference = raw if side.reference is side.raw else unit_rows(side.reference, dtype, f"{name} reference")
    if side.probe is side.raw:
        probe = raw
    elif side.probe is side.reference:
        probe = reference
    else:
        probe = unit_rows(side.probe, dtype, f"{name} probe")
    yaw = np.asarray(side.yaw, dtype=np.float64)
    return UnitSide(raw, reference, probe, person, yaw, np.asarray(side.kind, dtype=np.int8))
