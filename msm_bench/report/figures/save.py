"""Figures as bytes and as files: PNG, SVG or PDF; the same numbers give the same bytes."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from msm_bench.errors import UserError
from msm_bench.files import write_bytes
from msm_bench.report.figures.style import SMALL, inks, is_dark, theme, wrapped

IMAGES = ("png", "svg", "pdf")
"""Formats of figures, each a file's ending."""
_DPI = 150
_LINES = 12
"""Of a note, at most."""
_CHARACTER = 0.054
"""Inches that a character of running text takes on average."""
_UNDATED: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def check_images(styles: Iterable[str]) -> None:
    """Raise a `UserError` if one of `styles` is not of `IMAGES`."""
    for style in styles:
        if style not in IMAGES:
            raise UserError(f"unknown format {style!r} of a figure; use one of {', '.join(IMAGES)}")


def figure_bytes(figure: Figure, style: str) -> bytes:
    """A figure in one of `IMAGES`: text of SVG stays text, PDF embeds its fonts as TrueType.

    Raises:
        UserError: an unknown format.
    """
    check_images([style])
    out = BytesIO()
    with theme(is_dark(figure)):  # ticks are made as the figure is written
        figure.savefig(out, format=style, dpi=_DPI, metadata=_UNDATED[style])
    return out.getvalue()


def save_figure(figure: Figure, path: Path, note: str = "") -> None:
    """Write a figure in the format that `path` ends in, to a temporary name, and rename it.

    Args:
        figure: As the functions of this package draw it; it is left as it was.
        path: Ends in one of `IMAGES`.
        note: Said below.

    Raises:
        UserError: an unknown ending.
    """
    with _noted(figure, note):
        write_bytes(path, figure_bytes(figure, path.suffix.removeprefix(".")))


@contextmanager
def _noted(figure: Figure, note: str) -> Iterator[None]:
    """A figure that is higher by its note."""
    layout = figure.get_layout_engine()
    if not note.strip() or not isinstance(layout, ConstrainedLayoutEngine):
        yield
        return
    width, height = figure.get_size_inches()
    text = wrapped(note, int((width - 0.1) / _CHARACTER), _LINES)
    band = (text.count("\n") + 1) * SMALL * 1.3 / 72 + 0.08
    whole = height + band
    with theme(is_dark(figure)):
        drawn = figure.text(0.05 / width, 0.04 / whole, text, fontsize=SMALL, color=inks().muted, linespacing=1.2)
    drawn.set_in_layout(False)
    figure.set_size_inches(width, whole)
    layout.set(rect=(0, band / whole, 1, height / whole))
    try:
        yield
    finally:
        drawn.remove()
        figure.set_size_inches(width, height)
        layout.set(rect=(0, 0, 1, 1))
