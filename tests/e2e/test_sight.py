"""Seeing in a whole call: the browser's camera reaches the language model with typed and with spoken words."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.talking import needs_everything, start, told, type_in, wait_for_answers
from vaidol.tests.openai_server import OpenaiServer

pytestmark = needs_everything


@pytest.fixture(scope="module")
def model() -> Iterator[OpenaiServer]:
    with openai_server(OpenaiServer(reply=lambda _: "I see you.")) as server:
        yield server


def pictures(model: OpenaiServer) -> list[bytes]:
    """What the model saw with the words of its last request."""
    parts: Any = model.asked[-1]["messages"][-1]["content"]
    urls = [part["image_url"]["url"] for part in parts if isinstance(part, dict) and part["type"] == "image_url"]
    return [base64.b64decode(url.removeprefix("data:image/jpeg;base64,"), validate=True) for url in urls]


def test_the_model_sees_the_camera_with_typed_and_with_spoken_words(model: OpenaiServer, tmp_path: Path) -> None:
    microphone = tmp_path / "question.wav"
    speech.write(microphone, speech.script(20.0, "What is the thing in my hand?", 30.0))
    with (
        serving(tmp_path, "openai", LLM_URL=model.url, LLM_KEY="none", LLM_VISION="true") as server,
        chromium(microphone=microphone) as browser,
    ):
        page = calm(browser, bypass_csp=True).new_page()
        wrong = complaints(page)
        start(page, server.url)
        type_in(page, "Do you see me?")
        wait_for_answers(page, 1)
        assert pictures(model) == []
        page.locator("#eyes [data-show=camera]").click()
        page.wait_for_function("document.querySelector('#eyes video').videoWidth > 0", timeout=10_000)
        type_in(page, "And now?")
        wait_for_answers(page, 2)
        [typed] = pictures(model)
        wait_for_answers(page, 3)
        [spoken] = pictures(model)
        page.screenshot(path=tmp_path / "seen.png")
        (tmp_path / "seen.jpg").write_bytes(spoken)
        words = [entry["text"] for entry in told(page, "user")]
        assert "hand" in words[2].lower()
        assert wrong == []
    for picture in (typed, spoken):
        assert picture.startswith(b"\xff\xd8\xff")
        assert 500 < len(picture) <= 200 * 1024
    assert typed != spoken, "the first picture went with the second turn"
    assert "Traceback" not in server.log.read_text()
