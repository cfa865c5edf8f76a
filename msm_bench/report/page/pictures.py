"""The figures of a report, each as bytes in any format, for light and dark pages."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Protocol

import pandas as pd
from matplotlib.figure import Figure

from msm_bench.report.figures import Drawn, figure_bytes, figures_of, theme
from msm_bench.report.page.material import Material
from msm_bench.report.page.text import file_stem

_LINEAGE = "lineage"
"""The figure that stands with the arms, and not among the results."""


class Draws(Protocol):
    """Gives a figure's bytes."""

    def __call__(self, style: str, dark: bool) -> bytes:
        """In a format (`svg`, `png` or `pdf`), for a dark page or a light one."""
        ...


class Picture(NamedTuple):
    """One figure."""

    name: str
    """Of its files; clean."""
    title: str
    """A few words."""
    caption: str
    """What it shows, and how to read it."""
    alt: str
    """What it says, for who can't see it."""
    draw: Draws
    """Its bytes."""

    @property
    def of_arms(self) -> bool:
        """Whether it shows how the arms came about, and no results."""
        return self.name == _LINEAGE


def pictures(material: Material, summary: pd.DataFrame | None = None, more: Sequence[Drawn] = ()) -> list[Picture]:
    """Every figure that the results allow.

    Args:
        material: The results.
        summary: The frame's `arm_summary`, if it is there already.
        more: Figures of what is not in the frame; they come last.
    """
    found = figures_of(
        material.frame, material.contrasts, recipe=material.recipe, manifests=material.shards, summary=summary
    )
    every = sorted([*found, *more], key=lambda drawn: drawn.name != _LINEAGE)  # it comes first on the page
    return [Picture(file_stem(own.name), own.title, own.caption, own.alt, _images(own)) for own in every]


def _images(drawn: Drawn) -> Draws:
    """Draws a figure once for light pages and once for dark ones, and writes it once in each format."""

    @cache
    def figure(dark: bool) -> Figure:
        with theme(dark):
            return drawn.draw()

    @cache
    def image(style: str, dark: bool) -> bytes:
        data = figure_bytes(figure(dark), style)
        figure(dark).set_layout_engine("none")  # it is laid out now, for the other formats too
        return data

    return image
