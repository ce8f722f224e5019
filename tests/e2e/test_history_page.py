"""The page of earlier conversations in a real browser: only this browser's own, and the call takes one up again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.talking import start, type_in, wait_for_answers
from vaidol.tests.e2e.test_personas import PIPELINE
from vaidol.tests.openai_server import OpenaiServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]


def test_earlier_conversations_are_read_taken_up_and_deleted(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(PIPELINE)
    arguments = (str(tmp_path / "small.yaml"), "--history", str(tmp_path / "history.sqlite3"))
    with (
        openai_server(OpenaiServer(reply=lambda _: "So it is.")) as model,
        serving(tmp_path, *arguments, LLM_URL=model.url) as server,
        chromium() as browser,
    ):
        mine, other = calm(browser, bypass_csp=True), calm(browser)
        page = mine.new_page()
        wrong = complaints(page)
        start(page, server.url)
        type_in(page, "My cat is called <b>Plum</b>.")
        wait_for_answers(page, 1)
        page.click("#stop")
        start(page, server.url)
        type_in(page, "Good morning.")
        wait_for_answers(page, 1)

        history = mine.new_page()
        wrong_here = complaints(history)
        history.goto(f"{server.url}/history")
        history.locator("section").nth(1).wait_for()
        history.fill("#search", "plum")
        history.wait_for_function("document.querySelectorAll('section').length === 1")
        assert history.inner_text("h2") == "My cat is called <b>Plum</b>."
        history.get_by_role("button", name="Read").click()
        history.get_by_text("Avatar: So it is.").wait_for()
        history.screenshot(path=tmp_path / "history.png")
        history.get_by_role("button", name="Go on").click()
        history.get_by_text("The call goes on").wait_for()
        type_in(page, "What is it called?")
        page.wait_for_function("document.querySelector('#transcript').innerText.includes('What is it called?')")
        wait_for_answers(page, 2)
        said = [message["content"] for message in model.asked[-1]["messages"]]
        assert said[-3:] == ["My cat is called <b>Plum</b>.", "So it is.", "What is it called?"]

        stranger = other.new_page()
        stranger.goto(f"{server.url}/history")
        stranger.get_by_text("There is none.").wait_for()

        history.on("dialog", lambda dialog: dialog.accept())
        history.get_by_role("button", name="Delete").click()
        history.get_by_text("There is none.").wait_for()
        assert wrong == wrong_here == []
