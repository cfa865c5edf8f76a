"""One look for all figures: sizes for print, colours for light and dark pages, and text that can't break a drawing.

A second channel (marker, line style, hatch) goes with every colour, so that grey print can be read too.
"""

import textwrap
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, Literal, NamedTuple, ParamSpec

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

COLUMN = 3.3
"""Inches: the width of a column of a two-column page."""
TEXT = 6.9
"""Inches: the width of the text of a page."""
SMALL = 7.0
"""Points: the smallest text of any figure at its final size."""
CHARACTER = 0.06
"""Inches that a character of the smallest text takes on average."""
_LABEL = 7.5
_TITLE = 8.0
_P = ParamSpec("_P")


class Inks(NamedTuple):
    """What is drawn with, beside the colours of arms."""

    ink: str
    """Text and what matters."""
    muted: str
    """Axes, notes and lines of reference."""
    faint: str
    """Grids and empty cells."""
    paper: str
    """The ground."""


LIGHT = Inks("#1a1a1a", "#595959", "#d9d9d9", "#ffffff")
DARK = Inks("#ececec", "#a8a8a8", "#3d4148", "#16181d")
BLUE, ORANGE, GREEN, SKY, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00"
PALETTE = (BLUE, ORANGE, GREEN, SKY, "#6040E0", "#CC79A7", "#963C1E", VERMILLION)
"""Okabe and Ito's colours (2008, Color Universal Design), but for yellow, which is too faint on white, and black, which
is too faint on a dark page: an indigo and a brown stand for them. Neighbours differ in lightness."""
_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
Line = Literal["-", "--", "-.", ":"] | tuple[float, tuple[float, ...]]
"""A line style."""
_LINES: tuple[Line, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
_HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "||||")
_dark: ContextVar[bool] = ContextVar("dark", default=False)


class Mark(NamedTuple):
    """How an arm, or any other of several, is told apart."""

    color: str
    """Of `PALETTE`."""
    marker: str
    """As in `matplotlib.markers`."""
    line: Line
    """Line style."""
    hatch: str
    """Of an area."""


def marks(count: int) -> list[Mark]:
    """A mark for each of `count`: neighbours differ in both channels, and no two of 56 are alike."""
    return [
        Mark(PALETTE[i % 8], _MARKERS[i % 7], _LINES[i % 7], _HATCHES[i % 7])  # 8 and 7 have no divisor in common
        for i in range(count)
    ]


def marks_of(names: Iterable[str]) -> dict[str, Mark]:
    """A mark for each name, in the order of their first occurrence."""
    unique = list(dict.fromkeys(names))
    return dict(zip(unique, marks(len(unique)), strict=True))


def key_of(marks: Iterable[Mark], lines: bool = True) -> list[Line2D]:
    """What stands in a key for each mark: its marker, on a line if `lines`."""
    return [
        Line2D([], [], color=mark.color, marker=mark.marker, linestyle=mark.line if lines else "none") for mark in marks
    ]


def inks() -> Inks:
    """The inks of the theme in force."""
    return DARK if _dark.get() else LIGHT


@contextmanager
def theme(dark: bool = False) -> Iterator[None]:
    """Within it figures are drawn and saved for a light or a dark page."""
    token = _dark.set(dark)
    try:
        with mpl.rc_context(_parameters(inks())):
            yield
    finally:
        _dark.reset(token)


