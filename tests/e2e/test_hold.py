"""Push to talk in a real browser: words appear while the key is held, the answer comes when it is let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vaidol.tests.bench import _speech as speech
from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.e2e.talking import needs_everything, start, told, wait_for_answers

pytestmark = needs_everything
WORDS = "Yesterday evening my little brother and I were walking to the cinema, and it was raining all the time."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def test_words_show_while_the_key_is_held_and_nothing_is_heard_without_it(server: Server, tmp_path: Path) -> None:
    microphone = tmp_path / "talk.wav"
    speech.write(microphone, speech.script(1.0, "Nobody hears this.", 3.5, WORDS, 40.0))
    with chromium(microphone=microphone) as browser:
        page = calm(browser, bypass_csp=True).new_page()
        wrong = complaints(page)
        page.add_init_script("localStorage.setItem('vaidol.hold', 'true')")
        start(page, server.url)
        assert page.locator("#status").inner_text() == "Hold to talk"
        page.wait_for_timeout(3_000)
        page.keyboard.down("Space")
        page.wait_for_function(
            "document.getElementById('heard').textContent.split(' ').length > 3"
            " && document.getElementById('heard').dataset.final === 'false'",
            timeout=15_000,
        )
        page.screenshot(path=tmp_path / "partial.png")
        assert told(page, "avatar") == [], "a pause ends nothing while the key is held"
        page.wait_for_timeout(5_500)
        page.keyboard.up("Space")
        wait_for_answers(page, 1)
        said = [entry["text"] for entry in told(page, "user")]
    assert len(said) == 1
    assert "cinema" in speech.words(said[0])
    assert "nobody" not in speech.words(said[0])
    assert wrong == []
