"""The page says that the call is being recorded, for as long as it is."""

from __future__ import annotations

import pytest

from tests.browser import available
from tests.server.pages import Stage

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


def test_the_notice_comes_and_goes(stage: Stage) -> None:
    notice = stage.page.locator("#recorded")
    assert notice.is_hidden()
    stage.call()
    stage.say("recording", on=True)
    assert notice.inner_text() == "This call is being recorded"
    stage.say("recording", on=False)
    assert notice.is_hidden()
    stage.say("recording", on=True)
    stage.live()  # the connection came back: what is recorded now is told anew
    assert notice.is_hidden()
    stage.say("recording", on=True)
    stage.page.locator("#stop").click()
    stage.until("document.querySelector('#recorded').hidden")
