"""Pages made of `templates`: one file each, without script or network; styles and figures lie inside.

Whatever a template shows is escaped, unless it is markup of a template itself.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from inspect import getmembers, isfunction
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from poseid.reports import format

_REASONS = {"improvement.by_yaw": "no genuine comparison has a probe here"}
"""Where a block gives none."""
NO_INTERVALS = "no confidence intervals were asked for"


def render(template: str, context: Mapping[str, Any]) -> str:
    """The text of a template; a name that the context lacks is an error.

    Args:
        template: file name in `templates`; text is escaped where it ends in ``.html``.
        context: what the template shows.
    """
    return environment().get_template(template).render(context)


@cache
def environment() -> Environment:
    """Where templates come from, with what they may call: all functions of `format`, and `Notes`."""
    made = Environment(
        loader=PackageLoader("poseid.reports"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= dict(getmembers(format, isfunction))
    made.globals |= {"Notes": Notes, "base64": lambda png: base64.b64encode(png).decode("ascii")}
    return made


class Notes:
    """The reasons that stand below a table, lettered in the order in which they come up.

    Args:
        name: of the table, part of the ids of its notes.
        block: an evaluation block; its reasons stand in ``null_reasons``, by dotted path.
    """

    def __init__(self, name: str, block: Mapping[str, Any]) -> None:
        self.name = name
        self.letters: dict[str, str] = {}
        """A letter for each reason."""
        self._reasons: Mapping[str, str] = _REASONS | block.get("null_reasons", {})
        self._without_intervals = block.get("bootstrap", {}).get("resamples") == 0

    def why(self, *paths: str, interval: bool = False) -> str:
        """The reason of the first path, or of the nearest part of it, that has one."""
        if interval and self._without_intervals:
            return NO_INTERVALS
        for path in paths:
            parts = path.split(".")
            for end in range(len(parts), 0, -1):
                if reason := self._reasons.get(".".join(parts[:end])):
                    return reason
        return "too few people: too many resamples hold no such comparison" if interval else "not defined on this data"

    def letter(self, reason: str) -> str:
        """The letter of a reason, a new one where it has none yet."""
        n = len(self.letters)
        return self.letters.setdefault(reason, chr(ord("a") + n) if n < 26 else str(n))
