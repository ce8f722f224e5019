"""The pages below a path of a reverse proxy, and what a page of another site can do to a server: nothing."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import available, calm, complaints
from tests.server.between import PREFIX, Between, between
from vaidol.tests.e2e.serving import Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(not available(), reason="needs chromium"),
]
ATTACKS = """async ([server, session]) => {
  const told = {};
  const asked = {
    read: ["api/sessions", {}],
    readBlind: ["api/sessions", { mode: "no-cors" }],
    say: ["api/interrupt", { method: "POST", mode: "no-cors", body: "{}" }],
    record: [`api/sessions/${session}/recording`, { method: "POST", mode: "no-cors" }],
    remove: [`api/sessions/${session}`, { method: "DELETE" }],
    change: ["api/config", { method: "PATCH", headers: { "If-Match": "*" }, body: '{"max_sessions": 1}' }],
    call: ["whip", { method: "POST", mode: "no-cors", body: "v=0" }],
    callWell: ["whip", { method: "POST", headers: { "Content-Type": "application/sdp" }, body: "v=0" }],
  };
  for (const [name, [path, how]] of Object.entries(asked)) {
    told[name] = await fetch(`${server}/${path}`, how).then((answer) => answer.status, () => "refused");
  }
  for (const path of ["client-ws", "api/inspect"]) {
    told[path] = await new Promise((done) => {
      const socket = new WebSocket(`${server.replace("http", "ws")}/${path}`);
      socket.onopen = () => done("open");
      socket.onerror = () => done("refused");
    });
  }
  for (const path of [`api/sessions/${session}/recording`, "api/interrupt", "whip"]) {
    const frame = document.createElement("iframe");
    frame.name = path;
    document.body.append(frame);
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", action: `${server}/${path}`, target: path });
    document.body.append(form);
    const sent = new Promise((done) => { frame.onload = done; });
    form.submit();
    await sent;
  }
  const page = document.createElement("iframe");
  page.src = `${server}/`;
  const shown = new Promise((done) => { page.onload = done; });
  document.body.append(page);
  await shown;
  return told;
}"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    kept = ["--history", str(tmp_path / "history.db"), "--recordings", str(tmp_path / "recordings")]
    with serving(tmp_path, "echo", "--trust-proxy", "127.0.0.1", *kept) as found:
        yield found


@pytest.fixture
def front(server: Server) -> Iterator[Between]:
    with between(server.url) as found:
        yield found


def told(server: Server, path: str) -> Any:
    with urllib.request.urlopen(f"{server.url}/{path}", timeout=20) as answer:
        return json.load(answer)


def start(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#start:enabled").click()
    page.locator("body[data-call=live]").wait_for()


def test_everything_works_below_a_path_of_a_reverse_proxy(browser: Browser, server: Server, front: Between) -> None:
    address = f"http://127.0.0.1:{front.port}{PREFIX}/"
    with calm(browser) as scope:
        page, asked = scope.new_page(), []
        found = complaints(page)
        scope.on("request", lambda request: asked.append(request.url))
        start(page, address)
        page.fill("#text", "good morning")
        page.press("#text", "Enter")
        page.locator("#transcript li").first.wait_for(state="attached")
        (session,) = told(server, "api/sessions")["sessions"]
        assert session["state"] == "connected"
        others = [scope.new_page() for _ in range(4)]
        wrong = [complaints(one) for one in others]
        inspector, history, overlay, routes = others
        inspector.goto(f"{address}inspector")
        inspector.locator(".node").first.wait_for()  # came over its WebSocket
        history.goto(f"{address}history")
        history.locator("#chats[aria-busy=false]").wait_for(state="attached")
        overlay.goto(f"{address}overlay")
        overlay.locator("#avatar svg").wait_for(state="attached")
        routes.goto(f"{address}api/")
        assert routes.locator("#routes section").nth(20).inner_text()
        page.locator("#stop").click()
        page.locator("body[data-call=idle]").wait_for()
        for _ in range(250):  # hung up by the address that the call was given
            if not told(server, "health")["sessions"]:
                break
            page.wait_for_timeout(20)
        assert told(server, "health")["sessions"] == 0
        assert found == []
        assert wrong == [[], [], [], []]
    assert front.seen == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_a_page_of_another_site_can_do_nothing(browser: Browser, server: Server, front: Between) -> None:
    with calm(browser) as own:
        page = own.new_page()
        start(page, f"{server.url}/")
        (session,) = told(server, "api/sessions")["sessions"]
        evil = own.new_page()  # in the same browser, with the same cookies
        errors = complaints(evil)
        evil.goto(f"http://localhost:{front.port}/evil")
        outcome = evil.evaluate(ATTACKS, [server.url, session["id"]])
        opaque = {"say": 0, "record": 0, "call": 0}  # sent without being readable: refused on arrival, see below
        assert {name: got for name, got in outcome.items() if got != "refused" and got != opaque.get(name)} == {}
        assert any("frame-ancestors" in error for error in errors)
        assert told(server, "health")["sessions"] == 1
        assert told(server, "api/recordings")["recordings"] == []
        assert told(server, f"api/sessions/{session['id']}/recorder")["recording"] is None
        assert told(server, "api/config")["options"]["max_sessions"] == 8
        script = "(id) => fetch(`api/sessions/${id}/recording`, { method: 'POST' }).then((answer) => answer.status)"
        assert page.evaluate(script, session["id"]) == 201  # what it tried can be done from the server's own page
