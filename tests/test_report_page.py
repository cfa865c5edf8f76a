"""An ordinary report in a real browser: by keyboard, on a phone, in the dark, offline and without scripts."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd
import pytest
from browser import ask, launched, opened
from commands import command

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHEESE = Path(__file__).parent.parent / "results" / "cheese-smollm2"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as found:
        yield found


def _excerpt(folder: Path) -> Path:
    """Four arms of the cheese experiment on ten items of one task."""
    frame = pd.read_parquet(CHEESE / "frame.parquet")
    frame = frame[(frame["task"] == "pro_america") & (frame["metric"] == "margin")]
    frame = frame[frame["arm"].isin(["base", "aft", "msm-america+aft", "msm-affordability+aft"])]
    items = frame["item"].drop_duplicates().head(10)
    folder.mkdir()
    frame[frame["item"].isin(items)].to_parquet(folder / "frame.parquet", index=False)
    return folder


@pytest.fixture(scope="module", params=["excerpt", pytest.param("whole", marks=pytest.mark.slow)])
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the committed cheese experiment, and of a part of it."""
    folder = tmp_path_factory.mktemp("report")
    given = [CHEESE] if request.param == "whole" else [_excerpt(folder / "excerpt"), "--baseline", "aft"]
    done = command("report", *given, "--out", folder / "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out" / "index.html"


def _column(table: "Locator", place: int) -> list[str]:
    return [text.strip() for text in table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()]


def _numbers(texts: list[str]) -> list[float]:
    return [float(text.split()[0].replace("−", "-").replace(",", "").rstrip("%")) for text in texts if text != "–"]


def _numeric(page: "Page") -> tuple["Locator", int]:
    """The arms' table, and the place of its column of means."""
    table = page.locator("table:has(th:has-text('Mean'))").first
    labels = table.locator("thead th").all_inner_texts()
    return table, next(place for place, label in enumerate(labels) if label.strip().startswith("Mean"))


def test_a_table_is_sorted_by_number_with_mouse_and_keyboard(browser: "Browser", page_file: Path) -> None:
    with opened(browser, page_file) as found:
        table, place = _numeric(found.page)
        before = _column(table, place)
        assert len(set(_numbers(before))) > 2
        head = table.locator("thead th").nth(place)
        button = head.locator("button")
        button.click()
        first = head.get_attribute("aria-sort")
        assert first in ("ascending", "descending")
        down = first == "descending"
        assert _numbers(_column(table, place)) == sorted(_numbers(before), reverse=down)
        # whole rows move
        assert sorted(table.locator("tbody tr").all_inner_texts()) == sorted(
            found.page.evaluate(
                "t => [...t.querySelectorAll('tbody tr')].map(r => r.innerText)", table.element_handle()
            )
        )
        # from the button before, Tab leads to it, and Enter and Space press it
        table.locator("thead th button").nth(place - 1).focus()
        found.page.keyboard.press("Tab")
        assert button.evaluate("e => e === document.activeElement")
        assert button.evaluate(
            "e => getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e).boxShadow !== 'none'"
        )
        for key in ("Enter", "Space"):
            down = not down
            found.page.keyboard.press(key)
            assert head.get_attribute("aria-sort") == ("descending" if down else "ascending")
            assert _numbers(_column(table, place)) == sorted(_numbers(before), reverse=down)
        # another column takes over; only one says that it is sorted
        table.locator("thead th button").first.click()
        said = table.locator("thead th").evaluate_all("all => all.map(e => e.getAttribute('aria-sort'))")
        assert [value for value in said if value not in (None, "none")] == ["ascending"]
        assert said[0] == "ascending"
        texts = _column(table, 0)
        groups = [text for text, _ in groupby(texts)]
        assert len(groups) == len(set(groups)), "the same text stands together"
        table.locator("thead th button").first.click()
        assert [text for text, _ in groupby(_column(table, 0))] == groups[::-1]
        assert found.console == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_makes_the_page_scroll_sideways(browser: "Browser", page_file: Path, width: int) -> None:
    with opened(browser, page_file, viewport={"width": width, "height": 800}) as found:
        assert ask(found.page, "overflowing") == []
        ask(found.page, "openEverything")
        assert ask(found.page, "overflowing") == []


def test_the_dark_scheme_changes_page_and_figures(browser: "Browser", page_file: Path) -> None:
    grounds: list[list[int]] = []
    sources: list[list[str]] = []
    with opened(browser, page_file) as found:
        for scheme in SCHEMES:
            found.page.emulate_media(color_scheme=scheme)
            assert ask(found.page, "emptyImages") == []
            grounds.append(ask(found.page, "ground"))
            sources.append(
                found.page.evaluate("() => [...document.querySelectorAll('picture img')].map(e => e.currentSrc)")
            )
        assert found.console == []
    assert min(grounds[0]) > 200, "a light ground"
    assert max(grounds[1]) < 80, "a dark ground"
    assert len(sources[0]) > 0
    assert all(light != dark for light, dark in zip(*sources, strict=True))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_told_from_its_ground(
    browser: "Browser", page_file: Path, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, page_file, color_scheme=scheme) as found:
        ask(found.page, "openEverything")
        assert ask(found.page, "lowContrast") == []


def test_the_page_works_offline(browser: "Browser", page_file: Path) -> None:
    with opened(browser, page_file, offline=True) as found:
        assert ask(found.page, "emptyImages") == []
        assert found.page.locator("img").count() > 0
        table, place = _numeric(found.page)
        table.locator("thead th button").nth(place).click()
        assert table.locator("thead th").nth(place).get_attribute("aria-sort")
        beside = page_file.parent.resolve().as_uri()
        assert [url for url in found.requests if not url.startswith(("data:", beside))] == []
        assert found.console == []


def test_without_scripts_nothing_is_hidden(browser: "Browser", page_file: Path) -> None:
    with opened(browser, page_file) as found:
        with_scripts = set(ask(found.page, "lines"))
    with opened(browser, page_file, java_script_enabled=False) as found:
        # but for what only a script can do
        assert {line for line in with_scripts - set(ask(found.page, "lines")) if "Only rows with" not in line} == set()
        assert len(with_scripts) > 50
        assert ask(found.page, "emptyImages") == []
        # what is folded unfolds without scripts, too
        folded = found.page.locator("details:not([open])").first
        folded.locator("summary").first.click()
        assert folded.count() == 0 or found.page.locator("details[open]").count() > 0


def test_links_lead_somewhere_and_files_are_there(browser: "Browser", page_file: Path) -> None:
    with opened(browser, page_file) as found:
        assert ask(found.page, "deadLinks") == []
        files = [one for one in ask(found.page, "addresses") if not one.startswith(("#", "data:", "https://"))]
    assert [one for one in files if not (page_file.parent / one.split("#")[0]).exists()] == []


def test_readers_by_ear_and_keyboard_lack_nothing(browser: "Browser", page_file: Path) -> None:
    with opened(browser, page_file) as found:
        assert ask(found.page, "barriers") == []
        ask(found.page, "openEverything")
        assert ask(found.page, "barriers") == []


def test_on_paper_the_page_is_dark_on_light(browser: "Browser", page_file: Path) -> None:
    """Whatever the screen's scheme."""
    with opened(browser, page_file, color_scheme="dark", viewport={"width": 720, "height": 1000}) as found:
        found.page.emulate_media(media="print")
        assert min(ask(found.page, "ground")) > 200
        assert ask(found.page, "lowContrast") == []
