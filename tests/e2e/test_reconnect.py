"""Calls that break: a tab that dies in mid-reply and is opened again, a server that stands still for a while."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from vaidol.tests.browser import calm, chromium
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import Server, serving
from vaidol.tests.e2e.talking import live, needs_everything, start, told, type_in
from vaidol.tests.openai_server import OpenaiServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = needs_everything
LONG = "Once there was a robot on a hill. It counted all the stars. Then it counted them again. It liked that a lot."


@pytest.fixture(scope="module")
def model() -> Iterator[OpenaiServer]:
    """Tells a story, or how many things the user has said."""

    def reply(messages: list[dict[str, str]]) -> str:
        said = [message["content"] for message in messages if message["role"] == "user"]
        return LONG if "story" in said[-1] else f"You said {len(said)} things."

    with openai_server(OpenaiServer(reply=reply)) as running:
        yield running


@pytest.fixture(scope="module")
def server(model: OpenaiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("reconnect"), "openai", LLM_URL=model.url) as running:
        yield running


def counted(page: Page) -> None:
    """The agent remembers what was said before."""
    page.wait_for_function("vaidol.transcript().some(one => /You said [2-9] things/.test(one.text))", timeout=20_000)


def speaking(page: Page) -> None:
    page.wait_for_function("vaidol.state === 'speaking'", timeout=20_000)


def test_a_tab_that_dies_in_mid_reply_and_is_opened_again_goes_on(server: Server) -> None:
    from playwright.sync_api import Error

    with chromium() as browser:
        context = calm(browser, bypass_csp=True)
        page = context.new_page()
        start(page, server.url)
        page.locator("#mute").click()
        type_in(page, "Tell me a story.")
        speaking(page)
        session = page.evaluate("vaidol.session")
        left = page.evaluate("sessionStorage.getItem('vaidol.session')")
        with suppress(Error):  # the page is no more
            page.goto("chrome://crash", timeout=3000)
        again = context.new_page()
        again.add_init_script(f"sessionStorage.setItem('vaidol.session', '{left}')")  # as the browser restores it
        again.goto(server.url)
        again.locator("#start:enabled").click(timeout=30_000)
        again.wait_for_function("document.body.dataset.call === 'live'", timeout=20_000)
        again.locator("#mute").click()
        assert again.evaluate("vaidol.session") == session
        live(again)
        type_in(again, "How much did I say?")
        counted(again)
        context.close()


@pytest.mark.parametrize("stall_s", [0.3, 10.0])
def test_a_server_that_stands_still_in_mid_reply_goes_on(server: Server, stall_s: float) -> None:
    """After 6 s the page calls again, to the same session; shorter stalls pass by themselves."""
    with chromium() as browser:
        page = calm(browser, bypass_csp=True).new_page()
        start(page, server.url)
        page.locator("#mute").click()
        session = page.evaluate("vaidol.session")
        type_in(page, "Tell me a story.")
        speaking(page)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(stall_s)
        server.process.send_signal(signal.SIGCONT)
        page.wait_for_function("document.body.dataset.call === 'live'", timeout=5000)
        page.wait_for_function("vaidol.state === 'listening'", timeout=30_000)
        type_in(page, "How much did I say?")
        counted(page)
        assert page.evaluate("vaidol.session") == session
        assert told(page, "note") == []
    assert "Traceback" not in server.log.read_text()
