"""The page's avatar: mouth in media time, cuts, expressions, motions, idle life, and the page on small screens."""

from __future__ import annotations

import re

import pytest

from tests.browser import available
from tests.server.pages import Script, Stage, staged

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
STEP = 960  # 20 ms
NAMES = (
    "neutral", "joy", "sadness", "anger", "surprise", "fear", "disgust", "smirk", "shy", "love", "thinking", "wink",
    "sleepy",
)  # fmt: skip
FACE = "Eye.Smile|Brow|MouthForm|Cheek|Pucker|EyeBallForm|Tear|Heart|Wave"


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.call()
    return stage


def mouth(stage: Stage, at: int, values: list[float], **fields: object) -> None:
    stage.say("mouth", channel="mouth", at=at, step=STEP, open=values, form=[0.5] * len(values), **fields)


def hear(stage: Stage, media: int, origin: int = 4_294_967_000) -> None:
    """Let the sample `media` be audible; the origin lies just below the wrap of RTP time."""
    stage.page.evaluate("(rtp) => { fake.rtp = rtp; }", media + origin)


LOOK_AWAY = """{
  const draw = window.requestAnimationFrame.bind(window);
  const held = [];
  window.away = false;
  window.requestAnimationFrame = (picture) => (away ? held.push(picture) : draw(picture));
  window.comeBack = () => { away = false; held.splice(0).forEach((picture) => draw(picture)); };
  Object.defineProperty(document, "hidden", { get: () => away });
}"""
SHUT = "document.querySelector('#puppet').dataset.mouthOpen === '0'"
OPEN = "Number(document.querySelector('#puppet').dataset.mouthOpen) > 0.5"


def test_the_mouth_follows_the_sound_being_heard(stage: Stage) -> None:
    hear(stage, 0)
    stage.say("sync", origin=4_294_967_000, rate=48_000)
    mouth(stage, 9600, [0.7] * 10)
    mouth(stage, 9600 + 10 * STEP, [0.9, 0.5, 0.2, 0.0])
    stage.page.wait_for_timeout(120)  # far more than the fallback's 60 ms
    assert stage.page.evaluate(SHUT)
    assert stage.page.evaluate("[vaidol.media(), vaidol.exact]") == [0, True]
    hear(stage, 9600 + 3 * STEP)
    stage.until(OPEN)
    stage.until("Math.abs(vaidol.puppet.value('ParamMouthOpenY') - 0.7) < 0.02")
    hear(stage, 9600 + 12 * STEP)
    stage.until("Math.abs(vaidol.puppet.value('ParamMouthOpenY') - 0.2) < 0.03")
    hear(stage, 9600 + 20 * STEP)
    stage.until(SHUT)


def test_what_is_told_later_of_the_same_sound_replaces_the_earlier(stage: Stage) -> None:
    stage.say("sync", origin=4_294_967_000, rate=48_000)
    mouth(stage, 9600, [0.8] * 20)
    mouth(stage, 9600 + 5 * STEP, [0.0] * 8)  # told ahead, and then the sound was held
    mouth(stage, 9600 + 10 * STEP, [0.8] * 20, turn=1)
    hear(stage, 9600 + 3 * STEP)
    stage.until(OPEN)
    hear(stage, 9600 + 7 * STEP)
    stage.until(SHUT)
    hear(stage, 9600 + 12 * STEP)
    stage.until(OPEN)


def test_a_person_with_slow_loudspeakers_may_let_the_face_wait(browser: object) -> None:
    with staged(browser, Script(), query="?trim_ms=100") as stage:  # type: ignore[arg-type]
        stage.page.locator("#avatar svg").wait_for()
        stage.call()
        stage.say("sync", origin=0, rate=48_000)
        hear(stage, 48_000, origin=0)
        stage.until("vaidol.media() === 48000 - 4800")


def test_without_sync_the_mouth_moves_sixty_ms_after_arrival(stage: Stage) -> None:
    mouth(stage, 480_000, [0.8] * 40)
    stage.until(OPEN)
    assert stage.page.evaluate("vaidol.exact") is False
    stage.until(SHUT)


