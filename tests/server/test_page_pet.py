"""The page as a pet on the desktop: it calls by itself and shows the avatar alone. Chromium with a faked peer."""

from __future__ import annotations

import json

import pytest

from tests.browser import available
from tests.server.pages import Script, staged

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
SEEN = """() => [...document.querySelectorAll("button, header, input, aside, select")]
  .filter((one) => one.checkVisibility()).map((one) => one.id)"""


def test_it_calls_by_itself_and_shows_the_avatar_alone(browser: object) -> None:
    busy = (503, json.dumps({"error": {"code": "busy", "message": "no time"}}))
    with staged(browser, Script(offers=[busy]), query="?pet", viewport={"width": 336, "height": 420}) as stage:  # type: ignore[arg-type]
        stage.until("document.querySelector('#notice-text').textContent === 'no time'")  # and tries again
        stage.live()
        assert stage.script.count("POST") == 2
        stage.page.locator("#notice").wait_for(state="hidden")
        assert stage.page.evaluate(SEEN) == []
        box = stage.page.locator("#avatar svg").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 336, "height": 420}
        see_through = "[...document.querySelectorAll('html, body')].map((one) => getComputedStyle(one).backgroundColor)"
        stage.until(f"{see_through}.every((one) => one === 'rgba(0, 0, 0, 0)')")
