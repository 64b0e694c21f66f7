"""Rows that are the same photo twice.

Comparing all pairs of a million rows would take too long. Each row has `TABLES` codes of `BITS` signs of random
projections of its unit vector: rows at an angle θ differ in each sign with probability θ/π, so that two rows of
cosine 0.99 agree in one complete code of eight with probability 0.98, and nearer ones almost surely. In each table,
rows of one code that are neighbours when sorted by it and the next table's code are compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import WARNING, Finding, finding, share
from poseid.doctor.folder import NOBODY, Folder
from poseid.doctor.scan import TABLES, Scan
from poseid.features.rows import shown

SAME, NEAR = 0.9999, 0.99
"""Cosines from which two rows are one photo (perhaps rounded or rescaled), and perhaps one photo cut or saved twice."""

MOST_PAIRS = 50_000
"""At most so many pairs are compared exactly; with more candidates, counts are lower bounds."""

_NEIGHBOURS, _AT_ONCE = 4, 4096
_MOST_SIGNS = 20  # of the TABLES · BITS = 160; rows of cosine 0.99 differ in 7 ± 2.6
_FEW = 0.02
_BITS_SET = np.array([value.bit_count() for value in range(256)], np.uint8)


Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], bool]


def find_duplicates(folder: Folder, found: Scan) -> Pairs:
    """Pairs of rows of cosine `NEAR` or more: candidates by their codes, then their cosines.

    Returns:
        (n,) the first and (n,) the second rows, first < second, (n,) their cosines, and whether there were more
        candidates than `MOST_PAIRS`.
    """
    pairs, codes, usable = [np.empty(0, np.int64)], found.codes, np.flatnonzero(found.usable)
    for table in range(TABLES):
        code, tie = codes[usable, table], codes[usable, (table + 1) % TABLES]
        order = np.argsort((code.astype(np.uint64) << np.uint64(32)) | tie, kind="stable")
        code, rows = code[order], usable[order]
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(code[step:] == code[:-step])
            one, other = rows[same], rows[same + step]
            close = _BITS_SET[(codes[one] ^ codes[other]).view(np.uint8)].sum(axis=1) <= _MOST_SIGNS
            one, other = one[close], other[close]
            pairs.append(np.minimum(one, other) * len(codes) + np.maximum(one, other))
    candidates = np.unique(np.concatenate(pairs))
    more = len(candidates) > MOST_PAIRS
    if more:
        candidates = np.sort(candidates[np.random.default_rng(0).permutation(len(candidates))[:MOST_PAIRS]])
    a, b = np.divmod(candidates, len(codes))
    cosine = np.empty(len(a))
    for start in range(0, len(a), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        cosine[some] = np.einsum("ij,ij->i", folder.unit_rows(a[some]), folder.unit_rows(b[some]))
    near = cosine >= NEAR
    return a[near], b[near], cosine[near], more


def check_duplicates(folder: Folder, found: Scan) -> Iterator[Finding]:
    """Photos that stand twice: under two names, in both files, in one file."""
    a, b, cosine, more = find_duplicates(folder, found)
    person, first = folder.person, folder.first_video
    across = (person[a] != NOBODY) & (person[b] != NOBODY) & (person[a] != person[b])
    same, between = cosine >= SAME, (a < first) & (b >= first)
    kinds = {
        "duplicates-across-people": across & same,
        "near-duplicates-across-people": across & ~same,
        "front-in-video": ~across & same & between,
        "duplicate-rows": ~across & same & ~between,
        "near-duplicate-rows": ~across & ~same,
    }
    for id, chosen in kinds.items():
        pairs = np.flatnonzero(chosen)
        if not pairs.size:
            continue
        total = len(folder) - first if id == "front-in-video" else len(folder)
        repeated = len(np.unique(b[pairs]))
        names = folder.row_names(np.column_stack([a[pairs], b[pairs]]).ravel())
        example = f"{names[0]} and {names[1]}, cosine {cosine[pairs[0]]:.4f}"
        if id.endswith("across-people"):
            one, other = (shown(folder.names[person[rows[pairs[0]]]]) for rows in (a, b))
            example += f" ({one} and {other})"
        many = id in ("front-in-video", "duplicate-rows") and repeated >= max(_FEW * total, 5)
        yield finding(
            id,
            f"{'at least ' if more else ''}{share(repeated, total)} rows repeat another one; such as {example}.",
            {"pairs": len(pairs), "rows": repeated, "of": total},
            names,
            WARNING if many else None,
        )
