"""Checks of the vectors themselves: no pose or person is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, share
from poseid.doctor.rows import Folder
from poseid.doctor.scan import NOT_FINITE, OUT_OF_RANGE, ZERO, Columns, Scan
from poseid.features.rows import FRONTAL

DEFAULT_DIM = 512
"""``data.dim`` unless it is set."""

_UNIT = 2e-3
"""Float16 rounds a length of 1 by less."""
_CONSTANT = 1e-6
_DOMINANT = 0.25
_TIMES = 2.0


def check_vectors(folder: Folder, found: Scan) -> Iterator[Finding]:
    """Vectors with no direction, columns that say nothing or too much, lengths and means that were tampered with."""
    yield from _bad_rows(folder, found)
    if folder.dim != DEFAULT_DIM:
        yield Finding(
            "other-dim",
            NOTE,
            f"Vectors of {folder.dim} numbers",
            f"Training expects {DEFAULT_DIM} unless told otherwise.",
            f"Train with data.dim={folder.dim} beside data.dir.",
            {"dim": folder.dim},
        )
    yield from _constant_columns(found.columns)
    yield from _dominant_column(found.columns)
    yield from _lengths(folder, found)
    yield from _centred(found.columns)


def _bad_rows(folder: Folder, found: Scan) -> Iterator[Finding]:
    kinds = {"NaN or infinity": NOT_FINITE, "all zeros": ZERO, "a length that is no length": OUT_OF_RANGE}
    for name, rows in folder.files.items():
        status = found.status[rows]
        bad = np.flatnonzero(~found.fine[rows])
        if not bad.size:
            continue
        parts = {what: int((status == kind).sum()) for what, kind in kinds.items()}
        counted = ", ".join(f"{n:,} {what}" for what, n in parts.items() if n)
        yield Finding(
            "bad-rows",
            ERROR,
            f"Rows of {name}_feature.npy with no direction",
            f"{share(bad.size, len(status))}: {counted}; the first is row {bad[0]}. All other checks leave them out.",
            "Remove these rows from vectors, metadata and poses, or extract them again. Often no face was found. "
            "Training refuses the folder as it is.",
            {"n": int(bad.size), "of": len(status)},
            folder.row_names(rows.start + bad),
        )


def _constant_columns(columns: dict[str, Columns]) -> Iterator[Finding]:
    constant = {
        name: np.flatnonzero(one.high - one.low <= _CONSTANT * np.maximum(np.abs(one.high), np.abs(one.low)))
        for name, one in columns.items()
        if one.rows > 1
    }
    constant = {name: chosen for name, chosen in constant.items() if chosen.size}
    if constant:
        counted = "; ".join(
            f"{name}: {share(chosen.size, len(columns[name].low))}, such as column {chosen[0] + 1}"
            for name, chosen in constant.items()
        )
        yield Finding(
            "constant-columns",
            WARNING,
            "Columns in which every row has the same number",
            f"{counted}.",
            "Check for padding, a wrong slice or a dead output of the recogniser. Remove such columns from both files.",
            {name: int(chosen.size) for name, chosen in constant.items()},
        )


def _dominant_column(columns: dict[str, Columns]) -> Iterator[Finding]:
    for name, one in columns.items():
        top = int(one.energy.argmax())
        part = float(one.energy[top] / one.energy.sum())
        if len(one.energy) >= 16 and part >= _DOMINANT:
            yield Finding(
                "dominant-column",
                WARNING,
                "One column outweighs the others",
                f"Column {top + 1} of {len(one.energy)} in {name}_feature.npy makes up {100 * part:.0f} % of the "
                "squared length of an average row, so it decides what is similar.",
                "Is it a number of something else (an index, an age, a score)? Then leave it out of both files.",
                {"column": top + 1, "share": part},
            )
            return


def _lengths(folder: Folder, found: Scan) -> Iterator[Finding]:
    quantiles = {name: np.nanquantile(found.lengths[rows], [0.01, 0.5, 0.99]) for name, rows in folder.files.items()}
    equal = [name for name, (low, middle, high) in quantiles.items() if high - low <= _UNIT * middle]
    equal = [name for name in equal if found.columns[name].rows > 1]
    if equal:
        middle = float(quantiles[equal[0]][1])
        yield Finding(
            "unit-length",
            WARNING,
            "Vectors were normalised to one length",
            f"All rows of {' and '.join(equal)} have length {middle:.4g}. As a recogniser gives them, lengths differ: "
            "short vectors are those of poor photos.",
            "Save the vectors before they are normalised (InsightFace: .embedding, not .normed_embedding). Else the "
            "enhancer cannot tell good photos from poor ones.",
            {"length": middle, "files": " ".join(equal)},
        )
    rows = folder.files["video"]
    frontal = found.lengths[rows][(folder.kinds[rows] == FRONTAL) & found.fine[rows]]
    video = float(np.median(frontal)) if len(frontal) >= 10 else float(quantiles["video"][1])
    front = float(quantiles["front"][1])
    if not 1 / _TIMES <= front / video <= _TIMES:
        yield Finding(
            "lengths-disagree",
            WARNING,
            "The two files have vectors of different lengths",
            f"Half of the front rows are longer than {front:.4g}; of the frontal video rows, half are longer than "
            f"{video:.4g}.",
            "Give both files the vectors as one recogniser made them, neither normalised nor rescaled.",
            {"front": front, "video": video},
        )


def _centred(columns: dict[str, Columns]) -> Iterator[Finding]:
    """Means that are nearer to 0 than the mean of so many rows can be by chance."""
    relative = {name: (_relative_mean([one]), one.rows) for name, one in columns.items()}
    relative["both files together"] = (_relative_mean([*columns.values()]), sum(one.rows for one in columns.values()))
    zero = {name: size for name, (size, rows) in relative.items() if rows >= 20 and size < 0.2 / math.sqrt(rows)}
    if zero:
        yield Finding(
            "centred",
            WARNING,
            "The mean was subtracted from the vectors",
            "The mean vector is 0: "
            + "; ".join(f"{name}, {size:.1e} of a row's length" for name, size in zero.items())
            + ". Chance alone leaves more.",
            "Save the vectors as the recogniser gives them. Centred vectors have other similarities.",
            {"relative_mean": next(iter(zero.values())), "where": next(iter(zero))},
        )


def _relative_mean(parts: list[Columns]) -> float:
    """The length of the mean vector of some files as a share of a row's length (root mean square)."""
    rows = [one.rows for one in parts]
    mean = np.average([one.mean for one in parts], axis=0, weights=rows)
    energy = np.average([one.energy.sum() for one in parts], weights=rows)
    return float(np.linalg.norm(mean) / np.sqrt(np.maximum(energy, 1e-300)))
