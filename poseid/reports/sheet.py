"""How the figures of a report look: tiles of one size, colours that the colour-blind tell apart, no global state.

A figure is a grid of tiles. Its PNG shows them all; the page embeds them one by one, so that they stay readable on
a phone. Everything written in a figure is our own text or a number: names from the data stand in the page, where
the browser has the fonts for them.
"""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from poseid.reports.format import short
from poseid.verification.genuine import YAW_BINS

Line = str | tuple[int, tuple[float, ...]]
"""How a line is dashed, as matplotlib takes it."""

# Okabe and Ito (2008)
RAW, ENHANCED = "#D55E00", "#0072B2"
GENUINE, IMPOSTOR = "#009E73", "#CC79A7"
INK, SOFT, GRID = "#1A1A1A", "#5A5A5A", "#E3E3E3"

FONT = "DejaVu Sans"
"""Comes with matplotlib, so that it is the same everywhere."""

WIDTH, HEIGHT, DPI = 4.8, 4.2, 150
TITLE, TEXT, SMALL = 11.5, 9.5, 8.5

DASHED: Line = (0, (5, 3))
"""Of lines that mark a place."""
RAW_LINE: Line = (0, (4, 2))
"""Of what is raw, so that it is seen where it agrees with what is enhanced."""
SCORES: dict[str, tuple[str, Line]] = {"genuine": (GENUINE, "-"), "impostor": (IMPOSTOR, (0, (4, 1.5)))}
"""Colour and line of each kind of comparison."""
YAW_TICKS = sorted({edge for edges in YAW_BINS for edge in edges})
MOST_POINTS = 5_000
"""A scatter shows no more points."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 0.78, 0.18, 0.70, 0.62


@dataclass(frozen=True)
class Drawn:
    """A figure as PNG files."""

    png: bytes
    tiles: tuple[bytes, ...]
    """Row by row, without places left empty; put together they are the figure."""
    titles: tuple[str, ...]
    """What each tile shows, for those who cannot see it."""


@dataclass(frozen=True)
class Sheet:
    """A figure under construction."""

    figure: Figure
    subfigures: NDArray[Any]
    """(rows, columns) a subfigure for each tile."""
    titles: list[str]
    tile_height: float

    def tile(self, title: str, note: str) -> Axes:
        """The next tile: its axes, with a title and a line below it that gives n, the unit or the direction."""
        subfigure, height = self.subfigures.flat[len(self.titles)], self.tile_height
        self.titles.append(f"{title}. {note}")
        size = ((WIDTH - _LEFT - _RIGHT) / WIDTH, (height - _TOP - _BOTTOM) / height)
        axes: Axes = subfigure.add_axes((_LEFT / WIDTH, _BOTTOM / height, *size), facecolor="white")
        subfigure.text(0.16 / WIDTH, 1 - 0.15 / height, title, fontweight="bold", **_font(TITLE, INK), va="top")
        subfigure.text(0.16 / WIDTH, 1 - 0.40 / height, note, **_font(SMALL, SOFT), va="top")
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[:].set(color=SOFT, linewidth=0.8)
        axes.tick_params(colors=SOFT, labelcolor=INK, labelsize=SMALL, labelfontfamily=FONT, width=0.8, length=3)
        axes.grid(True, color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        return axes

    def pixels(self) -> NDArray[np.uint8]:
        """(height, width, 3) the finished figure."""
        canvas = self.figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        canvas.draw()  # type: ignore[no-untyped-call,unused-ignore]
        pixels: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[..., :3]  # type: ignore[no-untyped-call,unused-ignore]
        return np.ascontiguousarray(pixels)

    def drawn(self) -> Drawn:
        """The PNG files of the finished figure."""
        pixels = self.pixels()
        rows, columns = self.subfigures.shape
        tiles = [_png(tile) for row in np.split(pixels, rows) for tile in np.split(row, columns, axis=1)]
        return Drawn(_png(pixels), tuple(tiles[: len(self.titles)]), tuple(self.titles))


def sheet(rows: int, columns: int, tile_height: float = HEIGHT) -> Sheet:
    """An empty figure of so many tiles (their height in inches), drawn offscreen."""
    figure = Figure(figsize=(WIDTH * columns, tile_height * rows), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    subfigures = figure.subfigures(rows, columns, squeeze=False, wspace=0, hspace=0)
    return Sheet(figure, subfigures, [], tile_height)


def label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, **_font(TEXT, INK))
    axes.set_ylabel(y, **_font(TEXT, INK))


def legend(axes: Axes, where: Literal["best", "upper left", "upper right"], columns: int = 1) -> None:
    axes.legend(
        loc=where,
        ncols=columns,
        frameon=True,
        framealpha=0.9,
        edgecolor="none",
        facecolor="white",
        labelcolor=INK,
        prop={"family": FONT, "size": SMALL},
        handlelength=1.8,
        borderaxespad=0.2,
    )


def write(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    ha: str = "left",
    va: str = "top",
    size: float = SMALL,
    weight: str = "normal",
    at_data: bool = False,
    backdrop: float = 1.5,
) -> Text:
    """Text at a place given as shares of the axes, or in their data; a white backdrop keeps lines from running through.

    ``backdrop`` is its margin in points, 0 for none. A ``$`` in the text is a ``$``.
    """
    return axes.text(
        x,
        y,
        text,
        transform=axes.transData if at_data else axes.transAxes,
        fontweight=weight,
        **_font(size, colour),
        ha=ha,
        va=va,
        linespacing=1.35,
        parse_math=False,
        zorder=6,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": backdrop} if backdrop else None,
    )


def empty_tile(axes: Axes, reason: str) -> None:
    """Says why a tile is empty."""
    axes.set_axis_off()
    # a reason in another script would be boxes in this font; the page has it in full
    text = reason if reason.isascii() else "the reason stands in the report"
    text = textwrap.fill(f"Nothing to show: {text}", 42)
    write(axes, 0.5, 0.5, text, SOFT, "center", "center", TEXT, backdrop=0)


Values = NDArray[np.float64]


def outline(axes: Axes, share: Values, edges: Values, colour: str, style: Line, name: str, alpha: float) -> None:
    """A histogram as a filled outline, so that two of them show each other."""
    axes.stairs(share, edges, fill=True, color=colour, alpha=alpha, linewidth=0)
    axes.stairs(share, edges, color=colour, linewidth=1.5, linestyle=style, label=name)


def yaw_axis(axes: Axes) -> None:
    """Yaw across, with ticks at the edges of the bins."""
    axes.set_xlim(-95, 95)
    axes.set_xticks(YAW_TICKS, [short(tick) for tick in YAW_TICKS])


def subsample(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """An even share of `MOST_POINTS` rows, all of them where they are fewer."""
    return rows if len(rows) <= MOST_POINTS else rows[np.linspace(0, len(rows) - 1, MOST_POINTS).astype(np.intp)]


def _font(size: float, colour: str) -> dict[str, Any]:
    return {"fontsize": size, "color": colour, "fontfamily": FONT}


def _png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(out, "png", dpi=(DPI, DPI))
    return out.getvalue()
