"""The overlay for streams, in a real browser on a real server: it finds the session, keeps step, comes back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import available, calm, chromium, complaints
from vaidol.graph.registry import Registry
from vaidol.server.app import SERVER
from vaidol.tests.bench.avatar import PIPELINE, Bursts, Echoes
from vaidol.tests.server.client import serving

pytestmark = [
    pytest.mark.alone,
    pytest.mark.browser,
    pytest.mark.skipif(not available(), reason="no chromium on this machine"),
]
WHOLE = """(() => {
  const { top, bottom, height } = document.querySelector("#avatar svg").getBoundingClientRect();
  return top >= -1 && bottom <= innerHeight + 1 && height > 0.7 * innerHeight;
})()"""
LIVE = "document.body.dataset.viewer === 'live'"
OPEN = "vaidol.value('ParamMouthOpenY') > 0.3"


class Served:
    """The server on a thread of its own; Playwright keeps this one."""

    def __init__(self) -> None:
        self.url, self.ready, self.over = "", threading.Event(), asyncio.Event()
        self.server: Any = None

    async def run(self) -> None:
        kinds = Registry("vaidol.nodes", extra={"bench.agent": Echoes, "bench.tts": Bursts})
        async with serving(PIPELINE, kinds=kinds) as client:
            self.url, self.loop, self.server = str(client.make_url("/")), asyncio.get_running_loop(), client.app[SERVER]
            self.ready.set()
            await self.over.wait()

    def tell_all(self, message: dict[str, Any]) -> None:
        self.loop.call_soon_threadsafe(lambda: [session.send(message) for session in self.server.sessions])

    def end_all(self, reason: str) -> None:
        self.loop.call_soon_threadsafe(lambda: [session.end(reason) for session in self.server.sessions])


@contextmanager
def served() -> Iterator[Served]:
    server = Served()
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    try:
        assert server.ready.wait(30)
        yield server
    finally:
        server.loop.call_soon_threadsafe(server.over.set)
        thread.join(30)


def until(page: Any, condition: str, seconds: float = 15) -> None:
    """Poll by hand: wait_for_function needs eval, which the page's policy forbids."""
    for _ in range(int(seconds / 0.02)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never came true: {condition}")


def opened(browser: Any, url: str, **context: Any) -> tuple[Any, list[str]]:
    page = calm(browser, **context).new_page()
    found = complaints(page)
    page.goto(url)
    return page, found


def speak(page: Any) -> None:
    page.fill("#text", "Hello to all of you out there.")
    page.press("#text", "Enter")


@pytest.mark.timeout(180)
def test_overlays_wait_join_late_keep_step_and_come_back(tmp_path: Path) -> None:
    with served() as server, chromium() as browser:
        early, early_said = opened(browser, f"{server.url}overlay?captions=1&scale=0.8")
        until(early, "document.querySelector('#avatar svg') !== null")
        assert not early.evaluate(LIVE)  # nobody is there yet
        assert early.evaluate(WHOLE)
        speaker, _ = opened(browser, server.url)
        speaker.locator("#start:enabled").click()
        until(speaker, "vaidol.state === 'listening'")
        until(early, LIVE)
        until(early, "vaidol.exact")
        server.tell_all({"t": "other", "name": "Ann", "text": "Why <b>so</b>?"})
        until(early, "document.getElementById('asked').textContent === 'Ann: Why <b>so</b>?'")
        speak(speaker)
        until(early, OPEN)
        until(early, "document.getElementById('caption').textContent.startsWith('Hello to all')")
        late, _ = opened(
            browser, f"{server.url}overlay?audio=0&trim_ms=50&session={speaker.evaluate('vaidol.session')}"
        )
        until(late, LIVE)
        until(late, OPEN)
        assert late.evaluate("document.getElementById('voice').muted")
        assert not early.evaluate("document.getElementById('voice').muted")
        early.screenshot(path=tmp_path / "overlay.png", omit_background=True)
        corner = _pixel(tmp_path / "overlay.png")
        assert corner[3] == 0  # nothing but the avatar is there
        speaker.click("#interrupt")
        until(late, "vaidol.value('ParamMouthOpenY') < 0.02")
        server.end_all("the test wants it")
        until(early, "document.body.dataset.viewer !== 'live'")
        speaker.reload()  # a new session
        speaker.locator("#start:enabled").click()
        until(speaker, "vaidol.state === 'listening'")
        until(early, LIVE)
        speak(speaker)
        until(early, OPEN)
        refused = [said for said in early_said if "404" not in said]  # nobody was there to be watched
        assert refused == []


def _pixel(path: Path) -> tuple[int, ...]:
    """The first pixel of a picture, as RGBA."""
    import av

    with av.open(str(path)) as picture:
        frame = next(picture.decode(video=0)).to_ndarray(format="rgba")
    return tuple(int(value) for value in frame[2, 2])
