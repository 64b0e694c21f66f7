"""Pooling: the rows of a template become one vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poseid.errors import InputError
from poseid.features.rows import MIN_NORM
from poseid.features.templates import Templates

ONE_LENGTH = 1e-3  # standard deviation of log lengths up to which all vectors have one length


class Pooled(NamedTuple):
    """T templates as one row each, in the order of their first rows."""

    features: NDArray[np.float32]
    """(T, D) unit rows."""
    frames: NDArray[np.int64]
    """(T,) rows of each template."""
    weight: NDArray[np.float32]
    """(T,) sum of the mean weights of its media, that is of its rows where each is a media of its own."""


def pool(features: NDArray[np.floating], weights: NDArray[np.floating], templates: Templates) -> Pooled:
    """unit(Σ_media mean over the rows of the media of (w · unit(h))) of each template.

    Args:
        features: (n, D) rows h, of any length.
        weights: (n,) w of each row, at least 0 and not all 0 in a template.
        templates: of the rows.

    Raises:
        InputError: a template whose weighted rows cancel out, so that it has no direction.

    >>> one = Templates(np.array([0, 0, 1]), np.array([0, 1, 2]))
    >>> pool(np.array([[2.0, 0.0], [0.0, 9.0], [0.0, -1.0]]), np.array([3.0, 4.0, 1.0]), one).features.tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, -1.0]]
    """
    share = np.asarray(weights, np.float64) / np.bincount(templates.media)[templates.media]
    return finish(
        sum_rows(weighted_units(features, share), templates.template),
        np.bincount(templates.template),
        np.bincount(templates.template, weights=share).astype(np.float64),
        lambda template: f"row {np.argmax(templates.template == template)}",
    )


def weighted_units(features: NDArray[np.floating], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, D) share · unit(h) of (n, D) rows h of any length and (n,) shares; the zero vector stays zero."""
    rows = np.asarray(features, np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    scaled: NDArray[np.float64] = rows * (share / np.maximum(lengths, MIN_NORM))[:, None]
    return scaled


def sum_rows(rows: NDArray[np.float64], number: NDArray[np.int64]) -> NDArray[np.float64]:
    """(max + 1, D) sums of the rows of each number; every number from 0 to the largest occurs. No rows: (0, D)."""
    order = np.argsort(number, kind="stable")
    return np.add.reduceat(rows[order], np.flatnonzero(np.diff(number[order], prepend=-1)), axis=0)


def finish(
    sums: NDArray[np.float64], frames: NDArray[np.int64], weight: NDArray[np.float64], place: Callable[[int], str]
) -> Pooled:
    """The templates from the sums of their media; ``place`` names the first row of a template, for messages.

    Raises:
        InputError: a template without a direction.
    """
    length = np.sqrt(np.einsum("ij,ij->i", sums, sums))
    lost = np.flatnonzero(~(length > MIN_NORM * np.maximum(weight, MIN_NORM)))
    if lost.size:
        fault = "the template that begins here has rows that cancel out and leave no direction"
        raise InputError(f"{place(int(lost[0]))}: {fault}: remove the wrong ones")
    return Pooled((sums / length[:, None]).astype(np.float32), frames, weight.astype(np.float32))
