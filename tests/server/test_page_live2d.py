"""Live2D models on the page, drawn by a stand-in for the runtime: mapping, order of work, choosing, falling back."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser import available, chromium, complaints
from tests.e2e.serving import Server, serving
from tests.server.live2d_files import expression, write_model
from tests.server.pages import PEER, Script, Stage
from vaidol.server import protocol

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
RUNTIME = Path(__file__).with_name("fake_runtime")
STEP, ORIGIN = 960, 1000
MIA = (
    ("ParamAngleX", -30, 0, 30), ("ParamAngleY", -30, 0, 30), ("ParamAngleZ", -30, 0, 30), ("ParamEyeLOpen", 0, 1, 2),
    ("ParamEyeROpen", 0, 1, 2), ("ParamEyeBallX", -1, 0, 1), ("ParamBrowLY", -1, 0, 1), ("ParamMouthOpenY", 0, 0, 1),
    ("ParamMouthForm", -1, 0, 1), ("ParamBreath", 0, 0, 1), ("ParamArmLA", -10, 0, 10), ("ParamHairFront", -1, 0, 1),
    ("MiaTail", 0, 3, 10),
)  # fmt: skip
OLD = (
    ("PARAM_ANGLE_X", -60, 0, 60), ("PARAM_MOUTH_OPEN_Y", 0, 0, 2), ("PARAM_EYE_L_OPEN", 0, 1, 1),
    ("PARAM_EYE_R_OPEN", 0, 1, 1), ("PARAM_BREATH", 0, 0, 1),
)  # fmt: skip
LEE = tuple((f"Param{vowel}", 0, 0, 1) for vowel in "AIUEO")
FACES = {"smile": expression(ParamMouthForm=1, ParamEyeLOpen=-1, ParamEyeROpen=-1), "f01": expression(MiaTail=4)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    motions = {"Idle": ["idle"], "TapHead": ["pat"]}
    write_model(folder / "mia", parameters=MIA, expressions=FACES, motions=motions)
    write_model(
        folder / "old",
        "old",
        parameters=OLD,
        lips=["PARAM_MOUTH_OPEN_Y"],
        eyes=["PARAM_EYE_L_OPEN", "PARAM_EYE_R_OPEN"],
    )
    write_model(folder / "lee", "lee", parameters=LEE, lips=["ParamA"])
    (folder / "lee" / "wag.motion3.json").write_text('{"Meta": {"Duration": 0.5}, "Curves": []}')
    (folder / "bad").mkdir()
    (folder / "bad" / "bad.model3.json").write_text("{")
    write_model(folder / "torn", "torn", parameters=OLD)
    (folder / "torn" / "torn.moc3").write_bytes(b"MOC3[")
    return folder


@pytest.fixture(scope="module")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ("--live2d-models", str(models), "--live2d-runtime", str(RUNTIME), "--avatar", "mia")
    with serving(tmp_path_factory.mktemp("log"), "echo", *options) as found:
        yield found


@contextmanager
def staged(browser: Any, server: Server, query: str = "") -> Iterator[Stage]:
    """The real server's page with a faked peer."""
    with browser.new_context() as scope:
        page = scope.new_page()
        page.set_default_timeout(8000)
        page.add_init_script(path=PEER)
        answer = {
            "status": 201,
            "content_type": "application/sdp",
            "body": "v=0\r\n",
            "headers": {"Location": "whip/1"},
        }
        page.route(re.compile("/whe?i?p"), lambda route: route.fulfill(**answer))
        found = complaints(page)
        page.goto(f"{server.url}/{query}")
        yield Stage(page, Script(), found)


@pytest.fixture
def mia(browser: Any, server: Server) -> Iterator[Stage]:
    with staged(browser, server) as stage:
        stage.page.locator("#live2d").wait_for()
        stage.call()
        yield stage
        assert stage.complaints == []


def speak(stage: Stage, opening: float, **vowels: float) -> None:
    stage.page.evaluate("(rtp) => { fake.rtp = rtp; }", ORIGIN)
    stage.say("sync", origin=ORIGIN, rate=48_000)
    stage.say("mouth", channel="mouth", at=0, step=STEP, open=[opening] * 100, form=[0.0] * 100)
    if vowels:
        tracks = {name: [vowels.get(name, 0.0)] * 100 for name in "aiueo"}
        stage.say("viseme", channel="mouth", at=0, step=STEP, **tracks)


