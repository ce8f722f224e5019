"""Showing the avatar camera or screen: preview, the picture that goes with words, the end. Chromium's own camera."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import available, chromium
from tests.server.pages import Script, Stage, staged

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
WATCHED = "document.querySelector('#eyes video').videoWidth > 0"


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with chromium(flags=("--auto-select-desktop-capture-source=Entire screen",)) as found:
        yield found


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.call()
    assert stage.page.locator("#eyes").is_hidden()
    stage.say("sight", able=True)
    return stage


def size(jpeg: bytes) -> tuple[int, int]:
    """Width and height, from the file's frame header."""
    file = io.BytesIO(jpeg)
    assert file.read(2) == b"\xff\xd8"
    while True:
        marker, length = struct.unpack(">HH", file.read(4))
        if 0xFFC0 <= marker <= 0xFFC2:
            height, width = struct.unpack(">xHH", file.read(5))
            return width, height
        file.seek(length - 2, 1)


def show(stage: Stage) -> None:
    stage.page.locator("#eyes [data-show=camera]").click()
    stage.until(WATCHED)


def write(stage: Stage, text: str) -> None:
    stage.page.fill("#text", text)
    stage.page.press("#text", "Enter")
    stage.until(f"fake.hear('text').some((message) => message.text === '{text}')")


def shared(stage: Stage) -> bool:
    return bool(stage.page.evaluate("document.querySelector('#eyes video').srcObject !== null"))


def test_the_picture_is_at_the_server_before_the_words_are(stage: Stage) -> None:
    write(stage, "Without.")
    assert stage.script.pictures == []
    show(stage)
    stage.page.locator("#mute").click()  # the fake microphone beeps
    stage.page.wait_for_timeout(300)
    before = len(stage.script.pictures)
    write(stage, "What is this?")
    assert len(stage.script.pictures) == before + 1
    picture = stage.script.pictures[-1]
    assert len(picture) <= 200 * 1024
    assert 100 <= max(size(picture)) <= 768
    method, path, headers = next(asked for asked in reversed(stage.script.asked) if "image" in asked[1])
    assert (method, path) == ("POST", "api/sessions/s1/image")
    assert (headers["x-vaidol-session"], headers["content-type"]) == ("secret", "image/jpeg")


def test_a_picture_comes_while_somebody_speaks(stage: Stage) -> None:
    stage.page.locator("#mute").click()
    show(stage)
    stage.page.wait_for_timeout(400)
    assert stage.script.pictures == []
    for text in ("What", "What is", "What is this"):
        stage.say("subtitle", who="user", turn=1, text=text, final=False)
    stage.page.wait_for_timeout(400)
    assert len(stage.script.pictures) == 1


def test_what_is_shown_ends_with_one_click_and_with_the_call(stage: Stage) -> None:
    show(stage)
    assert stage.page.locator("#eyes video").is_visible()
    assert stage.page.locator("#eyes [data-show=screen]").is_hidden()
    stage.page.evaluate("window.track = document.querySelector('#eyes video').srcObject.getTracks()[0]")
    stage.page.get_by_role("button", name="Stop showing").click()
    assert stage.page.evaluate("track.readyState") == "ended"
    assert not shared(stage)
    stage.page.wait_for_timeout(200)
    method, path, headers = stage.script.asked[-1]
    assert (method, path) == ("DELETE", "api/sessions/s1/image")
    assert headers["x-vaidol-session"] == "secret"
    count = len(stage.script.pictures)
    write(stage, "Blind again.")
    assert len(stage.script.pictures) == count
    show(stage)
    stage.say("sight", able=False)  # another agent goes on, and it is blind
    assert not shared(stage)
    assert stage.page.locator("#eyes").is_hidden()
    stage.say("sight", able=True)
    show(stage)
    stage.page.locator("#stop").click()
    assert not shared(stage)
    assert stage.page.locator("#eyes").is_hidden()


def test_a_picture_that_is_refused_ends_it_and_the_words_still_go(browser: object) -> None:
    with staged(browser, Script()) as stage:
        stage.call()
        stage.say("sight", able=True)
        stage.page.locator("#mute").click()
        show(stage)
        stage.script.offers.append((409, '{"error": {"code": "no_eyes", "message": "it has no eyes"}}'))
        write(stage, "What is this?")
        assert stage.text("#notice-text") == "The picture was refused: it has no eyes."
        assert not shared(stage)


def test_a_blocked_camera_is_explained(browser: object) -> None:
    refuse = (
        "navigator.mediaDevices.getUserMedia = async (wanted) => { throw new DOMException('', 'NotAllowedError'); };"
    )
    with staged(browser, Script(), before=refuse) as stage:
        stage.call()
        stage.say("sight", able=True)
        stage.page.locator("#eyes [data-show=camera]").click()
        stage.until("document.querySelector('#notice-text').textContent.startsWith('The camera is blocked')")
        assert not shared(stage)


@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_wide_and_narrow_screens(browser: object, width: int, tmp_path: Path) -> None:
    with staged(browser, Script(), viewport={"width": width, "height": 800}) as stage:
        stage.call()
        stage.say("sight", able=True)
        stage.say("subtitle", who="avatar", turn=1, text="I see you, and behind you a green wall.", final=True, at=0)
        stage.page.screenshot(path=tmp_path / "before.png")
        show(stage)
        stage.page.wait_for_timeout(300)
        stage.page.screenshot(path=tmp_path / "showing.png")
        for name in ("#eyes video", "#eyes [data-show='']"):
            box = stage.page.locator(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= width, name
        stop = stage.page.get_by_role("button", name="Stop showing").bounding_box()
        caption = stage.page.locator("#said").bounding_box()
        assert stop is not None
        assert caption is not None
        assert stop["y"] + stop["height"] <= caption["y"], "over the subtitles"
