"""Commands to the page's avatar beyond mouth and face: vowels, parameters, gaze, motions by priority, and touch."""

from __future__ import annotations

import pytest

from tests.browser import available
from tests.server.pages import Script, Stage, staged
from vaidol.server import protocol
from vaidol.server.live2d.channels import STANDARD

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
STEP, ORIGIN = 960, 1000
NO_MOTION = "document.querySelector('#puppet').dataset.motion === ''"


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.call()
    return stage


def shown(stage: Stage, name: str) -> str:
    return str(stage.page.locator("#puppet").get_attribute(f"data-{name}"))


def point_of(stage: Stage, selector: str) -> tuple[float, float]:
    """Client pixels of the middle of a part of the drawing."""
    box = stage.page.locator(selector).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_vowels_shape_the_mouth(stage: Stage) -> None:
    stage.page.evaluate("(rtp) => { fake.rtp = rtp; }", ORIGIN)
    stage.say("sync", origin=ORIGIN, rate=48_000)
    seen = {}
    for vowel in "aiueo":
        track = {name: [0.8 if name == vowel else 0.0] * 100 for name in "aiueo"}
        stage.say("mouth", channel="mouth", at=0, step=STEP, open=[0.8] * 100, form=[0.0] * 100)
        stage.say("viseme", channel="mouth", at=0, step=STEP, **track)
        stage.page.wait_for_timeout(350)
        seen[vowel] = (stage.value("ParamMouthOpenY"), stage.value("ParamMouthPuckerWiden"))
    jaw = {vowel: opening for vowel, (opening, _) in seen.items()}
    wide = {vowel: width for vowel, (_, width) in seen.items()}
    assert jaw["a"] > jaw["o"] > jaw["e"] > jaw["i"] > jaw["u"] > 0.3
    assert wide["i"] > wide["e"] > wide["a"] > -0.2 > wide["o"] > wide["u"]
    stage.say("cut", at=0, turn=1, heard="")
    stage.until("vaidol.puppet.value('ParamMouthOpenY') === 0")


def test_a_held_parameter_stays_and_is_let_go(stage: Stage) -> None:
    stage.say("param", id="ParamAngleZ", value=25, weight=1, ms=50, hold_ms=400)
    stage.until("vaidol.puppet.value('ParamAngleZ') > 24.9")
    stage.until("vaidol.puppet.value('ParamAngleZ') < 8")
    stage.say("param", id="ParamCheek", value=99, weight=1, ms=1)
    stage.until("vaidol.puppet.value('ParamCheek') === 1")
    stage.say("param", id="ParamCheek", value=0, weight=0, ms=1)
    stage.until("vaidol.puppet.value('ParamCheek') < 0.5")
    stage.say("param", id="ParamOfNobody", value=1)


def test_a_gaze_that_is_told_beats_the_pointer(stage: Stage) -> None:
    stage.page.mouse.move(1270, 300)
    stage.until("vaidol.puppet.value('ParamEyeBallX') > 0.4")
    stage.say("gaze", x=-1, y=0.5, ms=100, hold_ms=1500)
    stage.until("vaidol.puppet.value('ParamEyeBallX') < -0.6 && vaidol.puppet.value('ParamAngleX') < -8")
    stage.page.mouse.move(1275, 310)
    stage.page.wait_for_timeout(150)
    assert stage.value("ParamEyeBallX") < -0.6
    stage.until("vaidol.puppet.value('ParamEyeBallX') > 0.4")


def test_the_gaze_leaves_the_eyes_to_an_expression_that_has_them(stage: Stage) -> None:
    stage.say("expression", name="thinking", weight=1, ms=1)  # looks up, to its left
    stage.say("gaze", x=-1, y=-1, ms=1)
    stage.page.wait_for_timeout(500)
    assert stage.value("ParamEyeBallX") > 0.1
    assert stage.value("ParamEyeBallY") > 0.3
    stage.say("expression", name="joy", weight=1, ms=1)
    stage.page.wait_for_timeout(800)
    stage.page.evaluate(
        """() => { window.widest = 0; const look = () => { requestAnimationFrame(look);
            widest = Math.max(widest, vaidol.puppet.value('ParamEyeLOpen')); }; look(); }"""
    )
    stage.page.wait_for_timeout(2500)
    assert stage.page.evaluate("widest") < 0.1  # closed by the smile, and no blink opens or shuts them


