"""The way back into a session: kept by a tab that crashed, not by one that ended its call, nor by a duplicate."""

from __future__ import annotations

import pytest

from tests.browser import available
from tests.server.pages import PEER, Stage

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


def test_a_tab_that_crashed_finds_its_session_again_and_its_duplicate_does_not(stage: Stage) -> None:
    stage.call()
    assert stage.page.evaluate("sessionStorage.getItem('vaidol.session')") == "secret"
    context = stage.page.context
    left_behind = "sessionStorage.setItem('vaidol.session', 'secret')"

    def offered_by_another_tab() -> str | None:
        page = context.new_page()
        page.add_init_script(path=PEER)
        page.add_init_script(left_behind)
        before = stage.script.count("POST")
        page.goto(stage.page.url)
        page.locator("#start:enabled").click()
        for _ in range(250):
            if stage.script.count("POST") > before:
                break
            page.wait_for_timeout(20)
        page.close()
        return [headers for method, _, headers in stage.script.asked if method == "POST"][-1].get("x-vaidol-session")

    assert offered_by_another_tab() is None  # the session is in use
    stage.page.close()  # without a word, as after a crash
    assert offered_by_another_tab() == "secret"


def test_a_call_that_was_ended_is_not_taken_up_again(stage: Stage) -> None:
    stage.call()
    stage.page.get_by_role("button", name="End call").click()
    stage.page.locator("#start:enabled").click()
    stage.live()
    posts = [headers for method, _, headers in stage.script.asked if method == "POST"]
    assert [headers.get("x-vaidol-session") for headers in posts] == [None, None]


def test_the_goodbye_of_a_server_is_shown_until_it_is_back(stage: Stage) -> None:
    stage.call()
    stage.say("error", code="stopping", message="The server stops.", fatal=False)
    assert stage.text("#notice-text") == "The server stops."
    stage.live()
    stage.until("document.getElementById('notice').hidden")
