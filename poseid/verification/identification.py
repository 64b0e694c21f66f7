"""Identification: how often the right person is found among the people of a gallery (1:N search)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import FRONTAL
from poseid.verification.rates import fmr_label, impostors_needed, threshold_at_fmr

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Searches:
    """Probes searched in a gallery of one reference a person, one entry a probe."""

    own: NDArray[np.floating]
    """(n,) score of the probe's own person; NaN where that person is not in the gallery (no mated search)."""
    other: NDArray[np.floating]
    """(n,) highest score of another person: what a search without the own person returns (a non-mated search)."""

    @property
    def mated(self) -> NDArray[np.bool_]:
        """(n,) whether the probe's person is in the gallery."""
        mated: NDArray[np.bool_] = ~np.isnan(self.own)
        return mated


def search(
    gallery: NDArray[np.floating],
    gallery_person: NDArray[np.integer],
    probes: NDArray[np.floating],
    probe_person: NDArray[np.integer],
) -> Searches:
    """Search every probe in a gallery.

    gallery  (people, D) unit rows, one a person (`InputError` otherwise)
    probes   (n, D) unit rows

    >>> found = search(np.eye(2), np.array([0, 1]), np.array([[0.8, 0.6], [0.6, 0.8]]), np.array([0, 5]))
    >>> found.own.tolist(), found.other.tolist()
    ([0.8, nan], [0.6, 0.8])
    """
    order = np.argsort(gallery_person, kind="stable")
    known = gallery_person[order]
    if not known.size or np.any(known[1:] == known[:-1]):
        raise InputError("the gallery holds a person twice, or nobody: give one row a person")
    index = np.minimum(np.searchsorted(known, probe_person), known.size - 1)
    mated = known[index] == probe_person
    own = np.full(len(probes), np.nan, dtype=gallery.dtype)
    other = np.empty_like(own)
    step = max(1, _BLOCK // len(gallery))
    for start in range(0, len(probes), step):
        block = slice(start, start + step)
        scores = probes[block] @ gallery.T
        row, column = np.flatnonzero(mated[block]), order[index[block][mated[block]]]
        own[start + row] = scores[row, column]
        scores[row, column] = -np.inf
        other[block] = scores.max(axis=1)
    return Searches(own, other)


def one_reference(person: NDArray[np.integer], kind: NDArray[np.integer]) -> NDArray[np.intp]:
    """The row of each person that is the gallery's: the first frontal one, else the first.

    >>> one_reference(np.array([1, 0, 1, 1]), np.array([1, 2, 0, 0])).tolist()  # 0 is frontal
    [1, 2]
    """
    order = np.lexsort((np.arange(len(person)), kind != FRONTAL, person))
    return order[np.unique(person[order], return_index=True)[1]]


def rank1(searches: Searches) -> float:
    """Share of mated searches whose own person scores above everybody else; higher is better.

    Ties count against the probe, so that vectors that are all alike find nobody. NaN without a mated search.

    >>> rank1(Searches(np.array([0.8, 0.5, np.nan]), np.array([0.6, 0.5, 0.1])))
    0.5
    """
    mated = searches.mated
    return float(np.mean(searches.own[mated] > searches.other[mated])) if mated.any() else np.nan


def fnir_at_fpir(searches: Searches, fpir: float) -> float:
    """FNIR(N, 1, T) at a FPIR (ISO/IEC 19795-1; NIST FRTE 1:N), open-set identification; lower is better.

    T is the lowest threshold at which a share of at most `fpir` of the non-mated searches returns anybody. FNIR is the
    share of mated searches that do not return the own person first and at or above T. Every probe makes a non-mated
    search, of the gallery without its own person.

    >>> fnir_at_fpir(Searches(np.array([0.9, 0.4, 0.3, 0.8]), np.array([0.1, 0.2, 0.5, 0.3])), 0.25)
    0.25
    """
    threshold = threshold_at_fmr(searches.other, fpir)
    own, other = (scores[searches.mated] for scores in (searches.own, searches.other))
    return float(np.mean((own < threshold) | (own <= other)))


def why_no_fnir(searches: Searches, fpir: float) -> str:
    """Why there is no FNIR at a FPIR, or nothing where it can be given (the rule of 30)."""
    if not searches.mated.any():
        return "no probe's person is in the gallery"
    needed = impostors_needed(fpir)
    if searches.other.size < needed:
        return f"FPIR {fmr_label(fpir)} needs {needed} searches and there are {searches.other.size}"
    return ""
