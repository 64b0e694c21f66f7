"""What a set of features looks like as a whole: enough to know it again, not to know anybody in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from poseid.features.rows import FeatureSet

SAMPLE_ROWS = 4096


def digest(features: FeatureSet) -> str:
    """SHA-256 over shapes, dtypes and up to 4,096 evenly spaced rows of both files, and the names of all rows."""
    whole = hashlib.sha256()
    for rows in (features.front, features.video):
        array = rows.features
        whole.update(f"{array.shape} {array.dtype.str} ".encode())
        step = max(1, len(array) // SAMPLE_ROWS)
        whole.update(np.ascontiguousarray(array[::step]).tobytes())
        for number, name in enumerate(rows.names()):
            whole.update(f"\n{name}".encode() if number else name.encode())
    return whole.hexdigest()


def fingerprint(features: FeatureSet) -> dict[str, Any]:
    """The look of the probes: D, number of rows, mean direction, how far it stands out, and the lengths.

    Returns:
        ``dim``, ``rows``; ``mean_direction``: (D,) unit vector of the mean of the unit rows;
        ``mean_length``: length of that mean, in [0, 1] (0 for centred features); ``length_quantiles``: the 1, 5, 25,
        50, 75, 95 and 99 % quantiles of the rows' lengths.
    """
    array = features.video.features
    step = max(1, len(array) // (16 * SAMPLE_ROWS))
    x = np.asarray(array[::step], dtype=np.float64)
    lengths = np.linalg.norm(x, axis=1)
    mean = (x / lengths[:, None]).mean(axis=0)
    size = float(np.linalg.norm(mean))
    return {
        "dim": int(array.shape[1]),
        "rows": len(array),
        "mean_direction": [round(float(value), 6) for value in mean / max(size, 1e-12)],
        "mean_length": round(size, 6),
        "length_quantiles": [
            round(float(value), 6) for value in np.quantile(lengths, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
        ],
    }


def hash_people(names: Iterable[str], salt: str) -> list[str]:
    """Salted SHA-256 of each name, 16 hex digits, sorted so that the order of people does not show.

    >>> hash_people(["张伟"], "0") == hash_people(["张伟"], "1")
    False
    """
    return sorted(hash_person(name, salt) for name in names)


def hash_person(name: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}\n{name}".encode()).hexdigest()[:16]