def themed(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Decorates a function that draws: it draws in the theme in force, the light one by default."""

    @wraps(draw)
    def within(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with theme(_dark.get()):
            return draw(*args, **kwargs)

    return within


def is_dark(figure: Figure) -> bool:
    """Whether a figure was drawn for a dark page."""
    return sum(to_rgb(figure.get_facecolor())) < 1.5


def _parameters(colors: Inks) -> dict[Any, Any]:
    ink, muted, faint, paper = colors
    return {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": SMALL,
        "axes.titlesize": _TITLE,
        "axes.labelsize": _LABEL,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "legend.fontsize": SMALL,
        "legend.title_fontsize": SMALL,
        "figure.titlesize": _TITLE,
        "figure.labelsize": _LABEL,
        "text.parse_math": False,  # names are no formulas
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.major.size": 2.5,
        "ytick.major.size": 2.5,
        "lines.linewidth": 1.2,
        "lines.markersize": 4.0,
        "hatch.linewidth": 0.5,
        "grid.linewidth": 0.5,
        "legend.frameon": False,
        "figure.facecolor": paper,
        "axes.facecolor": paper,
        "savefig.facecolor": "auto",
        "text.color": ink,
        "axes.labelcolor": ink,
        "axes.titlecolor": ink,
        "axes.edgecolor": muted,
        "xtick.color": muted,
        "ytick.color": muted,
        "xtick.labelcolor": ink,
        "ytick.labelcolor": ink,
        "grid.color": faint,
        "hatch.color": ink,
        "patch.edgecolor": ink,
        "pdf.fonttype": 42,  # TrueType, which editors can search and change
        "ps.fonttype": 42,
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "msm-bench",
    }


def diverging() -> ListedColormap:
    """From violet over the ground to orange: told apart by the colour-blind; for grey print there are signs."""
    return ListedColormap([*reversed(_blend("#7B52AB")[1:]), *_blend("#E08214")])


def sequential() -> ListedColormap:
    """From the ground to a blue, dark on a light page and light on a dark one."""
    return ListedColormap(_blend(SKY if _dark.get() else BLUE))


def _blend(end: str) -> list[tuple[float, ...]]:
    """129 colours from the ground to `end`."""
    pairs = list(zip(to_rgb(inks().paper), to_rgb(end), strict=True))
    return [tuple(a + (b - a) * step / 128 for a, b in pairs) for step in range(129)]


def new_figure(width: float, height: float, pad: float = 0.04) -> Figure:
    """An empty figure of `width` x `height` inches, whose layout makes room for its labels and leaves `pad` inches."""
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=pad, h_pad=pad))


def panels(
    count: int,
    width: float,
    height: float,
    *,
    left: float = 0.6,
    least: float = 1.5,
    most: int = 6,
    share: Literal["all", "none"] = "all",
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels, as many beside one another as there is room for.

    Args:
        count: At least 1.
        width: Of the figure, in inches.
        height: Of a row of panels, in inches.
        left: Inches that the labels on the left take.
        least: Inches that a panel takes at least.
        most: How many stand beside one another at most.
        share: Whose y axis is shared: `all` or `none`.
    """
    columns = max(1, min(count, most, int((width - left) / least)))
    rows = -(-count // columns)
    figure = new_figure(width, height * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=share)
    every = [axis for row in axes for axis in row]
    for axis in every[count:]:
        axis.set_visible(False)
    return figure, every[:count]


def drawable(text: object) -> str:
    """`text` on one line, with a sign in place of what does not show, and of what the font lacks.

    Each that it lacks would be a warning, and a byte order mark, which it has, ends the writing of a PDF.
    """
    known = _glyphs()
    line = " ".join(str(text).split())
    return "".join(char if char.isprintable() and ord(char) in known else "\N{REPLACEMENT CHARACTER}" for char in line)


def cut(text: object, length: int) -> str:
    """`text` as it can be drawn, with at most `length` characters."""
    line = drawable(text)
    return line if len(line) <= length else f"{line[: length - 1]}…"


def wrapped(text: object, width: int, lines: int = 2) -> str:
    """`text` as it can be drawn, in at most `lines` lines of at most `width` characters."""
    line = drawable(text)
    parts = textwrap.wrap(line, max(width, 2), max_lines=lines, placeholder="…")
    if len(parts) > 1 and parts[-1] == "…":  # no line for the sign alone
        parts = [*parts[:-2], f"{parts[-2][: width - 1]}…"]
    return "\n".join(parts)


def label_inches(labels: Iterable[str]) -> float:
    """About how many inches the longest line of some labels takes."""
    return CHARACTER * max((len(line) for label in labels for line in label.split("\n")), default=0) + 0.1


@cache
def _glyphs() -> frozenset[int]:
    """The characters of the font that figures are drawn in."""
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())
