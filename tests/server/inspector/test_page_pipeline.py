"""The pipeline as text on the inspector page: mistakes at their place, completion, what differs, apply, roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vaidol.tests.browser import available
from vaidol.tests.server.inspector.looking import probe, until
from vaidol.tests.server.inspector.stage import SECRET, Stage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not available(), reason="no chromium on this machine")]


def test_the_pipeline_is_edited_checked_applied_and_rolled_back(page: Page, stage: Stage) -> None:
    page.click("#tab-pipeline")
    page.wait_for_selector(".cm-line")
    until(page, "document.querySelector('.code').shadowRoot.textContent.includes('t.replier')")
    code = page.get_by_label("Pipeline", exact=True).last
    probe(page, "replace", ["mood: lively", "mod: lively"])
    until(page, "document.querySelector('.problems li')")
    assert "no setting 'mod' here" in page.inner_text(".problems")
    assert page.locator(".cm-lintRange-error").count() == 1
    assert page.get_by_role("button", name="Apply", exact=True).is_disabled()
    page.locator(".problems button").first.click()
    assert page.evaluate("document.querySelector('.code').shadowRoot.activeElement !== null")
    probe(page, "replace", ["mod: lively", "mood: lively"])
    apply = page.get_by_role("button", name="Apply", exact=True)
    until(page, "!document.querySelector('#pipeline .main').disabled")
    assert page.locator(".problems li").count() == 0
    signs = page.locator(".diff [data-sign='+']").all_text_contents()
    assert any("mood: lively" in line for line in signs)
    apply.click()
    until(page, "/^revision \\d+: .*agent/.test(document.querySelector('#pipeline .said').textContent)")
    assert stage.do(lambda: stage.graph.node("agent").settings.mood) == "lively"
    assert stage.graph.node("agent").settings.api_key.get_secret_value() == SECRET
    page.get_by_role("button", name="Roll back").click()
    for _ in range(100):
        if stage.do(lambda: stage.graph.node("agent").settings.mood) == "calm":
            break
        page.wait_for_timeout(50)
    assert stage.do(lambda: stage.graph.node("agent").settings.mood) == "calm"
    until(page, "!document.querySelector('.code').shadowRoot.textContent.includes('lively')")
    assert code.is_visible()


def test_completion_knows_keys_kinds_settings_and_ports(page: Page) -> None:
    page.click("#tab-pipeline")
    page.wait_for_selector(".cm-line")
    until(page, "document.querySelector('.code').shadowRoot.textContent.includes('t.replier')")

    def offered(behind: str, text: str) -> list[str]:
        probe(page, "cursor", behind)
        page.keyboard.type(text)
        page.keyboard.press("Control+Space")
        page.wait_for_selector(".cm-tooltip-autocomplete li")
        found = page.locator(".cm-tooltip-autocomplete li").all_text_contents()
        page.keyboard.press("Escape")
        for _ in text:
            page.keyboard.press("Backspace")
        return found

    assert "on_error: " in [f"{one}: " for one in offered("agent: {", "on")]
    assert "tts.edge" in offered("tts: {use: ", "tts.ed")
    assert "wait_ms" in offered("agent: {use: t.replier, with: {", "wai")
    assert "noise.soundAudio" in offered("edges:\n  - ", "noise.")
    assert "sink.soundAudio" in offered("noise.sound -> ", "sink")
    probe(page, "cursor", "agent: {use: t.replier, with: {")
    page.keyboard.type("wait")
    page.wait_for_selector(".cm-tooltip-autocomplete li")
    page.wait_for_timeout(200)  # it takes no key before it has been seen
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.code').shadowRoot.textContent.includes('wait_ms: api_key')")
    page.get_by_role("button", name="Take what runs").click()
    until(page, "!document.querySelector('.code').shadowRoot.textContent.includes('wait_ms: api_key')")
