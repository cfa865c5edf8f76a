"""A real browser without a window, a server that notes who asks, and what a page did when it was opened."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MOST_SECONDS = 20.0
"""How long a request may take to arrive on a busy machine."""


@contextmanager
def launched() -> Iterator["Browser"]:
    """A browser; the test that asks for one is skipped where none is installed.

    Close it with the module that opened it: while it is there, nothing else in this thread can run an event loop.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'msm-bench[dev]' has playwright")
    with playwright.sync_playwright() as driver:
        found = next(filter(None, map(shutil.which, _NAMES)), None)
        if found is None and not Path(driver.chromium.executable_path).exists():
            pytest.skip("no browser: `apt-get install chromium`, or `playwright install chromium`")
        browser = driver.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            browser.close()


class Listener(ThreadingHTTPServer):
    """Notes every connection and the path of every request; serves `pages`, and an empty answer for all else."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, str] = {}
        self.paths: list[str] = []
        self.connections = 0
        self._news = threading.Condition()

    @property
    def address(self) -> str:
        """`http://host:port`."""
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._news:
            self.connections += 1
        super().process_request(request, client_address)

    def note(self, path: str) -> None:
        """A request came."""
        with self._news:
            self.paths.append(path)
            self._news.notify_all()

    def tokens(self) -> set[str]:
        """The first parts of the paths that were asked for."""
        with self._news:
            return {path.split("/")[1].split("?")[0] for path in self.paths}

    def missing(self, expected: set[str], seconds: float = _MOST_SECONDS) -> set[str]:
        """Which of `expected` was not asked for; waits until all were, or for `seconds`."""
        with self._news:
            self._news.wait_for(lambda: expected <= self.tokens(), seconds)
        return expected - self.tokens()


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path)
        if page is None:
            self.server.note(self.path)
        body = (page or "").encode("utf-8", "replace")
        self.send_response(200)
        if page is not None:
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:  # silence: its name is the library's
        pass


@contextmanager
def listening() -> Iterator[Listener]:
    """A listener on a free port of this machine."""
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Opened(NamedTuple):
    """A page, and what happened since it was asked for."""

    page: "Page"
    requests: list[str]
    dialogs: list[str]
    console: list[str]
    """Warnings and errors, such as a policy that forbade something."""


@contextmanager
def opened(browser: "Browser", path: Path, **options: Any) -> Iterator[Opened]:
    """The HTML file at `path` in a fresh context; `options` are those of `Browser.new_context`."""
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(1000 * _MOST_SECONDS)
    try:
        page = context.new_page()
        found = Opened(page, [], [], [])
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("console", lambda message: found.console.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: found.console.append(str(error)))

        def dismiss(dialog: Any) -> None:
            found.dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", dismiss)
        page.goto(path.resolve().as_uri(), wait_until="load")
        yield found
    finally:
        context.close()


def ask(page: "Page | Frame", question: str) -> Any:
    """What a function of `page_checks.js` says of the page."""
    source = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
    return page.evaluate(f"() => {{ {source}\nreturn CHECKS.{question}(); }}")
