"""The inspector page in real Chromium, beside a real call that asks and answers by itself: mouse, keyboard, eyes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from vaidol.server.inspector import feed
from vaidol.tests.browser import available, complaints
from vaidol.tests.server.inspector.looking import PROBES, WAIT_MS, edge, probe, until
from vaidol.tests.server.inspector.stage import SECRET, TALK, Replier, Stage, staged, wide

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]
SOUND, WORDS = "noise.sound -> sink.sound", "noise.words -> sink.words"


def test_the_graph_lives(page: Page) -> None:
    assert page.locator(".node").count() == len(TALK["nodes"])
    until(page, f"document.querySelector('[data-edge=\"{SOUND}\"]').hasAttribute('data-flow')")
    until(page, "/\\d+\\/s/.test(document.querySelector('.labels').textContent)")
    until(page, "/ms$/.test(document.querySelector('[data-node=noise] .latency').textContent)")
    until(page, "document.querySelector('#turn').textContent.includes('reply')")
    assert "ms" in page.inner_text("#lag")
    until(page, "/^agent, t.replier, (idle|busy)$/.test(document.querySelector('[data-node=agent]').ariaLabel)")
    assert page.locator("#legend li").count() >= 5
    told = page.locator("[data-node=noise] .port title").all_text_contents()
    assert "sound (Audio, 16 kHz, f32)" in told


def test_the_graph_is_walked_with_keys(page: Page) -> None:
    page.focus("#zoom-in")
    page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('data-node')"
    assert page.evaluate(focused) == "mic"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "noise"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == "agent"
    page.keyboard.press("Enter")
    assert page.inner_text("#side h2") == "agent"
    assert page.evaluate("document.activeElement.textContent") == "agent"
    page.keyboard.press("Escape")
    assert page.locator("#side").is_hidden()
    assert page.evaluate(focused) == "agent"
    page.keyboard.press("0")  # with the side panel gone, there is more room
    before = page.get_attribute(".canvas", "transform")
    page.keyboard.press("+")
    assert page.get_attribute(".canvas", "transform") != before
    page.keyboard.press("0")
    assert page.get_attribute(".canvas", "transform") == before


def test_the_graph_is_moved_and_zoomed_with_the_mouse(page: Page) -> None:
    before = page.get_attribute(".canvas", "transform")
    box = page.locator("#graph").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 60, steps=4)
    page.mouse.up()
    moved = page.get_attribute(".canvas", "transform")
    assert moved != before
    page.mouse.wheel(0, -300)
    until(page, f"document.querySelector('.canvas').getAttribute('transform') !== {json.dumps(moved)}")
    page.click("#fit")
    assert page.get_attribute(".canvas", "transform") == before
    assert page.locator("#side").is_hidden()  # a drag is no click


def test_a_node_tells_everything_and_is_changed_live(page: Page, stage: Stage) -> None:
    page.click("[data-node=agent]")
    side = page.locator("#side")
    assert "t.replier: answers with a sum." in side.inner_text()
    until(page, "Number([...document.querySelectorAll('#side .figures dd')][0].textContent) > 0")
    assert until(page, "document.querySelector('#side .chart canvas') !== null")
    key = page.get_by_label("api_key")
    assert key.input_value() == ""
    assert key.get_attribute("placeholder") == "set; write to replace it"
    assert page.get_by_role("button", name="Apply live").is_disabled()
    page.get_by_label("wait_ms").fill("9999")
    assert page.get_by_label("wait_ms").get_attribute("aria-invalid") == "true"
    assert page.get_by_role("button", name="Apply live").is_disabled()
    page.get_by_label("wait_ms").fill("40")
    page.get_by_label("polite").uncheck()
    page.get_by_label("stop").fill('["now"]')
    page.get_by_role("button", name="Apply live").click()
    until(page, "/^revision \\d+/.test(document.querySelector('#side .settings .said').textContent)")
    settings = stage.do(lambda: stage.graph.node("agent").settings)
    assert (settings.wait_ms, settings.polite, settings.stop) == (40, False, ("now",))
    assert settings.api_key.get_secret_value() == SECRET
    side.get_by_role("button", name="sentences").click()
    assert page.inner_text("#side h2") == "agent.text -> sentences.text"


def test_an_edge_is_looked_at_and_listened_to(page: Page, stage: Stage) -> None:
    probe(page, "count")
    others = stage.do(lambda: stage.graph.taps.on(SOUND) + stage.graph.taps.on(WORDS))  # the recorder's
    edge(page, SOUND)
    page.wait_for_selector("#side canvas")
    until(page, f"{PROBES}.lit()")
    until(page, "document.querySelector('#side .level').textContent.includes('-9 dB, peak 0.50, 16 kHz')")
    page.get_by_role("button", name="Listen to this edge").click()
    until(page, "window.played > 0.5")
    page.get_by_role("button", name="Stop listening").press("Enter")
    page.get_by_role("button", name="Pause").click()
    assert page.get_by_role("button", name="Go on").get_attribute("aria-pressed") == "true"
    assert stage.do(lambda: stage.graph.taps.on(SOUND) + stage.graph.taps.on(WORDS)) == others + 1
    edge(page, WORDS)
    until(page, "document.querySelectorAll('#side .stream li').length > 5")
    assert "word " in page.locator("#side .stream li").last.inner_text()
    page.get_by_role("button", name="Close details").click()
    until(page, "document.querySelector('#side').hidden")
    for _ in range(50):
        if stage.do(lambda: stage.graph.taps.on(SOUND) + stage.graph.taps.on(WORDS)) == others:
            return
        page.wait_for_timeout(50)
    raise AssertionError("the taps stay on")


def test_answers_show_where_their_time_went(page: Page) -> None:
    until(page, "document.querySelectorAll('.answers li').length >= 5 && document.querySelector('.fall')")
    text = page.inner_text("#waterfall .detail")
    assert "Heard What is " in text
    assert "Said That is " in text
    assert "% unattributed" in text
    names = set(page.locator(".sums tbody th").all_text_contents())
    assert {"listening", "asr", "agent", "tts"} <= names
    page.focus(".answers")
    page.keyboard.press("ArrowDown")  # from now on newer answers do not change which one is shown
    first = page.locator(".answers [aria-selected=true]").get_attribute("data-trace")
    page.keyboard.press("ArrowDown")
    second = page.locator(".answers [aria-selected=true]").get_attribute("data-trace")
    assert second != first
    page.get_by_label("Compare with").select_option(index=1)
    until(page, "document.querySelectorAll('.fall').length === 2")
    assert "change" in page.inner_text("#waterfall .detail")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export trace").click()
    trace = json.loads(download.value.path().read_text())
    assert any(event.get("cat") == "service" for event in trace["traceEvents"])


def test_tabs_events_and_table_work_by_keyboard(page: Page) -> None:
    page.focus("#tab-waterfall")
    page.keyboard.press("ArrowRight")
    assert page.locator("#events").is_visible()
    until(page, "document.querySelectorAll('#events tbody tr').length > 5")
    page.get_by_label("Kind of event").select_option("transcript")
    rows = page.locator("#events tbody tr")
    until(
        page, "[...document.querySelectorAll('#events tbody tr')].every((r) => r.cells[1].textContent === 'transcript')"
    )
    assert rows.count() >= 1
    page.get_by_label("Words in the event").fill("no such words")
    assert rows.count() == 0
    page.get_by_label("Words in the event").fill("")
    page.locator("#events").get_by_role("button", name="Pause").click()
    until(page, "document.querySelector('#events [role=status]').textContent.includes('more while paused')")
    page.focus("#tab-events")
    page.keyboard.press("End")
    assert page.locator("#table").is_visible()
    until(page, "document.querySelector('#table').textContent.includes('t.replier')")
    page.locator("#table").get_by_role("button", name=WORDS).press("Enter")
    assert page.inner_text("#side h2") == WORDS


def test_what_happened_is_saved_recorded_fetched_and_removed(page: Page) -> None:
    page.click("#tab-recordings")
    page.get_by_role("button", name="Save last 30 s").click()
    until(page, "document.querySelectorAll('#recordings tbody tr').length === 1")
    page.get_by_role("button", name="Record", exact=True).press("Enter")
    stop = page.get_by_role("button", name="Stop recording")
    assert stop.get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(300)
    stop.click()
    until(page, "document.querySelectorAll('#recordings tbody tr').length === 2")
    assert page.locator("#recordings audio").count() == 1
    with page.expect_download() as download:
        page.locator("#recordings tr", has_text=".mcap").get_by_role("link", name="Download").click()
    saved = download.value.path().read_bytes()
    assert saved.startswith(b"\x89MCAP")
    assert SECRET.encode() not in saved
    for left in (1, 0):
        page.locator("#recordings").get_by_role("button", name="Remove").first.click()
        until(page, f"document.querySelectorAll('#recordings tbody tr').length === {left}")


def test_a_node_that_fails_says_why(page: Page) -> None:
    Replier.broken = True
    try:
        until(
            page, "document.querySelector('[data-node=agent]').getAttribute('aria-label').includes('the model refuses')"
        )
        page.click("#tab-events")
        page.get_by_label("Kind of event").select_option("!")
        until(page, "document.querySelector('#events [data-trouble]')")
        page.click("[data-node=agent]")
        until(page, "!document.querySelector('#side .reason').hidden")
        assert "refuses the key **********" in page.inner_text("#side .reason")
    finally:
        Replier.broken = False


def test_a_lost_connection_comes_back_with_session_and_tap(page: Page, stage: Stage) -> None:
    edge(page, WORDS)
    until(page, "document.querySelectorAll('#side .stream li').length > 1")

    async def drop() -> None:
        await stage.server.feed.close()

    stage.run(drop())
    until(page, "document.body.dataset.feed !== 'open'")
    until(page, "document.body.dataset.feed === 'open'")
    page.wait_for_selector("[data-node=agent][data-state]")


def test_fifty_nodes_are_readable_at_once(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "BEAT_S", 0.25)  # the machine that tests this may be slow
    with staged(wide(50)) as stage:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        faults = complaints(page)
        page.goto(f"{stage.url}/inspector")
        page.wait_for_selector("[data-node=row0_0][data-state]", timeout=WAIT_MS)
        assert page.locator(".node").count() == 50
        seen = probe(page, "boxes")
        assert seen["inside"]
        assert seen["apart"]
        assert seen["name"] >= 8  # px on the screen
        assert faults == []
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser: Browser, stage: Stage, scheme: Any) -> None:
    page = browser.new_page(color_scheme=scheme)
    page.goto(f"{stage.url}/inspector")
    page.wait_for_selector("[data-node=agent][data-state]")
    ratios = probe(page, "contrast")
    assert [pair for pair in ratios if pair[1] < 4.5] == []
    page.close()
