"""Colours, marks and labels of figures: for the colour-blind, grey print, dark pages and any text."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

from msm_bench.report.figures import style


def luminance(color: str) -> float:
    """Relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def seen(color: str, deficiency: np.ndarray) -> np.ndarray:
    """CIE Lab (D65) of a colour as it is seen with a deficiency."""
    linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)])
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(
        deficiency @ linear, 0, 1
    )
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira & Fernandes (2009, IEEE TVCG 15), severity 1
PROTAN = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]])
DEUTAN = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]])


def test_colours_are_told_apart_by_the_colour_blind_and_marks_without_any_colour() -> None:
    for deficiency in (np.eye(3), PROTAN, DEUTAN):
        labs = [seen(color, deficiency) for color in style.PALETTE]
        nearest = min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(labs, 2))
        assert nearest > 15  # a difference of 2 is just seen (CIE 1976)
    # neighbours differ in grey print as well: by at least 5 of 100 in lightness
    light = [seen(color, np.eye(3))[0] for color in style.PALETTE]
    assert min(abs(a - b) for a, b in itertools.pairwise(light)) > 5
    found = style.marks(56)
    assert len({(mark.color, mark.marker) for mark in found}) == 56
    for channel in ("marker", "line", "hatch"):
        assert len({getattr(mark, channel) for mark in found[:7]}) == 7


def test_inks_and_colours_stand_out_from_their_page() -> None:
    for inks in (style.LIGHT, style.DARK):
        assert contrast(inks.ink, inks.paper) > 12
        assert contrast(inks.muted, inks.paper) > 4.5  # WCAG 2.2, 1.4.3: small text
        assert min(contrast(color, inks.paper) for color in style.PALETTE) > 2
        assert min(contrast(color, inks.ink) for color in style.PALETTE) > 1.2  # the rim around a marker


@given(st.text(max_size=200), st.integers(2, 40), st.integers(1, 4))
def test_labels_are_cut_and_wrapped_to_what_the_font_has(text: str, width: int, lines: int) -> None:
    shown = style.wrapped(text, width, lines).split("\n")
    assert len(shown) <= lines
    assert max(map(len, shown)) <= width
    assert len(style.cut(text, width)) <= width
    assert all(char.isprintable() for char in style.drawable(text).replace("\N{REPLACEMENT CHARACTER}", ""))
