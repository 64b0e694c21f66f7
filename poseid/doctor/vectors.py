"""Checks of the vectors themselves: no pose or person is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from poseid.doctor.finding import Figures, Finding, finding, share
from poseid.doctor.folder import Folder
from poseid.doctor.rows import ranks
from poseid.doctor.scan import NOT_FINITE, OUT_OF_RANGE, ZERO, Columns, Scan
from poseid.doctor.yaw import FEWEST_PEOPLE, FEWEST_ROWS
from poseid.features.rows import FRONTAL

DEFAULT_DIM = 512
"""``data.dim`` unless it is set."""

_UNIT = 2e-3
"""Float16 rounds a length of 1 by less."""
_CONSTANT = 1e-6
_DOMINANT = 0.25
_LENGTH_RATIO = 2.0
_NEAR = 0.025
_FEWEST_EQUAL, _EQUAL, _TIMES_CHANCE = 10, 0.05, 5
_INVERTED = -0.25


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
    some = [finding for name in quantiles if name not in equal for finding in _some_of_one_length(folder, found, name)]
    yield from some
    if some:  # a median of two kinds of rows says nothing
        return
    rows = folder.files["video"]
    frontal = found.lengths[rows][(folder.kinds[rows] == FRONTAL) & found.usable[rows]]
    video = float(np.median(frontal)) if len(frontal) >= 10 else float(quantiles["video"][1])
    front = float(quantiles["front"][1])
    if not 1 / _LENGTH_RATIO <= front / video <= _LENGTH_RATIO:
        evidence = f"The median length of front rows is {front:.4g}, that of frontal video rows {video:.4g}."
        yield finding("lengths-disagree", evidence, {"front": front, "video": video})


def _some_of_one_length(folder: Folder, found: Scan, name: str) -> Iterator[Finding]:
    """A length that many rows of a file share and few others are near to; copies of one vector count once."""
    file = folder.files[name]
    rows = file.start + np.flatnonzero(found.usable[file])
    rows = rows[np.argsort(found.lengths[rows], kind="stable")]
    lengths = found.lengths[rows].astype(np.float64)
    end = np.searchsorted(lengths, lengths * (1 + _UNIT), side="right")
    first = int((end - np.arange(len(lengths))).argmax())
    same, length = rows[first : end[first]], float(np.median(lengths[first : end[first]]))
    around = np.diff(np.searchsorted(lengths, [length * (1 - _NEAR), length * (1 + _NEAR)]))[0]
    by_chance = (around - len(same)) * _UNIT / (2 * _NEAR)
    different = len(np.unique(found.codes[same], axis=0))
    if different >= max(_FEWEST_EQUAL, _EQUAL * len(rows), _TIMES_CHANCE * by_chance):
        more = f" of {name} have length {length:.4g}; within {100 * _NEAR:g} % of it are {around - len(same):,} others"
        figures: Figures = {"length": length, "files": name}
        yield folder.finding("unit-length", np.sort(same), file.stop - file.start, more, figures)


def check_length_sign(found: Scan) -> Iterator[Finding]:
    """Longer vectors that are less similar to their person's front rows: in most recognisers they are more."""
    use, similarity = found.sample.front_similarity()
    length = found.lengths[found.sample.rows[use]]
    people = len(np.unique(found.sample.person[use]))
    if len(use) < FEWEST_ROWS or people < FEWEST_PEOPLE:
        return
    correlation = float(ranks(length) @ ranks(similarity)) / len(use)
    if correlation <= _INVERTED:
        yield finding(
            "length-inverted",
            f"Rank correlation of the length of video rows with their similarity to front rows: {correlation:+.2f} "
            f"(n = {len(use):,}). Usual recognisers have +0.6 to +0.9.",
            {"correlation": correlation, "n": len(use)},
        )


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
