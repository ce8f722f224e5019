"""The page of earlier conversations in a real browser: only this browser's own, and the call takes one up again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page

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


def what_is_remembered(page: Page) -> Page:
    """Follow the page's own link, between two calls."""
    page.get_by_text("What you say is remembered on the server").wait_for()
    with page.context.expect_page() as opened:
        page.click("#kept a")
    return opened.value


def forget(history: Page) -> None:
    """One fact; one conversation; then everything; then no more is to be remembered."""
    history.on("dialog", lambda dialog: dialog.accept())
    assert history.inner_text("#how").startswith("The avatar is reminded")
    history.locator("#facts li").get_by_role("button", name="Forget").click()
    history.get_by_text("Forgotten: lives in Oslo").wait_for()
    assert history.locator("#facts li").count() == 0
    history.get_by_role("button", name="Delete").click()
    history.get_by_text("There is none.").wait_for()
    history.fill("#search", "")
    history.locator("main section").wait_for()
    history.click("#forget-all")
    history.get_by_text("Everything is forgotten.").wait_for()
    assert history.locator("main section").count() == 0
    history.uncheck("#remember")


def call_that_is_not_remembered(page: Page, url: str, history: Page) -> None:
    page.click("#stop")
    page.get_by_text("You are not remembered").wait_for()
    start(page, url)
    type_in(page, "I live in Rome.")
    wait_for_answers(page, 1)
    page.click("#stop")
    history.reload()
    history.get_by_text("There is none.").wait_for()


def call_that_recalls(page: Page, url: str) -> None:
    start(page, url)
    type_in(page, "Where do I live?")
    wait_for_answers(page, 1)
    page.get_by_text("Remembered 1 thing").click()
    page.locator("#transcript .memory p").get_by_text("lives in Oslo").wait_for()


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
        for n, told in enumerate(("A cat called <b>Plum</b> came by.", "I live in Oslo."), 1):
            type_in(page, told)
            wait_for_answers(page, n)
        page.get_by_text("Will remember 1 thing").wait_for()
        page.click("#stop")
        history = what_is_remembered(page)
        wrong_here = complaints(history)
        call_that_recalls(page, server.url)
        assert "lives in Oslo" in model.asked[-1]["messages"][-1]["content"]
        page.screenshot(path=tmp_path / "recalled.png")

        history.reload()
        history.locator("main section").nth(1).wait_for()
        history.fill("#search", "plum")
        history.wait_for_function("document.querySelectorAll('main section').length === 1")
        assert history.inner_text("main h2") == "A cat called <b>Plum</b> came by."
        history.get_by_role("button", name="Read").click()
        history.get_by_text("Avatar: So it is.").first.wait_for()
        history.screenshot(path=tmp_path / "history.png")
        history.get_by_role("button", name="Go on").click()
        history.get_by_text("The call goes on").wait_for()
        type_in(page, "What is it called?")
        page.wait_for_function("document.querySelector('#transcript').innerText.includes('What is it called?')")
        wait_for_answers(page, 2)
        said = [message["content"] for message in model.asked[-1]["messages"]]
        told = ["A cat called <b>Plum</b> came by.", "So it is.", "I live in Oslo.", "So it is.", "What is it called?"]
        assert said[-5:] == told

        stranger = other.new_page()
        stranger.goto(f"{server.url}/history")
        stranger.get_by_text("There is none.").wait_for()

        forget(history)
        call_that_is_not_remembered(page, server.url, history)
        assert wrong == wrong_here == []
