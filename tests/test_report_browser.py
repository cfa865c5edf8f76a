"""The report in a real browser: nothing that a model wrote runs or is asked for, and people can use the page."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from browser import Listener, Opened, ask, launched, listening, opened
from commands import called
from hostile import PAYLOADS, UNESCAPED, Payload
from hostile_logs import Speaker, hostile_contrasts, make_hostile, packed, write_hostile_logs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame

CHEESE = Path(__file__).parent.parent / "results" / "cheese-smollm2"
MOST_ITEMS, ROOM, LONG = 9, 1900, 400
"""Items that a report shows, characters of each that it surely shows whole, and of a payload that needs room alone."""
NAMES = [one for one in PAYLOADS if one.name in ("double quote, element", "script, end of element", "jinja, sum")]
HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Characters that do not show, or turn the page's own words round; all but tab and line break."""
LOADING = {"script", "style", "link", "meta", "base", "iframe", "object", "embed", "form", "input", "img", "image"}
LOADING |= {"svg", "math", "video", "audio", "source", "track", "picture", "template", "noscript", "frame", "title"}
LOADING |= {"select", "textarea", "portal", "use", "foreignobject", "a"}
"""Elements that run, load, swallow or lead somewhere."""


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as found:
        yield found


class Made(NamedTuple):
    """A report of hostile logs, one of the same logs with harmless words, and what was said in the former."""

    hostile: Path
    harmless: Path
    items: Sequence[Sequence[Payload]]


def report(*sources: object, out: Path, cwd: Path) -> Path:
    """The page that `msm-bench report` writes."""
    called("report", *sources, "--out", out, cwd=cwd)
    return out / "index.html"


def _harmless(payloads: Sequence[Payload]) -> list[Payload]:
    """Other words in the place of each, as different from each other as they are."""
    words = [re.sub(r"[^a-zA-Z]+", " ", payload.name).strip() for payload in payloads]
    return [Payload(payload.name, f"{own} %T%", "none") for payload, own in zip(payloads, words, strict=True)]


def _made(
    folder: Path,
    address: str,
    items: Sequence[Sequence[Payload]],
    names: Sequence[Sequence[Payload]],
    compared: bool = True,
) -> Made:
    pages: list[Path] = []
    for kind, change in (("hostile", list), ("harmless", _harmless)):
        logs = folder / f"logs-{kind}"
        for number, own in enumerate(names):
            write_hostile_logs(logs, address, [change(group) for group in [*items, NAMES]], change(own), f"log{number}")
        stated = hostile_contrasts(folder / f"{kind}.yaml", address, [change(own) for own in names])
        options = ["--contrasts", stated] if compared else ["--bundle"]
        pages.append(report(logs, *options, out=folder / kind, cwd=folder))
    hostile, harmless = pages
    return Made(hostile, harmless, items if compared else [])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Made:
    """One report, whose every place says some of the payloads."""
    short = [payload for payload in PAYLOADS if len(payload.template) < LONG]
    items = packed(short, ROOM)
    assert len(items) <= MOST_ITEMS
    return _made(tmp_path_factory.mktemp("made"), listener.address, items, [NAMES])


