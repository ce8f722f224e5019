"""What the page's tests stand on: a web server with scripted answers, and a page whose peer is faked."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser import complaints

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WEB = Path(__file__).parents[2] / "server" / "web"
PEER = Path(__file__).with_name("fake_peer.js")
PREFIX = "/talk/"  # as behind a reverse proxy: nothing on the page may ask for "/"
NOBODY = {
    "characters": [],
    "avatar": "",
    "runtime": {"ready": False, "configured": False, "missing": [], "scripts": []},
}
READY = {"status": "ok", "pipeline": "default", "nodes": {}}
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@dataclass
class Script:
    """What the server will answer, and what it was asked."""

    health: dict[str, Any] = field(default_factory=lambda: dict(READY))
    avatars: dict[str, Any] = field(default_factory=lambda: dict(NOBODY))
    offers: list[tuple[int, str]] = field(default_factory=list)  # status and body of the next POSTs; then 201
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)  # method, path, headers

    pictures: list[bytes] = field(default_factory=list)  # that the page has sent

    def count(self, method: str) -> int:
        return sum(1 for asked in self.asked if asked[0] == method)


class Handler(BaseHTTPRequestHandler):
    """Answers as the `script` says."""

    def __init__(self, script: Script, *arguments: Any) -> None:
        self.script = script
        super().__init__(*arguments)

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, kind: str, body: bytes, location: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'")
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def note(self) -> str:
        path = self.path.partition("?")[0].removeprefix(PREFIX)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.script.asked.append((self.command, path, headers))
        return path

    def do_GET(self) -> None:
        path = self.note()
        if path == "health":
            self.answer(200, "application/json", json.dumps(self.script.health).encode())
            return
        if path == "live2d-models/info":
            self.answer(200, "application/json", json.dumps(self.script.avatars).encode())
            return
        file = WEB / (path.removeprefix("web/") or "index.html")
        found = self.path.startswith(PREFIX) and file.is_file()
        self.answer(*((200, TYPES[file.suffix], file.read_bytes()) if found else (404, "text/plain", b"no")))

    def do_POST(self) -> None:
        self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"].startswith("image/") and not self.script.offers:
            self.script.pictures.append(body)
            self.answer(200, "application/json", b"{}")
        elif self.script.offers:
            status, body = self.script.offers.pop(0)
            self.answer(status, "application/json", body.encode())
        else:
            self.answer(201, "application/sdp", b"v=0\r\n", f"whip/{self.script.count('POST')}")

    def do_DELETE(self) -> None:
        self.note()
        self.answer(200, "text/plain", b"")


class WebServer(ThreadingHTTPServer):
    """Does not mind a browser that leaves in the middle of an answer."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served(script: Script) -> Iterator[str]:
    server = WebServer(("127.0.0.1", 0), partial(Handler, script))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{PREFIX}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Stage:
    """A page and its script, with the words the tests speak in."""

    page: Page
    script: Script
    complaints: list[str]

    def say(self, t: str, *, channel: str = "state", **fields: Any) -> None:
        """The server sends a message."""
        self.page.evaluate("([m, c]) => fake.say(m, c)", [{"t": t, **fields}, channel])

    def sent(self, t: str) -> list[dict[str, Any]]:
        """What the page has sent so far, of one kind."""
        found: list[dict[str, Any]] = self.page.evaluate("(t) => fake.hear(t)", t)
        return found

    def call(self) -> None:
        """Press start when the avatar is there, and go as far as the server's hello."""
        self.page.locator("#avatar svg, #live2d").first.wait_for()
        self.page.locator("#start:enabled").click()
        self.live()

    def live(self) -> None:
        self.page.locator("body[data-call=live]").wait_for()
        self.say("hello", v=1, session="s1", token="secret", pipeline="default", rate=48_000, avatar={"name": "Vee"})

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def until(self, condition: str) -> None:
        """Poll by hand: wait_for_function needs eval, which the page's policy forbids."""
        self._poll(lambda: self.page.evaluate(condition), f"never came true: {condition}")

    def asked(self, method: str) -> None:
        """Wait until the server was asked by `method`."""
        self._poll(lambda: self.script.count(method), f"never asked by {method}")

    def _poll(self, come: Callable[[], object], otherwise: str) -> None:
        for _ in range(250):
            if come():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(otherwise)

    def value(self, parameter: str) -> float:
        found: float = self.page.evaluate("(id) => vaidol.puppet.value(id)", parameter)
        return found


@contextmanager
def staged(browser: Browser, script: Script, *, before: str = "", query: str = "", **context: Any) -> Iterator[Stage]:
    """The page with a faked peer; `before` runs in it before its own code."""
    with served(script) as address, browser.new_context(**context) as scope:
        page = scope.new_page()
        page.set_default_timeout(5000)
        page.add_init_script(path=PEER)
        if before:
            page.add_init_script(before)
        found = complaints(page)
        page.goto(address + query)
        yield Stage(page, script, found)