def test_a_cut_closes_the_mouth_and_drops_what_waits(stage: Stage) -> None:
    hear(stage, 0)
    stage.say("sync", origin=4_294_967_000, rate=48_000)
    stage.say("state", value="speaking")
    stage.say("subtitle", who="avatar", turn=1, text="Heard.", final=False, at=0)
    stage.say("subtitle", who="avatar", turn=1, text="Never heard.", final=True, at=48_000)
    stage.say("expression", name="joy", weight=1, ms=200, at=48_000)
    mouth(stage, 0, [0.9] * 200, turn=1)
    stage.until(OPEN)
    stage.say("cut", at=2000, turn=1)
    stage.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert stage.page.evaluate(SHUT)
    assert stage.value("ParamMouthOpenY") == 0
    mouth(stage, 4000, [0.9] * 200, turn=1)  # late blocks of the dead turn
    mouth(stage, 1920, [0.9] * 200)
    stage.say("expression", name="anger", weight=1, ms=200, at=1500)
    hear(stage, 96_000)
    stage.page.wait_for_timeout(80)
    assert stage.page.evaluate(SHUT)
    assert stage.page.locator("#puppet").get_attribute("data-expression") == "neutral"
    [entry] = stage.page.evaluate("vaidol.transcript()")
    assert (entry["text"], entry["mark"]) == ("Heard.", "cut")
    assert "interrupted" in stage.text("#transcript")


def test_the_voice_shuts_a_mouth_that_an_expression_opened(stage: Stage) -> None:
    hear(stage, 0)
    stage.say("sync", origin=4_294_967_000, rate=48_000)
    stage.say("expression", name="joy", weight=1, ms=50)
    stage.until("vaidol.puppet.value('ParamMouthOpenY') > 0.4")
    mouth(stage, 0, [0.6] * 5)
    stage.until(OPEN)
    hear(stage, 6 * STEP)
    stage.until(SHUT)
    stage.page.wait_for_timeout(200)
    assert stage.value("ParamMouthOpenY") < 0.02


def test_subtitles_appear_with_their_sound(stage: Stage) -> None:
    hear(stage, 0)
    stage.say("sync", origin=4_294_967_000, rate=48_000)
    stage.say("subtitle", who="avatar", turn=1, text="Later.", final=True, at=24_000)
    stage.say("turn", turn=1, status="done")
    stage.page.wait_for_timeout(100)
    assert stage.text("#said") == ""
    hear(stage, 24_000)
    stage.until("document.querySelector('#said').textContent === 'Later.'")
    assert stage.page.evaluate("vaidol.transcript()")[0]["final"] is True


def test_a_hidden_page_keeps_the_conversation_in_order(browser: object) -> None:
    with staged(browser, Script(), before=LOOK_AWAY) as stage:
        stage.call()
        hear(stage, 0)
        stage.say("sync", origin=4_294_967_000, rate=48_000)
        stage.page.evaluate("() => { away = true; }")
        for turn, at in ((1, 0), (2, 96_000)):
            stage.say("subtitle", who="user", turn=turn, text=f"Question {turn}?", final=True)
            stage.say("subtitle", who="avatar", turn=turn, text=f"Answer {turn}.", final=True, at=at + 4800)
            mouth(stage, at + 4800, [0.8] * 10, turn=turn)
            hear(stage, at + 9600)
            stage.until(f"vaidol.transcript().length === {2 * turn}")
            stage.say("turn", turn=turn, status="done")
        hear(stage, 192_000)
        stage.page.evaluate("() => comeBack()")
        stage.until(SHUT)
        order = [entry["text"] for entry in stage.page.evaluate("vaidol.transcript()")]
        assert order == ["Question 1?", "Answer 1.", "Question 2?", "Answer 2."]


def test_every_expression_is_a_face_of_its_own(stage: Stage) -> None:
    ids = [name for name in stage.page.evaluate("vaidol.puppet.ids") if re.search(FACE, name)]
    faces = {}
    for name in NAMES:
        stage.say("expression", name=name, weight=1, ms=1)
        assert stage.page.locator("#puppet").get_attribute("data-expression") == name
        stage.page.wait_for_timeout(260)
        faces[name] = [stage.value(parameter) for parameter in ids]
    for one in NAMES:
        for other in NAMES:
            apart = sum(abs(a - b) for a, b in zip(faces[one], faces[other], strict=True))
            assert one == other or apart > 0.6, (one, other, apart)