def test_a_model_lives_by_its_own_parameters(mia: Stage) -> None:
    assert mia.page.evaluate("fakePixi.app.backgroundAlpha") == 0
    mia.page.mouse.move(1270, 300)
    mia.until("vaidol.puppet.value('ParamAngleX') > 8 && vaidol.puppet.value('ParamEyeBallX') > 0.4")
    mia.until("Math.abs(vaidol.puppet.value('ParamHairFront') - vaidol.puppet.value('ParamAngleX') / 30) < 1e-6")
    mia.until("vaidol.puppet.value('ParamEyeLOpen') < 0.4")  # a blink
    mia.until("vaidol.puppet.value('ParamEyeLOpen') > 0.95")
    assert mia.value("MiaTail") == 3
    speak(mia, 0.7)
    mia.until("Math.abs(vaidol.puppet.value('ParamMouthOpenY') - 0.7) < 0.01")
    mia.say("cut", at=0, turn=1, heard="")
    mia.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert mia.value("ParamMouthOpenY") == 0


def test_its_expression_shows_the_feeling_and_fades(mia: Stage) -> None:
    mia.say("expression", name="joy", weight=1, ms=100)  # "smile", by its name
    mia.until("vaidol.puppet.value('ParamEyeLOpen') < 0.02 && vaidol.puppet.value('ParamMouthForm') > 0.98")
    assert mia.page.locator("#live2d").get_attribute("data-expression") == "joy"
    mia.say("expression", name="f01", weight=0.5, ms=100)
    mia.until("Math.abs(vaidol.puppet.value('MiaTail') - 5) < 0.01")
    mia.until("vaidol.puppet.value('ParamEyeLOpen') > 0.9")
    mia.say("expression", name="surprise", weight=1, ms=100)  # it has none: the engine moves brows and eyes
    mia.until("vaidol.puppet.value('ParamBrowLY') > 0.9 && vaidol.puppet.value('ParamEyeLOpen') > 1.2")
    assert mia.value("MiaTail") == 3


def test_motions_touch_and_held_parameters(mia: Stage) -> None:
    mia.say("param", id="MiaTail", value=9, weight=1, ms=1)
    mia.until("vaidol.puppet.value('MiaTail') === 9")
    box = mia.page.evaluate(
        "(() => { const {x, y, width, height} = fakeModel.getBounds(); return [x + width / 2, y + height * 0.2]; })()"
    )
    host = mia.page.locator("#avatar").bounding_box()
    assert host is not None
    mia.page.mouse.click(host["x"] + box[0], host["y"] + box[1])
    mia.until("vaidol.puppet.value('ParamArmLA') > 4.5")
    assert mia.page.evaluate("fakeModel.played") == [["TapHead", 0, 3]]
    [touch] = mia.sent("touch")
    assert touch["area"] == "Head"
    mia.until("document.querySelector('#live2d').dataset.motion === ''")
    mia.say("motion", name="nod")  # not one of its own: the head nods
    mia.until("vaidol.puppet.value('ParamAngleY') < -6")
    mia.say("motion", name="", group="TapHead", index=0, priority="force")
    mia.until("document.querySelector('#live2d').dataset.motion === 'TapHead'")
    mia.say("motion", name="shake", priority="normal")
    assert mia.page.locator("#live2d").get_attribute("data-motion") == "TapHead"
    told = protocol.parse(protocol.encode(mia.sent("avatar")[-1]))
    assert isinstance(told, protocol.Avatar)
    assert (told.model, told.motions["TapHead"]) == ("mia", 1)
    assert {"f01", "joy"} <= set(told.expressions)
    assert {"MiaTail", "ParamAngleX"} <= set(told.params)


def test_old_names_and_other_ranges_are_mapped(browser: Any, server: Server) -> None:
    with staged(browser, server, "?avatar=old") as stage:
        stage.page.locator("#live2d[aria-label$=old]").wait_for()
        stage.call()
        speak(stage, 0.5)
        stage.until("Math.abs(vaidol.puppet.value('PARAM_MOUTH_OPEN_Y') - 1) < 0.02")
        stage.page.mouse.move(1270, 300)
        stage.until("vaidol.puppet.value('PARAM_ANGLE_X') > 18")  # twice as far as 30 is the most
        assert stage.value("ParamAngleX") == stage.value("PARAM_ANGLE_X")
        stage.until("vaidol.puppet.value('PARAM_EYE_L_OPEN') < 0.5")
        assert stage.complaints == []


def test_a_mouth_of_vowels_says_vowels(browser: Any, server: Server) -> None:
    with staged(browser, server, "?avatar=lee") as stage:
        stage.page.locator("#live2d[aria-label$=lee]").wait_for()
        stage.call()
        speak(stage, 0.8, i=0.6, e=0.1)
        stage.until("Math.abs(vaidol.puppet.value('ParamI') - 0.6) < 0.01 && vaidol.puppet.value('ParamA') < 0.01")
        stage.say("motion", name="", group="", index=0)  # lies beside it, and its model3.json does not list it
        stage.until("fakeModel.played.length === 1")
        assert stage.complaints == []