def test_motions_keep_their_priority(stage: Stage) -> None:
    stage.say("motion", name="bow", priority="force")
    stage.say("motion", name="nod", priority="normal")
    assert shown(stage, "motion") == "bow"
    stage.say("motion", name="shake", priority="force")
    assert shown(stage, "motion") == "shake"
    stage.until(NO_MOTION)
    stage.say("motion", name="tilt", priority="idle")
    assert shown(stage, "motion") == "tilt"
    stage.say("motion", name="nod")
    assert shown(stage, "motion") == "nod"
    stage.say("motion", name="tilt", priority="idle")
    assert shown(stage, "motion") == "nod"
    stage.say("motion", name="somersault")
    assert shown(stage, "motion") == "nod"
    stage.until(NO_MOTION)


def test_a_command_without_a_sound_of_its_own_is_done_now(stage: Stage) -> None:
    stage.page.evaluate("(rtp) => { fake.rtp = rtp; }", ORIGIN)
    stage.say("sync", origin=ORIGIN, rate=48_000)
    stage.say("cut", at=480_000, turn=3, heard="")
    stage.say("expression", name="anger", at=480_000)  # of the reply that was cut
    assert shown(stage, "expression") == "neutral"
    stage.say("expression", name="joy", at=0)
    assert shown(stage, "expression") == "joy"
    stage.say("motion", name="nod", at=None)
    assert shown(stage, "motion") == "nod"


def test_the_drawing_is_see_through_and_runs_with_the_screen(stage: Stage) -> None:
    seen = stage.page.evaluate(
        "() => [...document.querySelectorAll('#avatar, #puppet')].map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert set(seen) == {"rgba(0, 0, 0, 0)"}
    covered = stage.page.evaluate(
        "() => [[2, 300], [1278, 300]].map(([x, y]) => document.elementFromPoint(x, y)?.closest('#puppet g') ?? null)"
    )
    assert covered == [None, None]
    frames = stage.page.evaluate(
        """() => new Promise((done) => { let count = 0; const end = performance.now() + 1500;
            const look = () => (performance.now() > end ? done(count) : requestAnimationFrame(look, count += 1));
            look(); })"""
    )
    assert frames > 20  # 60 a second on a quiet machine
    before = stage.page.locator("#p-head").get_attribute("transform")
    stage.until(f"document.querySelector('#p-head').getAttribute('transform') !== '{before}'")


def test_an_expression_with_an_end_fades_back(stage: Stage) -> None:
    stage.say("expression", name="sadness", weight=1, ms=50, hold_ms=300)
    stage.until("vaidol.puppet.value('ParamTear') > 0.5")
    assert shown(stage, "expression") == "sadness"
    stage.until("document.querySelector('#puppet').dataset.expression === 'neutral'")
    stage.until("vaidol.puppet.value('ParamTear') < 0.05")


def test_the_page_tells_the_server_what_its_avatar_can_do(stage: Stage) -> None:
    [told] = stage.sent("avatar")
    parsed = protocol.parse(protocol.encode(told))
    assert isinstance(parsed, protocol.Avatar)
    assert len(parsed.expressions) >= 8
    assert {"nod", "shake", "wave"} <= set(parsed.motions)
    assert len(set(STANDARD) & set(parsed.params)) >= 25


@pytest.mark.parametrize("finger", [False, True])
@pytest.mark.parametrize(
    ("part", "area", "motion"),
    [("#p-bangs", "head", "tilt"), ("#p-mouth-line", "face", "bounce"), ("#p-body circle", "body", "bounce")],
)
def test_a_touch_moves_it_at_once_and_is_told(part: str, area: str, motion: str, finger: bool, browser: object) -> None:
    with staged(browser, Script(), has_touch=finger) as stage:
        stage.page.locator("#avatar svg").wait_for()
        stage.call()
        x, y = point_of(stage, part)
        (stage.page.touchscreen.tap if finger else stage.page.mouse.click)(x, y)
        stage.until(f"document.querySelector('#puppet').dataset.motion === '{motion}'")
        assert shown(stage, "expression") != "neutral"
        [touch] = stage.sent("touch")
        assert touch["area"] == area
        assert isinstance(protocol.parse(protocol.encode(touch)), protocol.Touch)
        stage.until("document.querySelector('#puppet').dataset.expression === 'neutral'")
        stage.page.mouse.click(5, 300)  # beside it
        assert len(stage.sent("touch")) == 1
        assert stage.complaints == []


def test_a_drag_over_it_is_no_touch(stage: Stage) -> None:
    x, y = point_of(stage, "#p-bangs")
    stage.page.mouse.move(x, y)
    stage.page.mouse.down()
    stage.page.mouse.move(x + 60, y)
    stage.page.mouse.up()
    stage.page.wait_for_timeout(100)
    assert stage.sent("touch") == []
    assert shown(stage, "motion") == ""
