"""The ancestor's web client, unchanged, in a real browser. It is not part of vaidol: build it (`npm run build:web`, or
its branch `build`) and run this with OLV_WEB=FOLDER; OLV_MODELS=FOLDER with Live2D models shows one of them."""

from __future__ import annotations

import base64
import io
import json
import os
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium
from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.e2e.talking import needs_everything

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CLIENT = os.environ.get("OLV_WEB", "")
GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
pytestmark = [*needs_everything, pytest.mark.skipif(not CLIENT, reason="OLV_WEB names no built client")]
SETTINGS, GROUP, HISTORY, NEW = range(4)  # the buttons at the top
Wanted = Callable[[dict[str, Any]], bool]


class Stock:
    """A page of the client, and all that went over its socket."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.log: list[tuple[float, str, dict[str, Any]]] = []
        self.page: Page = calm(browser, permissions=["microphone", "camera"]).new_page()
        self.page.set_default_timeout(60_000)
        self.page.on("websocket", self._watch)
        kept = {"wsUrl": server.url.replace("http", "ws") + "/client-ws", "baseUrl": server.url}
        kept["backgroundUrl"] = f"{server.url}/bg/ceiling-window-room-night.jpeg"
        lines = (f"localStorage.setItem('{name}', JSON.stringify('{value}'));" for name, value in kept.items())
        self.page.add_init_script("localStorage.setItem('i18nextLng', 'en');" + "".join(lines))
        self.page.goto(f"{server.url}/olv/")
        self.heard("new-history-created")

    def _watch(self, socket: Any) -> None:
        for event, way in (("framesent", ">"), ("framereceived", "<")):
            socket.on(event, lambda frame, way=way: self.log.append((time.monotonic(), way, json.loads(frame))))

    def heard(self, kind: str, wanted: Wanted = lambda _: True, *, since: int = 0, way: str = "<") -> dict[str, Any]:
        """The first message of that kind behind place `since` of the log."""
        for _ in range(1200):
            for _, went, message in self.log[since:]:
                if went == way and message["type"] == kind and wanted(message):
                    return message
            self.page.wait_for_timeout(50)
        raise AssertionError(f"no {kind}: {[(way, message['type']) for _, way, message in self.log[since:]]}")

    def end(self, since: int) -> None:
        self.heard("control", lambda one: one["text"] == "conversation-chain-end", since=since)

    def ask(self, text: str) -> int:
        """Type it; returns the place in the log before it, once the answer is over."""
        since = len(self.log)
        box = self.page.locator("textarea").first
        box.fill(text)
        box.press("Enter")
        self.end(since)
        return since

    def press(self, button: int) -> None:
        self.page.locator("button").nth(button).dispatch_event("click")
        self.page.wait_for_timeout(1000)

    def close(self) -> None:
        self.page.get_by_text("Close", exact=True).last.dispatch_event("click")
        self.page.wait_for_timeout(800)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    models = ("--live2d-models", os.environ["OLV_MODELS"]) if "OLV_MODELS" in os.environ else ()
    with serving(folder, "--olv-web", CLIENT, "--history", str(folder / "history.db"), *models) as running:
        yield running


def test_typed_text_is_answered_aloud_and_found_again(server: Server, tmp_path: Path) -> None:
    with chromium(flags=GL) as browser:
        one = Stock(browser, server)
        since = one.ask("Hello, who are you?")
        starts = [at for at, way, message in one.log[since:] if message["type"] == "audio-play-start"]
        first = one.heard("audio", since=since)
        with wave.open(io.BytesIO(base64.b64decode(first["audio"]))) as file:
            length_s = file.getnframes() / file.getframerate()
        done = next(at for at, _, message in one.log[since:] if message["type"] == "frontend-playback-complete")
        assert done - starts[0] > 0.8 * length_s, "it was played, not only shown"
        one.page.screenshot(path=tmp_path / "typed.png")
        assert one.page.get_by_text(first["display_text"]["text"].strip()).count()

        one.press(NEW)
        one.heard("new-history-created", since=since)
        one.ask("Do you like cats?")
        one.press(HISTORY)
        one.page.screenshot(path=tmp_path / "history.png")
        since = len(one.log)
        one.page.locator("text=/ago$/").last.dispatch_event("click")
        told = one.heard("history-data", since=since)["messages"]
        assert told[0]["content"] == "Hello, who are you?"


def test_another_character_goes_on_and_talks_in_a_group(server: Server, tmp_path: Path) -> None:
    with chromium(flags=GL) as browser:
        one = Stock(browser, server)
        since = len(one.log)
        one.press(SETTINGS)
        one.page.locator("[role=combobox]").nth(2).click()
        one.page.locator("[role=option]:visible", has_text="Orla").click()
        one.heard("config-switched", since=since)
        one.page.get_by_text("Save", exact=True).dispatch_event("click")
        one.page.wait_for_timeout(1500)
        since = one.ask("And who are you?")
        assert one.heard("audio", since=since)["display_text"]["name"] == "Orla"
        one.page.screenshot(path=tmp_path / "orla.png")

        two = Stock(browser, server)
        one.page.bring_to_front()
        since, there = len(one.log), len(two.log)
        one.press(GROUP)
        one.page.locator("input:visible").last.fill(two.heard("set-model-and-conf")["client_uid"])
        one.page.get_by_text("Invite", exact=True).last.dispatch_event("click")
        assert one.heard("group-operation-result", since=since)["success"]
        assert len(two.heard("group-update", lambda m: bool(m["members"]), since=there)["members"]) == 2
        one.page.screenshot(path=tmp_path / "group.png")
        one.close()
        one.ask("Good morning, everybody.")
        assert two.heard("audio", lambda m: m["forwarded"], since=there)["display_text"]["name"] == "Guest"
        two.heard("audio", lambda m: m["forwarded"] and m["display_text"]["name"] == "Orla", since=there)
        two.page.bring_to_front()
        two.heard("audio", lambda m: not m["forwarded"], since=there)  # its own character answers
        two.page.screenshot(path=tmp_path / "group_two.png")


def test_the_microphone_with_the_clients_own_ear_and_speaking_over_the_avatar(server: Server, tmp_path: Path) -> None:
    microphone = tmp_path / "talk.wav"
    speech.write(microphone, speech.script(6.0, "Hello there, what is your name?", 4.0, "Stop. Tell me a joke.", 40.0))
    with chromium(microphone=microphone, flags=GL) as browser:
        one = Stock(browser, server)
        assert "name" in one.heard("user-input-transcription")["text"]
        first = one.heard("audio")
        since = len(one.log)
        one.heard("interrupt-signal", way=">")
        assert "joke" in one.heard("user-input-transcription", since=since)["text"]
        one.heard("audio", lambda m: m["display_text"] != first["display_text"], since=since)
        one.end(since + 1)
        one.page.screenshot(path=tmp_path / "spoken.png")
