"""Another persona chosen on the page, in a real browser, while the call goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vaidol.tests.browser import calm, chromium, complaints
from vaidol.tests.e2e.local_openai import openai_server
from vaidol.tests.e2e.serving import serving
from vaidol.tests.e2e.talking import start, type_in, wait_for_answers
from vaidol.tests.openai_server import OpenaiServer

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
]
PIPELINE = """\
version: 1
name: small
nodes:
  agent: { use: agent.openai, with: { base_url: "${LLM_URL}", tools: ["platform:python_version"] } }
  sentences: { use: text.sentences }
  tts: { use: tts.espeak }
  out: { use: webrtc.out }
  emotion: { use: expression.emotion }
  page: { use: webrtc.data }
edges:
  - page.text -> agent.user
  - agent.text -> sentences.text
  - sentences.sentence -> tts.text
  - tts.audio -> out.audio
  - out.spoken -> page.spoken, emotion.spoken
  - { from: out.spoken, to: agent.heard, feedback: true }
  - emotion.cue -> page.cue
"""


def test_a_persona_is_chosen_on_the_page_and_tools_are_shown(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(PIPELINE)
    with (
        openai_server(OpenaiServer(reply=lambda _: "[joy] So it is.")) as model,
        serving(tmp_path, str(tmp_path / "small.yaml"), LLM_URL=model.url) as server,
        chromium() as browser,
    ):
        page = calm(browser, bypass_csp=True).new_page()
        wrong = complaints(page)
        start(page, server.url)
        list_ = page.locator("#persona select")
        list_.wait_for(state="visible")
        assert list_.input_value() == "vai"
        model.calls.append([("python_version", "{}")])
        type_in(page, "Which Python is this?")
        wait_for_answers(page, 1)
        assert "python_version(): 3." in page.inner_text("#transcript")
        list_.select_option("mo")
        page.wait_for_function("document.querySelector('#transcript').innerText.includes('Mo goes on.')")
        type_in(page, "And who are you?")
        wait_for_answers(page, 2)
        assert "You are Mo" in model.asked[-1]["messages"][0]["content"]
        list_.select_option("vai")
        page.wait_for_function("document.querySelector('#transcript').innerText.includes('Vai goes on.')")
        assert wrong == []
    assert "Traceback" not in server.log.read_text()