@pytest.mark.parametrize(
    ("name", "parameter"), [("nod", "ParamAngleY"), ("shake", "ParamAngleX"), ("wave", "ParamArmRA")]
)
def test_a_motion_moves_and_ends(stage: Stage, name: str, parameter: str) -> None:
    before = stage.value(parameter)
    stage.say("motion", name=name)
    assert stage.page.locator("#puppet").get_attribute("data-motion") == name
    stage.until(f"Math.abs(vaidol.puppet.value('{parameter}') - {before}) > {0.8 if name == 'wave' else 6}")
    stage.until("document.querySelector('#puppet').dataset.motion === ''")


def test_the_idle_face_blinks_breathes_and_follows_the_pointer(stage: Stage) -> None:
    assert len(stage.page.evaluate("vaidol.puppet.ids")) >= 25
    stage.page.mouse.move(1270, 100)
    stage.until("vaidol.puppet.value('ParamEyeBallX') > 0.4 && vaidol.puppet.value('ParamAngleX') > 5")
    stage.page.mouse.move(5, 700)
    stage.until("vaidol.puppet.value('ParamEyeBallX') < -0.4 && vaidol.puppet.value('ParamAngleY') < 0")
    stage.until("vaidol.puppet.value('ParamEyeLOpen') < 0.4")
    low, high = stage.page.evaluate(
        """() => new Promise((done) => { const seen = []; const look = () => {
            seen.push(vaidol.puppet.value('ParamBreath'));
            if (seen.length < 45) requestAnimationFrame(look); else done([Math.min(...seen), Math.max(...seen)]); };
            look(); })"""
    )
    assert high - low > 0.02


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_sideways_scrolling(browser: object, scheme: str) -> None:
    size = {"width": 360, "height": 640}
    with staged(browser, Script(), viewport=size, color_scheme=scheme, has_touch=True) as stage:
        for live in (False, True):
            if live:
                stage.call()
                stage.say("state", value="speaking")
                stage.say("subtitle", who="user", turn=1, text="Tell me something rather long, please?", final=True)
                long = "An answer that runs over several lines, because life is like that. Extraordinarily so!"
                stage.say("subtitle", who="avatar", turn=1, text=long, final=True)
                stage.say("error", code="x", message="Something is a little slow just now.", fatal=False)
            wide = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
            assert stage.page.evaluate(wide) <= size["width"]
            shown = "#stop, #mute, #interrupt, #text, #send, #said, #transcript" if live else "#start"
            for box in stage.page.locator(shown).evaluate_all("all => all.map((one) => one.getBoundingClientRect())"):
                assert box["left"] >= 0
                assert box["right"] <= size["width"]
                assert box["bottom"] <= size["height"]
            avatar = stage.page.locator("#avatar").bounding_box()
            assert avatar is not None
            assert avatar["height"] >= 140
        assert stage.complaints == []


def test_every_control_has_a_name_and_takes_the_keyboard(stage: Stage) -> None:
    stage.say("state", value="speaking")
    for name in ("Mute", "Stop speaking", "End call", "Send"):
        assert stage.page.get_by_role("button", name=name).count() == 1
    assert stage.page.get_by_role("textbox", name="Write to the avatar").count() == 1
    stage.page.locator("#mute").focus()
    seen: list[str] = []
    while "send" not in seen:
        assert len(seen) < 20
        stage.page.keyboard.press("Tab")
        focused = "[document.activeElement.id, document.activeElement.ariaLabel ?? document.activeElement.innerText]"
        found, name = stage.page.evaluate(focused)
        seen.append(found)
        assert name or found == "text", found  # the field has a label of its own
    assert [one for one in seen if one in ("interrupt", "stop", "text", "send")] == [
        "interrupt",
        "stop",
        "text",
        "send",
    ]
