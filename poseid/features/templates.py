"""Templates: several rows of one person that are one probe, such as the frames of a track."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from poseid.errors import InputError
from poseid.features.identifiers import Identifiers, encode_key, encode_values, find_id_problems
from poseid.features.rows import Rows


class Templates(NamedTuple):
    """Which template, and which media of it, each of n rows belongs to; both numbered by their first rows.

    Rows of one media repeat each other, so that a media counts as one in its template, however many rows it has.
    """

    template: np.ndarray
    """(n,) int64, 0 … T − 1."""
    media: np.ndarray
    """(n,) int64, 0 … M − 1; a media belongs to one template. A row without a media is one of its own."""


def number_templates(templates: Sequence[Any], media: Sequence[Any] | None, where: str) -> Templates:
    """Numbers ids; a row whose id is None is a template, or a media, of its own.

    Args:
        templates: n ids, each a text, an integer or None.
        media: the same of the media; None: each row is its own.
        where: names the rows in messages.

    Raises:
        InputError: an id of another type.

    >>> number_templates(["b", "a", "b", None], ["x", "x", "x", "x"], "rows")
    Templates(template=array([0, 1, 0, 2]), media=array([0, 1, 0, 2]))
    """
    if media is not None and len(media) != len(templates):
        raise InputError(f"{where}: {len(media)} media ids for {len(templates)} template ids: give one of each a row")
    encoded = {"template_id": encode_values(templates, "template_id")}
    if media is not None:
        encoded["media_id"] = encode_values(media, "media_id")
    for key, ids in encoded.items():
        if ids.fault:
            raise InputError(f"{where}: row {ids.wrong[0]}: {key} {ids.fault}")
    return _templates(encoded["template_id"], encoded.get("media_id"))


def templates_of(rows: Rows, where: str) -> Templates | None:
    """The templates of rows by their keys ``template_id`` and ``media_id``; None where no row has a ``template_id``.

    Raises:
        InputError: an id that is neither text nor integer, or a template with rows of two people.
    """
    for problem in find_id_problems(rows.metadata, rows.people, Path(where)):
        raise InputError(problem.message)
    ids = encode_key(rows.metadata, "template_id")
    return None if ids is None else _templates(ids, encode_key(rows.metadata, "media_id"))


def number_rows(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) numbers of rows that are equal in all of (c, n) columns, in the order of first rows, and (k,) first rows."""
    order = np.lexsort(columns)  # stable: equal rows stay in order
    new = np.arange(len(order)) == 0
    for column in columns:
        ordered = column[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    del ordered  # there may be very many rows
    first_index = order[new]
    rank = np.empty(len(first_index), np.int64)
    by_first = np.argsort(first_index)
    rank[by_first] = np.arange(len(first_index))
    first_index = first_index[by_first]
    del by_first
    group = np.cumsum(new)
    group -= 1
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.take(rank, group, out=group, mode="clip")
    return numbers, first_index


def _templates(template: Identifiers, media: Identifiers | None) -> Templates:
    number = number_rows(_own(template.codes)[None])[0]
    if media is None:
        return Templates(number, np.arange(len(number)))
    return Templates(number, number_rows(np.stack([number, _own(media.codes)]))[0])


def _own(codes: np.ndarray) -> np.ndarray:
    """(n,) codes, in place of each −1 one of its own."""
    return np.where(codes < 0, len(codes) + np.arange(len(codes)), codes)
