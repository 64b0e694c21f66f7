"""Checks of the vectors themselves: no pose or person is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from poseid.doctor.finding import Finding, finding, share
from poseid.doctor.folder import Folder
from poseid.doctor.scan import NOT_FINITE, OUT_OF_RANGE, ZERO, Columns, Scan
from poseid.features.rows import FRONTAL

DEFAULT_DIM = 512
"""``data.dim`` unless it is set."""

_UNIT = 2e-3
"""Float16 rounds a length of 1 by less."""
_CONSTANT = 1e-6
_DOMINANT = 0.25
_LENGTH_RATIO = 2.0


def check_vectors(folder: Folder, found: Scan) -> Iterator[Finding]:
    """Vectors with no direction, constant or dominant columns, lengths and means changed after extraction."""
    yield from _bad_rows(folder, found)
    if folder.dim != DEFAULT_DIM:
        evidence = f"Training expects {DEFAULT_DIM} unless told otherwise."
        yield finding("other-dim", evidence, {"dim": folder.dim})
    yield from _columns(found.columns)
    yield from _lengths(folder, found)
    yield from _centred(found.columns)


def _bad_rows(folder: Folder, found: Scan) -> Iterator[Finding]:
    kinds = {"NaN or infinity": NOT_FINITE, "all zeros": ZERO, "a length too small or too large": OUT_OF_RANGE}
    for name, rows in folder.files.items():
        status = found.status[rows]
        bad = np.flatnonzero(~found.usable[rows])
        if not bad.size:
            continue
        parts = {what: int((status == kind).sum()) for what, kind in kinds.items()}
        counted = ", ".join(f"{n:,} {what}" for what, n in parts.items() if n)
        more = f": {counted}; the first is row {bad[0]}. All other checks leave them out"
        yield folder.finding("bad-rows", rows.start + bad, len(status), more, {"file": f"{name}_feature.npy"})


def _columns(columns: dict[str, Columns]) -> Iterator[Finding]:
    constant = {
        name: np.flatnonzero(one.high - one.low <= _CONSTANT * np.maximum(np.abs(one.high), np.abs(one.low)))
        for name, one in columns.items()
        if one.rows > 1
    }
    sizes = {name: chosen.size for name, chosen in constant.items() if chosen.size}
    if sizes:
        counted = (
            f"{name}: {share(n, len(columns[name].low))}, such as column {constant[name][0] + 1}"
            for name, n in sizes.items()
        )
        yield finding("constant-columns", f"{'; '.join(counted)}.", sizes)
    for name, one in columns.items():
        top = int(one.energy.argmax())
        part = float(one.energy[top] / one.energy.sum())
        if len(one.energy) >= 16 and part >= _DOMINANT:
            yield finding(
                "dominant-column",
                f"Column {top + 1} of {len(one.energy)} in {name}_feature.npy makes up {100 * part:.0f} % of the "
                "squared length of an average row.",
                {"column": top + 1, "share": part},
            )
            return


def _lengths(folder: Folder, found: Scan) -> Iterator[Finding]:
    quantiles = {name: np.nanquantile(found.lengths[rows], [0.01, 0.5, 0.99]) for name, rows in folder.files.items()}
    equal = [
        name
        for name, (low, median, high) in quantiles.items()
        if high - low <= _UNIT * median and found.columns[name].rows > 1
    ]
    if equal:
        median = float(quantiles[equal[0]][1])
        yield finding(
            "unit-length",
            f"All rows of {' and '.join(equal)} have length {median:.4g}. The lengths that a recogniser gives differ, "
            "and tell the enhancer good photos from poor ones.",
            {"length": median, "files": " ".join(equal)},
        )
    rows = folder.files["video"]
    frontal = found.lengths[rows][(folder.kinds[rows] == FRONTAL) & found.usable[rows]]
    video = float(np.median(frontal)) if len(frontal) >= 10 else float(quantiles["video"][1])
    front = float(quantiles["front"][1])
    if not 1 / _LENGTH_RATIO <= front / video <= _LENGTH_RATIO:
        evidence = f"The median length of front rows is {front:.4g}, that of frontal video rows {video:.4g}."
        yield finding("lengths-disagree", evidence, {"front": front, "video": video})


def _centred(columns: dict[str, Columns]) -> Iterator[Finding]:
    """Means that are nearer to 0 than the mean of so many rows can be by chance."""
    parts = {name: [one] for name, one in columns.items()} | {"both files together": [*columns.values()]}
    zero = {}
    for name, files in parts.items():
        rows = [one.rows for one in files]
        mean = np.average([one.mean for one in files], axis=0, weights=rows)
        energy = np.average([one.energy.sum() for one in files], weights=rows)
        relative = float(np.linalg.norm(mean) / np.sqrt(np.maximum(energy, 1e-300)))
        if sum(rows) >= 20 and relative < 0.2 / math.sqrt(sum(rows)):
            zero[name] = relative
    if zero:
        sizes = "; ".join(f"{name}, {size:.1e} of a row's length" for name, size in zero.items())
        yield finding(
            "centred",
            f"The mean vector is 0: {sizes}. Chance alone leaves more.",
            {"relative_mean": next(iter(zero.values())), "where": next(iter(zero))},
        )
