"""What others say in a group is read on the page, with their names. Chromium with a faked peer."""

from __future__ import annotations

import pytest

from tests.browser import available
from tests.server.pages import Stage

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


def test_what_others_say_is_read_with_their_names(stage: Stage) -> None:
    stage.call()
    stage.say("other", name="Ben", text="Good <b>morning</b>")
    stage.until("document.body.textContent.includes('Ben: Good <b>morning</b>')")
    stage.say("other", name="Bo", text="And you?")
    stage.until("document.querySelector('#heard').textContent === 'Bo: And you?'")
    assert "Ben: Good <b>morning</b>" in stage.text("#transcript")
