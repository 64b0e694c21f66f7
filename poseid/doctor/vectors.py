"""Checks of the vectors themselves: no pose or person is needed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from poseid.doctor.finding import ERROR, NOTE, WARNING, Finding, row_names, share
from poseid.doctor.reading import Folder
from poseid.doctor.scan import NOT_FINITE, OUT_OF_RANGE, ZERO, FileScan, Scan
from poseid.features.rows import FRONTAL

DEFAULT_DIM = 512
"""``data.dim`` unless it is set."""

_UNIT = 2e-3
"""Float16 rounds a length of 1 by less."""
_CONSTANT = 1e-6
_DOMINANT = 0.25
_TIMES = 2.0


def check_vectors(folder: Folder, found: Scan) -> list[Finding]:
    """Vectors with no direction, columns that say nothing or too much, lengths and means that were tampered with."""
    scans = {"front": found.front, "video": found.video}
    findings = [finding for name, one in scans.items() for finding in _bad_rows(name, one)]
    scans = {name: one for name, one in scans.items() if one.fine.any()}
    findings += _dim(folder)
    findings += _columns(scans)
    findings += _lengths(folder, scans)
    findings += _centred(scans)
    return findings


def _bad_rows(name: str, found: FileScan) -> list[Finding]:
    bad = np.flatnonzero(~found.fine)
    if not bad.size:
        return []
    kinds = {"NaN or infinity": NOT_FINITE, "all zeros": ZERO, "a length that is no length": OUT_OF_RANGE}
    parts = {what: int((found.status == kind).sum()) for what, kind in kinds.items()}
    return [
        Finding(
            "bad-rows",
            ERROR,
            f"Rows of {name}_feature.npy with no direction",
            f"{share(bad.size, len(found.status))}: "
            + ", ".join(f"{n:,} {what}" for what, n in parts.items() if n)
            + f"; the first is row {bad[0]}. They were left out of all that follows.",
            "Remove these rows from the vectors, the metadata and the poses (often photos with no face found), or "
            "extract them again. Training refuses the folder as it is.",
            {"n": int(bad.size), "of": len(found.status)},
            row_names(name, bad),
        )
    ]


def _dim(folder: Folder) -> list[Finding]:
    if folder.dim == DEFAULT_DIM:
        return []
    return [
        Finding(
            "other-dim",
            NOTE,
            f"Vectors of {folder.dim} numbers",
            f"Training expects {DEFAULT_DIM} unless told otherwise.",
            f"Train with data.dim={folder.dim} beside data.dir.",
            {"dim": folder.dim},
        )
    ]


def _columns(scans: dict[str, FileScan]) -> list[Finding]:
    findings = []
    still = {
        name: np.flatnonzero(one.high - one.low <= _CONSTANT * np.maximum(np.abs(one.high), np.abs(one.low)))
        for name, one in scans.items()
        if one.fine.sum() > 1
    }
    still = {name: columns for name, columns in still.items() if columns.size}
    if still:
        counted = "; ".join(
            f"{name}: {share(columns.size, len(scans[name].low))}, such as column {columns[0] + 1}"
            for name, columns in still.items()
        )
        findings.append(
            Finding(
                "constant-columns",
                WARNING,
                "Columns in which every row has the same number",
                f"{counted}.",
                "They say nothing about anybody. Look for padding, a slice taken wrongly, or a dead output of the "
                "recogniser, and leave such columns out of both files.",
                {name: int(columns.size) for name, columns in still.items()},
            )
        )
    for name, one in scans.items():
        energy = one.mean**2 + one.spread**2
        top = int(energy.argmax())
        part = float(energy[top] / energy.sum())
        if len(energy) >= 16 and part >= _DOMINANT:
            findings.append(
                Finding(
                    "dominant-column",
                    WARNING,
                    "One column outweighs the others",
                    f"Column {top + 1} of {len(energy)} in {name}_feature.npy makes up {100 * part:.0f} % of the "
                    "squared length of an average row, so it decides what is similar.",
                    "Is it a number of something else (an index, an age, a score)? Then leave it out of both files.",
                    {"column": top + 1, "share": part},
                )
            )
            break
    return findings


def _lengths(folder: Folder, scans: dict[str, FileScan]) -> list[Finding]:
    findings = []
    quantiles = {name: np.nanquantile(one.lengths, [0.01, 0.5, 0.99]) for name, one in scans.items()}
    alike = [name for name, (low, middle, high) in quantiles.items() if high - low <= _UNIT * middle]
    alike = [name for name in alike if scans[name].fine.sum() > 1]
    if alike:
        middle = quantiles[alike[0]][1]
        findings.append(
            Finding(
                "unit-length",
                WARNING,
                "Vectors were brought to one length",
                f"All rows of {' and '.join(alike)} have length {middle:.4g}; as a recogniser gives them, lengths "
                "differ, and short vectors are those of poor photos.",
                "Save the vectors before they are normalised (InsightFace: .embedding, not .normed_embedding). "
                "Training works without, but the enhancer then cannot tell good photos from poor ones.",
                {"length": float(middle), "files": " ".join(alike)},
            )
        )
    if len(scans) == 2:
        frontal = scans["video"].lengths[folder.video.kinds == FRONTAL]
        frontal = frontal[~np.isnan(frontal)]
        video = float(np.median(frontal)) if len(frontal) >= 10 else float(quantiles["video"][1])
        front = float(quantiles["front"][1])
        if not 1 / _TIMES <= front / video <= _TIMES:
            findings.append(
                Finding(
                    "lengths-disagree",
                    WARNING,
                    "The two files have vectors of different lengths",
                    f"Half of the front rows are longer than {front:.4g}; of the frontal video rows, half are longer "
                    f"than {video:.4g}.",
                    "Give both files the vectors as one recogniser made them, neither normalised nor rescaled.",
                    {"front": front, "video": video},
                )
            )
    return findings


def _centred(scans: dict[str, FileScan]) -> list[Finding]:
    """Means that are nearer to 0 than the mean of so many rows can be by chance."""
    means, counts, energy = [], [], []
    for one in scans.values():
        means.append(one.mean)
        counts.append(int(one.fine.sum()))
        energy.append(float((one.mean**2 + one.spread**2).sum()))
    names = list(scans)
    if len(names) == 2:
        whole = sum(counts)
        means.append((means[0] * counts[0] + means[1] * counts[1]) / whole)
        energy.append((energy[0] * counts[0] + energy[1] * counts[1]) / whole)
        counts.append(whole)
        names.append("both files together")
    zero = [
        (name, _relative(mean, square))
        for name, mean, square, n in zip(names, means, energy, counts, strict=True)
        if n >= 20 and _relative(mean, square) < 0.2 / math.sqrt(n)
    ]
    if not zero:
        return []
    return [
        Finding(
            "centred",
            WARNING,
            "The mean was taken away from the vectors",
            "The mean vector is 0: " + "; ".join(f"{name}, {size:.1e} of a row's length" for name, size in zero) + ". "
            "Chance alone leaves more.",
            "Save the vectors as the recogniser gives them. A centred vector has other similarities, and a service "
            "would have to take the same mean away from every vector.",
            {"relative_mean": zero[0][1], "where": zero[0][0]},
        )
    ]


def _relative(mean: NDArray[np.float64], square: float) -> float:
    return float(np.linalg.norm(mean)) / math.sqrt(max(square, 1e-300))
