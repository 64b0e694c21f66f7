"""Rows that are the same photo twice.

Comparing all rows with all takes too long for a million. Each row has `TABLES` codes of `BITS` signs of random
projections of its unit vector: rows at an angle θ differ in each sign with probability θ/π, so that two rows of
cosine 0.99 agree in one whole code of eight with probability 0.98, and nearer ones almost surely. In each table, rows
of one code that are neighbours when sorted by it and the next table's code are compared for real.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, MOST_ROWS, NOTE, WARNING, Finding, share
from poseid.doctor.reading import NOBODY, Folder
from poseid.doctor.scan import TABLES, Scan
from poseid.features.rows import shown

SAME, NEAR = 0.9999, 0.99
"""Cosines from which two rows are one photo (perhaps rounded or rescaled), and perhaps one photo cut or saved twice."""

MOST_PAIRS = 50_000
"""No more pairs are compared for real; with more, counts are lower bounds."""

_NEIGHBOURS = 4
_MOST_SIGNS = 20  # of the TABLES · BITS = 160; rows of cosine 0.99 differ in 7 ± 2.6
_FEW = 0.02
_BITS_SET = np.array([bin(value).count("1") for value in range(256)], np.uint8)


@dataclass(frozen=True, eq=False)
class Doubles:
    """Pairs of rows of cosine `NEAR` or more; front rows come first, video rows are counted on from them.

    Attributes:
        a, b: (n,) the rows, a < b.
        cosine: (n,)
        more: whether there were more candidates than `MOST_PAIRS`.
    """

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    cosine: NDArray[np.float64]
    more: bool


def find_doubles(folder: Folder, found: Scan) -> Doubles:
    """Candidates by their codes, then their cosines."""
    a, b = _candidates(
        np.concatenate([found.front.codes, found.video.codes]),
        np.concatenate([found.front.fine, found.video.fine]),
    )
    more = len(a) > MOST_PAIRS
    if more:
        some = np.random.default_rng(0).permutation(len(a))[:MOST_PAIRS]
        a, b = a[some], b[some]
    cosine = np.empty(len(a))
    for start in range(0, len(a), 4096):
        end = start + 4096
        left, right = (_unit(folder, rows[start:end]) for rows in (a, b))
        cosine[start:end] = np.einsum("ij,ij->i", left, right)
    near = cosine >= NEAR
    order = np.lexsort((b[near], a[near]))
    return Doubles(a[near][order], b[near][order], cosine[near][order], more)


def _candidates(codes: NDArray[np.uint32], fine: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows = np.flatnonzero(fine)
    pairs = [np.empty(0, np.int64)]
    for table in range(TABLES):
        code, tie = codes[rows, table], codes[rows, (table + 1) % TABLES]
        order = np.argsort((code.astype(np.uint64) << np.uint64(32)) | tie, kind="stable")
        code, sorted_rows = code[order], rows[order]
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(code[step:] == code[:-step])
            one, other = sorted_rows[same], sorted_rows[same + step]
            close = _signs_apart(codes[one], codes[other]) <= _MOST_SIGNS
            one, other = one[close], other[close]
            pairs.append(np.minimum(one, other) * len(codes) + np.maximum(one, other))
    both = np.unique(np.concatenate(pairs))
    return both // len(codes), both % len(codes)


def _signs_apart(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> NDArray[np.int64]:
    different = np.ascontiguousarray(one ^ other).view(np.uint8).reshape(len(one), TABLES * 4)
    apart: NDArray[np.int64] = _BITS_SET[different].sum(axis=1, dtype=np.int64)
    return apart


def _unit(folder: Folder, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    first = len(folder.front)
    out = np.empty((len(rows), folder.dim))
    video = rows >= first
    out[~video] = folder.front.features[rows[~video]]
    out[video] = folder.video.features[rows[video] - first]
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return out


def check_doubles(folder: Folder, doubles: Doubles) -> list[Finding]:
    """Photos that stand twice: under two names, in both files, in one file."""
    first = len(folder.front)
    person = np.concatenate([folder.front.person, folder.video.person])
    known = (person[doubles.a] != NOBODY) & (person[doubles.b] != NOBODY)
    across = known & (person[doubles.a] != person[doubles.b])
    same, between = doubles.cosine >= SAME, (doubles.a < first) & (doubles.b >= first)
    kinds = {
        "duplicates-across-people": across & same,
        "near-duplicates-across-people": across & ~same,
        "front-in-video": ~across & same & between,
        "duplicate-rows": ~across & same & ~between,
        "near-duplicate-rows": ~across & ~same,
    }
    return [_finding(id, folder, doubles, mask) for id, mask in kinds.items() if mask.any()]


_WORDS = {
    "duplicates-across-people": (
        "One photo under two names",
        "One of the names is wrong, or both are one person: correct or remove the rows.",
    ),
    "near-duplicates-across-people": (
        "Almost the same vector under two names",
        "Look at these photos: one photo saved twice under two names, or two names of one person.",
    ),
    "front-in-video": (
        "The same photo in front and video",
        "Remove it from one of the files: compared with itself it matches perfectly, which flatters every figure.",
    ),
    "duplicate-rows": (
        "The same photo twice in one file",
        "Keep one of each: the other weighs the photo double and says nothing new.",
    ),
    "near-duplicate-rows": (
        "Almost the same vector twice",
        "Often one photo cut or saved twice, or neighbouring frames of a video. Fewer, more different photos say more.",
    ),
}


def _finding(id: str, folder: Folder, doubles: Doubles, mask: NDArray[np.bool_]) -> Finding:
    a, b = doubles.a[mask], doubles.b[mask]
    total = len(folder.front) + len(folder.video)
    involved = np.unique(b)
    title, way_out = _WORDS[id]
    at_least = "at least " if doubles.more else ""
    example = f"{_place(folder, a[0])} and {_place(folder, b[0])}, cosine {doubles.cosine[mask][0]:.4f}"
    if id.endswith("across-people"):
        severity = ERROR if id.startswith("dup") else WARNING
        example += f" ({_who(folder, a[0])} and {_who(folder, b[0])})"
        of = total
    elif id == "near-duplicate-rows":
        severity, of = NOTE, total
    else:
        of = len(folder.video) if id == "front-in-video" else total
        severity = NOTE if len(involved) < max(_FEW * of, 5) else WARNING
    names = [_place(folder, row) for pair in zip(a.tolist(), b.tolist(), strict=True) for row in pair][:MOST_ROWS]
    return Finding(
        id,
        severity,
        title,
        f"{at_least}{share(len(involved), of)} rows repeat another one; such as {example}.",
        way_out,
        {"pairs": len(a), "rows": len(involved), "of": of},
        tuple(names),
    )


def _place(folder: Folder, row: int) -> str:
    first = len(folder.front)
    return f"front:{row}" if row < first else f"video:{row - first}"


def _who(folder: Folder, row: int) -> str:
    first = len(folder.front)
    person = folder.front.person[row] if row < first else folder.video.person[row - first]
    return shown(folder.names[int(person)])
