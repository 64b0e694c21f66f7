"""Whether vectors look like those that a model was trained on."""

from __future__ import annotations

from typing import Any

import numpy as np

_ENOUGH_FOR_LENGTHS = 32
_ENOUGH_FOR_DIRECTION = 256
_UNIT = 0.01  # what float16 makes of length 1
_MEAN_TELLS = 0.05  # length of the training features' mean, from which its direction tells recognisers apart
_UNRELATED = 0.1


def differences(sample: np.ndarray, fingerprint: dict[str, Any]) -> list[str]:
    """What is unlike the training features in some vectors, one sentence with figures each; empty if nothing.

    Lengths: the vectors are normalised and those of training were not, or the median length is outside the 1 to
    99 % quantiles of training. Direction: the cosine c between the mean of the unit vectors and that of training
    is below 0.1 (from 256 rows on). Photos of other people, cameras and poses from the same recogniser have c
    of 0.18 to 0.78 on real features; another recogniser, or columns in another order, gives 0 ± 1/√D.

    Args:
        sample: (n, D) from all over the data; rows without a direction are left out.
        fingerprint: as :func:`poseid.features.fingerprint.fingerprint` gives it.
    """
    x = np.asarray(sample, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(x, axis=1)
    good = np.isfinite(lengths) & (lengths > 0)
    x, lengths = x[good], lengths[good]
    low, *_, high = quantiles = fingerprint["length_quantiles"]
    found: list[str] = []
    if len(x) >= _ENOUGH_FOR_LENGTHS:
        middle = float(np.median(lengths))
        trained = f"98 % of those of training have {low:.3g} to {high:.3g}, median {quantiles[3]:.3g}"
        if np.ptp(lengths) < 2 * _UNIT and abs(middle - 1) < _UNIT and not (low > 1 - _UNIT and high < 1 + _UNIT):
            found.append(
                f"the vectors are already normalised (length 1); {trained}: length carries quality, "
                "so give the vectors as the recogniser makes them"
            )
        elif not low * (1 - _UNIT) <= middle <= high * (1 + _UNIT):
            found.append(f"the median length is {middle:.3g}; {trained}")
    if len(x) >= _ENOUGH_FOR_DIRECTION and fingerprint["mean_length"] >= _MEAN_TELLS:
        mean = (x / lengths[:, None]).mean(axis=0)
        size = float(np.linalg.norm(mean))
        cosine = float(mean @ np.asarray(fingerprint["mean_direction"])) / max(size, 1e-12)
        if cosine < _UNRELATED:
            found.append(
                f"the mean of the vectors has length {size:.2f} and cosine {cosine:.2f} with that of training, "
                f"whose length is {fingerprint['mean_length']:.2f}: is this another recogniser, "
                "were they centred, or are the columns in another order?"
            )
    return found
