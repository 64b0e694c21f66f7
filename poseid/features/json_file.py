"""A long JSON file, of which a piece at a time is in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

_PIECE = 2**20  # characters
_BLANKS = re.compile(r"[ \t\n\r]*")
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
"""The escape of one of the two halves that UTF-16 writes a rare character with; a half alone is no character."""
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")


class Unsound(ValueError):
    """What comes next is no JSON, or JSON that can be read in two ways: a key twice in an object, a NaN."""


class JsonFile:
    """The values of a JSON file, one after the other.

    Args:
        file: UTF-8, opened at its beginning.
        place: how many bytes come before what ``file`` gives: three where a byte order mark was left out.

    >>> import io
    >>> file = JsonFile(io.StringIO('{"é": [1, {"a": 2}]}'))
    >>> file.take("{"), file.value(), file.take(":"), list(file.elements()), file.take("}"), file.take("")
    ('{', 'é', ':', [(1, 8, 9), ({'a': 2}, 11, 19)], '}', '')
    """

    def __init__(self, file: TextIO, place: int = 0) -> None:
        self._file = file
        self._place = place
        self._decode = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_once).raw_decode
        self._text, self._at = "", 0
        self.has_escaped_halves = False
        """Whether a half of a character was escaped in what was read so far."""
        self._more()

    def take(self, expected: str) -> str:
        """The next character that is no blank, which must be one of these; "" stands for the end of the file."""
        sign = self.look()
        if sign not in expected or bool(sign) != bool(expected):
            raise Unsound(f"{sign!r} where one of {expected!r} belongs")
        self._at += len(sign)
        self._place += len(sign)
        return sign

    def look(self) -> str:
        """The next character that is no blank, which stays; "" at the end of the file."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            assert blanks is not None
            self._place += blanks.end() - self._at
            self._at = blanks.end()
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value."""
        self.look()
        return self._value()[0]

    def elements(self) -> Iterator[tuple[Any, int, int]]:
        """The elements of the list that comes next, each with the bytes of the file where it begins and ends."""
        self.take("[")
        if self.look() == "]":
            self.take("]")
            return
        while True:
            text, at = self._text, self._at
            try:
                value, end = self._decode(text, at)
                comma = _COMMA.match(text, end)
            except json.JSONDecodeError:
                comma = None
            if comma is not None and comma.end() < len(text):  # nearly always
                begin = self._place
                finish = begin + len(text[at:end].encode("utf-8"))
                self._at, self._place = comma.end(), finish + comma.end() - end
                yield value, begin, finish
                continue
            yield self._value()
            if self.take(",]") == "]":
                return
            self.look()

    def _value(self) -> tuple[Any, int, int]:
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise Unsound(str(error)) from None
                continue
            text = self._text[self._at : end]
            if end + len("e+") < len(self._text) or not self._more():  # a number may go on
                begin = self._place
                self._at += len(text)
                self._place += len(text.encode("utf-8"))
                return value, begin, self._place

    def _more(self) -> bool:
        """Reads on, as much again as is still needed: a long value is not read anew for each piece of it."""
        rest = self._text[self._at :]
        piece = self._file.read(max(_PIECE, len(rest)))
        self._text, self._at = rest + piece, 0
        self.has_escaped_halves |= HALF_CHARACTER.search(self._text) is not None
        return piece != ""


def _refuse(word: str) -> float:
    raise Unsound(f"{word} is no number")


def _once(items: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(items)
    if len(found) < len(items):
        raise Unsound("a key stands twice")
    return found
