"""Column names as a user writes them: one, several, f0..f511 or f*."""

from __future__ import annotations

import re
from collections.abc import Sequence

from poseid.errors import InputError
from poseid.features.rows import shown

_RANGE = re.compile(r"(.*?)([0-9]+)(?:\.{2,3}|…)(.*?)([0-9]+)", re.ASCII)


def split_names(text: str) -> tuple[str, ...]:
    """
    >>> split_names("yaw, pitch,roll")
    ('yaw', 'pitch', 'roll')
    """
    return tuple(name for part in text.split(",") if (name := part.strip()))


def find_columns(written: Sequence[str], have: Sequence[str], file: str) -> tuple[str, ...]:
    """The columns that are meant, in the order in which their numbers make a vector.

    A name that a column of ``have`` has stands for it. ``f0..f511`` (also with … or three dots) is a range, both ends
    included. ``f*`` is every column of that form, by number where there are numbers: f2 before f10.

    Raises:
        InputError: a column that is missing, one that is meant twice, a gap in the numbers of ``f*``.

    >>> find_columns(["f*"], ["f10", "f8", "id", "f9"], "table")
    ('f8', 'f9', 'f10')
    >>> find_columns(["v01..v03"], ["v03", "v02", "v01"], "table")
    ('v01', 'v02', 'v03')
    """
    found: list[str] = []
    for text in written:
        span = None if text in have else _RANGE.fullmatch(text)
        if span is not None and span[1] == span[3]:
            width = len(span[2]) if span[2].startswith("0") else 0
            found += [f"{span[1]}{i:0{width}d}" for i in range(int(span[2]), int(span[4]) + 1)]
        else:
            found += _matching(text, have, file) if "*" in text and text not in have else [text]
    if not found:
        raise InputError(f"{file}: {', '.join(written)} names no column")
    missing = next((name for name in found if name not in have), None)
    if missing is not None:
        raise InputError(f"{file}: has no column {shown(missing)}: its columns are {listed(have)}")
    twice = next((name for name in found if found.count(name) > 1 or have.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{file}: the column {shown(twice)} is meant twice, or there twice: give each its own name")
    return tuple(found)


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first and the last of many."""
    chosen = names if len(names) <= 8 else [*names[:5], "…", *names[-2:]]
    return ", ".join(name if name == "…" else shown(name)[1:-1] for name in chosen) or "none"


def _matching(pattern: str, have: Sequence[str], file: str) -> list[str]:
    form = re.compile(re.escape(pattern).replace(r"\*", "(.*)"), re.DOTALL)
    found = {name: match[1] for name in have if (match := form.fullmatch(name))}
    if not found:
        raise InputError(f"{file}: no column is named like {shown(pattern)}: its columns are {listed(have)}")
    numbers = {name: int(star) for name, star in found.items() if star.isascii() and star.isdigit()}
    if not numbers or pattern.count("*") > 1:
        return list(found)
    other = next((name for name in found if name not in numbers), None)
    if other is not None:
        raise InputError(f"{file}: {shown(pattern)} also means {shown(other)}: write a range such as f0..f511")
    first = min(numbers.values())
    gap = next((min(n, there) for n, there in enumerate(sorted(numbers.values()), first) if n != there), None)
    if gap is not None:
        raise InputError(f"{file}: of {shown(pattern)}, number {gap} is missing or there twice: check the table")
    return sorted(numbers, key=numbers.__getitem__)