def test_a_person_chooses_and_the_page_remembers(browser: Any, server: Server) -> None:
    with staged(browser, server) as stage:
        page = stage.page
        page.locator("#live2d").wait_for()
        page.get_by_role("button", name="Choose the avatar").click()
        names = page.get_by_role("radio").evaluate_all(
            "all => all.map((one) => [one.value, one.checked, one.disabled])"
        )
        assert ["mia/mia.model3.json", True, False] in names
        assert ["bad/bad.model3.json", False, True] in names
        assert "bad.model3.json: line 1" in page.locator("#avatars .broken").inner_text()
        page.get_by_role("radio", name="Vai").check()
        page.locator("#puppet").wait_for()
        assert page.locator("#live2d").count() == 0
        assert page.evaluate("fakePixi.alive") == 0
        page.keyboard.press("Escape")
        page.reload()
        page.locator("#puppet").wait_for()
        page.wait_for_timeout(300)
        assert page.locator("#live2d").count() == 0
        assert stage.complaints == []


@pytest.mark.parametrize("overlay", [False, True])
def test_a_persona_brings_its_avatar_and_the_one_before_comes_back(browser: Any, server: Server, overlay: bool) -> None:
    with staged(browser, server, "overlay" if overlay else "") as stage:
        if overlay:
            stage.page.locator("body[data-viewer=live]").wait_for()
        else:
            stage.call()
        for avatar, shown in (("lee", "lee"), ("", "mia"), ("mia", "mia"), ("lee/lee.model3.json", "lee"), ("", "mia")):
            stage.say("persona", name=f"as {avatar}", title="Ann", avatar=avatar)
            stage.page.locator(f"#live2d[aria-label$={shown}]").wait_for()
        stage.say("persona", name="ghost", title="Ghost", avatar="nobody")
        stage.page.locator("#puppet").wait_for()
        assert overlay or stage.text("#notice-text") == "The server has no avatar “nobody”."
        assert stage.complaints == []


def test_a_model_that_cannot_be_drawn_leaves_the_puppet_there(browser: Any, server: Server) -> None:
    with staged(browser, server, "?avatar=torn") as stage:
        stage.page.locator("#puppet").wait_for()
        assert "The model torn could not be drawn: " in stage.text("#notice")
        assert stage.page.evaluate("fakePixi.alive") == 0
        stage.page.get_by_role("button", name="Choose the avatar").click()
        stage.page.get_by_role("radio", name="mia").check()
        stage.page.locator("#live2d").wait_for()
        stage.page.get_by_role("radio", name="torn").check()
        stage.page.locator("#puppet").wait_for()
        assert stage.page.locator("#live2d").count() == 0
        assert "torn" in stage.text("#avatars-trouble")
        assert stage.page.get_by_role("radio", name="Vai").is_checked()


def test_what_an_expression_shows_is_edited_on_the_page(browser: Any, server: Server, models: Path) -> None:
    with staged(browser, server) as stage:
        page = stage.page
        page.locator("#live2d").wait_for()
        stage.call()
        page.get_by_role("button", name="Choose the avatar").click()
        joy = page.get_by_label("Expression for joy")
        assert joy.locator("option:checked").inner_text() == "guessed: smile"
        page.get_by_label("Expression for anger").select_option("=f01")
        stage.until("vaidol.puppet.value('MiaTail') > 6.9")  # shown at once
        page.get_by_role("button", name="Save").click()
        page.locator("output", has_text="Saved").wait_for()
        page.keyboard.press("Escape")
        stage.say("expression", name="anger", weight=1, ms=50)
        stage.until("vaidol.puppet.value('MiaTail') > 6.9")
        assert stage.complaints == []
    notes = models / "mia" / "mia.vaidol.json"
    assert '"anger": "f01"' in notes.read_text()
    notes.unlink()


def test_without_a_runtime_the_puppet_stands_in_and_the_page_says_what_is_missing(
    browser: Any, models: Path, tmp_path: Path
) -> None:
    runtime = tmp_path / "runtime"
    shutil.copytree(RUNTIME, runtime)
    (runtime / "live2dcubismcore.min.js").unlink()
    options = ("--live2d-models", str(models), "--live2d-runtime", str(runtime))
    with serving(tmp_path, "echo", *options) as server, staged(browser, server, "?avatar=mia") as stage:
        page = stage.page
        page.locator("#puppet").wait_for()
        assert "live2dcubismcore.min.js" in stage.text("#notice")
        page.get_by_role("button", name="Choose the avatar").click()
        assert "live2dcubismcore.min.js" in stage.text("#avatars-trouble")
        link = page.get_by_role("link", name="Live2D's licence")
        assert str(link.get_attribute("href")).startswith("https://www.live2d.com/")
        shutil.copy(RUNTIME / "live2dcubismcore.min.js", runtime)
        (models / "mia" / "mia.moc3").rename(models / "mia" / "gone")
        page.reload()
        page.locator("#puppet").wait_for()
        (models / "mia" / "gone").rename(models / "mia" / "mia.moc3")
        assert "'mia.moc3' is not there" in stage.text("#notice")
        page.reload()
        page.locator("#live2d").wait_for()
