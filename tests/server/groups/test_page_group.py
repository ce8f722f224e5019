"""A group on the page: who is there, who speaks, what others say, and what the person may do. Chromium, faked peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import available
from tests.server.pages import Script, Stage, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


def test_what_others_say_is_read_with_their_names(stage: Stage) -> None:
    stage.call()
    stage.say("other", name="Ben", text="Good <b>morning</b>")
    stage.until("document.body.textContent.includes('Ben: Good <b>morning</b>')")
    stage.say("other", name="Bo", text="And you?")
    stage.until("document.querySelector('#heard').textContent === 'Bo: And you?'")
    assert "Ben: Good <b>morning</b>" in stage.text("#transcript")


def group(*, you: str = "a", owner: str = "a", speaks: str = "", talks: str = "", muted: str = "") -> dict[str, Any]:
    names = {"a": ("Anna", "Ada"), "b": ("Ben", "Bo")}
    members = [
        {"id": id, "person": person, "character": character, "muted": id == muted, "talks": id == talks}
        for id, (person, character) in names.items()
    ]
    return {
        "code": "ABCDEFGH", "you": you, "owner": owner, "speaks": speaks, "order": "round", "rounds": 2,
        "interrupt": "own", "members": members,
    }  # fmt: skip


NOWHERE = {**group(), "code": "", "owner": "", "members": []}


def test_a_room_is_opened_led_and_left(stage: Stage) -> None:
    page = stage.page
    assert not page.locator("#room").is_visible()
    stage.call()
    stage.say("group", **NOWHERE)
    page.locator("#room summary").click()
    page.get_by_label("Your name").fill("Anna")
    page.get_by_role("button", name="Open a room").click()
    assert stage.sent("group") == [{"t": "group", "do": "open", "person": "Anna"}]
    stage.say("group", **group(speaks="b", talks="a"))
    assert stage.text("#room summary").strip() == "2 in the room · Bo speaks"
    assert stage.text("#status") == "Bo speaks"
    assert "Anna (you) talks" in stage.text("#room li:nth-child(1)")
    page.locator("#interrupt:enabled").click()  # another member's character is stopped by the same button
    assert len(stage.sent("interrupt")) == 1

    page.get_by_role("button", name="Mute Bo").click()
    assert stage.sent("group")[-1] == {"t": "group", "do": "mute", "person": "Anna", "member": "b", "on": True}
    page.get_by_role("button", name="Mute Bo").focus()
    stage.say("group", **group(muted="b"))
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"  # it kept the focus
    assert stage.text("#status") == "Microphone off" or "Listening" in stage.text("#status")
    page.get_by_role("button", name="Send Ben away").click()
    page.get_by_label("Everybody's voice interrupts").check()
    assert stage.sent("group")[-1]["interrupt"] == "anyone"
    assert [wish["do"] for wish in stage.sent("group")[-2:]] == ["remove", "rules"]

    stage.say("group", **group(owner="b"))  # another leads now
    for name in ("Mute Bo", "Send Ben away", "Dissolve it"):
        assert not page.get_by_role("button", name=name).is_visible()
    page.get_by_role("button", name="Leave the room").click()
    stage.say("group", **NOWHERE)
    assert stage.text("#room summary").strip() == "Room"


def test_who_is_invited_joins_with_the_call(browser: Browser) -> None:
    with staged(browser, Script(), query="?room=ABCD-EFGH") as stage:
        assert stage.text("#room summary").strip() == "You are invited to a room"
        stage.page.get_by_label("Your name").fill("Ben")
        stage.call()
        stage.say("group", **NOWHERE)
        assert stage.sent("group") == [{"t": "group", "do": "join", "person": "Ben", "code": "ABCD-EFGH"}]
        stage.say("group", **group(you="b"))
        assert not stage.page.get_by_role("button", name="Leave the room").is_visible()  # the avatar is to be seen
        stage.say("group", **NOWHERE)  # sent away: the invitation is not used again
        assert len(stage.sent("group")) == 1
