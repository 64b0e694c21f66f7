"""Templates: several rows of one person that are one probe, such as the frames of a track."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from poseid.errors import InputError
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
    template = _numbers(templates, f"{where}: template_id")
    if media is None:
        return Templates(template, np.arange(len(template)))
    if len(media) != len(template):
        raise InputError(f"{where}: {len(media)} media ids for {len(template)} template ids: give one of each a row")
    pair = template * (len(template) + 1) + _numbers(media, f"{where}: media_id")
    return Templates(template, _by_first_row(pair))


def templates_of(rows: Rows, where: str) -> Templates | None:
    """The templates of rows by their keys ``template_id`` and ``media_id``; None where no row has a ``template_id``.

    Raises:
        InputError: an id that is neither text nor integer, or a template with rows of two people.
    """
    ids = rows.column("template_id")
    if ids is None:
        return None
    found = number_templates(ids, rows.column("media_id"), where)
    check_one_person(found.template, rows.names(), ids, where)
    return found


def check_one_person(template: np.ndarray, people: Iterable[str], ids: Sequence[Any], where: str) -> None:
    """Refuses a template with rows of two people.

    Raises:
        InputError: names the template and a row of each of the two people.
    """
    person = _numbers(list(people), f"{where}: person_name")
    first = np.unique(template, return_index=True)[1]
    wrong = np.flatnonzero(person != person[first][template])
    if wrong.size:
        row = int(wrong[0])
        other = int(first[template[row]])
        raise InputError(
            f"{where} rows {other} and {row}: template_id {ids[row]!r} stands on rows of two people: "
            "give each person's templates ids of their own"
        )


def _numbers(ids: Sequence[Any], where: str) -> np.ndarray:
    """(n,) numbers by first appearance; None is a number of its own each time."""
    known: dict[Any, int] = {}
    out = np.empty(len(ids), np.int64)
    following = 0
    for row, value in enumerate(ids):
        if value is None:
            out[row], following = following, following + 1
            continue
        if isinstance(value, bool) or not isinstance(value, (str, int, np.integer)):
            raise InputError(f"{where} of row {row} is {value!r}: give texts or integers")
        if value == "":
            raise InputError(f"{where} of row {row} is empty: leave the key out where there is none")
        number = known.setdefault(value, following)
        following += number == following
        out[row] = number
    return out


def _by_first_row(codes: np.ndarray) -> np.ndarray:
    """Codes numbered anew, in the order of their first rows."""
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    numbered: np.ndarray = rank[inverse]
    return numbered
