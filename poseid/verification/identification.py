"""Identification: how often the right person is found among the people of a gallery."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError

_BLOCK = 1 << 20


def ranks(
    gallery: NDArray[np.floating],
    gallery_person: NDArray[np.integer],
    probes: NDArray[np.floating],
    probe_person: NDArray[np.integer],
) -> NDArray[np.int64]:
    """The rank of each probe's own person: 1 + the gallery rows of other people that score as high or higher.

    gallery  (people, D) unit rows, one a person
    probes   (n, D) unit rows; those of people outside the gallery must be left out (`InputError`)

    Ties count against the probe, so that vectors that are all alike find nobody.

    >>> ranks(np.eye(2), np.array([0, 1]), np.array([[0.8, 0.6], [0.6, 0.8]]), np.array([0, 0])).tolist()
    [1, 2]
    """
    order = np.argsort(gallery_person, kind="stable")
    known = gallery_person[order]
    if known.size and np.any(known[1:] == known[:-1]):
        raise InputError("the gallery holds a person twice: give one row a person")
    spot = np.searchsorted(known, probe_person)
    if not known.size or np.any(known[np.minimum(spot, known.size - 1)] != probe_person):
        raise InputError("a probe's person is not in the gallery: leave out probes of unknown people")
    own = order[spot]
    out = np.empty(len(probes), dtype=np.int64)
    step = max(1, _BLOCK // len(gallery))
    for start in range(0, len(probes), step):
        scores = probes[start : start + step] @ gallery.T
        mine = own[start : start + len(scores)]
        # the own row is among those at or above itself: it is the 1
        out[start : start + len(scores)] = (scores >= scores[np.arange(len(scores)), mine][:, None]).sum(axis=1)
    return out


def cmc(rank: NDArray[np.integer], gallery_size: int) -> NDArray[np.float64]:
    """Cumulative match characteristic: share of probes found within the first 1 … gallery_size; higher is better.

    >>> cmc(np.array([1, 3, 1, 2]), 3).tolist()
    [0.5, 0.75, 1.0]
    """
    if not rank.size:
        raise InputError("no CMC: there are no probes")
    return np.cumsum(np.bincount(rank, minlength=gallery_size + 1)[1 : gallery_size + 1]) / rank.size


def rank1(rank: NDArray[np.integer]) -> float:
    """Share of probes whose own person scores highest; higher is better.

    >>> rank1(np.array([1, 3, 1, 2]))
    0.5
    """
    return float(cmc(rank, 1)[0])