def _canonical(text: str) -> str:
    """Text without what does not show, however it is marked, and without spaces."""
    text = re.sub(r"⟨U\+[0-9A-F]{4,6}⟩|\N{REPLACEMENT CHARACTER}", "", text)
    return "".join(c for c in text if not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


def _untouched(found: Opened, listener: Listener, folder: Path) -> None:
    """The page is its author's own, and asked for nothing but files beside it."""
    listener.paths.clear()
    before = listener.connections
    ask(found.page, "openEverything")
    state = ask(found.page, "state")
    assert state == {
        **{"hits": [], "frames": 0, "titles": 1, "clobbered": [], "handlers": 0},
        **{"body": True, "standards": True},
    }
    for address in ask(found.page, "addresses"):
        assert re.match(r"(?:#|data:image/|[\w.-]+(?:/[\w.-]+)*(?:#|$))", address), address
    # the page itself can reach the listener, so silence means that nobody asked
    found.page.evaluate(
        "address => { fetch(address, {mode: 'no-cors'}).catch(() => null); }", f"{listener.address}/asked"
    )
    assert not listener.missing({"asked"})
    assert listener.tokens() == {"asked"}
    assert listener.connections == before + 1
    asked = [url for url in found.requests if not url.startswith(("data:", folder.resolve().as_uri()))]
    assert asked == [f"{listener.address}/asked"]
    assert found.dialogs == []


def test_unescaped_payloads_do_harm(browser: "Browser") -> None:
    """What the other tests look for does happen to a page that escapes nothing."""
    with listening() as server:
        frames = []
        for number, payload in enumerate(PAYLOADS):
            body = UNESCAPED[payload.context](payload.text(server.address, f"t{number}"))
            server.pages[f"/page/{number}"] = f"<!doctype html><meta charset=utf-8>{body}"
            frame = f'<iframe name="f{number}" width=200 height=90 src="/page/{number}"></iframe>'
            frames += [frame] if payload.effect != "none" else []
        server.pages["/all"] = "<!doctype html>" + "".join(frames)
        page = browser.new_page()
        page.goto(f"{server.address}/all", wait_until="load")
        for number, payload in enumerate(PAYLOADS):
            own = page.frame(name=f"f{number}")
            if payload.effect == "clicked":
                assert own is not None
                ask(own, "press")
            if payload.effect == "clobbers":
                assert own is not None
                assert _document(own) != ([], True), payload.name
        expected = {f"t{number}" for number, one in enumerate(PAYLOADS) if one.effect in ("loads", "clicked")}
        missing = server.missing(expected)
        assert [PAYLOADS[int(token[1:])].name for token in missing] == []
        page.close()


def _document(frame: "Frame") -> tuple[list[str], bool]:
    """The functions of `document` that are gone, and whether its body is still its own."""
    state = ask(frame, "state")
    return state["clobbered"], state["body"]


def test_unescaped_payloads_do_harm_in_a_file(browser: "Browser", listener: Listener, tmp_path: Path) -> None:
    """A page opened from disk may ask the listener, too."""
    page = tmp_path / "index.html"
    page.write_text("".join(one.text(listener.address, f"file-{one.name}") for one in PAYLOADS[:1]), encoding="utf-8")
    with opened(browser, page) as found:
        assert not listener.missing({"file-script"})
        assert ask(found.page, "state")["hits"] == ["file-script"]
    assert f"{listener.address}/file-script" in found.requests


def test_nothing_that_a_model_wrote_runs_or_is_asked_for(browser: "Browser", listener: Listener, made: Made) -> None:
    """Escaping alone is enough: the page's policy is switched off."""
    with opened(browser, made.hostile, bypass_csp=True) as found:
        _untouched(found, listener, made.hostile.parent)
        assert found.console == []


def test_the_policy_has_nothing_to_hold_off(browser: "Browser", made: Made) -> None:
    with opened(browser, made.hostile) as found:
        assert found.page.locator("meta[http-equiv='Content-Security-Policy' i]").count() == 1
        ask(found.page, "openEverything")
        assert found.console == []
        # and it holds off what is not the page's own
        with found.page.expect_console_message(lambda message: "Content Security Policy" in message.text):
            found.page.evaluate("() => { document.body.append(Object.assign(new Image(), {src: 'http://[::1]:9/'})); }")


def test_hostile_text_adds_no_element(browser: "Browser", made: Made) -> None:
    """Hostile and harmless words make the same page: where they differ, a text became an element or attribute."""
    pages = {}
    for kind, path in (("hostile", made.hostile), ("harmless", made.harmless)):
        with opened(browser, path) as found:
            pages[kind] = ask(found.page, "parts")
    assert set(pages["hostile"]) == set(pages["harmless"])
    assert {name: pages["hostile"].get(name, 0) for name in LOADING} == {
        name: pages["harmless"].get(name, 0) for name in LOADING
    }


def test_hostile_text_is_shown_as_it_is(browser: "Browser", listener: Listener, made: Made) -> None:
    with opened(browser, made.hostile) as found:
        ask(found.page, "openEverything")
        text = _canonical(found.page.evaluate("() => document.body.innerText"))
        assert not HIDDEN.search(found.page.content())
    for group in made.items:
        for number, payload in enumerate(group):
            for place in ("input", "answer-0", "answer-1"):
                said = _canonical(payload.text(listener.address, f"p{number}-{place}"))
                assert said in text, f"{payload.name} in {place}"


def test_a_hostile_page_fits_a_phone(browser: "Browser", made: Made) -> None:
    with opened(browser, made.hostile, viewport={"width": 360, "height": 740}) as found:
        ask(found.page, "openEverything")
        assert ask(found.page, "overflowing") == []


def test_markdown_of_hostile_text_is_text(listener: Listener, made: Made) -> None:
    _markdown_is_text(made.hostile.with_name("report.md"), made.harmless.with_name("report.md"), listener.address)


def _markdown_is_text(hostile: Path, harmless: Path, address: str) -> None:
    """Rendered with HTML and bare links allowed, it has the elements of a harmless one, and addresses in code alone."""
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("gfm-like", {"html": True})
    elements = {}
    for path in (hostile, harmless):
        text = path.read_text(encoding="utf-8")
        assert not HIDDEN.search(text)
        parser = _Elements()
        parser.feed(renderer.render(text))
        elements[path] = parser
    assert set(elements[hostile].seen) == set(elements[harmless].seen)
    for name in ("a", "img", "table", "tr", "td", "th", "h1", "h2", "h3", "h4", "hr", "blockquote", "details"):
        assert elements[hostile].seen[name] == elements[harmless].seen[name], name
    assert not [value for value in elements[hostile].addresses if address in value or ":" in value.split("/")[0]]
    outside = [token.content for token in _leaves(renderer.parse(hostile.read_text(encoding="utf-8")))]
    assert not [text for text in outside if address.removeprefix("http://") in text]


class _Elements(HTMLParser):
    """Counts elements, and keeps where they lead."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen[tag] += 1
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def _leaves(tokens: Sequence[Any]) -> Iterator[Any]:
    """All tokens that carry text, but for code and what describes an image."""
    for token in tokens:
        if token.type in ("code_inline", "code_block", "fence", "image"):
            continue
        if token.children:
            yield from _leaves(token.children)
        elif token.type != "inline":
            yield token


@pytest.mark.slow
@pytest.mark.parametrize("compared", [True, False])
@pytest.mark.parametrize("part", range(3))
def test_every_payload_in_every_place(
    browser: "Browser", listener: Listener, tmp_path: Path, part: int, compared: bool
) -> None:
    """Few in a text, so that none is cut; the samples chosen by a contrast, or without one and with the log viewer."""
    groups = packed(PAYLOADS, 1000)[part::3]
    assert len(groups) <= MOST_ITEMS
    _passes(browser, listener, _made(tmp_path, listener.address, groups, [NAMES], compared))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_every_payload_as_a_name(browser: "Browser", listener: Listener, tmp_path: Path, part: int) -> None:
    """Names of tasks, arms, models, scorers, metrics, options."""
    items = [[PAYLOADS[0]], [PAYLOADS[20]]]
    _passes(browser, listener, _made(tmp_path, listener.address, items, packed(PAYLOADS, 250)[part::8]))


@pytest.mark.slow
def test_hostile_records_of_a_results_folder(browser: "Browser", listener: Listener, tmp_path: Path) -> None:
    """Summary and manifests, which a results folder of somebody else brings along."""
    pages = []
    for kind, change in (("hostile", list), ("harmless", _harmless)):
        say = Speaker(listener.address, change(NAMES))
        folder = tmp_path / kind / "results"
        write_hostile_logs(tmp_path / kind / "logs", listener.address, [say.payloads, say.payloads[:1]], say.payloads)
        called("collect", tmp_path / kind / "logs", "--out", folder, cwd=tmp_path)
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        summary |= json.loads((CHEESE / "summary.json").read_text(encoding="utf-8"))
        (folder / "summary.json").write_text(json.dumps(make_hostile(summary, say)), encoding="utf-8")
        (folder / "shards").mkdir()
        braceless = Speaker(listener.address, change([one for one in NAMES if "{" not in one.template]))
        for number, path in enumerate(sorted((CHEESE / "shards").glob("*.json"))[:4]):
            shard = make_hostile(json.loads(path.read_text(encoding="utf-8")), braceless)
            shard["identity"]["arm"] = say.name(f"arm-{number % 2}")
            (folder / "shards" / f"{number}.json").write_text(json.dumps(shard), encoding="utf-8")
        pages.append(report(folder, out=tmp_path / kind / "out", cwd=tmp_path))
    _passes(browser, listener, Made(pages[0], pages[1], []))


def _passes(browser: "Browser", listener: Listener, made: Made) -> None:
    test_nothing_that_a_model_wrote_runs_or_is_asked_for(browser, listener, made)
    test_hostile_text_adds_no_element(browser, made)
    test_hostile_text_is_shown_as_it_is(browser, listener, made)
    test_a_hostile_page_fits_a_phone(browser, made)
    test_markdown_of_hostile_text_is_text(listener, made)
