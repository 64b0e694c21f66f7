"""The pieces of report.html: escaped text, numbers, and tables whose nulls have their reason below them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from poseid.verification.page_style import STYLE

if TYPE_CHECKING:
    from poseid.verification.figure_tiles import Drawn

Block = dict[str, Any]

_SPACE = "\u00a0"  # keeps a number and its sign on one line

NO_INTERVALS = "no confidence intervals were asked for"


class Notes:
    """The reasons that stand below a table, lettered in the order in which they come up."""

    def __init__(self, name: str, reasons: Mapping[str, str], resamples: int | None) -> None:
        self.name = name
        self.reasons = reasons
        self.resamples = resamples
        self._letters: dict[str, str] = {}

    def why(self, *paths: str, interval: bool = False) -> str:
        """The reason of the first path, or of the nearest part of it, that has one."""
        if interval and self.resamples == 0:
            return NO_INTERVALS
        for path in paths:
            parts = path.split(".")
            for end in range(len(parts), 0, -1):
                reason = self.reasons.get(".".join(parts[:end]))
                if reason:
                    return reason
        return "too few people: too many resamples hold no such comparison" if interval else "not defined on this data"

    def dash(self, *paths: str, interval: bool = False) -> str:
        """A dash for a null, with the letter of its reason."""
        reason = self.why(*paths, interval=interval)
        place = len(self._letters)
        letter = self._letters.setdefault(reason, chr(ord("a") + place) if place < 26 else str(place))
        return f'–<sup><a href="#{self.name}-{letter}">{letter}</a></sup>'

    def html(self) -> str:
        if not self._letters:
            return ""
        items = "".join(
            f'<li id="{self.name}-{letter}"><sup>{letter}</sup> – because {escape(reason)}.</li>'
            for reason, letter in self._letters.items()
        )
        return f'<ul class="notes">{items}</ul>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of cells that are HTML already; the first cell of a row is its heading."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>" for row in rows
    )
    title = f"<caption>{caption}</caption>" if caption else ""
    # on a phone the heading of a row of many cells takes a line of its own
    kind = f' class="wide" style="--cells:{len(head) - 1}"' if len(head) > 3 else ""
    return f'<div class="scroll"><table{kind}>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def document(title: str, parts: Iterable[str], style: str = "") -> str:
    """A whole page, of HTML that is escaped already: no script, no network, styles and images inside.

    ``style`` is added to that of all pages.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; style-src '
        "'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}{style}</style></head>\n<body><main>\n"
        + "\n".join(part for part in parts if part)
        + "\n</main></body></html>\n"
    )


def images(figures: Mapping[str, Drawn], name: str, kind: str = "") -> str:
    """The tiles of a figure side by side (one below the other on a phone), embedded; nothing where there is none."""
    drawn = figures.get(name)
    if drawn is None:
        return ""
    embedded = "".join(
        f'<img alt="{escape(title)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'
        for png, title in zip(drawn.tiles, drawn.titles, strict=True)
    )
    return f'<div class="figures {kind}">{embedded}</div>'


def section(title: str, *content: str) -> str:
    return f"<section><h2>{title}</h2>{''.join(content)}</section>"


def percent(value: float) -> str:
    """
    >>> [percent(value).replace(_SPACE, " ") for value in (0.0944, 0.001, 0.0000123, 0.0)]
    ['9.44 %', '0.100 %', '0.0012 %', '0 %']
    """
    value = 100 * value
    if value == 0:
        return f"0{_SPACE}%"
    return f"{value:.{2 if value >= 1 else 3 if value >= 0.0995 else 4}f}{_SPACE}%"


def points(value: float) -> str:
    """A difference of two rates in percentage points.

    >>> points(-0.0123)
    '−1.23'
    """
    return signed(100 * value, 2)


def signed(value: float, digits: int = 4) -> str:
    """
    What is not zero does not look like zero for want of a digit or two.

    >>> signed(-0.00331), signed(-0.000028), signed(0.0)
    ('−0.0033', '−0.00003', '0.0000')
    """
    text = next((t for n in range(digits, digits + 3) if float(t := f"{value:+.{n}f}")), f" {0:.{digits}f}")
    return text.strip().replace("-", "−")


def plain(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def times(value: float) -> str:
    """
    >>> times(1.0312)
    '1.03×'
    """
    return f"{value:.2f}×"


def number(value: int) -> str:
    return f"{value:,}"


def bounds_text(bounds: list[float], form: Callable[[float], str]) -> str:
    """Both ends of an interval; its unit is that of the figure above it.

    >>> bounds_text([0.08, 0.11], percent)
    '8.00 to 11.00'
    """
    low, high = (form(bound).removesuffix("%").removesuffix("×").strip() for bound in bounds)
    return f"{low} to {high}"


def small(text: str, kind: str = "") -> str:
    return f'<small class="{kind}">{text}</small>' if kind else f"<small>{text}</small>"


def fmr_name(key: str) -> str:
    """The label of an FMR, never broken at its hyphen."""
    return f'<span class="nb">{escape(key)}</span>'


def arrow(before: str, after: str) -> str:
    return f'{before} <span class="arrow">→</span>{_SPACE}{after}'


def effect(ci95: list[float] | None, lower_is_better: bool, none: float = 0.0) -> tuple[str, str]:
    """What an interval of a change says in words, and its class: better, worse, or not clear.

    >>> effect([0.01, 0.03], lower_is_better=True)
    ('worse', 'bad')
    """
    if ci95 is None:
        return "", ""
    if ci95[0] == ci95[1] == none:
        return "no change", "mid"
    if ci95[0] <= none <= ci95[1]:
        return "no clear change", "mid"
    return ("better", "good") if (ci95[1] < none) == lower_is_better else ("worse", "bad")
