"""The hostile texts do what they are said to do where nobody escapes them, so that the tests of pages can fail."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import launched, listening
from hostile import PAYLOADS, UNESCAPED

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with launched() as found:
        yield found


def test_unescaped_payloads_do_harm(browser: "Browser") -> None:
    frames = []
    with listening() as server:
        for number, payload in enumerate(PAYLOADS):
            body = UNESCAPED[payload.context](payload.text(server.address, f"t{number}"))
            server.pages[f"/page/{number}"] = f"<!doctype html><meta charset=utf-8>{body}"
            frames.append(f'<iframe name="f{number}" width=200 height=90 src="/page/{number}"></iframe>')
        server.pages["/all"] = "<!doctype html>" + "".join(
            frame for frame, payload in zip(frames, PAYLOADS, strict=True) if payload.effect != "none"
        )
        page = browser.new_page()
        page.goto(f"{server.address}/all", wait_until="load")
        harmful: dict[str, set[str]] = {"loads": set(), "clicked": set()}
        for number, payload in enumerate(PAYLOADS):
            frame = page.frame(name=f"f{number}")
            if payload.effect == "clobbers":
                assert frame is not None
                part = payload.name.split()[-1]
                assert frame.evaluate(f"document.{part} instanceof HTMLElement && document.{part} != document.querySelector('body')") or frame.evaluate(f"typeof document.{part}") != "function", payload.name
            if payload.effect == "clicked":
                assert frame is not None
                frame.locator("#click, a, button").last.click(no_wait_after=True, timeout=3000)
            harmful.setdefault(payload.effect, set()).add(f"t{number}")
        missing = server.missing(harmful["loads"] | harmful["clicked"], 10)
        print([PAYLOADS[int(token[1:])].name for token in sorted(missing)])
        extra = server.tokens() - harmful["loads"] - harmful["clicked"]
        print("extra", extra, server.connections)
        assert not missing
