"""Templates: several rows of one person that are one probe, such as the frames of a track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from poseid.errors import InputError
from poseid.features.identifiers import (
    Identifiers,
    encode_key,
    encode_values,
    rows_of_two_people,
    two_people_fault,
)
from poseid.features.rows import Rows


class Templates(NamedTuple):
    """Which template, and which media of it, each of n rows belongs to; both numbered by their first rows.

    Rows of one media repeat each other, so that a media counts as one in its template, however many rows it has.
    """

    template: np.ndarray
    """(n,) int64, 0 … T − 1."""
    media: np.ndarray
    """(n,) int64, 0 … M − 1; a media belongs to one template. A row without a media is one of its own."""

    def template_of_media(self) -> np.ndarray:
        """(M,) the template of each media."""
        first = np.unique(self.media, return_index=True)[1]
        number: np.ndarray = self.template[first]
        return number


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
    encoded = None if media is None else encode_values(media, "media_id")
    return _templates(encode_values(templates, "template_id"), encoded, where)


def templates_of(rows: Rows, where: str) -> Templates | None:
    """The templates of rows by their keys ``template_id`` and ``media_id``; None where no row has a ``template_id``.

    Raises:
        InputError: an id that is neither text nor integer, or a template with rows of two people.
    """
    ids = encode_key(rows.metadata, "template_id")
    if ids is None:
        return None
    found = _templates(ids, encode_key(rows.metadata, "media_id"), where)
    wrong = rows_of_two_people(ids.codes, rows.people)
    if wrong is not None:
        fault = two_people_fault(wrong, rows.metadata[wrong[1]]["template_id"], rows.people)
        raise InputError(f"{where} {fault}")
    return found


def _templates(template: Identifiers, media: Identifiers | None, where: str) -> Templates:
    for key, ids in (("template_id", template), ("media_id", media)):
        if ids is not None and ids.fault:
            raise InputError(f"{where}: {key} of row {ids.wrong[0]} {ids.fault}")
    number = _numbers(template.codes)
    if media is None:
        return Templates(number, np.arange(len(number)))
    return Templates(number, _by_first_row(number * (len(number) + 1) + _numbers(media.codes)))


def _numbers(codes: np.ndarray) -> np.ndarray:
    """(n,) codes numbered by first appearance; −1 is a number of its own each time."""
    return _by_first_row(np.where(codes < 0, len(codes) + np.arange(len(codes)), codes))


def _by_first_row(codes: np.ndarray) -> np.ndarray:
    """Codes numbered anew, in the order of their first rows."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: np.ndarray = rank[inverse]
    return numbered
