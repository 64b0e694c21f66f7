"""Rows that are the same photo twice.

Comparing all pairs of a million rows would take too long. Each row has `TABLES` codes of `BITS` signs of random
projections of its unit vector: rows at an angle θ differ in each sign with probability θ/π, so that two rows of
cosine 0.99 agree in one complete code of eight with probability 0.98, and nearer ones almost surely. In each table,
rows of one code that are neighbours when sorted by it and the next table's code are compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, share
from poseid.doctor.rows import NOBODY, Folder, pair_cosines
from poseid.doctor.scan import TABLES, Scan
from poseid.features.rows import shown

SAME, NEAR = 0.9999, 0.99
"""Cosines from which two rows are one photo (perhaps rounded or rescaled), and perhaps one photo cut or saved twice."""

MOST_PAIRS = 50_000
"""At most so many pairs are compared exactly; with more candidates, counts are lower bounds."""

_NEIGHBOURS = 4
_MOST_SIGNS = 20  # of the TABLES · BITS = 160; rows of cosine 0.99 differ in 7 ± 2.6
_FEW = 0.02
_BITS_SET = np.array([bin(value).count("1") for value in range(256)], np.uint8)


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Pairs of rows of cosine `NEAR` or more.

    Attributes:
        a, b: (n,) the rows, a < b.
        cosine: (n,)
        more: whether there were more candidates than `MOST_PAIRS`.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    cosine: NDArray[np.float64]
    more: bool


def find_duplicates(folder: Folder, found: Scan) -> Duplicates:
    """Candidates by their codes, then their cosines."""
    a, b = _candidates(found.codes, np.flatnonzero(found.fine))
    more = len(a) > MOST_PAIRS
    if more:
        some = np.random.default_rng(0).permutation(len(a))[:MOST_PAIRS]
        a, b = a[some], b[some]
    cosine = pair_cosines(folder.unit_rows, a, b)
    near = np.flatnonzero(cosine >= NEAR)
    near = near[np.lexsort((b[near], a[near]))]
    return Duplicates(a[near], b[near], cosine[near], more)


def _candidates(codes: NDArray[np.uint32], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = [np.empty(0, np.int64)]
    for table in range(TABLES):
        code, tie = codes[rows, table], codes[rows, (table + 1) % TABLES]
        order = np.argsort((code.astype(np.uint64) << np.uint64(32)) | tie, kind="stable")
        code, sorted_rows = code[order], rows[order]
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(code[step:] == code[:-step])
            one, other = sorted_rows[same], sorted_rows[same + step]
            close = _BITS_SET[(codes[one] ^ codes[other]).view(np.uint8)].sum(axis=1) <= _MOST_SIGNS
            one, other = one[close], other[close]
            pairs.append(np.minimum(one, other) * len(codes) + np.maximum(one, other))
    both = np.unique(np.concatenate(pairs))
    return both // len(codes), both % len(codes)


TEXTS = {
    "duplicates-across-people": (
        "One photo under two names",
        "One of the names is wrong, or both are one person: correct or remove the rows.",
    ),
    "near-duplicates-across-people": (
        "Almost the same vector under two names",
        "Check these photos: one photo was saved under two names, or one person has two names.",
    ),
    "front-in-video": (
        "The same photo in front and video",
        "Remove it from one of the files. Compared with itself it matches perfectly and makes every rate look better.",
    ),
    "duplicate-rows": (
        "The same photo twice in one file",
        "Remove one of each. The copy gives the photo double weight and adds nothing.",
    ),
    "near-duplicate-rows": (
        "Almost the same vector twice",
        "Often one photo cropped or saved twice, or neighbouring frames of a video. More different photos help more.",
    ),
}
"""Title and remedy of each finding."""


def check_duplicates(folder: Folder, duplicates: Duplicates) -> Iterator[Finding]:
    """Photos that stand twice: under two names, in both files, in one file."""
    a, b, person, first = duplicates.a, duplicates.b, folder.person, folder.files["video"].start
    across = (person[a] != NOBODY) & (person[b] != NOBODY) & (person[a] != person[b])
    same, between = duplicates.cosine >= SAME, (a < first) & (b >= first)
    # which pairs, and the severity of few and of many
    kinds = {
        "duplicates-across-people": (across & same, ERROR, ERROR),
        "near-duplicates-across-people": (across & ~same, WARNING, WARNING),
        "front-in-video": (~across & same & between, NOTE, WARNING),
        "duplicate-rows": (~across & same & ~between, NOTE, WARNING),
        "near-duplicate-rows": (~across & ~same, NOTE, NOTE),
    }
    for id, (chosen, few, many) in kinds.items():
        pairs = np.flatnonzero(chosen)
        if not pairs.size:
            continue
        total = len(folder) - first if id == "front-in-video" else len(folder)
        repeated = len(np.unique(b[pairs]))
        names = folder.row_names(np.column_stack([a[pairs], b[pairs]]).ravel())
        example = f"{names[0]} and {names[1]}, cosine {duplicates.cosine[pairs[0]]:.4f}"
        if id.endswith("across-people"):
            one, other = (shown(folder.names[person[rows[pairs[0]]]]) for rows in (a, b))
            example += f" ({one} and {other})"
        title, remedy = TEXTS[id]
        yield Finding(
            id,
            few if repeated < max(_FEW * total, 5) else many,
            title,
            f"{'at least ' if duplicates.more else ''}{share(repeated, total)} rows repeat another one; such as "
            f"{example}.",
            remedy,
            {"pairs": len(pairs), "rows": repeated, "of": total},
            names,
        )
