"""Names that may be one person's though they are written in two ways."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SEPARATORS = re.compile(r"[\s_.\-\u2010-\u2015]+")
_VARIANTS = re.compile(r"[\u034f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose a form of the character before them


def person_key(name: str) -> str:
    """What alike names have in common: what is left of a name without invisible differences, capitals and separators.

    The name in Unicode's NFKC form, case-folded, without format characters (zero-width ones) and variation selectors;
    spaces, hyphens, dots and underscores in a row are one space.

    >>> person_key("Li-Na 7") == person_key("li\\u200b_ｎａ ７") == "li na 7"
    True
    """
    if not name.isascii():
        name = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
        name = _VARIANTS.sub("", "".join(c for c in name if unicodedata.category(c) != "Cf"))
    return _SEPARATORS.sub(" ", name.casefold()).strip()


def alike_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """The names in groups of alike ones, sorted, groups by their first name; a name given twice counts once.

    >>> alike_names(["b", "Ana", "ana", "b"])
    [('Ana', 'ana'), ('b',)]
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        groups.setdefault(person_key(name), []).append(name)
    return [tuple(group) for group in groups.values()]
