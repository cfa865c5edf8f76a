"""The page: one file, with no address in it that a browser would fetch, and a policy that forbids it to."""

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from msm_bench import __version__
from msm_bench.report.page.assemble import Report
from msm_bench.report.page.pictures import Picture
from msm_bench.report.page.tables import number
from msm_bench.report.page.text import one_line, visible
from msm_bench.report.page.viewer import sample_link

_LARGE = 300_000
"""Bytes of an SVG above which the page holds the PNG, if that is smaller."""


def render_page(report: Report) -> str:
    """The report as HTML. All text goes through Jinja's escaping, after what is hidden in it was made visible."""
    environment = Environment(
        loader=PackageLoader("msm_bench.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    style, script = (_block(environment, name) for name in ("page.css", "page.js"))
    return environment.get_template("page.html.j2").render(
        report=report,
        figures=[_embedded(picture) for picture in report.pictures],
        sections=_sections(report),
        style=style,
        script=script,
        policy=policy(style, script),
        version=__version__,
        one_line=one_line,
        number=number,
        sample_link=sample_link,
    )


def policy(style: str, script: str) -> str:
    """The content security policy: images inside the page, this one style and this one script, and nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_source(style)}'; script-src '{_source(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(block: str) -> str:
    """A block's hash, as a policy names it (CSP level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(block.encode()).digest()).decode()}"


def _shown(value: Any) -> Any:
    """What a template puts out: our own blocks as they are, everything else with nothing hidden in it."""
    return value if isinstance(value, Markup) else visible(value)


def _block(environment: Environment, name: str) -> Markup:
    """A style or script of this package, which is no text of results: it is put out as it is."""
    if environment.loader is None:  # set above
        raise RuntimeError("no templates")
    source, _, _ = environment.loader.get_source(environment, name)
    return Markup(source)  # noqa: S704 - ours


def _embedded(picture: Picture) -> dict[str, str | bool]:
    """A figure as addresses that hold it, for light and dark pages."""
    return {
        "name": picture.name,
        "title": picture.title,
        "of_arms": picture.of_arms,
        "caption": picture.caption,
        "alt": picture.alt,
        "light": _data(picture, dark=False),
        "dark": _data(picture, dark=True),
    }


def _data(picture: Picture, *, dark: bool) -> str:
    data, kind = picture.draw("svg", dark), "svg+xml"
    if len(data) > _LARGE and len(png := picture.draw("png", dark)) < len(data):
        data, kind = png, "png"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _sections(report: Report) -> list[tuple[str, str]]:
    """Ids and headings, for the contents."""
    found = [("finding", "What came out"), ("arms", "The arms")]
    found += [("figures", "Figures")] if report.pictures else []
    found += [("tables", "Tables")] if report.tables else []
    found += [("samples", "Samples")] if report.samples else []
    return [*found, ("methods", "Methods"), ("provenance", "Versions and hashes"), ("cite", "How to cite")]
