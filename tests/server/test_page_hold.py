"""Push to talk on the page: the big button, the space bar, and what does not talk. Chromium with a faked peer."""

from __future__ import annotations

import pytest

from tests.browser import available
from tests.server.pages import Script, Stage, staged

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.call()
    stage.page.locator("#hold-mode").click()
    return stage


def talks(stage: Stage) -> list[bool]:
    return [message["on"] for message in stage.sent("talk")]


def muted(stage: Stage) -> bool:
    """What the server was told last."""
    return [message["on"] for message in stage.sent("mute")][-1]


def test_the_microphone_is_open_while_the_space_bar_is_held(stage: Stage) -> None:
    assert muted(stage)
    assert stage.text("#status") == "Hold to talk"
    assert stage.page.evaluate("document.activeElement.id") == "hold", "the space bar talks at once"
    stage.page.keyboard.down("Space")
    stage.page.keyboard.down("Space")  # a key that is held repeats itself
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'true'")
    assert (talks(stage), muted(stage)) == ([True], False)
    assert stage.text("#status") == "Listening"
    stage.page.keyboard.up("Space")
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'false'")
    assert (talks(stage), muted(stage)) == ([True, False], True)


def test_the_space_bar_talks_from_the_page_but_not_while_somebody_writes(stage: Stage) -> None:
    stage.page.evaluate("document.activeElement.blur()")
    stage.page.keyboard.down("Space")
    stage.page.keyboard.up("Space")
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'false'")
    assert talks(stage) == [True, False]
    stage.page.locator("#text").click()
    stage.page.keyboard.type("a b")
    assert stage.page.locator("#text").input_value() == "a b"
    assert talks(stage) == [True, False]


def test_a_finger_on_the_button_talks_until_it_leaves(stage: Stage) -> None:
    box = stage.page.locator("#hold").bounding_box()
    assert box is not None
    assert box["height"] >= 60, "big enough for a thumb"
    stage.page.mouse.move(box["x"] + 20, box["y"] + 20)
    stage.page.mouse.down()
    assert talks(stage) == [True]
    stage.page.mouse.move(box["x"] + 20, box["y"] - 200)  # the finger slips
    assert talks(stage) == [True]
    stage.page.mouse.up()
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'false'")
    assert talks(stage) == [True, False]


def test_pressing_again_at_once_is_one_turn(stage: Stage) -> None:
    for _ in range(2):
        stage.page.keyboard.down("Space")
        stage.page.keyboard.up("Space")
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'false'")
    assert talks(stage) == [True, False]


def test_a_window_that_loses_the_keyboard_stops_talking(stage: Stage) -> None:
    stage.page.keyboard.down("Space")
    stage.page.evaluate("window.dispatchEvent(new Event('blur'))")
    stage.until("document.querySelector('#hold').getAttribute('aria-pressed') === 'false'")
    assert talks(stage) == [True, False]


def test_it_is_remembered_and_mute_leaves_it(stage: Stage) -> None:
    assert stage.text("#mute") == "Unmute"
    stage.page.locator("#mute").click()
    assert not muted(stage)
    assert stage.page.locator("#hold").is_hidden()
    assert stage.page.locator("#hold-mode").get_attribute("aria-pressed") == "false"
    stage.page.locator("#hold-mode").click()
    stage.page.reload()
    stage.call()
    assert muted(stage), "a call begins with a closed microphone"
    assert stage.page.locator("#hold").is_visible()
    stage.page.keyboard.down("Space")
    assert talks(stage) == [True], "the space bar talks from the first moment on"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_button_fits_wide_and_narrow_screens(browser: object, width: int) -> None:
    with staged(browser, Script(), viewport={"width": width, "height": 800}) as stage:
        stage.call()
        stage.page.locator("#hold-mode").click()
        for name in ("#hold", "#hold-mode", "#stop", "#write"):
            box = stage.page.locator(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= width, name
        assert stage.page.evaluate("document.documentElement.scrollWidth") <= width
