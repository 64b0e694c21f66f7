"""What a set of features is like: enough to recognise the set, not to recognise anybody in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from poseid.features.rows import FeatureSet

SAMPLE_ROWS = 4096
_ENOUGH_FOR_NORMS = 32
_ENOUGH_FOR_DIRECTION = 256
_UNIT = 0.01  # what float16 makes of norm 1
_MEAN_TELLS = 0.05  # norm of the training features' mean from which its direction tells recognisers apart
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_UNRELATED = 0.1


def digest(features: FeatureSet) -> str:
    """SHA-256 over shapes, dtypes and up to 4,096 evenly spaced rows of both files, and the names of all rows."""
    found = hashlib.sha256()
    for rows in (features.front, features.video):
        array = rows.features
        found.update(f"{array.shape} {array.dtype.str} ".encode())
        step = max(1, len(array) // SAMPLE_ROWS)
        found.update(np.ascontiguousarray(array[::step]).tobytes())
        for number, name in enumerate(rows.names()):
            found.update(f"\n{name}".encode() if number else name.encode())
    return found.hexdigest()


def fingerprint(features: FeatureSet) -> dict[str, Any]:
    """What the probes are like: D, number of rows, mean direction, how far it stands out, and the norms.

    Returns:
        ``dim``, ``rows``; ``mean_direction``: (D,) unit vector of the mean of the unit rows; ``mean_length``: norm of
        that mean, in [0, 1] (0 for centred features); ``length_quantiles``: the 1, 5, 25, 50, 75, 95 and 99 % quantiles
        of the rows' norms.
    """
    array = features.video.features
    step = max(1, len(array) // (16 * SAMPLE_ROWS))
    x = np.asarray(array[::step], dtype=np.float64)
    norms = np.linalg.norm(x, axis=1)
    direction, size = _mean(x, norms)
    return {
        "dim": int(array.shape[1]),
        "rows": len(array),
        "mean_direction": [round(value, 6) for value in direction.tolist()],
        "mean_length": round(size, 6),
        "length_quantiles": [round(value, 6) for value in np.quantile(norms, _QUANTILES).tolist()],
    }


def _mean(x: np.ndarray, norms: np.ndarray) -> tuple[np.ndarray, float]:
    """Direction and norm of the mean of the unit rows."""
    mean = (x / norms[:, None]).mean(axis=0)
    size = float(np.linalg.norm(mean))
    return mean / max(size, 1e-12), size


def differences(sample: np.ndarray, fingerprint: dict[str, Any]) -> list[str]:
    """What is unlike the training features in some vectors, one sentence with figures each; empty if nothing.

    Norms: the vectors are normalised and those of training were not, or the median norm is outside the 1 to
    99 % quantiles of training. Direction: the cosine c between the mean of the unit vectors and that of training
    is below 0.1 (from 256 rows on). Photos of other people, cameras and poses from the same recogniser have c
    of 0.18 to 0.78 on real features; another recogniser, or columns in another order, gives 0 ± 1/√D.

    Args:
        sample: (n, D) from all over the data; rows without a direction are left out.
        fingerprint: as :func:`fingerprint` gives it.
    """
    x = np.asarray(sample, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.linalg.norm(x, axis=1)
    good = np.isfinite(norms) & (norms > 0)
    x, norms = x[good], norms[good]
    low, *_, high = quantiles = fingerprint["length_quantiles"]
    found: list[str] = []
    if len(x) >= _ENOUGH_FOR_NORMS:
        middle = float(np.median(norms))
        trained = f"98 % of those of training have {low:.3g} to {high:.3g}, median {quantiles[3]:.3g}"
        if np.ptp(norms) < 2 * _UNIT and abs(middle - 1) < _UNIT and not (low > 1 - _UNIT and high < 1 + _UNIT):
            found.append(
                f"the vectors are already normalised (norm 1); {trained}: the norm carries quality, "
                "so give the vectors as the recogniser makes them"
            )
        elif not low * (1 - _UNIT) <= middle <= high * (1 + _UNIT):
            found.append(f"the median norm is {middle:.3g}; {trained}")
    if len(x) >= _ENOUGH_FOR_DIRECTION and fingerprint["mean_length"] >= _MEAN_TELLS:
        direction, size = _mean(x, norms)
        cosine = float(direction @ np.asarray(fingerprint["mean_direction"]))
        if cosine < _UNRELATED:
            found.append(
                f"the mean of the vectors has norm {size:.2f} and cosine {cosine:.2f} with that of training, "
                f"whose norm is {fingerprint['mean_length']:.2f}: is this another recogniser, "
                "were they centred, or are the columns in another order?"
            )
    return found


def hash_people(names: Iterable[str], salt: str) -> list[str]:
    """Salted SHA-256 of each name, 16 hex digits, sorted so that the order of people does not show.

    >>> hash_people(["张伟"], "0") == hash_people(["张伟"], "1")
    False
    """
    return sorted(hash_person(name, salt) for name in names)


def hash_person(name: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}\n{name}".encode()).hexdigest()[:16]
